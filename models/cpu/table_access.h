// SPDX-License-Identifier: Apache-2.0
// How a core's page-table walker reaches the tables: single loads and stores through the core's caches, each waiting
// for the one before (a walk cannot overlap its own steps, so latency counts here, not throughput).
#pragma once

#include <array>

#include "models/cpu/cpu_config.h"
#include "models/fabric/core_memory.h"
#include "models/fabric/translation.h"

namespace sluice::cpu {

class TableAccess : public fabric::PageTableAccess {
 public:
  TableAccess(unsigned core, const CpuConfig& config, fabric::CoreMemory& caches, fabric::PhysicalMemory& memory);

  Picoseconds read(PhysAddr at, std::uint64_t& entry, Picoseconds now) override;
  Picoseconds write(PhysAddr at, std::uint64_t entry, Picoseconds now) override;

 private:
  Picoseconds access(PhysAddr at, fabric::AccessKind kind, Picoseconds now);

  unsigned m_core;
  fabric::CoreMemory& m_caches;
  fabric::PhysicalMemory& m_memory;
  std::array<Picoseconds, fabric::kHitLevels> m_latency;
};

}  // namespace sluice::cpu
