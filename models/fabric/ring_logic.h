// SPDX-License-Identifier: Apache-2.0
// Arithmetic of the rings that a device shares with software. No SystemC.
//
//        head            fetched        tail (doorbell)
//   ......|### in work ###|### posted ###|...... free      head == tail: empty; full with size - 1 entries
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace sluice::fabric {

/// A power of two from 2 to `most`.
constexpr bool is_ring_size(std::uint64_t entries, std::uint64_t most) {
  return entries >= 2 && entries <= most && std::has_single_bit(entries);
}

/// A ring that software fills: the device learns `tail` from the doorbell, fetches descriptors and counts them as done
/// in order.
class DescriptorRing {
 public:
  constexpr DescriptorRing() = default;
  /// Empty. A ring of size 0 takes no doorbell.
  constexpr explicit DescriptorRing(std::uint32_t entries) : m_size(entries) {}

  [[nodiscard]] std::uint32_t size() const { return m_size; }
  [[nodiscard]] std::uint32_t head() const { return m_head; }
  [[nodiscard]] std::uint32_t tail() const { return m_tail; }
  [[nodiscard]] std::uint32_t fetch_index() const { return m_fetched; }

  /// Takes a doorbell. False when the index lies outside the ring or takes back descriptors already fetched.
  bool ring_doorbell(std::uint64_t tail) {
    if (tail >= m_size) return false;
    if (distance(m_head, static_cast<std::uint32_t>(tail)) < distance(m_head, m_fetched)) return false;
    m_tail = static_cast<std::uint32_t>(tail);
    return true;
  }
  [[nodiscard]] bool empty() const { return m_head == m_tail; }
  [[nodiscard]] bool full() const { return m_size != 0 && distance(m_head, m_tail) == m_size - 1; }
  /// Posted and not fetched yet.
  [[nodiscard]] std::uint32_t unfetched() const { return distance(m_fetched, m_tail); }
  /// Entries the next fetch may take in one run of memory: at most `most`, not across the end of the ring.
  [[nodiscard]] std::uint32_t next_run(std::uint32_t most) const {
    return std::min({most, unfetched(), m_size - m_fetched});
  }
  void fetched(std::uint32_t count) { m_fetched = plus(m_fetched, count); }
  /// The oldest `count` descriptors are done.
  void complete(std::uint32_t count) { m_head = plus(m_head, count); }

 private:
  [[nodiscard]] std::uint32_t plus(std::uint32_t index, std::uint32_t count) const {
    return (index + count) & (m_size - 1);
  }
  [[nodiscard]] std::uint32_t distance(std::uint32_t from, std::uint32_t to) const {
    return m_size == 0 ? 0 : (to - from) & (m_size - 1);
  }

  std::uint32_t m_size = 0;
  std::uint32_t m_head = 0;
  std::uint32_t m_fetched = 0;
  std::uint32_t m_tail = 0;
};

/// A ring that the device fills: it moves the tail, software moves the head. Entries carry the phase of their pass.
class CompletionRing {
 public:
  constexpr CompletionRing() = default;
  constexpr explicit CompletionRing(std::uint32_t entries) : m_size(entries) {}

  /// False, and nothing changes, when there is no such entry.
  bool set_head(std::uint64_t head) {
    if (head >= m_size) return false;
    m_head = static_cast<std::uint32_t>(head);
    return true;
  }
  [[nodiscard]] bool full() const { return ((m_tail + 1) & (m_size - 1)) == m_head; }
  [[nodiscard]] std::uint32_t head() const { return m_head; }
  [[nodiscard]] std::uint32_t tail() const { return m_tail; }
  [[nodiscard]] std::uint16_t phase() const { return m_phase; }
  void put() {
    m_tail = (m_tail + 1) & (m_size - 1);
    if (m_tail == 0) m_phase ^= 1U;
  }

 private:
  std::uint32_t m_size = 0;
  std::uint32_t m_head = 0;
  std::uint32_t m_tail = 0;
  std::uint16_t m_phase = 1;
};

}  // namespace sluice::fabric
