// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/syscalls/signals.h"

#include <bit>
#include <csignal>

namespace sluice::syscalls {

using kernel_sim::SignalHandler;

namespace {

constexpr std::uint64_t bit_of(int signal) { return std::uint64_t{1} << (signal - 1); }

/// What a signal without an action does not end. Stopped processes are not modelled: those signals do nothing.
bool harmless(int signal) {
  switch (signal) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
    case SIGCONT:
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return true;
    default:
      return false;
  }
}

}  // namespace

base::Result<void> Signals::set(int signal, Action action) {
  if (!known(signal) || signal == SIGKILL || signal == SIGSTOP) return base::refuse(EINVAL);
  m_actions[static_cast<std::size_t>(signal)] = action;
  settle();
  return {};
}

void Signals::raise(int signal) {
  m_pending |= bit_of(signal);
  settle();
}

/// Signals that no handler is for take effect, or are gone.
void Signals::settle() {
  for (std::uint64_t left = m_pending; left != 0; left &= left - 1) {
    const int signal = std::countr_zero(left) + 1;
    const SignalHandler handler = m_actions[static_cast<std::size_t>(signal)].handler;
    if (handler == SignalHandler::Program) continue;
    const bool dropped = handler == SignalHandler::Ignore || harmless(signal);
    if (!dropped && (m_blocked & bit_of(signal)) != 0) continue;
    m_pending &= ~bit_of(signal);
    if (!dropped && !m_fatal) m_fatal = signal;
  }
}

bool Signals::restarts() const {
  const std::uint64_t next = deliverable();
  if (next == 0) return false;
  return (m_actions[static_cast<std::size_t>(std::countr_zero(next)) + 1].flags & SA_RESTART) != 0;
}

int Signals::take() {
  const std::uint64_t next = deliverable();
  if (m_fatal || next == 0) return 0;
  const int signal = std::countr_zero(next) + 1;
  Action& action = m_actions[static_cast<std::size_t>(signal)];
  m_pending &= ~bit_of(signal);
  if ((action.flags & SA_NODEFER) == 0) m_blocked |= bit_of(signal);
  if ((action.flags & SA_RESETHAND) != 0) action = {};
  return signal;
}

void Signals::handled(int signal) {
  m_blocked &= ~bit_of(signal);
  settle();
}

bool Signals::forgets_children() const {
  const Action& action = m_actions[SIGCHLD];
  return action.handler == SignalHandler::Ignore || (action.flags & SA_NOCLDWAIT) != 0;
}

Signals Signals::of_child() const {
  Signals child = *this;
  child.m_pending = 0;
  child.m_fatal.reset();
  return child;
}

}  // namespace sluice::syscalls
