// SPDX-License-Identifier: Apache-2.0
// The signals of one process: what each does, and which have come.
//
// - A signal that is ignored is gone when it is sent. One that ends the process does so when the process is about to
//   return to user mode, and the first of them counts. One with a handler waits until the program asks for it.
// - Waits of Linux that a signal interrupts ask sched::Scheduler::interrupted.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "kernel_sim/system_calls.h"
#include "models/base/result.h"

namespace sluice::syscalls {

/// Calls that a handler with SA_RESTART starts again (signal(7)): all that wait but those for a time or for several
/// files.
constexpr bool starts_again(kernel_sim::Call call) {
  using kernel_sim::Call;
  return call != Call::Poll && call != Call::EpollWait && call != Call::Nanosleep;
}

class Signals {
 public:
  static constexpr bool known(int signal) { return signal >= 1 && signal <= kernel_sim::kSignals; }

  struct Action {
    kernel_sim::SignalHandler handler = kernel_sim::SignalHandler::Default;
    unsigned flags = 0;
  };
  /// EINVAL for what is no signal, and for those that nobody can change.
  base::Result<void> set(int signal, Action action);
  /// Somebody sends the signal.
  void raise(int signal);
  /// Whether something came that the process must look at.
  [[nodiscard]] bool pending() const { return m_fatal.has_value() || deliverable() != 0; }
  /// The signal that ends the process.
  [[nodiscard]] std::optional<int> fatal() const { return m_fatal; }
  /// Whether a call that the next handler interrupts starts again.
  [[nodiscard]] bool restarts() const;
  /// The next signal whose handler is to run; 0: none. It is blocked until `handled`.
  int take();
  void handled(int signal);
  /// Children that end leave nothing to wait for.
  [[nodiscard]] bool forgets_children() const;
  /// Those of a child: the same actions, and nothing has come.
  [[nodiscard]] Signals of_child() const;

 private:
  [[nodiscard]] std::uint64_t deliverable() const { return m_pending & ~m_blocked; }
  void settle();

  std::array<Action, kernel_sim::kSignals + 1> m_actions{};
  std::uint64_t m_pending = 0;  // by number - 1
  std::uint64_t m_blocked = 0;
  std::optional<int> m_fatal;
};

}  // namespace sluice::syscalls
