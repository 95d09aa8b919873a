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
  base::Fraction shared_core = {};    ///< what it takes longer on a core that something else has a part of
  base::Picoseconds core_probe = {};  ///< what tools/native/core_probe.h takes on a core of one's own; 0: not known
};

struct Configuration {
  platform::MachineDescription machine = platform::MachineDescription::standard();
  kernel_sim::KernelConfig kernel;
  Workload workload;
  std::map<std::string, std::string> sources;  ///< by parameter, where a platform file names its own
  std::optional<CalibratedHost> host;          ///< of a calibrated platform
  std::vector<std::string> files;              ///< that describe the machine: paths, as far as it was read from files
};

/// The parameters of a configuration, to be set and read by name. Must not outlive it.
class ParameterIndex {
 public:
  explicit ParameterIndex(Configuration& configuration);

  /// Null when no component of this machine has such a parameter.
  [[nodiscard]] base::Parameter* find(const std::string& key);
  /// Sets a parameter, or throws an InputError at `at`.
  void set(const std::string& key, const std::string& text, const Position& at);
  [[nodiscard]] std::vector<std::string> names() const;
  /// Of the machine, then "kernel", then "workload".
  [[nodiscard]] const std::vector<platform::Section>& sections() const { return m_sections; }

 private:
  std::vector<platform::Section> m_sections;
};

/// Parameters (out of `keys`) that nothing in this machine looks at, one sentence for each.
std::vector<std::string> unused_among(const std::vector<std::string>& keys, const Configuration& configuration);

}  // namespace sluice::scenario
