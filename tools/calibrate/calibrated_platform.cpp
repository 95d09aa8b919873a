// SPDX-License-Identifier: Apache-2.0
#include "tools/calibrate/calibrated_platform.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/base/quantity.h"
#include "tools/scenario/platform_file.h"

namespace sluice::tool {
namespace {

/// A double-quoted YAML scalar; JSON's strings are a subset of these.
std::string in_quotes(const std::string& text) { return nlohmann::json(text).dump(); }

std::string heading(const scenario::CalibratedHost& host) {
  return fmt::format(
      "# SPDX-License-Identifier: Apache-2.0\n"
      "# Written by sluice calibrate. \"measured\": the value at which the simulated kernel takes as long as this "
      "host\n"
      "# for what the comment names. spread: interquartile range of the measurement's repetitions.\n"
      "schema: {}\n"
      "description: {}\n"
      "host: {{ cpu: {}, kernel: {}, date: {}, smallest_chunk: {}, largest_chunk: {},\n"
      "        shared_core: {}, core_probe: {} }}\n",
      scenario::kPlatformSchema, in_quotes("This host, over its loopback interface: " + host.cpu), in_quotes(host.cpu),
      in_quotes(host.kernel), host.date, base::to_text(host.smallest_chunk), base::to_text(host.largest_chunk),
      base::to_text(host.shared_core), base::to_text(host.core_probe));
}

std::string links_text(const platform::MachineDescription& machine) {
  const auto kind_of = [](platform::LinkKind kind) {
    return kind == platform::LinkKind::Bus ? "bus" : kind == platform::LinkKind::Pcie ? "pcie" : "wire";
  };
  std::string text = "links:\n";
  for (const platform::Link& link : machine.links) {
    text += fmt::format("  - {{ name: {}, from: {}, to: {}, kind: {} }}\n", link.name, link.from, link.to,
                        kind_of(link.kind));
  }
  return text;
}

std::string value_text(const base::Parameter& parameter, const Origin* origin, const std::string& date) {
  if (origin == nullptr) {
    return fmt::format("{{ value: {}, source: {} }}", parameter.get(), in_quotes(parameter.source));
  }
  std::string text = fmt::format("{{ value: {}, source: {}", parameter.get(), in_quotes(origin->source));
  if (origin->spread >= 0) text += fmt::format(", spread: {:.1f} %", std::min(origin->spread, 1.0) * 100);
  text += fmt::format(", date: {} }}", date);
  return origin->note.empty() ? text : text + "  # " + origin->note;
}

}  // namespace

std::string platform_text(const scenario::Configuration& original, const std::map<std::string, Origin>& origins) {
  scenario::Configuration configuration = original;
  const std::string date = configuration.host->date;
  std::string text = heading(*configuration.host) + links_text(configuration.machine);
  scenario::ParameterIndex index{configuration};
  std::string section_name;
  for (const platform::Section& section : index.sections()) {
    if (section.prefix == "workload") continue;
    // "pcie.disk" stands under the heading "pcie".
    const auto dot = section.prefix.find('.');
    const std::string inner = dot == std::string::npos ? "" : section.prefix.substr(dot + 1) + ".";
    if (section.prefix.substr(0, dot) != section_name) {
      section_name = section.prefix.substr(0, dot);
      text += section_name + ":\n";
    }
    for (const base::Parameter& parameter : section.table.parameters()) {
      const auto origin = origins.find(section.prefix + "." + parameter.name);
      text += fmt::format("  {}{}: {}\n", inner, parameter.name,
                          value_text(parameter, origin == origins.end() ? nullptr : &origin->second, date));
    }
  }
  return text;
}

}  // namespace sluice::tool
