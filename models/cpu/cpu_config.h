// SPDX-License-Identifier: Apache-2.0
// Parameters of the cores: clock, what a line costs by where it is found, idle.
#pragma once

#include <array>

#include "models/base/parameters.h"
#include "models/fabric/core_memory.h"

namespace sluice::cpu {

/// What moving one 64-byte line costs a core in a stream (hardware prefetch on), by where it is found. Throughput, not
/// latency: a copy overlaps its misses.
struct LineCosts {
  CpuCost l1;
  CpuCost l2;
  CpuCost llc;
  CpuCost peer;
  CpuCost memory;
};

struct CpuConfig {
  unsigned cores = 1;
  Frequency frequency{2'900'000'000};
  LineCosts read{CpuCost::millicycles(1'000), CpuCost::millicycles(2'500), CpuCost::millicycles(8'000),
                 CpuCost::cycles(40), CpuCost::millicycles(12'000)};
  LineCosts write{CpuCost::millicycles(1'000), CpuCost::millicycles(2'500), CpuCost::millicycles(7'000),
                  CpuCost::cycles(40), CpuCost::millicycles(9'000)};
  CpuCost latency_l1 = CpuCost::cycles(5);
  CpuCost latency_l2 = CpuCost::cycles(14);
  CpuCost latency_llc = CpuCost::cycles(50);
  CpuCost copy_start = CpuCost::cycles(35);
  CpuCost checksum_line = CpuCost::cycles(4);
  CpuCost idle_exit = CpuCost::time(500_ns);

  void describe(base::ParameterTable& table);
};

}  // namespace sluice::cpu
