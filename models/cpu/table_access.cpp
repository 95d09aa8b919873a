// SPDX-License-Identifier: Apache-2.0
#include "models/cpu/table_access.h"

#include <algorithm>
#include <cstring>

namespace sluice::cpu {

TableAccess::TableAccess(unsigned core, const CpuConfig& config, fabric::CoreMemory& caches,
                         fabric::PhysicalMemory& memory)
    : m_core(core), m_caches(caches), m_memory(memory) {
  using fabric::HitLevel;
  const auto set = [&](HitLevel level, const CpuCost& cost) {
    m_latency[static_cast<std::size_t>(level)] = cost.at(config.frequency);
  };
  set(HitLevel::L1, config.latency_l1);
  set(HitLevel::L2, config.latency_l2);
  set(HitLevel::Llc, config.latency_llc);
  set(HitLevel::Peer, config.read.peer);
  set(HitLevel::Memory, config.latency_llc);  // to find the miss; DRAM adds its own
}

Picoseconds TableAccess::access(PhysAddr at, fabric::AccessKind kind, Picoseconds now) {
  const auto outcome = m_caches.access(m_core, at, sizeof(std::uint64_t), kind, now);
  Picoseconds cost;
  for (std::size_t level = 0; level < fabric::kHitLevels; ++level) cost += m_latency[level] * outcome.lines[level];
  return std::max(now, outcome.memory_ready) + cost;
}

Picoseconds TableAccess::read(PhysAddr at, std::uint64_t& entry, Picoseconds now) {
  entry = 0;
  if (!m_memory.contains(at, sizeof entry)) return now;
  std::memcpy(&entry, m_memory.at(at, sizeof entry).data(), sizeof entry);
  return access(at, fabric::AccessKind::Read, now);
}

Picoseconds TableAccess::write(PhysAddr at, std::uint64_t entry, Picoseconds now) {
  if (!m_memory.contains(at, sizeof entry)) return now;
  std::memcpy(m_memory.at(at, sizeof entry).data(), &entry, sizeof entry);
  return access(at, fabric::AccessKind::Write, now);
}

}  // namespace sluice::cpu
