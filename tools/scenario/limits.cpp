// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/limits.h"

#include <functional>

#include <fmt/format.h>

#include "models/disk/disk_config.h"
#include "models/platform/topology.h"

namespace sluice::scenario {
namespace {

/// Of a run of programs.
void check_programs(const Configuration& configuration, const std::function<void(const std::string&)>& refuse) {
  const platform::MachineDescription& machine = configuration.machine;
  for (const ProcessChoice& process : configuration.programs.processes) {
    for (const unsigned core : process.cores) {
      if (core < machine.cpu.cores) continue;
      refuse(fmt::format("processes.{}.cores: there is no core {}; cpu.cores is {}, counted from 0", process.name, core,
                         machine.cpu.cores));
    }
  }
  // Files lie on the disks in turn.
  const auto disks = machine.all("disk");
  std::vector<Bytes> on_disk(disks.size());
  Bytes all = 0;
  Bytes cached = 0;
  for (std::size_t i = 0; i < configuration.programs.files.size(); ++i) {
    const FileChoice& file = configuration.programs.files[i];
    if (file.size > (Bytes{1} << 50) - all) refuse("the files are larger than 1 PiB");
    all += round_up(file.size, kPageSize);
    cached += file.cached.of(round_up(file.size, kPageSize));
    if (!disks.empty()) on_disk[i % disks.size()] += round_up(file.size, kPageSize);
  }
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const Bytes capacity = disks[i]->as<disk::DiskConfig>().capacity;
    if (on_disk[i] <= capacity / 16 * 15) continue;
    refuse(fmt::format("files of {} do not fit on a disk of {}", base::to_text(on_disk[i]), base::to_text(capacity)));
  }
  if (machine.memory.size < memory::kLeastMemory || cached > machine.memory.size - memory::kLeastMemory) {
    refuse(fmt::format("cached files of {} do not fit in {} of memory, of which a kernel needs {}",
                       base::to_text(cached), base::to_text(machine.memory.size), base::to_text(memory::kLeastMemory)));
  }
}

}  // namespace

void check_limits(const Configuration& configuration, const std::string& name) {
  const platform::MachineDescription& machine = configuration.machine;
  const Workload& workload = configuration.workload;
  const auto refuse = [&](const std::string& why) { throw base::InputError{name + ": " + why}; };
  const auto checked = [&](const auto& config) {
    try {
      config.check();
    } catch (const base::InputError& refused) {
      refuse(refused.what());
    }
  };
  checked(machine.cache);
  checked(machine.mmu);
  platform::check(machine, name);

  if (configuration.programs.any()) {
    check_programs(configuration, refuse);
    return;
  }
  if (machine.is_loopback() && workload.cpus > machine.cpu.cores) {
    refuse(fmt::format("workload.cpus: {} for a machine with cpu.cores = {}", workload.cpus, machine.cpu.cores));
  }
  if (workload.transfers() > Workload::kMostTransfers) {
    refuse(fmt::format(
        "the workload makes {} transfers of a file (workload.files.count, connections and repeat); at most {}",
        workload.transfers(), Workload::kMostTransfers));
  }
  if (workload.size > (Bytes{1} << 50) / workload.transfers()) refuse("the workload is larger than 1 PiB");
  const Bytes pages = round_up(workload.size, kPageSize) * workload.count;
  // Files lie on the disks in turn.
  const auto disks = machine.all("disk");
  const Bytes on_one = round_up(workload.size, kPageSize) * divide_up(workload.count, disks.size());
  for (const platform::DeviceInstance* disk : disks) {
    const Bytes capacity = disk->as<disk::DiskConfig>().capacity;
    if (on_one > capacity / 16 * 15) {
      refuse(fmt::format("the workload of {} does not fit on a disk of {}", base::to_text(on_one),
                         base::to_text(capacity)));
    }
  }
  const Bytes least = memory::kLeastMemory + 2 * workload.chunk;
  if (machine.memory.size < least) {
    refuse(fmt::format("memory.size: {} is too little for a kernel and chunks of {}; at least {}",
                       base::to_text(machine.memory.size), base::to_text(workload.chunk), base::to_text(least)));
  }
  const Bytes usable = machine.memory.size - memory::kLeastMemory;
  if (workload.warm() && pages > usable) {
    refuse(fmt::format("workload.page_cache: warm files of {} do not fit in {} of memory, of which {} can hold files",
                       base::to_text(pages), base::to_text(machine.memory.size), base::to_text(usable)));
  }
}

}  // namespace sluice::scenario
