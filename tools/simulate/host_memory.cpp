// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/host_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "models/base/quantity.h"
#include "models/base/result.h"
#include "models/nic/nic_config.h"

namespace sluice::simulate {
namespace {

// Measured with a file of 256 MiB in memory and with 5000 files of a page: peak of the process.
constexpr Bytes kMachine = 13_MiB;      ///< models, kernel and libraries
constexpr Bytes kPerPage = 144;         ///< a page of the file that lies in simulated memory
constexpr Bytes kPerFile = 6900;        ///< metadata on disk and in memory
constexpr Bytes kPerProcess = 512_KiB;  ///< stack, interpreter and kernel's part of one that runs a program

std::optional<Bytes> number_in(const std::string& path) {
  std::ifstream file{path};
  Bytes number = 0;
  if (file >> number) return number;
  return {};
}

/// "0::/path" of /proc/self/cgroup: the control group of version 2.
std::string control_group() {
  std::ifstream file{"/proc/self/cgroup"};
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::")) return "/sys/fs/cgroup" + line.substr(3);
  }
  return "/sys/fs/cgroup";
}

std::optional<Bytes> left_in_control_group() {
  const std::string group = control_group();
  const auto most = number_in(group + "/memory.max");
  const auto used = number_in(group + "/memory.current");
  if (!most || !used) return {};
  return *most - std::min(*most, *used);
}

std::optional<Bytes> available_on_host() {
  std::ifstream file{"/proc/meminfo"};
  std::string key;
  Bytes kibibytes = 0;
  while (file >> key >> kibibytes) {
    if (key == "MemAvailable:") return kibibytes * 1_KiB;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return {};
}

}  // namespace

Bytes memory_needed(const scenario::RunPlan& plan) {
  const platform::MachineDescription& machine = plan.configuration.machine;
  const scenario::Programs& programs = plan.configuration.programs;
  if (programs.any()) {
    Bytes files = 0;
    for (const scenario::FileChoice& file : programs.files) files += round_up(file.size, kPageSize);
    Bytes needed = kMachine + std::min(files, machine.memory.size) / kPageSize * kPerPage;
    for (const scenario::ProcessChoice& process : programs.processes) needed += process.copies * kPerProcess;
    return needed;
  }
  const scenario::Workload& workload = plan.configuration.workload;
  const Bytes files = round_up(workload.size, kPageSize) * workload.count;
  const Bytes in_memory = std::min(files, machine.memory.size);
  const auto cards = machine.all("nic");
  const bool looked_at = std::any_of(cards.begin(), cards.end(), [](const platform::DeviceInstance* card) {
    return !card->as<nic::ConnectedNicConfig>().nic.checksum_offload;
  });
  const Bytes processes = workload.workers + (cards.empty() ? workload.connections : 0U);
  return kMachine + in_memory / kPageSize * kPerPage + workload.count * kPerFile + (looked_at ? in_memory : 0) +
         (processes - 1) * kPerProcess;
}

Bytes memory_available() {
  constexpr Bytes kNoLimit = std::numeric_limits<Bytes>::max();
  const Bytes least = std::min(available_on_host().value_or(kNoLimit), left_in_control_group().value_or(kNoLimit));
  return least == kNoLimit ? 0 : least;
}

void refuse_without_memory(const scenario::Scenario& scenario) {
  const Bytes available = memory_available();
  if (available == 0) return;
  for (const scenario::RunPlan& plan : scenario.plans) {
    const Bytes needed = memory_needed(plan);
    if (needed <= available) continue;
    const auto text = [](Bytes n) { return base::to_text(round_up(n, n < 10_GiB ? 1_MiB : 1_GiB)); };
    throw base::InputError{
        fmt::format("{}: the simulation of {} needs about {} of this host's memory, of which {} are available; less of "
                    "it is needed "
                    "with a smaller memory.size or workload",
                    scenario.path, plan.strategy, text(needed), text(available))};
  }
}

}  // namespace sluice::simulate
