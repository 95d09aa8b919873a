// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/configuration.h"

#include <fmt/format.h>

#include "models/disk/disk_config.h"
#include "models/platform/device_kinds.h"

namespace sluice::scenario {

ParameterIndex::ParameterIndex(Configuration& configuration)
    : m_configuration(configuration), m_sections(platform::sections_of(configuration.machine)) {
  m_sections.push_back({"kernel", base::ParameterTable{configuration.kernel}});
  m_sections.push_back({"workload", base::ParameterTable{configuration.workload}});
  Programs& programs = configuration.programs;
  for (FileChoice& file : programs.files) m_sections.push_back({"files." + file.name, base::ParameterTable{file}});
  for (ProcessChoice& process : programs.processes) {
    m_sections.push_back({"processes." + process.name, base::ParameterTable{process}});
  }
  if (!programs.arguments.empty()) {
    m_sections.push_back({"arguments", base::ParameterTable{programs.arguments.descriptions(), programs.arguments}});
  }
}

std::optional<base::Parameter> ParameterIndex::find(const std::string& key) const {
  for (const platform::Section& section : m_sections) {
    if (key.size() <= section.prefix.size() || key[section.prefix.size()] != '.' || !key.starts_with(section.prefix)) {
      continue;
    }
    const auto found = section.table.find(std::string_view{key}.substr(section.prefix.size() + 1));
    if (found && has(section, *found)) return found;
  }
  return {};
}

base::Parameter ParameterIndex::require(const std::string& key, const Position& at) const {
  if (const auto found = find(key)) return *found;
  // "nic.rate", "wire.propagation" and "pcie.nic.lanes" of a machine that has no nic
  platform::MachineDescription standard = platform::MachineDescription::standard();
  for (platform::DeviceInstance& device : standard.devices) {
    if (m_configuration.machine.find(device.name) != nullptr) continue;
    std::vector<std::string> prefixes{"pcie." + device.name};
    for (const platform::Part& part : device.kind->parts(device.config)) {
      prefixes.push_back(platform::part_prefix(device, part.name));
    }
    for (const std::string& prefix : prefixes) {
      if (key.starts_with(prefix + ".")) {
        throw error_at(at, fmt::format("{}: this machine has no {}", key, device.name));
      }
    }
  }
  refuse_unknown(at, key, names());
}

void ParameterIndex::set(const std::string& key, const std::string& text, const Position& at) {
  const base::Parameter parameter = require(key, at);
  if (const auto done = parameter.set(text); !done) throw error_at(at, fmt::format("{}: {}", key, done.error()));
}

void ParameterIndex::set(const std::string& key, const std::string& text, const Position& at,
                         const ParameterIndex& platform) {
  const base::Parameter parameter = require(key, at);
  const bool factor = base::is_multiple(text) || (base::is_percentage(text) && parameter.kind() != "fraction");
  if (!factor) return set(key, text, at);
  const base::Parsed<void> done = base::parse_factor(text).and_then([&](base::Factor by) {
    (void)parameter.set(platform.require(key, at).get());
    return parameter.multiply(by);
  });
  if (!done) throw error_at(at, fmt::format("{}: {}: {}", key, text, done.error()));
}

std::vector<std::string> ParameterIndex::rules_of(const std::string& key) const {
  for (const platform::Section& section : m_sections) {
    if (!key.starts_with(section.prefix + ".")) continue;
    const std::string name = key.substr(section.prefix.size() + 1);
    if (section.table.find(name)) return section.table.rules_of(name);
  }
  return {};
}

std::vector<std::string> ParameterIndex::names() const {
  std::vector<std::string> names;
  for_each([&](const std::string& key, const base::Parameter&) { names.push_back(key); });
  return names;
}

std::vector<std::string> unused_among(const std::vector<std::string>& keys, const Configuration& configuration) {
  std::vector<std::string> sentences;
  const auto of_disk = [&](const std::string& key, const platform::DeviceInstance& disk) {
    const std::string& name = disk.name;
    const bool ssd = disk.as<disk::DiskConfig>().medium == disk::MediumKind::Ssd;
    if (key.starts_with(name + (ssd ? ".hdd_" : ".ssd_"))) {
      sentences.push_back(fmt::format("{} has no effect: the disk's medium is {}", key, ssd ? "ssd" : "hdd"));
    } else if (key.starts_with(name + ".") && key != name + ".capacity" && configuration.workload.warm()) {
      sentences.push_back(fmt::format("{} has no effect: the page cache is warm, the disk is not used", key));
    }
  };
  for (const std::string& key : keys) {
    if ((key == "workload.cpus" || key == "workload.regime") && !configuration.machine.is_loopback()) {
      sentences.push_back(fmt::format("{} has no effect: the receiver is at the other end of a wire", key));
    }
    if (key.starts_with("workload.file") && key.ends_with(".placement") && configuration.workload.warm()) {
      sentences.push_back(fmt::format("{} has no effect: the page cache is warm, the disk is not used", key));
    }
    for (const platform::DeviceInstance* disk : configuration.machine.all("disk")) of_disk(key, *disk);
  }
  return sentences;
}

}  // namespace sluice::scenario
