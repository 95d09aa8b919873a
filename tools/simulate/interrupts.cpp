// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/interrupts.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <system_error>
#include <unistd.h>

namespace sluice::simulate {
namespace {

/// Those whose default is to end the process. SIGKILL cannot be handled; SIGSEGV and its like speak of a bug.
constexpr std::array kEnding{SIGINT,  SIGTERM,   SIGHUP,  SIGQUIT, SIGUSR1, SIGUSR2,
                             SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGIO,   SIGPWR};
/// Those that a write answers with an error number as well.
constexpr std::array kErrors{SIGPIPE, SIGXFSZ};

volatile std::sig_atomic_t g_interrupted = 0;
std::array<int, 2> g_wake{-1, -1};  // the handler writes here, so that no signal is lost before poll()

void on_interrupt(int /*signal*/) {
  const int kept = errno;
  g_interrupted = 1;
  const char byte = 0;
  [[maybe_unused]] const ssize_t n = write(g_wake[1], &byte, 1);
  errno = kept;
}

bool is_ignored(int number) {
  struct sigaction present {};
  return sigaction(number, nullptr, &present) == 0 && present.sa_handler == SIG_IGN;
}

}  // namespace

void catch_interrupts() {
  if (pipe2(g_wake.data(), O_CLOEXEC | O_NONBLOCK) != 0)
    throw std::system_error{errno, std::generic_category(), "pipe"};
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  for (const int number : kEnding) {
    if (!is_ignored(number)) sigaction(number, &action, nullptr);
  }
  for (const int number : kErrors) std::signal(number, SIG_IGN);
}

void stop_if_interrupted() {
  if (g_interrupted != 0) throw Interrupted{};
}

void release_interrupts() {
  for (const int number : kEnding) {
    if (!is_ignored(number)) std::signal(number, SIG_DFL);
  }
  std::signal(SIGPIPE, SIG_DFL);
}

bool wait_for(int descriptor, short events, int milliseconds) {
  std::vector<pollfd> one{{descriptor, events, 0}};
  wait_for(one, milliseconds);
  return one.front().revents != 0;
}

void wait_for(std::vector<pollfd>& descriptors, int milliseconds) {
  stop_if_interrupted();
  descriptors.push_back({g_wake[0], POLLIN, 0});
  if (poll(descriptors.data(), descriptors.size(), milliseconds) <= 0) {
    for (pollfd& descriptor : descriptors) descriptor.revents = 0;  // they are not set when poll() fails
  }
  descriptors.pop_back();
  stop_if_interrupted();
}

}  // namespace sluice::simulate
