// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/tcp_timer.h"

#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

void TcpTimer::set(TcpConnection& owner, Picoseconds delay) {
  const Picoseconds now = owner.m_stack.m_machine.cpu.now();
  m_deadline = now + delay;
  if (m_runs_until && *m_runs_until <= *m_deadline) return;
  const Picoseconds wait = owner.m_stack.m_scheduler.wheel_wait(delay);
  m_runs_until = now + wait;
  start(owner.shared_from_this(), *this, wait);
}

bool TcpTimer::take_expired(Picoseconds now) {
  if (!m_deadline || *m_deadline > now) return false;
  m_deadline.reset();
  return true;
}

void TcpTimer::start(const std::shared_ptr<TcpConnection>& owner, TcpTimer& timer, Picoseconds delay) {
  Stack& stack = owner->m_stack;
  // The timer is a member of the connection that the handler keeps an eye on.
  stack.m_scheduler.start_timer(delay, [weak = std::weak_ptr{owner}, &timer, &stack] {
    const auto connection = weak.lock();
    if (!connection) return;
    const Picoseconds now = stack.m_machine.cpu.now();
    if (timer.m_runs_until && *timer.m_runs_until > now) return;  // an earlier one replaced by this run's successor
    timer.m_runs_until.reset();
    if (!timer.m_deadline) return;
    if (*timer.m_deadline > now) {
      const Picoseconds wait = stack.m_scheduler.wheel_wait(*timer.m_deadline - now);
      timer.m_runs_until = now + wait;
      start(connection, timer, wait);
      return;
    }
    stack.m_scheduler.raise_softirq([weak] {
      if (const auto expired = weak.lock()) expired->look_at_timers();
    });
  });
}

}  // namespace sluice::net
