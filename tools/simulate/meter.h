// SPDX-License-Identifier: Apache-2.0
// Reads the machine's and the kernel's counters at the marks of a run, and says what lies between.
//
// Calls, faults and mode switches count between the program's marks; time, devices and interrupts run on until the
// peer has the last byte (DESIGN, measured region).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kernel_sim/kernel.h"
#include "models/platform/machine.h"

namespace sluice::simulate {

/// Counters of the hardware at one instant. Everything grows, so differences are what happened in between.
struct HardwareCounters {
  Picoseconds at;
  std::vector<cpu::CoreTimes> cores;
  std::uint64_t context_switches = 0;
  std::uint64_t interrupts = 0;
  std::uint64_t tlb_misses = 0;
  std::uint64_t dma_descriptors = 0;
  std::uint64_t mmio_accesses = 0;
  Bytes dram_read = 0;
  Bytes dram_written = 0;
  Bytes pcie_payload = 0;
  Bytes pcie_wire = 0;
  std::uint64_t wire_frames = 0;  ///< to the peer
  std::uint64_t retransmissions = 0;
  std::uint64_t drops = 0;   ///< of packets and frames, by whomever
  cpu::AccountTimes work{};  ///< busy time of all cores by hal::Work
  /// Busy time of every resource that could limit, by name.
  std::vector<std::pair<std::string, Picoseconds>> busy;
};

HardwareCounters read_counters(const platform::Machine& machine, const kernel_sim::Kernel& kernel);

/// What a resource did between two readings.
struct Demand {
  std::string resource;
  Picoseconds busy;
};
/// Of every resource that could limit, in the order of HardwareCounters::busy.
std::vector<Demand> demands(const HardwareCounters& begin, const HardwareCounters& end);
/// The busiest of them; ties go to the one named first.
Demand busiest(const std::vector<Demand>& demands);

}  // namespace sluice::simulate
