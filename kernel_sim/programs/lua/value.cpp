// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/programs/lua/value.h"

#include <charconv>
#include <cstring>

namespace sluice::lua {
namespace {

template <class T>
void put(std::vector<std::byte>& bytes, T value) {
  const auto* from = reinterpret_cast<const std::byte*>(&value);
  bytes.insert(bytes.end(), from, from + sizeof value);
}

void put_value(std::vector<std::byte>& bytes, const Value& value) {
  put(bytes, static_cast<std::uint8_t>(value.is.index()));
  if (const auto* truth = std::get_if<bool>(&value.is)) {
    put(bytes, *truth);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value.is)) {
    put(bytes, *integer);
  } else if (const auto* number = std::get_if<double>(&value.is)) {
    put(bytes, *number);
  } else if (const auto* text = std::get_if<std::string>(&value.is)) {
    put(bytes, text->size());
    const auto from = std::as_bytes(std::span{*text});
    bytes.insert(bytes.end(), from.begin(), from.end());
  } else if (const auto* table = std::get_if<Table>(&value.is)) {
    put(bytes, table->size());
    for (const auto& [key, element] : *table) {
      put_value(bytes, key);
      put_value(bytes, element);
    }
  }
}

template <class T>
T take(std::span<const std::byte>& bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return value;
}

Value take_value(std::span<const std::byte>& bytes) {
  switch (take<std::uint8_t>(bytes)) {
    case 1:
      return {take<bool>(bytes)};
    case 2:
      return {take<std::int64_t>(bytes)};
    case 3:
      return {take<double>(bytes)};
    case 4: {
      const auto size = take<std::size_t>(bytes);
      std::string text{reinterpret_cast<const char*>(bytes.data()), size};
      bytes = bytes.subspan(size);
      return {std::move(text)};
    }
    case 5: {
      Table table(take<std::size_t>(bytes));
      for (auto& [key, element] : table) {
        key = take_value(bytes);
        element = take_value(bytes);
      }
      return {std::move(table)};
    }
    default:
      return {};
  }
}

template <class T>
bool reads(const std::string& text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::vector<std::byte> encode(std::span<const Value> values) {
  std::vector<std::byte> bytes;
  for (const Value& value : values) put_value(bytes, value);
  return bytes;
}

std::vector<Value> decode(std::span<const std::byte> bytes) {
  std::vector<Value> values;
  while (!bytes.empty()) values.push_back(take_value(bytes));
  return values;
}

Value value_of(const std::string& text) {
  if (text == "true" || text == "false") return {text == "true"};
  std::int64_t integer = 0;
  if (reads(text, integer)) return {integer};
  double number = 0;
  if (reads(text, number)) return {number};
  return {text};
}

}  // namespace sluice::lua
