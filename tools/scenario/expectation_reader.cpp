// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/expectation_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "tools/results/paths.h"

namespace sluice::scenario {
namespace {

std::optional<double> as_number(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || std::isnan(number)) return {};
  return number;
}

double read_number(const std::string& path, const Node& node) {
  const auto number = as_number(node.scalar(path));
  if (!number) throw error_at(node.position, fmt::format("{}: '{}' is not a number", path, node.text));
  return *number;
}

bool is_amount(const Node& node) { return node.find("per_round") != nullptr || node.find("per_file") != nullptr; }

/// A number, or { per_round: NUMBER, per_file: NUMBER }.
Amount read_amount(const std::string& path, const Node& node) {
  if (!node.is_map()) return {.fixed = read_number(path, node)};
  refuse_unknown_keys(node, path, {"per_round", "per_file"});
  Amount amount;
  for (const auto& [key, value] : node.entries) {
    (key.text == "per_round" ? amount.per_round : amount.per_file) = read_number(path + ": " + key.text, value);
  }
  return amount;
}

Expectation read_limits(const std::string& path, const Node& node) {
  refuse_unknown_keys(node, path, {"min", "max"});
  if (node.entries.empty()) throw error_at(node.position, path + ": neither min nor max");
  Expectation expectation{.path = path};
  for (const auto& [key, value] : node.entries) {
    (key.text == "min" ? expectation.min : expectation.max) = read_amount(path + ": " + key.text, value);
  }
  if (expectation.min && expectation.max && expectation.min->is_above(*expectation.max)) {
    throw error_at(node.find("min")->position, fmt::format("{}: min {} is larger than max {}, so that no value holds",
                                                           path, node.find("min")->text, node.find("max")->text));
  }
  return expectation;
}

Expectation read_expectation(const std::string& path, const Node& node) {
  if (node.is_map()) {
    return is_amount(node) ? Expectation{.path = path, .number = read_amount(path, node)} : read_limits(path, node);
  }
  const std::string& text = node.scalar(path);
  if (text == "true" || text == "false") return {.path = path, .want = text == "true"};
  if (const auto number = as_number(text)) return {.path = path, .number = Amount{.fixed = *number}};
  return {.path = path, .want = text};
}

/// A value, an amount or {min, max}; or, by a parameter's value, one of these each:
/// { workload.page_cache: { warm: 1, cold: 2 } }.
void add_expected(const std::string& path, const Node& node, std::vector<ConditionalExpectation>& all) {
  const bool has_inner_map = node.is_map() && node.entries.size() == 1 && node.entries.front().value.is_map();
  const bool by_parameter = has_inner_map && node.find("min") == nullptr && node.find("max") == nullptr;
  if (!by_parameter) {
    all.push_back({read_expectation(path, node), node.position});
    return;
  }
  const auto& [parameter, values] = node.entries.front();
  for (const auto& [text, value] : values.entries) {
    all.push_back({read_expectation(path, value), text.position, parameter.text, text.text});
  }
}

}  // namespace

std::vector<ConditionalExpectation> read_expectations_of_one(const Node& node, const std::string& what) {
  std::vector<ConditionalExpectation> all;
  for (const auto& [path, value] : node.map(what)) {
    if (!results::is_result_path(path.text)) refuse_unknown(path.position, path.text, results::result_paths());
    add_expected(path.text, value, all);
  }
  return all;
}

ExpectationsOfStrategies read_expectations(const Node& node, const std::vector<std::string>& strategies) {
  ExpectationsOfStrategies all;
  for (const auto& [name, paths] : node.map("expect")) {
    if (std::find(strategies.begin(), strategies.end(), name.text) == strategies.end()) {
      refuse_unknown(name.position, name.text, strategies);
    }
    all.emplace_back(name.text, read_expectations_of_one(paths, name.text));
  }
  return all;
}

}  // namespace sluice::scenario
