// SPDX-License-Identifier: Apache-2.0
// A TCP timer; it runs out with a tick of the kernel. Moving or stopping it costs nothing: the machine's timer is left
// to run and looks at the deadline when it expires (as Linux leaves its own, INET_CSK_CLEAR_TIMERS not set).
#pragma once

#include <memory>
#include <optional>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/sched/scheduler.h"

namespace sluice::net {

class TcpConnection;

class TcpTimer {
 public:
  void set(TcpConnection& owner, Picoseconds delay);
  void stop() { m_deadline.reset(); }
  [[nodiscard]] bool pending() const { return m_deadline.has_value(); }
  /// When it expires, while it is pending.
  [[nodiscard]] Picoseconds deadline() const { return *m_deadline; }
  /// Whether it has expired; if so it is stopped.
  [[nodiscard]] bool take_expired(Picoseconds now);

 private:
  static void start(const std::shared_ptr<TcpConnection>& owner, TcpTimer& timer, Picoseconds delay);

  std::optional<Picoseconds> m_deadline;
  std::optional<Picoseconds> m_runs_until;  // the machine's timer
};

}  // namespace sluice::net
