// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "models/base/quantity.h"
#include "models/base/result.h"

namespace sluice::tool {
namespace {

using Clock = std::chrono::steady_clock;

/// Messages of libraries may have several lines.
Json failed(std::string sentence) {
  std::replace(sentence.begin(), sentence.end(), '\n', ' ');
  return {{"failures", {sentence}}};
}

/// Nobody but the kernel kills a child of ours unasked, and it does so when memory is short.
std::string death_of(int signal, Bytes peak) {
  if (signal == SIGKILL) {
    return fmt::format("the simulation was killed; this host probably ran out of memory, of which it held {}",
                       base::to_text(peak / 1_MiB * 1_MiB));
  }
  return fmt::format("the simulation crashed: {} ({})", strsignal(signal), signal);
}

void send_all(int descriptor, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(descriptor, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nobody listens any more
    done += static_cast<std::size_t>(n);
  }
}

[[noreturn]] void be_child(const std::function<Json()>& work, int answer, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // no orphan goes on computing
  if (getppid() != parent) _exit(1);
  release_interrupts();
  Json reply;
  try {
    reply["run"] = work();
  } catch (const base::InputError& refused) {
    reply["input_error"] = refused.what();
  } catch (const base::SimulatorBug& bug) {
    reply["failure"] = std::string{"error in the simulator, please report it: "} + bug.what();
  } catch (const std::bad_alloc&) {
    reply["failure"] = "this host has too little memory for the run";
  } catch (const std::system_error& refused) {
    reply["input_error"] = std::string{"this host refused the run: "} + refused.what();
  } catch (const std::exception& error) {
    reply["failure"] = std::string{"unexpected error, please report it: "} + error.what();
  }
  send_all(answer, reply.dump(-1, ' ', false, Json::error_handler_t::replace));
  close(answer);
  std::fflush(nullptr);
  _exit(0);
}

/// Owns the child: it is dead and collected when this goes.
class Child {
 public:
  Child(pid_t id, int answer) : m_id(id), m_answer(answer) {}
  ~Child() {
    if (m_id > 0) {
      kill(m_id, SIGKILL);
      collect();
      // Its own children end by its end, and come to this process (a subreaper): when this goes, none is left.
      while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
      }
    }
    close(m_answer);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] int answer() const { return m_answer; }
  /// Waits for the end. `peak`, when given, is the most memory that the child held.
  int collect(Bytes* peak = nullptr) {
    int status = 0;
    rusage usage{};
    while (wait4(m_id, &status, 0, &usage) < 0 && errno == EINTR) {
    }
    if (peak != nullptr) *peak = static_cast<Bytes>(usage.ru_maxrss) * 1_KiB;
    m_id = -1;
    return status;
  }

 private:
  pid_t m_id;
  int m_answer;
};

/// Reads until the child closes its end. False when the time is up.
bool receive(const Child& child, const ChildLimits& limits, std::string& text) {
  const auto start = Clock::now();
  auto last_tick = std::chrono::seconds{0};
  while (true) {
    const bool ready = wait_for(child.answer(), POLLIN, 250);
    const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start);
    if (ready) {
      std::array<char, 65536> buffer;
      const ssize_t got = read(child.answer(), buffer.data(), buffer.size());
      if (got == 0) return true;
      if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    if (elapsed >= limits.timeout) return false;
    if (elapsed > last_tick && limits.tick) limits.tick(elapsed);
    last_tick = elapsed;
  }
}

}  // namespace

Json run_in_child(const std::function<Json()>& work, const ChildLimits& limits) {
  stop_if_interrupted();
  std::array<int, 2> channel{};
  if (pipe2(channel.data(), O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe"};
  std::fflush(nullptr);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t parent = getpid();
  const pid_t id = fork();
  if (id < 0) throw std::system_error{errno, std::generic_category(), "fork"};
  if (id == 0) {
    close(channel[0]);
    be_child(work, channel[1], parent);
  }
  close(channel[1]);
  Child child{id, channel[0]};
  std::string text;
  if (!receive(child, limits, text)) {
    return failed(fmt::format("did not end within {} s (--timeout)", limits.timeout.count()));
  }
  Bytes peak = 0;
  const int status = child.collect(&peak);
  if (WIFSIGNALED(status)) return failed(death_of(WTERMSIG(status), peak));
  const Json reply = Json::parse(text, nullptr, false);
  if (reply.contains("input_error")) throw base::InputError{reply["input_error"].get<std::string>()};
  if (reply.contains("failure")) return failed(reply["failure"].get<std::string>());
  if (!reply.contains("run")) {
    return failed(fmt::format("the simulation ended without a result, status {}", WEXITSTATUS(status)));
  }
  return reply["run"];
}

}  // namespace sluice::tool
