// SPDX-License-Identifier: Apache-2.0
// Checks a JSON value against the keywords that results.schema.json uses. An unknown keyword is a complaint too, so
// that the schema cannot ask for something that nobody checks.
#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace sluice::tests {

class JsonSchema {
 public:
  using Json = nlohmann::json;
  explicit JsonSchema(Json schema) : m_root(std::move(schema)) {}

  /// One line per breach, "path: what"; empty when the value is as it should be.
  [[nodiscard]] std::vector<std::string> complaints(const Json& value) const {
    std::vector<std::string> found;
    check(value, m_root, "", found);
    return found;
  }

 private:
  using Found = std::vector<std::string>;

  static bool has_type(const Json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "integer") return value.is_number_integer();
    return type == "number" && value.is_number();
  }

  /// `types` is a name or a list of names.
  static bool has_any_type(const Json& value, const Json& types) {
    if (types.is_string()) return has_type(value, types.get<std::string>());
    return std::any_of(types.begin(), types.end(), [&](const Json& type) { return has_type(value, type); });
  }

  void check(const Json& value, const Json& schema, const std::string& path, Found& found) const {
    static const std::set<std::string> known{"$schema",    "$defs",
                                             "title",      "description",
                                             "$ref",       "type",
                                             "const",      "enum",
                                             "minimum",    "required",
                                             "properties", "additionalProperties",
                                             "items",      "dependentRequired",
                                             "if",         "then",
                                             "else"};
    const auto say = [&](const std::string& what) { found.push_back(path + ": " + what); };
    for (const auto& [keyword, rule] : schema.items()) {
      if (!known.contains(keyword)) say("the schema has an unknown keyword " + keyword);
    }
    if (schema.contains("$ref")) {
      check(value, m_root.at(Json::json_pointer{schema["$ref"].get<std::string>().substr(1)}), path, found);
    }
    if (schema.contains("const") && value != schema["const"]) say("is not " + schema["const"].dump());
    if (schema.contains("enum")) {
      const Json& choices = schema["enum"];
      if (std::find(choices.begin(), choices.end(), value) == choices.end()) say(value.dump() + " is no choice");
    }
    if (schema.contains("type") && !has_any_type(value, schema["type"])) {
      say("is no " + (schema["type"].is_string() ? schema["type"].get<std::string>() : schema["type"].dump()));
      return;
    }
    if (schema.contains("if")) {
      Found against;
      check(value, schema["if"], path, against);
      const char* branch = against.empty() ? "then" : "else";
      if (schema.contains(branch)) check(value, schema[branch], path, found);
    }
    if (schema.contains("minimum") && value.is_number() && value < schema["minimum"]) say("is too small");
    if (value.is_object()) check_object(value, schema, path, found);
    if (value.is_array() && schema.contains("items")) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        check(value[i], schema["items"], path + "/" + std::to_string(i), found);
      }
    }
  }

  void check_object(const Json& value, const Json& schema, const std::string& path, Found& found) const {
    const auto require = [&](const Json& keys) {
      for (const Json& key : keys) {
        if (!value.contains(key.get<std::string>())) found.push_back(path + ": no " + key.get<std::string>());
      }
    };
    if (schema.contains("required")) require(schema["required"]);
    if (schema.contains("dependentRequired")) {
      for (const auto& [key, keys] : schema["dependentRequired"].items()) {
        if (value.contains(key)) require(keys);
      }
    }
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [key, inner] : value.items()) {
      if (properties.contains(key)) {
        check(inner, properties[key], path + "/" + key, found);
      } else if (schema.contains("additionalProperties")) {
        check(inner, schema["additionalProperties"], path + "/" + key, found);
      }
    }
  }

  Json m_root;
};

}  // namespace sluice::tests
