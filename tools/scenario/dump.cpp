// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/dump.h"

#include <fmt/format.h>

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

}  // namespace

std::string dump(const RunPlan& plan) {
  Configuration configuration = plan.configuration;
  ParameterIndex index{configuration};
  std::string out = fmt::format("# strategy {} (program {})\n", plan.strategy, plan.program);
  for (const auto& [key, value] : plan.settings) out += fmt::format("# set: {} = {}\n", key, value);
  if (configuration.workload.form == Workload::Form::Path) {
    out += fmt::format("# workload.file.path = {}\n", in_quotes(configuration.workload.path));
  }
  std::string body = "schema: sluice.platform/1\nlinks:\n";
  for (const platform::Link& link : configuration.machine.links) {
    body += fmt::format("  - {{ name: {}, from: {}, to: {}, kind: {} }}\n", link.name, link.from, link.to,
                        name_of(link.kind));
  }
  std::string heading;
  for (const platform::Section& section : index.sections()) {
    if (section.prefix == "workload") {
      for (const base::Parameter& parameter : section.table.parameters()) {
        out += fmt::format("# workload.{} = {}\n", parameter.name, parameter.get());
      }
      continue;
    }
    // "pcie.nic" stands under the heading "pcie"
    const auto dot = section.prefix.find('.');
    const std::string inner = dot == std::string::npos ? "" : section.prefix.substr(dot + 1) + ".";
    if (section.prefix.substr(0, dot) != heading) {
      heading = section.prefix.substr(0, dot);
      body += heading + ":\n";
    }
    for (const base::Parameter& parameter : section.table.parameters()) {
      const std::string key = section.prefix + "." + parameter.name;
      body += fmt::format("  {}{}: {{ value: {}, source: {} }}\n", inner, parameter.name, parameter.get(),
                          in_quotes(source_of(configuration, key, parameter)));
    }
  }
  return out + body;
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
