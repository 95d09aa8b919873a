// SPDX-License-Identifier: Apache-2.0
#include "tools/report/details.h"

#include <algorithm>
#include <type_traits>
#include <variant>

#include <fmt/format.h>

#include "tools/report/programs.h"
#include "tools/report/text.h"

namespace sluice::report {
namespace {

using results::Field;
using results::Named;
using results::Unit;

std::string share_text(double share) { return fmt::format("{:.0f} %", 100 * share); }

/// A number as its unit wants it.
std::string number_text(double value, Unit unit) {
  switch (unit) {
    case Unit::Bytes:
      return size_text(value);
    case Unit::Nanoseconds:
      return time_text(value);
    case Unit::Seconds:
      return time_text(value * 1e9);
    case Unit::BytesPerSecond:
      return rate_text(value);
    case Unit::Share:
      return share_text(value);
    case Unit::Percent:
      return fmt::format("{:.1f} %", value);
    case Unit::None:
    case Unit::Count:
    case Unit::PerByte:
      return count_text(value);
  }
  return "";
}

/// "elapsed_ns" as "elapsed": the unit stands behind the number.
std::string label_of(std::string key) {
  for (const std::string unit : {"_bytes_per_s", "_ns", "_bytes", "_s"}) {
    if (key.ends_with(unit)) key.erase(key.size() - unit.size());
  }
  return as_words(key);
}

/// Lines of name and value.
class Lines {
 public:
  void add(const std::string& name, const std::string& value) {
    if (!value.empty()) m_text += fmt::format("  {:<20}{}\n", name, value);
  }
  [[nodiscard]] const std::string& text() const { return m_text; }

 private:
  std::string m_text;
};

template <class T>
std::string scalar_text(const Field& field, const T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    return value;
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? field.key : fmt::format("NOT {}", field.key);
  } else {
    return number_text(static_cast<double>(value), field.unit);
  }
}

template <class T>
std::string value_text(const Field& field, const T& value);

/// The members of a group in one line. A time of 0 says nothing and is left out.
template <class T>
std::string group_text(const T& group) {
  std::vector<std::string> parts;
  T::describe([&](const Field& field, auto member) {
    const auto& value = group.*member;
    const auto add = [&](const auto& inner) {
      using Inner = std::remove_cvref_t<decltype(inner)>;
      if constexpr (std::is_arithmetic_v<Inner>) {
        if (field.unit == Unit::Nanoseconds && inner == 0) return;
      }
      const std::string text = value_text(field, inner);
      parts.push_back(std::is_same_v<Inner, bool> ? text : label_of(field.key) + " " + text);
    };
    if constexpr (results::kIsOptional<std::remove_cvref_t<decltype(value)>>) {
      if (value) add(*value);
    } else {
      add(value);
    }
  });
  return joined(parts);
}

/// By name: the largest first where names share a time, else in their order.
template <class T>
std::string named_text(const Field& field, const Named<T>& named) {
  std::vector<std::string> parts;
  if constexpr (std::is_arithmetic_v<T>) {
    const bool by_size = field.unit == Unit::Nanoseconds || field.unit == Unit::Share;
    Named<T> sorted = named;
    if (by_size) {
      std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    }
    for (const auto& [name, value] : sorted) {
      if (by_size && value == 0) continue;
      const std::string number = number_text(static_cast<double>(value), field.unit);
      parts.push_back(field.unit == Unit::Count ? fmt::format("{} x {}", name, number)
                                                : fmt::format("{} {}", as_words(name), number));
    }
  } else {
    for (const auto& [name, value] : named) {
      const std::string text = value_text(field, value);
      parts.push_back(std::is_same_v<T, std::string> ? name + " = " + text : name + ": " + text);
    }
  }
  return joined(parts, results::Described<T> ? "; " : ", ");
}

template <class T>
std::string value_text(const Field& field, const T& value) {
  if constexpr (results::Described<T>) {
    return group_text(value);
  } else if constexpr (results::kIsNamed<T>) {
    return named_text(field, value);
  } else if constexpr (results::kIsOrWhyNot<T>) {
    return std::visit([&](const auto& inner) { return value_text(field, inner); }, value);
  } else if constexpr (results::kIsList<T>) {
    std::vector<std::string> parts;
    parts.reserve(value.size());
    for (const auto& inner : value) parts.push_back(value_text(field, inner));
    return joined(parts);
  } else {
    return scalar_text(field, value);
  }
}

std::string moves_text(const std::vector<results::MoveInfo>& moves) {
  std::string text = "  payload moves\n";
  for (const results::MoveInfo& move : moves) {
    if (move.bytes == 0) continue;  // headers and acknowledgements alone
    text += fmt::format("    {:<18}{:>9}  {} -> {}\n", move.by, size_text(static_cast<double>(move.bytes)), move.from,
                        move.to);
  }
  return text;
}

/// Counts and bytes have a line each, so that they can be found.
template <class T>
void add_lines(Lines& lines, const std::string& prefix, const T& group) {
  T::describe([&](const Field& field, auto member) {
    const auto& value = group.*member;
    if constexpr (results::kIsOptional<std::remove_cvref_t<decltype(value)>>) {
      if (value) lines.add(prefix + label_of(field.key), value_text(field, *value));
    } else {
      lines.add(prefix + label_of(field.key), value_text(field, value));
    }
  });
}

/// Stands in the heading or the end of the text, or is no matter of a person's.
bool has_a_place_of_its_own(const std::string& key) {
  return key == "strategy" || key == "point" || key == "kernel" || key == "workload" || key == "moves" ||
         key == "strace" || key == "failures" || key == "expectations";
}

/// Programs have tables.
bool has_a_table(const std::string& key) {
  return key == "processes" || key == "measures" || key == "samples" || key == "output";
}

/// One transfer has no distribution.
bool says_nothing(const std::string& key, const RunResult& run) {
  return key == "latency_ns" && (!run.workload || run.workload->transfers() < 2);
}

}  // namespace

std::string details(const RunResult& run) {
  const std::string point = point_text(run.point);
  std::string out = run.strategy + (point.empty() ? "" : " (" + point + ")");
  if (!run.complete()) return out + "\n" + complaints(run);
  if (run.workload) out += ": " + workload_text(run);
  out += "\n";
  Lines lines;
  RunResult::describe([&](const Field& field, auto member) {
    if (has_a_place_of_its_own(field.key) || has_a_table(field.key) || says_nothing(field.key, run)) return;
    const auto add = [&](const auto& value) {
      using Value = std::remove_cvref_t<decltype(value)>;
      if constexpr (std::is_same_v<Value, results::Counts>) {
        add_lines(lines, "", value);
      } else if constexpr (std::is_same_v<Value, results::ByteCounts>) {
        add_lines(lines, "bytes ", value);
      } else {
        lines.add(label_of(field.key), value_text(field, value));
      }
    };
    const auto& value = run.*member;
    if constexpr (results::kIsOptional<std::remove_cvref_t<decltype(value)>>) {
      if (value) add(*value);
    } else {
      add(value);
    }
  });
  out += lines.text();
  if (run.moves) out += moves_text(*run.moves);
  if (run.strategy == results::kPrograms) out += programs_tables({run}) + "\n";
  return out + complaints(run);
}

}  // namespace sluice::report
