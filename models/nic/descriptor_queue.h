// SPDX-License-Identifier: Apache-2.0
// What the two queues of the controller have in common: where the ring lies, how long it is, whom it interrupts.
#pragma once

#include "models/nic/nic_core.h"
#include "models/nic/ring_logic.h"

namespace sluice::nic {

/// Values that the data sheet forbids, and changes of a ring that is in use, are counted as register errors and
/// ignored.
class DescriptorQueue {
 public:
  void set_ring_base(std::uint64_t address);
  void set_ring_size(std::uint64_t entries);
  void set_vector(std::uint64_t vector);

  [[nodiscard]] std::uint64_t ring_base() const { return m_base.value(); }
  [[nodiscard]] std::uint32_t vector() const { return m_vector; }
  [[nodiscard]] const DescriptorRing& ring() const { return m_ring; }

 protected:
  explicit DescriptorQueue(NicCore& core) : m_core(core) {}
  ~DescriptorQueue() = default;
  void refuse() { m_core.count_error(m_core.statistics.register_errors); }

  NicCore& m_core;
  BusAddr m_base;
  std::uint32_t m_vector = kNoVector;
  DescriptorRing m_ring;
};

}  // namespace sluice::nic
