// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/meter.h"

#include <algorithm>

#include <fmt/format.h>

#include "models/fabric/dma.h"

namespace sluice::simulate {

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
  const auto& registers = machine.root_complex->statistics();
  counters.mmio_accesses = registers.register_reads + registers.register_writes;
  counters.dram_read = machine.memory->bytes_read();
  counters.dram_written = machine.memory->bytes_written();
  const kernel_sim::KernelCounts counts = kernel.counts();
  counters.context_switches = counts.context_switches;
  counters.retransmissions = counts.retransmissions;
  counters.drops = counts.drops;
  const auto add_link = [&](const std::string& name, const interconnect::PcieLink& link) {
    for (const auto* direction : {&link.upstream(), &link.downstream()}) {
      counters.pcie_payload += direction->payload;
      counters.pcie_wire += direction->wire;
      const char* way = direction == &link.upstream() ? "upstream" : "downstream";
      counters.busy.emplace_back(fmt::format("{}.{}", name, way), direction->timeline.busy_until(now));
    }
  };
  for (const platform::Machine::Slot& slot : machine.slots) {
    if (slot.device) counters.dma_descriptors += slot.device->descriptors();
  }
  for (const nic::ConnectedNic* nic : machine.nics) {
    counters.wire_frames += nic->wire.statistics(nic::Direction::ToPeer).frames;
    counters.drops += nic->nic.statistics().rx_dropped + nic->peer.statistics().checksum_errors +
                      nic->peer.statistics().discarded_frames;
  }
  const auto add_far_ends = [&](platform::DeviceKind::Role role) {
    for (const platform::Machine::Slot& slot : machine.slots) {
      if (slot.kind->role != role) continue;
      counters.busy.emplace_back(fmt::format("{}.{}", slot.name, slot.kind->far_end), slot.device->far_end_busy(now));
    }
  };
  // What lies nearest to the receiver first: of two that are equally busy the one named first is named.
  add_far_ends(platform::DeviceKind::Role::Sink);
  for (auto slot = machine.slots.rbegin(); slot != machine.slots.rend(); ++slot) {
    add_link("pcie." + slot->name, *slot->link);
  }
  counters.busy.emplace_back("memory", machine.memory->busy_until(now));
  add_far_ends(platform::DeviceKind::Role::Source);
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

}  // namespace sluice::simulate
