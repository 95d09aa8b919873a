// SPDX-License-Identifier: Apache-2.0
#include "models/base/parameters.h"

#include <cctype>
#include <limits>
#include <numeric>

#include <fmt/format.h>

namespace sluice::base {
namespace {

constexpr const char* kCpuCost = "cpu cost";

template <class T>
std::string text_of(const T& value) {
  return to_text(value);
}
std::string text_of(unsigned value) { return std::to_string(value); }

/// What is counted in single bytes by those who set it, as an MTU is, is written so.
bool in_single_bytes(const Range<Bytes>& range) { return range.low % 1_KiB != 0 && range.high < 64_KiB; }
template <class T>
std::string text_in(const Range<T>& range, const T& value) {
  if constexpr (std::is_same_v<T, Bytes>) {
    if (in_single_bytes(range)) return std::to_string(value) + " B";
  }
  return text_of(value);
}

template <class T>
Parsed<void> check_range(const T& value, const Range<T>& range, std::string_view text) {
  if (value >= range.low && value <= range.high) return {};
  return tl::unexpected{
      fmt::format("{} is outside {} to {}", text, text_in(range, range.low), text_in(range, range.high))};
}

/// A line for a field of type T with a parser and a range.
template <class T, class Parse>
ParameterDescription ranged(std::ptrdiff_t offset, const char* name, const char* kind, Range<T> range, Parse parse,
                            const char* help, const char* source) {
  auto set = [range, parse](void* field, std::string_view text) -> Parsed<void> {
    const auto value = parse(text);
    if (!value) return tl::unexpected{value.error()};
    return check_range<T>(*value, range, text).map([&] { *static_cast<T*>(field) = *value; });
  };
  auto multiply = [range](void* field, Factor factor) -> Parsed<void> {
    const auto value = multiplied(*static_cast<T*>(field), factor);
    if (!value) return tl::unexpected{value.error()};
    return check_range<T>(*value, range, text_of(*value)).map([&] { *static_cast<T*>(field) = *value; });
  };
  return {name,
          kind,
          text_in(range, range.low) + " to " + text_in(range, range.high),
          help,
          source,
          std::move(set),
          [range](const void* field) { return text_in(range, *static_cast<const T*>(field)); },
          std::move(multiply),
          offset};
}

Parsed<unsigned> parse_unsigned(std::string_view text) {
  const Parsed<std::uint64_t> value = parse_count(text);
  if (!value) return tl::unexpected{value.error()};
  if (*value > std::numeric_limits<unsigned>::max()) return tl::unexpected{fmt::format("'{}' is too large", text)};
  return static_cast<unsigned>(*value);
}

std::string joined(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "" : ", ") + word;
  return list;
}

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

/// Levenshtein distance; a difference in case only costs nothing, so that "gbps" is near "Gbps".
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

void Parameters::add(std::ptrdiff_t offset, const char* name, Range<Bytes> range, const char* help,
                     const char* source) {
  m_list->push_back(ranged(offset, name, "bytes", range, parse_bytes, help, source));
}
void Parameters::add(std::ptrdiff_t offset, const char* name, Range<Picoseconds> range, const char* help,
                     const char* source) {
  m_list->push_back(ranged(offset, name, "time", range, parse_time, help, source));
}
void Parameters::add(std::ptrdiff_t offset, const char* name, Range<BitRate> range, const char* help,
                     const char* source) {
  m_list->push_back(ranged(offset, name, "bit rate", range, parse_bit_rate, help, source));
}
void Parameters::add(std::ptrdiff_t offset, const char* name, Range<ByteRate> range, const char* help,
                     const char* source) {
  m_list->push_back(ranged(offset, name, "byte rate", range, parse_byte_rate, help, source));
}
void Parameters::add(std::ptrdiff_t offset, const char* name, Range<Frequency> range, const char* help,
                     const char* source) {
  m_list->push_back(ranged(offset, name, "frequency", range, parse_frequency, help, source));
}
void Parameters::add(std::ptrdiff_t offset, const char* name, Range<Fraction> range, const char* help,
                     const char* source) {
  m_list->push_back(ranged(offset, name, "fraction", range, parse_fraction, help, source));
}
void Parameters::add(std::ptrdiff_t offset, const char* name, Range<unsigned> range, const char* help,
                     const char* source) {
  m_list->push_back(ranged(offset, name, "count", range, parse_unsigned, help, source));
}

void Parameters::add_cost(std::ptrdiff_t offset, const char* name, const char* help, const char* source) {
  auto set = [](void* field, std::string_view text) -> Parsed<void> {
    return parse_cpu_cost(text).map([&](CpuCost value) { *static_cast<CpuCost*>(field) = value; });
  };
  auto multiply = [](void* field, Factor factor) -> Parsed<void> {
    return multiplied(*static_cast<CpuCost*>(field), factor).map([&](CpuCost value) {
      *static_cast<CpuCost*>(field) = value;
    });
  };
  m_list->push_back({name, kCpuCost, "cycles, or a time", help, source, std::move(set),
                     [](const void* field) { return to_text(*static_cast<const CpuCost*>(field)); },
                     std::move(multiply), offset});
}

void Parameters::add_flag(std::ptrdiff_t offset, const char* name, const char* help, const char* source) {
  auto set = [](void* field, std::string_view text) -> Parsed<void> {
    return parse_flag(text).map([&](bool value) { *static_cast<bool*>(field) = value; });
  };
  m_list->push_back({name,
                     "flag",
                     "true or false",
                     help,
                     source,
                     std::move(set),
                     [](const void* field) { return std::string{*static_cast<const bool*>(field) ? "true" : "false"}; },
                     {},
                     offset});
}

void Parameters::add_choice(std::ptrdiff_t offset, const char* name, std::vector<std::string> names,
                            void (*set)(void*, std::size_t), std::size_t (*get)(const void*), const char* help,
                            const char* source) {
  const std::string allowed = joined(names);
  auto set_by_name = [names, allowed, set](void* field, std::string_view text) -> Parsed<void> {
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) {
      const std::string near = nearest_name(text, names);
      return tl::unexpected{fmt::format("'{}' is not a choice{}: allowed are {}", text,
                                        near.empty() ? "" : ", did you mean " + near + "?", allowed)};
    }
    set(field, static_cast<std::size_t>(found - names.begin()));
    return {};
  };
  auto get_name = [names, get](const void* field) { return names.at(get(field)); };
  m_list->push_back({name, "choice", allowed, help, source, std::move(set_by_name), std::move(get_name), {}, offset});
}

