// SPDX-License-Identifier: Apache-2.0
// When completions become an interrupt: after so many, or so long after the first, and never while masked. No SystemC.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>

#include "models/base/time.h"

namespace sluice::disk {

class InterruptCoalescing {
 public:
  InterruptCoalescing(unsigned completions, Picoseconds time) : m_threshold(completions), m_time(time) {}

  /// A completion entry becomes visible at `at`, which may lie ahead.
  void completed(Picoseconds at) { m_untold.push_back(m_untold.empty() ? at : std::max(at, m_untold.back())); }
  void set_masked(bool masked) { m_masked = masked; }
  [[nodiscard]] bool masked() const { return m_masked; }
  /// The instant at which a message has to be sent; none while masked or without a cause.
  [[nodiscard]] std::optional<Picoseconds> due() const {
    if (m_masked || m_untold.empty()) return std::nullopt;
    const Picoseconds late = m_untold.front() + m_time;
    return m_untold.size() < m_threshold ? late : std::min(late, m_untold[m_threshold - 1]);
  }
  /// A message was sent at `at`: it tells of all completions up to then.
  void sent(Picoseconds at) {
    while (!m_untold.empty() && m_untold.front() <= at) m_untold.pop_front();
  }
  void reset() { m_untold.clear(), m_masked = false; }

 private:
  unsigned m_threshold;
  Picoseconds m_time;
  std::deque<Picoseconds> m_untold;  // completions without a message yet, ascending
  bool m_masked = false;
};

}  // namespace sluice::disk
