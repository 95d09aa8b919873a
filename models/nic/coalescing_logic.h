// SPDX-License-Identifier: Apache-2.0
// Interrupt moderation: when a cause becomes due, and when a due cause becomes a message. No SystemC.
#pragma once

#include <optional>

#include "models/base/time.h"

namespace sluice::nic {

/// Counts events that may be dated ahead, in runs of evenly spaced ones. Due at the event number `frames`, or `time`
/// after the first, whichever is first.
class Coalescing {
 public:
  Coalescing(unsigned frames, Picoseconds time) : m_frames(frames), m_time(time) {}
  /// Events at first, first + interval, ...; not before events added earlier.
  void add(Picoseconds first, Picoseconds interval = {}, unsigned count = 1);
  [[nodiscard]] std::optional<Picoseconds> due() const { return m_due; }
  /// Starts anew, e.g. because the cause was raised.
  void clear();

 private:
  unsigned m_frames;
  Picoseconds m_time;
  unsigned m_count = 0;
  std::optional<Picoseconds> m_due;
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

}  // namespace sluice::nic
