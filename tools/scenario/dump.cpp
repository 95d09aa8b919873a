// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/dump.h"

#include <filesystem>

#include <fmt/format.h>

#include "tools/scenario/strategy.h"

namespace sluice::scenario {
namespace {

/// Text as a double-quoted YAML scalar; JSON's strings are a subset of these.
std::string in_quotes(const std::string& text) { return nlohmann::ordered_json(text).dump(); }

const char* name_of(platform::LinkKind kind) {
  switch (kind) {
    case platform::LinkKind::Bus:
      return "bus";
    case platform::LinkKind::Pcie:
      return "pcie";
    case platform::LinkKind::Wire:
      return "wire";
  }
  return "";
}

const std::string& source_of(const Configuration& configuration, const std::string& key,
                             const base::Parameter& parameter) {
  const auto own = configuration.sources.find(key);
  return own != configuration.sources.end() ? own->second : parameter.source;
}

std::string platform_of(const Configuration& configuration, const ParameterIndex& index) {
  std::string out = "platform:\n  schema: sluice.platform/1\n  links:\n";
  for (const platform::Link& link : configuration.machine.links) {
    out += fmt::format("    - {{ name: {}, from: {}, to: {}, kind: {} }}\n", link.name, link.from, link.to,
                       name_of(link.kind));
  }
  std::string heading;
  for (const platform::Section& section : index.sections()) {
    if (section.prefix == "workload") continue;
    // "pcie.nic" stands under the heading "pcie"
    const auto dot = section.prefix.find('.');
    const std::string inner = dot == std::string::npos ? "" : section.prefix.substr(dot + 1) + ".";
    if (section.prefix.substr(0, dot) != heading) {
      heading = section.prefix.substr(0, dot);
      out += "  " + heading + ":\n";
    }
    for (const base::Parameter& parameter : section.table.parameters()) {
      const std::string key = section.prefix + "." + parameter.name;
      out += fmt::format("    {}{}: {{ value: {}, source: {} }}\n", inner, parameter.name, parameter.get(),
                         in_quotes(source_of(configuration, key, parameter)));
    }
  }
  return out;
}

std::string workload_of(const Workload& workload, const ParameterIndex& index) {
  std::string content;
  std::string rest;
  for (const base::Parameter& parameter : index.sections().back().table.parameters()) {
    const auto dot = parameter.name.find('.');
    if (dot == std::string::npos) {
      rest += fmt::format("  {}: {}\n", parameter.name, parameter.get());
    } else {
      content += fmt::format("{}{}: {}", content.empty() ? "" : ", ", parameter.name.substr(dot + 1), parameter.get());
    }
  }
  if (workload.form == Workload::Form::Path) {
    content = "path: " + in_quotes(std::filesystem::absolute(workload.path).lexically_normal().string());
  }
  return fmt::format("workload:\n  {}: {{ {} }}\n{}", workload.form == Workload::Form::Files ? "files" : "file",
                     content, rest);
}

}  // namespace

std::string dump(const RunPlan& plan) {
  Configuration configuration = plan.configuration;
  ParameterIndex index{configuration};
  std::string out = "schema: sluice/1\n";
  for (const auto& [key, value] : plan.settings) out += fmt::format("# set: {} = {}\n", key, value);
  out += platform_of(configuration, index) + workload_of(configuration.workload, index);
  out += fmt::format("strategies: [{}]\n", plan.strategy);
  // The strategy sets the feature that it is named for; what was set over it must be set again.
  const Strategy* strategy = find_strategy(plan.strategy);
  if (configuration.machine.is_loopback()) return out;
  if (strategy != nullptr && strategy->gather && *strategy->gather != configuration.machine.nic.gather) {
    out += fmt::format("with: {{ nic.gather: {} }}\n", configuration.machine.nic.gather);
  }
  return out;
}

std::string describe(const Configuration& original) {
  Configuration configuration = original;
  ParameterIndex index{configuration};
  std::string out;
  for (const platform::Section& section : index.sections()) {
    for (const base::Parameter& parameter : section.table.parameters()) {
      const std::string key = section.prefix + "." + parameter.name;
      out += fmt::format("{} = {}\n    {}\n    {}: {}\n    source: {}\n", key, parameter.get(), parameter.help,
                         parameter.kind, parameter.allowed, source_of(configuration, key, parameter));
    }
  }
  return out;
}

}  // namespace sluice::scenario
