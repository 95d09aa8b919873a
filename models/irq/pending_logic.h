// SPDX-License-Identifier: Apache-2.0
// Which vectors are pending, announced and masked: the controller without its clock.
//
//   message ──► pending ──► announced to the core ──► acknowledged
//                  │  (again: coalesced)    (waits here while the core is masked)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "models/fabric/memory_map.h"

namespace sluice::irq {

/// Per vector, all numbers since the start.
struct VectorStatistics {
  std::uint64_t messages = 0;   ///< arrived
  std::uint64_t coalesced = 0;  ///< found their vector pending already and vanished, as in an APIC's request register
  std::uint64_t accepted = 0;   ///< acknowledged by the core
};

/// Vectors are below fabric::kVectors and cores below `cores`; callers check what software or devices give.
class PendingVectors {
 public:
  explicit PendingVectors(unsigned cores) : m_enabled(cores, true) {}

  /// A message of `vector` arrives; true when the core must be told now.
  [[nodiscard]] bool arrive(unsigned vector);
  /// The core takes the interrupt; from here on a new message is a new interrupt. No effect when it is not pending.
  void acknowledge(unsigned vector);
  /// An interrupt of which a core was told already stays with that core.
  void route(unsigned vector, unsigned core) { m_vectors[vector].core = core; }
  void set_enabled(unsigned core, bool enabled) { m_enabled[core] = enabled; }
  /// The lowest vector that its core can be told about and was not; it counts as told from here on.
  [[nodiscard]] std::optional<unsigned> next_unannounced();

  [[nodiscard]] unsigned core_of(unsigned vector) const { return m_vectors[vector].core; }
  [[nodiscard]] bool is_pending(unsigned vector) const { return m_vectors[vector].pending; }
  [[nodiscard]] const VectorStatistics& statistics(unsigned vector) const { return m_vectors[vector].statistics; }

 private:
  struct Vector {
    unsigned core = 0;
    bool pending = false;
    bool announced = false;  // meaningful while pending
    VectorStatistics statistics;
  };
  std::array<Vector, fabric::kVectors> m_vectors{};
  std::vector<bool> m_enabled;
};

}  // namespace sluice::irq
