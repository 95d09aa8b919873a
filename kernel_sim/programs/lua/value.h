// SPDX-License-Identifier: Apache-2.0
// Values that come from outside a Lua program or cross a fork: what a scenario's `arguments` and fork's parameters are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::lua {

struct Value;
/// In the order of their keys, so that no order of memory shows.
using Table = std::vector<std::pair<Value, Value>>;

struct Value {
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Table> is;
};

/// As bytes that a child gets, and back.
std::vector<std::byte> encode(std::span<const Value> values);
std::vector<Value> decode(std::span<const std::byte> bytes);

/// A number, true, false, or text, as a scenario or --set writes it: "64 KiB" is text.
Value value_of(const std::string& text);

}  // namespace sluice::lua
