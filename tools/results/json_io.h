// SPDX-License-Identifier: Apache-2.0
// JSON of described types, both ways.
#pragma once

#include <fmt/format.h>

#include "models/base/result.h"
#include "tools/results/description.h"
#include "tools/results/json.h"

namespace sluice::results {

template <class T>
Json to_json(const T& value) {
  if constexpr (Described<T>) {
    Json object = Json::object();
    T::describe([&](const Field& field, auto member) {
      const auto& inner = value.*member;
      if constexpr (kIsOptional<std::remove_cvref_t<decltype(inner)>>) {
        if (inner) object[field.key] = to_json(*inner);
      } else {
        object[field.key] = to_json(inner);
      }
    });
    return object;
  } else if constexpr (kIsNamed<T>) {
    Json object = Json::object();
    for (const auto& [name, inner] : value) object[name] = to_json(inner);
    return object;
  } else if constexpr (kIsList<T>) {
    Json list = Json::array();
    for (const auto& inner : value) list.push_back(to_json(inner));
    return list;
  } else if constexpr (kIsOrWhyNot<T>) {
    return std::visit([](const auto& inner) { return to_json(inner); }, value);
  } else {
    return Json(value);
  }
}

/// Reads what to_json wrote. Keys that the description does not know are passed over, for results may gain keys.
/// InputError with the place ("/runs/0/time/elapsed_ns") when something is missing or of another kind.
template <class T>
T from_json(const Json& json, const std::string& place = "") {
  const auto refuse = [&](const char* what) { throw base::InputError{fmt::format("{}: {}", place, what)}; };
  if constexpr (Described<T>) {
    if (!json.is_object()) refuse("is no object");
    T value;
    T::describe([&](const Field& field, auto member) {
      using Member = MemberOf<decltype(member)>;
      const auto found = json.find(field.key);
      const std::string where = fmt::format("{}/{}", place, field.key);
      if (found != json.end()) {
        value.*member = from_json<typename Member::Type>(*found, where);
      } else if (!Member::kMayBeAbsent) {
        throw base::InputError{where + ": is missing"};
      }
    });
    return value;
  } else if constexpr (kIsNamed<T>) {
    if (!json.is_object()) refuse("is no object");
    T value;
    for (const auto& [name, inner] : json.items()) {
      value.emplace_back(name, from_json<typename T::value_type::second_type>(inner, place + "/" + name));
    }
    return value;
  } else if constexpr (kIsList<T>) {
    if (!json.is_array()) refuse("is no list");
    T value;
    for (const Json& inner : json) {
      value.push_back(from_json<typename T::value_type>(inner, fmt::format("{}/{}", place, value.size())));
    }
    return value;
  } else if constexpr (kIsOrWhyNot<T>) {
    if (json.is_string()) return json.get<std::string>();
    return from_json<std::variant_alternative_t<0, T>>(json, place);
  } else if constexpr (std::is_same_v<T, Json>) {
    return json;
  } else {
    if constexpr (std::is_same_v<T, bool>) {
      if (!json.is_boolean()) refuse("is neither true nor false");
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!json.is_string()) refuse("is no text");
    } else {
      if (!json.is_number()) refuse("is no number");
    }
    return json.get<T>();
  }
}

}  // namespace sluice::results
