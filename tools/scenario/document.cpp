// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/document.h"

#include <fmt/format.h>

#include "tools/scenario/platform_file.h"
#include "tools/scenario/programs_reader.h"
#include "tools/scenario/workload_reader.h"

namespace sluice::scenario {
namespace {

using kernel_sim::Strategy;

constexpr const char* kSchema = "sluice/1";

void read_platform_file(const std::string& path, Configuration& configuration) {
  read_platform(load_yaml(path), configuration);
  configuration.files.push_back(path);
}

void read_platform_key(const Node& node, const std::string& file, Configuration& configuration) {
  if (node.is_map()) {
    read_platform(node, configuration);
    return;
  }
  const std::string path = beside(file, node.scalar("platform"));
  require_file(node, "platform", path);
  read_platform_file(path, configuration);
}

std::vector<Setting> read_with(const Node& node) {
  std::vector<Setting> settings;
  for (const auto& [key, value] : node.map("with")) {
    settings.push_back({key.text, value.scalar(key.text), value.position});
  }
  return settings;
}

std::vector<Axis> read_vary(const Node& node) {
  std::vector<Axis> axes;
  for (const auto& [key, values] : node.map("vary")) {
    Axis& axis = axes.emplace_back(Axis{key.text, {}});
    for (const Node& value : values.sequence(key.text)) {
      axis.values.push_back({key.text, value.scalar(key.text), value.position});
    }
    if (axis.values.empty()) throw error_at(values.position, key.text + ": no value to vary over");
  }
  return axes;
}

std::vector<std::pair<const Strategy*, Position>> read_strategies(const Node& node) {
  std::vector<std::pair<const Strategy*, Position>> chosen;
  for (const Node& item : node.sequence("strategies")) {
    const std::string& name = item.scalar("a strategy");
    const Strategy* strategy = kernel_sim::find_strategy(name);
    if (strategy == nullptr) {
      const std::string near = base::nearest_name(name, kernel_sim::strategy_names());
      throw error_at(item.position, near.empty()
                                        ? fmt::format("unknown strategy '{}'; there are {}", name,
                                                      fmt::join(kernel_sim::strategy_names(), ", "))
                                        : fmt::format("unknown strategy '{}'; did you mean '{}'?", name, near));
    }
    for (const auto& [other, at] : chosen) {
      if (other == strategy) throw error_at(item.position, fmt::format("strategy '{}' stands here twice", name));
    }
    chosen.emplace_back(strategy, item.position);
  }
  if (chosen.empty()) throw error_at(node.position, "no strategy to run");
  return chosen;
}

}  // namespace

Document read_document(const std::string& path, const std::string& platform) {
  const Node root = load_yaml(path);
  (void)root.map("scenario");
  const Node* schema = root.find("schema");
  if (schema == nullptr || schema->scalar("schema") != kSchema) {
    const bool is_platform = schema != nullptr && schema->text == kPlatformSchema;
    throw error_at(schema ? schema->position : root.position,
                   fmt::format("a scenario starts with 'schema: {}'{}", kSchema,
                               is_platform ? "; this is a platform, which a scenario names" : ""));
  }
  refuse_unknown_keys(root, "scenario",
                      {"schema", "description", "platform", "with", "workload", "strategies", "files", "processes",
                       "arguments", "vary", "expect", "tolerance"});
  const bool programs = root.find("processes") != nullptr;
  const auto require = [&](std::initializer_list<const char*> keys) {
    for (const char* needed : keys) {
      if (root.find(needed) == nullptr) throw error_at(root.position, fmt::format("the scenario has no '{}'", needed));
    }
  };
  require({"platform"});
  if (!programs) require({"workload", "strategies"});
  for (const char* key : {"workload", "strategies"}) {
    if (programs && root.find(key) != nullptr) {
      throw error_at(root.find(key)->position, fmt::format("a scenario has either 'processes' or '{}'", key));
    }
  }
  for (const char* key : {"files", "arguments"}) {
    if (!programs && root.find(key) != nullptr) {
      throw error_at(root.find(key)->position, fmt::format("'{}' are for 'processes', which this scenario lacks", key));
    }
  }
  Document document;
  if (const Node* text = root.find("description")) document.description = text->scalar("description");
  if (platform.empty()) {
    read_platform_key(*root.find("platform"), path, document.base);
  } else {
    read_platform_file(platform, document.base);
  }
  if (programs) {
    read_programs(root, path, document.base);
  } else {
    document.workers_at = read_workload(*root.find("workload"), path, document.base);
    document.strategies = read_strategies(*root.find("strategies"));
  }
  if (const Node* with = root.find("with")) document.with = read_with(*with);
  if (const Node* vary = root.find("vary")) document.axes = read_vary(*vary);
  if (const Node* expect = root.find("expect"); expect != nullptr && programs) {
    document.expectations.emplace_back(results::kPrograms, read_expectations_of_one(*expect, "expect"));
  } else if (expect != nullptr) {
    std::vector<std::string> names;
    for (const auto& [strategy, at] : document.strategies) names.emplace_back(strategy->name);
    document.expectations = read_expectations(*expect, names);
  }
  if (const Node* tolerance = root.find("tolerance")) document.tolerance = read_tolerance(*tolerance);
  return document;
}

}  // namespace sluice::scenario
