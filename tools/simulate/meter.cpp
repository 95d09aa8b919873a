// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/meter.h"

#include <algorithm>

#include <fmt/format.h>

#include "models/fabric/dma.h"

namespace sluice::tool {

HardwareCounters read_counters(const platform::Machine& machine, const kernel_sim::Kernel& kernel) {
  HardwareCounters counters;
  const Picoseconds now = fabric::to_picoseconds(sc_core::sc_time_stamp());
  counters.at = now;
  for (const auto& core : machine.cores) {
    counters.cores.push_back(core->times());
    counters.busy.emplace_back(fmt::format("cpu{}", core->index()), counters.cores.back().busy());
    const cpu::AccountTimes times = core->account_times();
    for (std::size_t i = 0; i < times.size(); ++i) counters.work[i] += times[i];
  }
  for (const auto& mmu : machine.mmus) counters.tlb_misses += mmu->counts().misses;
  counters.interrupts = machine.interrupts->accepted();
  counters.dma_descriptors = machine.disk->statistics().descriptors;
  const auto& registers = machine.root_complex->statistics();
  counters.mmio_accesses = registers.register_reads + registers.register_writes;
  counters.dram_read = machine.memory->bytes_read();
  counters.dram_written = machine.memory->bytes_written();
  const kernel_sim::KernelCounts counts = kernel.counts();
  counters.context_switches = counts.context_switches;
  counters.retransmissions = counts.retransmissions;
  counters.drops = counts.drops;
  const auto add_link = [&](const char* name, const interconnect::PcieLink& link) {
    for (const auto* direction : {&link.upstream(), &link.downstream()}) {
      counters.pcie_payload += direction->payload;
      counters.pcie_wire += direction->wire;
      const char* way = direction == &link.upstream() ? "upstream" : "downstream";
      counters.busy.emplace_back(fmt::format("{}.{}", name, way), direction->timeline.busy_until(now));
    }
  };
  if (machine.nic) {
    counters.dma_descriptors += machine.nic->statistics().descriptors_fetched;
    counters.drops += machine.nic->statistics().rx_dropped + machine.peer->statistics().checksum_errors +
                      machine.peer->statistics().discarded_frames;
    counters.wire_frames = machine.wire->statistics(nic::Direction::ToPeer).frames;
    counters.busy.emplace_back("nic.wire", machine.wire->busy(nic::Direction::ToPeer, now));
    add_link("pcie.nic", *machine.nic_link);
  }
  add_link("pcie.disk", *machine.disk_link);
  counters.busy.emplace_back("memory", machine.memory->busy_until(now));
  counters.busy.emplace_back("disk.media", machine.disk->medium_busy_until(now));
  return counters;
}

std::vector<Demand> demands(const HardwareCounters& begin, const HardwareCounters& end) {
  std::vector<Demand> all;
  for (std::size_t i = 0; i < end.busy.size(); ++i) {
    all.push_back({end.busy[i].first, end.busy[i].second - begin.busy[i].second});
  }
  return all;
}

Demand busiest(const std::vector<Demand>& demands) {
  const auto most = std::max_element(demands.begin(), demands.end(),
                                     [](const Demand& a, const Demand& b) { return a.busy < b.busy; });
  return most == demands.end() ? Demand{} : *most;
}

}  // namespace sluice::tool
