// SPDX-License-Identifier: Apache-2.0
// Parameters of the cores: clock, what a line costs by where it is found, idle.
#pragma once

#include <array>

#include "models/base/parameters.h"
#include "models/fabric/core_memory.h"

namespace sluice::cpu {

/// What moving one 64-byte line costs a core in a stream (hardware prefetch on), by where it is found, as long as
/// enough lines are on their way: a line takes the longer of this and the latency of its level over `lines_in_flight`.
struct LineCosts {
  CpuCost l1;
  CpuCost l2;
  CpuCost llc;
  CpuCost peer;
  CpuCost memory;
};

struct CpuConfig : base::Parameters {
  static constexpr const char* kCopyRates = "estimate: single-thread copy rates of Intel server cores by working set";
  static constexpr const char* kLatencies = "estimate, recalled from the Intel optimization manual: Skylake Server";

  unsigned cores = parameter(cores, "cores", 1, {1, 64}, "number of cores", "a platform's choice");
  Frequency frequency = parameter(frequency, "frequency", 2900_MHz, {100_MHz, 10'000_MHz},
                                  "clock of the cores; costs in cycles scale with it, and so do the kernel's costs",
                                  "Xeon Gold 6226R on technical.city: base frequency");
  LineCosts read{
      .l1 = parameter(read.l1, "read_l1", CpuCost::cycles(1),
                      "cost to read one 64-byte line of a stream found in the core's L1 data cache", kCopyRates),
      .l2 = parameter(read.l2, "read_l2", CpuCost::millicycles(2'500),
                      "cost to read one 64-byte line of a stream found in the core's L2 cache", kCopyRates),
      .llc = parameter(read.llc, "read_llc", CpuCost::cycles(8),
                       "cost to read one 64-byte line of a stream found in the last-level cache", kCopyRates),
      .peer = parameter(read.peer, "read_peer", CpuCost::cycles(40),
                        "cost to read one 64-byte line of a stream found in another core's cache, modified there",
                        kCopyRates),
      .memory = parameter(read.memory, "read_memory", CpuCost::cycles(12),
                          "cost to read one 64-byte line of a stream found in DRAM, beside the wait for its bandwidth",
                          kCopyRates),
  };
  LineCosts write{
      .l1 = parameter(write.l1, "write_l1", CpuCost::cycles(1),
                      "cost to write one 64-byte line of a stream found in the core's L1 data cache", kCopyRates),
      .l2 = parameter(write.l2, "write_l2", CpuCost::millicycles(2'500),
                      "cost to write one 64-byte line of a stream found in the core's L2 cache", kCopyRates),
      .llc = parameter(write.llc, "write_llc", CpuCost::cycles(7),
                       "cost to write one 64-byte line of a stream found in the last-level cache", kCopyRates),
      .peer = parameter(write.peer, "write_peer", CpuCost::cycles(40),
                        "cost to write one 64-byte line of a stream found in another core's cache, modified there",
                        kCopyRates),
      .memory = parameter(write.memory, "write_memory", CpuCost::cycles(9),
                          "cost to write one 64-byte line of a stream found in DRAM, beside the wait for its bandwidth",
                          kCopyRates),
  };
  unsigned lines_in_flight =
      parameter(lines_in_flight, "lines_in_flight", 30, {1, 4096},
                "lines of a stream that are on their way to a core at once, those of the prefetchers included; a line "
                "takes at least the latency of its level over this",
                "estimate, by Little's law: one thread streams up to 20 GiB/s (mazzo.li 2022; napkin-math) at 92 ns");
  CpuCost latency_l1 =
      parameter(latency_l1, "latency_l1", CpuCost::cycles(5),
                "load-to-use latency of an L1 hit; a page-table walk pays it per step, and a copy for its first "
                "line, as those of the other levels",
                kLatencies);
  CpuCost latency_l2 =
      parameter(latency_l2, "latency_l2", CpuCost::cycles(14), "load-to-use latency of an L2 hit", kLatencies);
  CpuCost latency_llc = parameter(latency_llc, "latency_llc", CpuCost::cycles(50),
                                  "load-to-use latency of a last-level hit; a miss pays it before DRAM", kLatencies);
  CpuCost copy_start =
      parameter(copy_start, "copy_start", CpuCost::cycles(35), "start of a bulk copy (rep movsb with ERMS)",
                "estimate, recalled from the Intel optimization manual");
  CpuCost checksum_line =
      parameter(checksum_line, "checksum_line", CpuCost::cycles(4),
                "adding up one line for a checksum, beside reading it", "estimate: 16 bytes per cycle");
  CpuCost idle_exit =
      parameter(idle_exit, "idle_exit", CpuCost::time(500_ns),
                "from an interrupt to the first instruction on an idle core", "estimate: shallow idle state (C1)");
};

}  // namespace sluice::cpu
