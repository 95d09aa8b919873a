// SPDX-License-Identifier: Apache-2.0
// Interrupt moderation: when events become due, and when a due cause becomes a message. No SystemC.
#pragma once

#include <algorithm>
#include <deque>
#include <optional>

#include "models/base/time.h"

namespace sluice::fabric {

/// Gathers events: due at the event number `events`, or `time` after the first, whichever is first.
class Coalescing {
 public:
  Coalescing(unsigned events, Picoseconds time) : m_threshold(events), m_time(time) {}

  /// Software can see the event from `at` on, which may lie ahead.
  void add(Picoseconds at) { m_untold.push_back(m_untold.empty() ? at : std::max(at, m_untold.back())); }
  [[nodiscard]] std::optional<Picoseconds> due() const {
    if (m_untold.empty()) return std::nullopt;
    const Picoseconds late = m_untold.front() + m_time;
    return m_untold.size() < m_threshold ? late : std::min(late, m_untold[m_threshold - 1]);
  }
  /// The cause was raised at `at`: it tells of all events up to then.
  void told(Picoseconds at) {
    while (!m_untold.empty() && m_untold.front() <= at) m_untold.pop_front();
  }

 private:
  unsigned m_threshold;
  Picoseconds m_time;
  std::deque<Picoseconds> m_untold;  // ascending
};

/// One interrupt cause. A message (MSI-X) takes the pending bit with it.
class InterruptCause {
 public:
  /// True when a message must be sent now; else the cause stays pending.
  bool raise() {
    m_pending = m_masked;
    return !m_masked;
  }
  /// True when unmasking releases a pending cause: a message must be sent now.
  bool set_masked(bool masked) {
    const bool fire = m_masked && !masked && m_pending;
    m_masked = masked;
    if (fire) m_pending = false;
    return fire;
  }
  void clear() { m_pending = false; }
  [[nodiscard]] bool pending() const { return m_pending; }
  [[nodiscard]] bool masked() const { return m_masked; }

 private:
  bool m_masked = false;
  bool m_pending = false;
};

}  // namespace sluice::fabric
