// SPDX-License-Identifier: Apache-2.0
#include "tools/results/schema.h"

#include <fmt/format.h>

#include "tools/results/crosscheck_result.h"
#include "tools/results/run_result.h"

namespace sluice::results {
namespace {

template <class T>
Json schema_of(const Field& field);

template <class T>
Json object_schema() {
  Json required = Json::array();
  Json properties = Json::object();
  T::describe([&](const Field& field, auto member) {
    using Member = MemberOf<decltype(member)>;
    properties[field.key] = schema_of<typename Member::Type>(field);
    if (!Member::kMayBeAbsent) required.push_back(field.key);
  });
  Json schema{{"type", "object"}};
  if (!required.empty()) schema["required"] = std::move(required);
  schema["properties"] = std::move(properties);
  return schema;
}

/// "help; unit", as far as there are any.
std::string description_of(const Field& field) {
  const std::string unit{name_of(field.unit)};
  const std::string help = field.help;
  return help + (help.empty() || unit.empty() ? "" : "; ") + unit;
}

template <class T>
Json bare_schema(const Field& field) {
  if constexpr (Described<T>) {
    return object_schema<T>();
  } else if constexpr (kIsNamed<T>) {
    return {{"type", "object"}, {"additionalProperties", bare_schema<typename T::value_type::second_type>(Field{""})}};
  } else if constexpr (kIsList<T>) {
    return {{"type", "array"}, {"items", bare_schema<typename T::value_type>(Field{""})}};
  } else if constexpr (kIsOrWhyNot<T>) {
    Json schema = bare_schema<std::variant_alternative_t<0, T>>(field);
    schema["type"] = {schema["type"], "string"};
    return schema;
  } else if constexpr (std::is_same_v<T, Json>) {
    return Json::object();
  } else if constexpr (std::is_same_v<T, std::string>) {
    Json schema{{"type", "string"}};
    if (!field.choices.empty()) schema["enum"] = field.choices;
    return schema;
  } else if constexpr (std::is_same_v<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {{"type", "number"}};
  } else {
    Json schema{{"type", "integer"}};
    if (std::is_unsigned_v<T>) schema["minimum"] = 0;
    return schema;
  }
}

template <class T>
Json schema_of(const Field& field) {
  Json schema = bare_schema<T>(field);
  if (const std::string text = description_of(field); !text.empty()) schema["description"] = text;
  return schema;
}

/// The keys of T that every complete run of this kind has.
template <class T>
Json keys_of(Of of) {
  Json keys = Json::array();
  T::describe([&](const Field& field, auto /*member*/) {
    if (field.of == of) keys.push_back(field.key);
  });
  return keys;
}

/// What a complete run of this kind has, as one branch of a condition.
Json complete_run(Of of) {
  Json branch = Json::object();
  if (const Json keys = keys_of<RunResult>(of); !keys.empty()) branch["dependentRequired"] = {{"time", keys}};
  RunResult::describe([&](const Field& field, auto member) {
    using Inner = typename MemberOf<decltype(member)>::Type;
    if constexpr (Described<Inner>) {
      if (const Json keys = keys_of<Inner>(of); !keys.empty()) branch["properties"][field.key]["required"] = keys;
    }
  });
  return branch;
}

Json run_schema() {
  Json schema = object_schema<RunResult>();
  schema["description"] = "A failed run may lack what was not observed; a run with 'time' is complete.";
  Json transfer = Json::object();
  transfer["dependentRequired"] = complete_run(Of::Complete)["dependentRequired"];
  transfer["if"] = {{"properties", {{"kernel", {{"const", kSimulated}}}}}};
  transfer["then"] = complete_run(Of::Simulated);
  transfer["else"] = complete_run(Of::Host);
  schema["if"] = {{"properties", {{"strategy", {{"const", kPrograms}}}}}};
  schema["then"] = {{"dependentRequired", {{"time", {"processes"}}}}};
  schema["else"] = std::move(transfer);
  return schema;
}

template <class T>
Json published(const char* title, const char* description) {
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
              {"title", title},
              {"description", fmt::format("{} Keys may be added; these keep their names and meaning.", description)}};
  schema.update(object_schema<T>());
  schema["properties"]["runs"]["items"] = {{"$ref", "#/$defs/run"}};
  schema["$defs"]["run"] = run_schema();
  return schema;
}

}  // namespace

Json results_schema() { return published<Results>("Results of Sluice", "What sluice run, compare and native write."); }

Json crosscheck_schema() {
  return published<CrosscheckResult>("A cross-check of Sluice", "What sluice crosscheck writes.");
}

}  // namespace sluice::results
