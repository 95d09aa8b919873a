// SPDX-License-Identifier: Apache-2.0
#include "tools/calibrate/calibrated_platform.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "models/base/quantity.h"
#include "tools/scenario/platform_file.h"

namespace sluice::calibrate {
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
      "        shared_core: {}, own_core: {:.4f}x }}\n",
      scenario::kPlatformSchema, in_quotes("This host, over its loopback interface: " + host.cpu), in_quotes(host.cpu),
      in_quotes(host.kernel), host.date, base::to_text(host.smallest_chunk), base::to_text(host.largest_chunk),
      base::to_text(host.shared_core), host.own_core.value_or(base::Factor{}).value());
}

/// The devices that a machine has by default and this one has not.
std::string missing_text(const platform::MachineDescription& machine) {
  const platform::MachineDescription standard = platform::MachineDescription::standard();
  std::vector<std::string> missing;
  for (const platform::DeviceInstance& device : standard.devices) {
    if (machine.find(device.name) == nullptr) missing.push_back(device.name);
  }
  return missing.empty() ? "" : fmt::format("without: [{}]\n", fmt::join(missing, ", "));
}

std::string value_text(const base::Parameter& parameter, const Origin& origin, const std::string& date) {
  std::string text = fmt::format("{{ value: {}, source: {}", parameter.get(), in_quotes(origin.source));
  if (origin.spread >= 0) text += fmt::format(", spread: {:.1f} %", std::min(origin.spread, 1.0) * 100);
  text += fmt::format(", date: {} }}", date);
  return origin.note.empty() ? text : text + "  # " + origin.note;
}

}  // namespace

std::string platform_text(const scenario::Configuration& original, const std::map<std::string, Origin>& origins) {
  scenario::Configuration configuration = original;
  const std::string date = configuration.host->date;
  std::string text = heading(*configuration.host) + missing_text(configuration.machine);
  scenario::ParameterIndex index{configuration};
  std::string section;
  index.for_each([&](const std::string& key, const base::Parameter& parameter) {
    const auto origin = origins.find(key);
    if (origin == origins.end()) return;
    const auto dot = key.find('.');
    if (key.substr(0, dot) != section) {
      section = key.substr(0, dot);
      text += section + ":\n";
    }
    text += fmt::format("  {}: {}\n", key.substr(dot + 1), value_text(parameter, origin->second, date));
  });
  return text;
}

}  // namespace sluice::calibrate
