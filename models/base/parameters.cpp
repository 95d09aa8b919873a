// SPDX-License-Identifier: Apache-2.0
#include "models/base/parameters.h"

#include <cctype>
#include <limits>
#include <numeric>

#include <fmt/format.h>

namespace sluice::base {
namespace {

template <class T>
std::string text_of(const T& value) {
  return to_text(value);
}
std::string text_of(unsigned value) { return std::to_string(value); }

/// Set and get of a field with a parser and a range.
template <class T, class Parse>
Parameter ranged(std::string name, std::string kind, T& field, Range<T> range, Parse parse, std::string help,
                 std::string source) {
  const std::string allowed = text_of(range.low) + " to " + text_of(range.high);
  auto set = [&field, range, parse, allowed](std::string_view text) -> Parsed<void> {
    const auto value = parse(text);
    if (!value) return tl::unexpected{value.error()};
    if (*value < range.low || *value > range.high) {
      return tl::unexpected{fmt::format("{} is outside {}", text, allowed)};
    }
    field = *value;
    return {};
  };
  return {std::move(name), std::move(kind), allowed, std::move(help), std::move(source), std::move(set), [&field] {
            return text_of(field);
          }};
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

void ParameterTable::add(std::string name, Bytes& field, Range<Bytes> range, std::string help, std::string source) {
  m_parameters.push_back(
      ranged(std::move(name), "bytes", field, range, parse_bytes, std::move(help), std::move(source)));
}
void ParameterTable::add(std::string name, Picoseconds& field, Range<Picoseconds> range, std::string help,
                         std::string source) {
  m_parameters.push_back(ranged(std::move(name), "time", field, range, parse_time, std::move(help), std::move(source)));
}
void ParameterTable::add(std::string name, BitRate& field, Range<BitRate> range, std::string help, std::string source) {
  m_parameters.push_back(
      ranged(std::move(name), "bit rate", field, range, parse_bit_rate, std::move(help), std::move(source)));
}
void ParameterTable::add(std::string name, ByteRate& field, Range<ByteRate> range, std::string help,
                         std::string source) {
  m_parameters.push_back(
      ranged(std::move(name), "byte rate", field, range, parse_byte_rate, std::move(help), std::move(source)));
}
void ParameterTable::add(std::string name, Frequency& field, Range<Frequency> range, std::string help,
                         std::string source) {
  m_parameters.push_back(
      ranged(std::move(name), "frequency", field, range, parse_frequency, std::move(help), std::move(source)));
}
void ParameterTable::add(std::string name, CpuCost& field, std::string help, std::string source) {
  auto set = [&field](std::string_view text) -> Parsed<void> {
    const Parsed<CpuCost> value = parse_cpu_cost(text);
    if (!value) return tl::unexpected{value.error()};
    field = *value;
    return {};
  };
  m_parameters.push_back({std::move(name), "cpu cost", "cycles, or a time", std::move(help), std::move(source),
                          std::move(set), [&field] { return to_text(field); }});
}
void ParameterTable::add(std::string name, Fraction& field, Range<Fraction> range, std::string help,
                         std::string source) {
  m_parameters.push_back(
      ranged(std::move(name), "fraction", field, range, parse_fraction, std::move(help), std::move(source)));
}
void ParameterTable::add(std::string name, unsigned& field, Range<unsigned> range, std::string help,
                         std::string source) {
  m_parameters.push_back(
      ranged(std::move(name), "count", field, range, parse_unsigned, std::move(help), std::move(source)));
}
void ParameterTable::add(std::string name, bool& field, std::string help, std::string source) {
  auto set = [&field](std::string_view text) -> Parsed<void> {
    const Parsed<bool> value = parse_flag(text);
    if (!value) return tl::unexpected{value.error()};
    field = *value;
    return {};
  };
  m_parameters.push_back({std::move(name), "flag", "true or false", std::move(help), std::move(source), std::move(set),
                          [&field] { return std::string{field ? "true" : "false"}; }});
}

void ParameterTable::add_choice_by_index(std::string name, std::vector<std::string> choices,
                                         std::function<void(std::size_t)> set, std::function<std::size_t()> get,
                                         std::string help, std::string source) {
  const std::string allowed = joined(choices);
  auto set_by_name = [choices, allowed, set = std::move(set)](std::string_view text) -> Parsed<void> {
    const auto found = std::find(choices.begin(), choices.end(), text);
    if (found == choices.end()) {
      const std::string near = nearest_name(text, choices);
      return tl::unexpected{fmt::format("'{}' is not a choice{}: allowed are {}", text,
                                        near.empty() ? "" : ", did you mean " + near + "?", allowed)};
    }
    set(static_cast<std::size_t>(found - choices.begin()));
    return {};
  };
  m_parameters.push_back({std::move(name), "choice", allowed, std::move(help), std::move(source),
                          std::move(set_by_name), [choices, get = std::move(get)] { return choices.at(get()); }});
}

void ParameterTable::include(const std::string& prefix, const ParameterTable& part) {
  for (Parameter parameter : part.m_parameters) {
    parameter.name = prefix + "." + parameter.name;
    m_parameters.push_back(std::move(parameter));
  }
}

Parameter* ParameterTable::find(std::string_view name) {
  const auto found =
      std::find_if(m_parameters.begin(), m_parameters.end(), [&](const Parameter& p) { return p.name == name; });
  return found == m_parameters.end() ? nullptr : &*found;
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
