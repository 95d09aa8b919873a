// SPDX-License-Identifier: Apache-2.0
// What the two queues of the controller have in common: where the ring lies, how long it is, what has been fetched of
// it, whom it interrupts.
#pragma once

#include <deque>

#include "models/fabric/descriptor_reader.h"
#include "models/fabric/message_interrupt.h"
#include "models/fabric/ring_logic.h"
#include "models/nic/nic_core.h"
#include "models/nic/nic_registers.h"

namespace sluice::nic {

/// Values that the data sheet forbids, and changes of a ring that is in use, are counted as register errors and
/// ignored.
template <class Descriptor>
class DescriptorQueue {
 public:
  void set_ring_base(std::uint64_t address) {
    if (address % sizeof(Descriptor) != 0 || !m_ring.empty()) return refuse();
    m_base = BusAddr{address};
    m_ring = fabric::DescriptorRing{m_ring.size()};
  }
  void set_ring_size(std::uint64_t entries) {
    if (!fabric::is_ring_size(entries, kMaxRing) || !m_ring.empty()) return refuse();
    m_ring = fabric::DescriptorRing{static_cast<std::uint32_t>(entries)};
  }
  void set_vector(std::uint64_t vector) {
    if (!m_interrupt.set_vector(vector)) refuse();
  }
  void set_masked(bool masked) { count_lost(m_interrupt.set_masked(masked)); }

  [[nodiscard]] std::uint64_t ring_base() const { return m_base.value(); }
  [[nodiscard]] const fabric::DescriptorRing& ring() const { return m_ring; }
  [[nodiscard]] fabric::MessageInterrupt& interrupt() { return m_interrupt; }

 protected:
  /// A descriptor in the device, and when its fetch completes.
  struct Fetched {
    Descriptor descriptor;
    Picoseconds ready;
  };

  DescriptorQueue(NicCore& core, unsigned coalesce_frames, Picoseconds coalesce_time, std::uint64_t& interrupts)
      : m_core(core), m_interrupt(core.dma, coalesce_frames, coalesce_time, interrupts) {}
  ~DescriptorQueue() = default;

  void refuse() { m_core.count_error(m_core.statistics.register_errors); }
  void count_lost(fabric::MessageInterrupt::Sent sent) {
    if (sent == fabric::MessageInterrupt::Sent::Lost) m_core.count_error(m_core.statistics.dma_errors);
  }
  /// Asks for the next run of descriptors. A ring that does not answer halts the queue until reset.
  void fetch_descriptors() {
    if (m_halted) return;
    const auto run = m_reader.read(m_core.dma, m_ring, m_base, m_core.config.descriptor_batch);
    if (!run.ok) {
      m_core.count_error(m_core.statistics.dma_errors);
      m_halted = true;
      return;
    }
    m_core.statistics.descriptors_fetched += run.descriptors.size();
    for (const Descriptor& descriptor : run.descriptors) m_fetched.push_back({descriptor, run.ready});
  }
  /// Few descriptors are left in the device: a fetch now hides its latency.
  [[nodiscard]] bool runs_low() const { return m_fetched.size() < m_core.config.descriptor_batch / 2; }
  void reset_queue() {
    ++m_epoch;
    m_ring = {};
    m_base = {};
    m_fetched.clear();
    m_interrupt.reset();
    m_halted = false;
  }

  NicCore& m_core;
  fabric::DescriptorRing m_ring;
  BusAddr m_base;
  std::deque<Fetched> m_fetched;
  fabric::MessageInterrupt m_interrupt;
  bool m_halted = false;
  std::uint64_t m_epoch = 0;  // counts resets, so that a process notices one that came while it waited

 private:
  fabric::DescriptorReader<Descriptor> m_reader;
};

}  // namespace sluice::nic
