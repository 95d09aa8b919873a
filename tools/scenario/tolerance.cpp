// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/tolerance.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace sluice::scenario {

namespace {

struct Key {
  const char* name;
  std::optional<double> Tolerance::*field;
  double low;
  double high;
};
constexpr std::array kKeys{Key{"cpu_mape_percent", &Tolerance::cpu_mape_percent, 0, 1e6},
                           Key{"cpu_worst_percent", &Tolerance::cpu_worst_percent, 0, 1e6},
                           Key{"kendall_tau", &Tolerance::kendall_tau, -1, 1}};

double read_number(const Node& node, const Key& key) {
  const std::string& text = node.scalar(key.name);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw error_at(node.position, fmt::format("tolerance.{}: '{}' is not a number", key.name, text));
  }
  if (!(number >= key.low && number <= key.high)) {
    throw error_at(node.position,
                   fmt::format("tolerance.{}: {} is not from {} to {}", key.name, text, key.low, key.high));
  }
  return number;
}

}  // namespace

Tolerance read_tolerance(const Node& node) {
  Tolerance tolerance;
  std::vector<std::string> known;
  for (const Key& key : kKeys) known.emplace_back(key.name);
  for (const auto& [name, value] : node.map("tolerance")) {
    bool found = false;
    for (const Key& key : kKeys) {
      if (name.text != key.name) continue;
      tolerance.*key.field = read_number(value, key);
      found = true;
    }
    if (!found) refuse_unknown(name.position, name.text, known);
  }
  return tolerance;
}

}  // namespace sluice::scenario
