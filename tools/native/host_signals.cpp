// SPDX-License-Identifier: Apache-2.0
// Signals, and who may be sent one.
#include <algorithm>
#include <atomic>
#include <bit>
#include <csignal>

#include <sys/syscall.h>

#include "tools/native/host_call.h"

namespace sluice::native {

using kernel_sim::SignalHandler;
using syscalls::Call;
using Value = SystemCalls::Value;

namespace {

std::atomic<std::uint64_t> caught_signals;  // by number - 1

void catch_signal(int signal) { caught_signals |= std::uint64_t{1} << (signal - 1); }

}  // namespace

Value HostSystemCalls::getpid() {
  return call(Call::Getpid, [&] { return raw(SYS_getpid); });
}

/// Linux's handler only notes the signal: the program's own runs when the call has returned (next_signal). So no call
/// of Linux's starts again by itself.
Value HostSystemCalls::sigaction(int signal, SignalHandler handler, unsigned flags) {
  return call(Call::Sigaction, [&]() -> Value {
    struct sigaction action {};
    action.sa_handler = handler == SignalHandler::Program  ? catch_signal
                        : handler == SignalHandler::Ignore ? SIG_IGN
                                                           : SIG_DFL;
    action.sa_flags = static_cast<int>(flags & ~static_cast<unsigned>(SA_RESTART));
    if (handler == SignalHandler::Program) action.sa_flags &= ~SA_SIGINFO;
    if (::sigaction(signal, &action, nullptr) != 0) return -errno;
    static_cast<void>(m_signals.set(signal, {handler, flags}));
    return 0;
  });
}

void HostSystemCalls::take_noted() {
  for (std::uint64_t left = caught_signals.exchange(0); left != 0; left &= left - 1)
    m_signals.raise(std::countr_zero(left) + 1);
}

Value HostSystemCalls::interrupted(Call which) {
  take_noted();
  return syscalls::starts_again(which) && m_signals.restarts() ? kRestart : -EINTR;
}

int HostSystemCalls::next_signal() {
  take_noted();
  return m_signals.take();
}

/// What came meanwhile, and is not handled any more, does what Linux does with it.
void HostSystemCalls::signal_handled(int signal) {
  m_signals.handled(signal);
  if (const auto fatal = m_signals.fatal()) raw(SYS_kill, ::getpid(), *fatal);
}

void HostSystemCalls::forget_signals() {
  caught_signals = 0;
  m_signals = m_signals.of_child();
}

/// A program that gets a number wrong must not reach a stranger's process.
Value HostSystemCalls::kill(std::int64_t pid, int signal) {
  return call(Call::Kill, [&]() -> Value {
    bool known = pid == ::getpid();
    for (const auto& process : m_counters->family) known |= pid > 0 && process.load() == pid;
    return known ? raw(SYS_kill, pid, signal) : -ESRCH;
  });
}

void HostSystemCalls::joins(pid_t process) {
  for (auto& place : m_counters->family) {
    if (place.load() == process) return;
  }
  for (auto& place : m_counters->family) {
    pid_t nobody = 0;
    if (place.compare_exchange_strong(nobody, process)) return;
  }
}

void HostSystemCalls::forget_processes() {
  for (auto& place : m_counters->family) place = 0;
}

std::size_t HostSystemCalls::known_processes() const {
  return static_cast<std::size_t>(std::ranges::count_if(m_counters->family, [](const auto& pid) { return pid != 0; }));
}

void HostSystemCalls::leaves(pid_t process) {
  for (auto& place : m_counters->family) {
    pid_t expected = process;
    place.compare_exchange_strong(expected, 0);
  }
}

}  // namespace sluice::native
