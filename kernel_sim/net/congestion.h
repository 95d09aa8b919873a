// SPDX-License-Identifier: Apache-2.0
// Reno congestion control (RFC 5681), windows in segments as Linux keeps them.
#pragma once

#include <algorithm>
#include <cstdint>

namespace sluice::net {

class Reno {
 public:
  explicit Reno(unsigned initial_window) : m_window(initial_window) {}

  [[nodiscard]] std::uint32_t window() const { return m_window; }
  [[nodiscard]] bool in_slow_start() const { return m_window < m_threshold; }

  /// `segments` were acknowledged while the window, and not the application, was the limit.
  void acknowledged(std::uint32_t segments) {
    if (in_slow_start()) {
      const std::uint32_t room = m_threshold - m_window;
      const std::uint32_t taken = std::min(segments, room);
      m_window += taken;
      segments -= taken;
    }
    m_counted += segments;
    if (segments > 0 && m_counted >= m_window) {
      m_counted -= m_window;
      ++m_window;
    }
  }
  /// A retransmission time-out: everything in flight is taken for lost.
  void timed_out() {
    m_threshold = std::max(m_window / 2, 2U);
    m_window = 1;
    m_counted = 0;
  }

 private:
  std::uint32_t m_window;
  std::uint32_t m_threshold = 0x7FFF'FFFF;
  std::uint32_t m_counted = 0;  // acknowledged since the window last grew, in congestion avoidance
};

}  // namespace sluice::net