void Parameters::add_part(std::ptrdiff_t offset, const std::string& prefix, const ParameterDescriptions& part) {
  for (ParameterDescription description : part) {
    description.name = prefix + description.name;
    description.offset += offset;
    m_list->push_back(std::move(description));
  }
}

Parsed<void> Parameter::multiply(Factor factor) const {
  if (!m_description->multiply) return tl::unexpected{fmt::format("a {} cannot be multiplied", kind())};
  return m_description->multiply(m_field, factor);
}

CpuCost* Parameter::as_cost() const { return kind() == kCpuCost ? static_cast<CpuCost*>(m_field) : nullptr; }

std::vector<Parameter> ParameterTable::parameters() const {
  std::vector<Parameter> all;
  all.reserve(m_descriptions->size());
  for (const ParameterDescription& description : *m_descriptions) all.emplace_back(description, *m_object);
  return all;
}

std::optional<Parameter> ParameterTable::find(std::string_view name) const {
  for (const ParameterDescription& description : *m_descriptions) {
    if (description.name == name) return Parameter{description, *m_object};
  }
  return {};
}

std::vector<std::string> ParameterTable::rules_of(const std::string& name) const {
  std::vector<std::string> texts;
  for (const auto& [names, text] : m_rules) {
    if (std::find(names.begin(), names.end(), name) != names.end()) texts.push_back(text);
  }
  return texts;
}

std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestWord = 64;  // nobody mistypes a longer one into something we know
  if (word.size() > kLongestWord) return {};
  const std::string* best = nullptr;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;  // more is another word
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best == nullptr ? std::string{} : *best;
}

}  // namespace sluice::base
