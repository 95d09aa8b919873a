// SPDX-License-Identifier: Apache-2.0
// The controller's side of the two rings. No SystemC.
#pragma once

#include <algorithm>
#include <bit>

#include "models/base/types.h"

namespace sluice::disk {

constexpr bool is_ring_size(std::uint64_t entries) {
  return entries >= 2 && entries <= 4096 && std::has_single_bit(entries);
}

/// The driver moves the tail, the controller takes from the head.
class SubmissionRing {
 public:
  void reset(std::uint32_t size) { *this = SubmissionRing{}, m_size = size; }
  /// False, and nothing changes, when there is no such entry.
  bool set_tail(std::uint64_t tail) {
    if (tail >= m_size) return false;
    m_tail = static_cast<std::uint32_t>(tail);
    return true;
  }
  [[nodiscard]] std::uint32_t head() const { return m_head; }
  [[nodiscard]] std::uint32_t tail() const { return m_tail; }
  [[nodiscard]] std::uint32_t waiting() const { return m_size == 0 ? 0 : (m_tail - m_head) & (m_size - 1); }
  /// Entries that one read can fetch: up to the end of the ring.
  [[nodiscard]] std::uint32_t waiting_in_a_row() const { return std::min(waiting(), m_size - m_head); }
  void take(std::uint32_t entries) { m_head = (m_head + entries) & (m_size - 1); }

 private:
  std::uint32_t m_size = 0;
  std::uint32_t m_head = 0;
  std::uint32_t m_tail = 0;
};

/// The controller moves the tail, the driver moves the head. Entries carry the phase of their pass.
class CompletionRing {
 public:
  void reset(std::uint32_t size) { *this = CompletionRing{}, m_size = size; }
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

}  // namespace sluice::disk
