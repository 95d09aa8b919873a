// SPDX-License-Identifier: Apache-2.0
// Everything that a run can be told: the machine, its kernel and the workload, each parameter under one name
// ("nic.rate", "kernel.net.gso", "workload.chunk").
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel_sim/kernel_config.h"
#include "models/platform/machine_description.h"
#include "tools/scenario/programs.h"
#include "tools/scenario/workload.h"
#include "tools/scenario/yaml_tree.h"

namespace sluice::scenario {

/// The machine that a platform file was calibrated on.
struct CalibratedHost {
  std::string cpu;     ///< model name, as in /proc/cpuinfo
  std::string kernel;  ///< release
  std::string date;    ///< YYYY-MM-DD
  base::Bytes smallest_chunk = 0;
  base::Bytes largest_chunk = 0;
  // All values are those of a core of one's own.
  base::Fraction shared_core = {};            ///< what it takes longer on a core that something else has a part of
  std::optional<base::Factor> own_core = {};  ///< ratio of a probe (tools/native/core_probe.h) of a core of one's own
};

/// Where a value comes from that is not the default.
struct ValueOrigin {
  std::string source;  ///< datasheet, paper, "measured ..."; empty when none is named
  std::string file;    ///< platform file, or what set it: "--set", "with", "vary", "strategy sendfile"
  bool operator==(const ValueOrigin&) const = default;
};

struct Configuration {
  platform::MachineDescription machine = platform::MachineDescription::standard();
  kernel_sim::KernelConfig kernel;
  Workload workload;
  Programs programs;                           ///< with any, there is no workload
  std::map<std::string, ValueOrigin> origins;  ///< by parameter; what is not in it has its default
  std::optional<CalibratedHost> host;          ///< of a calibrated platform
  std::vector<std::string> files;              ///< that describe the machine: paths, as far as it was read from files

  /// Of a default: where the default comes from, "default".
  [[nodiscard]] ValueOrigin origin_of(const std::string& key, const base::Parameter& parameter) const {
    const auto own = origins.find(key);
    return own != origins.end() ? own->second : ValueOrigin{parameter.source(), "default"};
  }
};

/// First names of the parameters that belong to what runs, not to the machine or its kernel.
inline constexpr const char* kSectionsOfWhatRuns[] = {"workload", "files", "processes", "arguments"};

/// The parameters of a configuration, to be set and read by name. Must not outlive it.
class ParameterIndex {
 public:
  explicit ParameterIndex(Configuration& configuration);

  /// Nothing when no component of this machine has such a parameter.
  [[nodiscard]] std::optional<base::Parameter> find(const std::string& key) const;
  /// Sets a parameter, or throws an InputError at `at`.
  void set(const std::string& key, const std::string& text, const Position& at);
  /// The same; a multiple ("3x", "300 %") is one of the value of `platform`.
  void set(const std::string& key, const std::string& text, const Position& at, const ParameterIndex& platform);
  [[nodiscard]] std::vector<std::string> names() const;
  /// The rules that a parameter is part of.
  [[nodiscard]] std::vector<std::string> rules_of(const std::string& key) const;
  /// Calls visit(key, parameter) for each.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const platform::Section& section : m_sections) {
      for (const base::Parameter& parameter : section.table.parameters()) {
        if (has(section, parameter)) visit(section.prefix + "." + parameter.name(), parameter);
      }
    }
  }

 private:
  base::Parameter require(const std::string& key, const Position& at) const;
  /// A workload of one file has no parameters of many.
  bool has(const platform::Section& section, const base::Parameter& parameter) const {
    return section.prefix != "workload" ||
           (!m_configuration.programs.any() && m_configuration.workload.has(parameter.name()));
  }

  const Configuration& m_configuration;
  std::vector<platform::Section> m_sections;  ///< of the machine, then "kernel", then of what runs
};

/// Parameters (out of `keys`) that nothing in this machine looks at, one sentence for each.
std::vector<std::string> unused_among(const std::vector<std::string>& keys, const Configuration& configuration);

}  // namespace sluice::scenario
