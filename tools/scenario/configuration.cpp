// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/configuration.h"

#include <fmt/format.h>

namespace sluice::scenario {

ParameterIndex::ParameterIndex(Configuration& configuration)
    : m_sections(platform::sections_of(configuration.machine)) {
  configuration.kernel.describe(m_sections.emplace_back(platform::Section{"kernel", {}}).table);
  configuration.workload.describe(m_sections.emplace_back(platform::Section{"workload", {}}).table);
}

base::Parameter* ParameterIndex::find(const std::string& key) {
  for (platform::Section& section : m_sections) {
    if (key.size() <= section.prefix.size() || key[section.prefix.size()] != '.' || !key.starts_with(section.prefix)) {
      continue;
    }
    if (base::Parameter* found = section.table.find(key.substr(section.prefix.size() + 1))) return found;
  }
  return nullptr;
}

void ParameterIndex::set(const std::string& key, const std::string& text, const Position& at) {
  base::Parameter* parameter = find(key);
  if (parameter == nullptr) refuse_unknown(at, key, names());
  if (const auto done = parameter->set(text); !done) throw error_at(at, fmt::format("{}: {}", key, done.error()));
}

std::vector<std::string> ParameterIndex::names() const {
  std::vector<std::string> names;
  for (const platform::Section& section : m_sections) {
    for (const base::Parameter& parameter : section.table.parameters()) {
      names.push_back(section.prefix + "." + parameter.name);
    }
  }
  return names;
}

std::vector<std::string> unused_among(const std::vector<std::string>& keys, const Configuration& configuration) {
  const bool ssd = configuration.machine.disk.medium == disk::MediumKind::Ssd;
  std::vector<std::string> sentences;
  for (const std::string& key : keys) {
    if ((key == "workload.cpus" || key == "workload.regime") && !configuration.machine.is_loopback()) {
      sentences.push_back(fmt::format("{} has no effect: the receiver is at the other end of a wire", key));
    } else if (key.starts_with(ssd ? "disk.hdd_" : "disk.ssd_")) {
      sentences.push_back(fmt::format("{} has no effect: the disk's medium is {}", key, ssd ? "ssd" : "hdd"));
    } else if (key.starts_with("disk.") && key != "disk.capacity" && configuration.workload.warm()) {
      sentences.push_back(fmt::format("{} has no effect: the page cache is warm, the disk is not used", key));
    }
  }
  return sentences;
}

}  // namespace sluice::scenario
