// SPDX-License-Identifier: Apache-2.0
#include "models/nic/descriptor_queue.h"

#include "models/nic/nic_registers.h"

namespace sluice::nic {

void DescriptorQueue::set_ring_base(std::uint64_t address) {
  static_assert(sizeof(TxDescriptor) == sizeof(RxDescriptor));
  if (address % sizeof(TxDescriptor) != 0 || !m_ring.empty()) {
    refuse();
    return;
  }
  m_base = BusAddr{address};
  m_ring.restart(m_ring.size());
}

void DescriptorQueue::set_ring_size(std::uint64_t entries) {
  if (!DescriptorRing::valid_size(entries) || !m_ring.empty()) {
    refuse();
    return;
  }
  m_ring.restart(static_cast<std::uint32_t>(entries));
}

void DescriptorQueue::set_vector(std::uint64_t vector) {
  if (vector >= fabric::kMsiSize / 16) {
    refuse();
    return;
  }
  m_vector = static_cast<std::uint32_t>(vector);
}

}  // namespace sluice::nic
