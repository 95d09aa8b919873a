// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/limits.h"

#include <fmt/format.h>

#include "models/disk/disk_config.h"
#include "models/platform/topology.h"

namespace sluice::scenario {
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

  if (machine.is_loopback() && workload.cpus > machine.cpu.cores) {
    refuse(fmt::format("workload.cpus: {} for a machine with cpu.cores = {}", workload.cpus, machine.cpu.cores));
  }
  if (workload.size > (Bytes{1} << 50) / workload.count) refuse("the workload is larger than 1 PiB");
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
