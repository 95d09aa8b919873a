// SPDX-License-Identifier: Apache-2.0
#include "models/base/quantity.h"

#include <array>
#include <limits>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "models/base/parameters.h"

namespace sluice::base {
namespace {

__extension__ typedef unsigned __int128 Wide;  // not in ISO C++

struct Unit {
  std::string_view name;
  std::uint64_t scale;
  bool written = true;  ///< to_text may use it
};

/// A kind of quantity: its units and how people call it.
struct Kind {
  std::span<const Unit> units;
  std::string_view example;
  std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
};

constexpr std::uint64_t kKilo = 1'000, kMega = 1'000'000, kGiga = 1'000'000'000, kTera = 1'000'000'000'000;
constexpr std::array kByteUnits{Unit{"B", 1},       Unit{"KiB", 1_KiB},    Unit{"MiB", 1_MiB},
                                Unit{"GiB", 1_GiB}, Unit{"TiB", 1024_GiB}, Unit{"kB", kKilo, false},
                                Unit{"MB", kMega},  Unit{"GB", kGiga},     Unit{"TB", kTera}};
constexpr std::array kTimeUnits{Unit{"ps", 1}, Unit{"ns", kKilo}, Unit{"us", kMega}, Unit{"ms", kGiga},
                                Unit{"s", kTera}};
constexpr std::array kBitRateUnits{Unit{"bps", 1},
                                   Unit{"kbps", kKilo},
                                   Unit{"Mbps", kMega},
                                   Unit{"Gbps", kGiga},
                                   Unit{"Tbps", kTera},
                                   Unit{"b/s", 1, false},
                                   Unit{"kb/s", kKilo, false},
                                   Unit{"Mb/s", kMega, false},
                                   Unit{"Gb/s", kGiga, false},
                                   Unit{"Tb/s", kTera, false}};
constexpr std::array kByteRateUnits{Unit{"B/s", 1},       Unit{"kB/s", kKilo}, Unit{"MB/s", kMega},
                                    Unit{"GB/s", kGiga},  Unit{"TB/s", kTera}, Unit{"KiB/s", 1_KiB},
                                    Unit{"MiB/s", 1_MiB}, Unit{"GiB/s", 1_GiB}};
constexpr std::array kFrequencyUnits{Unit{"Hz", 1}, Unit{"kHz", kKilo}, Unit{"MHz", kMega}, Unit{"GHz", kGiga}};
constexpr std::array kCycleUnits{Unit{"cycles", 1'000}, Unit{"cycle", 1'000, false}};  // in millicycles
constexpr std::array kShareUnits{Unit{"%", 10'000}};                                   // in parts per million

constexpr std::array kMultipleUnits{Unit{"x", 100'000'000}, Unit{"%", 1'000'000}};  // in hundred-millionths

constexpr std::uint64_t kLargestTime = std::numeric_limits<std::int64_t>::max();
constexpr Kind kBytes{kByteUnits, "64 KiB"};
constexpr Kind kTime{kTimeUnits, "1.5 us", kLargestTime};
constexpr Kind kBitRate{kBitRateUnits, "25 Gbps"};
constexpr Kind kByteRate{kByteRateUnits, "3.2 GB/s"};
constexpr Kind kFrequency{kFrequencyUnits, "2.4 GHz"};
constexpr Kind kCycles{kCycleUnits, "120 cycles"};
constexpr Kind kShare{kShareUnits, "85 %"};
constexpr Kind kMultiple{kMultipleUnits, "3x"};

std::string allowed_units(std::span<const Unit> units) {
  std::string list;
  for (const Unit& unit : units) list += (list.empty() ? "" : " ") + std::string{unit.name};
  return list;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// A decimal number as mantissa / 10^decimals, without trailing zeros, and the text after it.
struct Decimal {
  Wide mantissa = 0;
  unsigned decimals = 0;
  std::string_view rest;
};

Parsed<Decimal> parse_decimal(std::string_view text, std::string_view example) {
  text = trimmed(text);
  if (text.empty()) return tl::unexpected{fmt::format("empty: write for example {}", example)};
  if (text.front() == '-') return tl::unexpected{fmt::format("'{}' is negative", text)};
  const auto not_a_number = [&] {
    return tl::unexpected{fmt::format("'{}' does not start with a number: write for example {}", text, example)};
  };
  Decimal number;
  std::size_t at = 0;
  std::size_t digits = 0;
  bool after_point = false;
  unsigned zeros_held_back = 0;  // trailing zeros of the fraction count for nothing
  for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !after_point)); ++at) {
    if (text[at] == '.') {
      after_point = true;
      continue;
    }
    ++digits;
    if (after_point && text[at] == '0') {
      ++zeros_held_back;
      continue;
    }
    const unsigned shift = after_point ? zeros_held_back + 1 : 1;
    zeros_held_back = 0;
    for (unsigned i = 0; i < shift; ++i) {
      if (number.mantissa > (~Wide{0}) / 1000) return tl::unexpected{fmt::format("'{}' has too many digits", text)};
      number.mantissa *= 10;
    }
    number.mantissa += static_cast<unsigned>(text[at] - '0');
    if (after_point) number.decimals += shift;
  }
  if (digits == 0 || text[at - 1] == '.') return not_a_number();
  number.rest = trimmed(text.substr(at));
  return number;
}

/// mantissa / 10^decimals * scale as a whole number up to `largest`.
Parsed<std::uint64_t> scaled(const Decimal& number, std::uint64_t scale, std::uint64_t largest, std::string_view text) {
  Wide divisor = 1;
  Wide factor = scale;
  for (unsigned i = 0; i < number.decimals; ++i) {
    if (factor % 10 == 0) {
      factor /= 10;
      continue;
    }
    if (divisor > (~Wide{0}) / 10) return tl::unexpected{fmt::format("'{}' is too fine to be exact", text)};
    divisor *= 10;
  }
  if (number.mantissa != 0 && factor > (~Wide{0}) / number.mantissa) {
    return tl::unexpected{fmt::format("'{}' is too large", text)};
  }
  const Wide product = number.mantissa * factor;
  if (product % divisor != 0) return tl::unexpected{fmt::format("'{}' is too fine to be exact", text)};
  if (product / divisor > largest) return tl::unexpected{fmt::format("'{}' is too large", text)};
  return static_cast<std::uint64_t>(product / divisor);
}

tl::unexpected<std::string> unknown_unit(std::string_view unit, const Kind& kind) {
  std::vector<std::string> names;
  for (const Unit& known : kind.units) names.emplace_back(known.name);
  const std::string near = nearest_name(unit, names);
  return tl::unexpected{fmt::format("unknown unit '{}'{}: allowed are {}", unit,
                                    near.empty() ? "" : ", did you mean " + near + "?", allowed_units(kind.units))};
}

Parsed<std::uint64_t> parse_quantity(std::string_view text, const Kind& kind) {
  const Parsed<Decimal> number = parse_decimal(text, kind.example);
  if (!number) return tl::unexpected{number.error()};
  if (number->rest.empty()) {
    return tl::unexpected{
        fmt::format("missing unit: write for example {} (units: {})", kind.example, allowed_units(kind.units))};
  }
  for (const Unit& unit : kind.units) {
    if (unit.name == number->rest) return scaled(*number, unit.scale, kind.largest, trimmed(text));
  }
  return unknown_unit(number->rest, kind);
}

/// `value` / `scale` as a decimal number; empty when it does not come out.
std::string exact_ratio(std::uint64_t value, std::uint64_t scale) {
  std::string digits = std::to_string(value / scale);
  std::uint64_t rest = value % scale;
  if (rest != 0) digits += '.';
  for (int i = 0; rest != 0; ++i) {
    if (i == 20) return {};
    const Wide next = Wide{rest} * 10;
    digits += static_cast<char>('0' + static_cast<int>(next / scale));
    rest = static_cast<std::uint64_t>(next % scale);
  }
  return digits;
}

/// Of forms of equal length the one whose unit is listed first.
std::string shortest(std::uint64_t value, const Kind& kind) {
  std::string best;
  for (const Unit& unit : kind.units) {
    if (!unit.written) continue;
    const std::string digits = exact_ratio(value, unit.scale);
    if (digits.empty()) continue;
    std::string form = digits + " " + std::string{unit.name};
    if (best.empty() || form.size() < best.size()) best = std::move(form);
  }
  return best;
}

template <class T>
Parsed<T> as(const Parsed<std::uint64_t>& value) {
  return value.map([](std::uint64_t v) { return T{v}; });
}
Parsed<Picoseconds> as_time(const Parsed<std::uint64_t>& value) {
  return value.map([](std::uint64_t v) { return Picoseconds{static_cast<std::int64_t>(v)}; });
}

}  // namespace

Parsed<Bytes> parse_bytes(std::string_view text) { return parse_quantity(text, kBytes); }
Parsed<Picoseconds> parse_time(std::string_view text) { return as_time(parse_quantity(text, kTime)); }
Parsed<BitRate> parse_bit_rate(std::string_view text) { return as<BitRate>(parse_quantity(text, kBitRate)); }
Parsed<ByteRate> parse_byte_rate(std::string_view text) { return as<ByteRate>(parse_quantity(text, kByteRate)); }
Parsed<Frequency> parse_frequency(std::string_view text) { return as<Frequency>(parse_quantity(text, kFrequency)); }

Parsed<CpuCost> parse_cpu_cost(std::string_view text) {
  const Parsed<Decimal> number = parse_decimal(text, kCycles.example);
  if (!number) return tl::unexpected{number.error()};
  for (const Unit& unit : kCycles.units) {
    if (unit.name == number->rest) {
      return scaled(*number, unit.scale, kLargestTime, trimmed(text)).map(CpuCost::millicycles);
    }
  }
  for (const Unit& unit : kTime.units) {
    if (unit.name == number->rest) return parse_time(text).map(CpuCost::time);
  }
  const std::string allowed = "cycles " + allowed_units(kTime.units);
  if (number->rest.empty()) {
    return tl::unexpected{fmt::format("missing unit: write for example 120 cycles or 50 ns (units: {})", allowed)};
  }
  return tl::unexpected{fmt::format("unknown unit '{}': allowed are {}", number->rest, allowed)};
}

Parsed<Fraction> parse_fraction(std::string_view text) {
  const Parsed<Decimal> number = parse_decimal(text, kShare.example);
  if (!number) return tl::unexpected{number.error()};
  if (!number->rest.empty()) return as<Fraction>(parse_quantity(text, kShare));
  const Parsed<std::uint64_t> parts = scaled(*number, 1'000'000, kLargestTime, trimmed(text));
  if (parts && *parts > 1'000'000) {
    return tl::unexpected{fmt::format("'{}' is more than the whole: write for example 85 % or 0.85", trimmed(text))};
  }
  return as<Fraction>(parts);
}

Parsed<std::uint64_t> parse_count(std::string_view text) {
  const Parsed<Decimal> number = parse_decimal(text, "16");
  if (!number) return tl::unexpected{number.error()};
  if (!number->rest.empty()) {
    return tl::unexpected{fmt::format("'{}' is not a whole number: write it without a unit", trimmed(text))};
  }
  if (number->decimals != 0) return tl::unexpected{fmt::format("'{}' is not a whole number", trimmed(text))};
  return scaled(*number, 1, std::numeric_limits<std::uint64_t>::max(), trimmed(text));
}

Parsed<bool> parse_flag(std::string_view text) {
  text = trimmed(text);
  if (text == "true") return true;
  if (text == "false") return false;
  return tl::unexpected{fmt::format("'{}' is neither true nor false", text)};
}

bool is_multiple(std::string_view text) {
  const Parsed<Decimal> number = parse_decimal(text, kMultiple.example);
  return number && number->rest == "x";
}
bool is_percentage(std::string_view text) {
  const Parsed<Decimal> number = parse_decimal(text, kMultiple.example);
  return number && number->rest == "%";
}

Parsed<Factor> parse_factor(std::string_view text) {
  constexpr std::uint64_t kDenominator = 100'000'000;
  return parse_quantity(text, kMultiple).map([](std::uint64_t n) { return Factor{n, kDenominator}; });
}

namespace {

Parsed<std::uint64_t> times(std::uint64_t value, Factor factor, std::uint64_t largest) {
  const Wide product = (Wide{value} * factor.numerator + factor.denominator / 2) / factor.denominator;
  if (product > largest) return tl::unexpected{std::string{"the product is too large"}};
  return static_cast<std::uint64_t>(product);
}
constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Parsed<Bytes> multiplied(Bytes value, Factor factor) { return times(value, factor, kLargest); }
Parsed<unsigned> multiplied(unsigned value, Factor factor) {
  return times(value, factor, std::numeric_limits<unsigned>::max()).map([](std::uint64_t n) {
    return static_cast<unsigned>(n);
  });
}
Parsed<Picoseconds> multiplied(Picoseconds value, Factor factor) {
  return as_time(times(static_cast<std::uint64_t>(value.count()), factor, kLargestTime));
}
Parsed<BitRate> multiplied(BitRate value, Factor factor) { return as<BitRate>(times(value.value(), factor, kLargest)); }
Parsed<ByteRate> multiplied(ByteRate value, Factor factor) {
  return as<ByteRate>(times(value.value(), factor, kLargest));
}
Parsed<Frequency> multiplied(Frequency value, Factor factor) {
  return as<Frequency>(times(value.value(), factor, kLargest));
}
Parsed<CpuCost> multiplied(CpuCost value, Factor factor) {
  if (value.in_millicycles() != 0) {
    return times(value.in_millicycles(), factor, kLargestTime).map(CpuCost::millicycles);
  }
  return multiplied(value.fixed(), factor).map(CpuCost::time);
}
Parsed<Fraction> multiplied(Fraction value, Factor factor) {
  return as<Fraction>(times(value.ppm(), factor, kLargest));
}

std::string to_text(Bytes value) { return shortest(value, kBytes); }
std::string to_text(Picoseconds value) {
  if (value.count() >= 0) return shortest(static_cast<std::uint64_t>(value.count()), kTime);
  return "-" + shortest(std::uint64_t{0} - static_cast<std::uint64_t>(value.count()), kTime);
}
std::string to_text(BitRate value) { return shortest(value.value(), kBitRate); }
std::string to_text(ByteRate value) { return shortest(value.value(), kByteRate); }
std::string to_text(Frequency value) { return shortest(value.value(), kFrequency); }
std::string to_text(CpuCost value) {
  return value.in_millicycles() != 0 ? shortest(value.in_millicycles(), kCycles) : to_text(value.fixed());
}
std::string to_text(Fraction value) { return shortest(value.ppm(), kShare); }

}  // namespace sluice::base
