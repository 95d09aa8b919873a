// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/child.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "models/base/quantity.h"
#include "models/base/result.h"

namespace sluice::simulate {
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

[[noreturn]] void be_child(const Work& work, int answer, pid_t parent) {
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

/// What a child came to.
struct Ended {
  std::size_t index;
  Outcome outcome;
  std::optional<std::string> refused;  // the message of an InputError
};

/// The children that run. When this goes, all are dead and collected.
class Children {
 public:
  explicit Children(const ChildLimits& limits) : m_limits(limits) {}
  ~Children() {
    end_those_after(std::nullopt);
    // Children of those that were killed come to this process (a subreaper): when this goes, none is left.
    while (m_killed && (waitpid(-1, nullptr, 0) > 0 || errno == EINTR)) {
    }
  }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  [[nodiscard]] std::size_t count() const { return m_running.size(); }
  void start(std::size_t index, const Work& work);
  /// Waits until one has ended or its time is up.
  Ended next();
  /// Kills those with a higher index; without one, all.
  void end_those_after(std::optional<std::size_t> index);

 private:
  struct Child {
    std::size_t index;
    pid_t id;
    int answer;
    Clock::time_point began;
    std::string text;
  };
  using Position = std::vector<Child>::iterator;

  static bool read_more(Child& child);
  int take_off(Position child, Bytes* peak = nullptr);
  Ended ended(Position child);
  Ended time_is_up(Position child);
  void tick();

  const ChildLimits& m_limits;
  std::vector<Child> m_running;  // in the order of their start
  Clock::time_point m_ticked = Clock::now();
  bool m_killed = false;
};

void Children::start(std::size_t index, const Work& work) {
  std::array<int, 2> channel{};
  if (pipe2(channel.data(), O_CLOEXEC) != 0) throw std::system_error{errno, std::generic_category(), "pipe"};
  std::fflush(nullptr);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t parent = getpid();
  const Clock::time_point began = Clock::now();
  const pid_t id = fork();
  if (id == 0) {
    close(channel[0]);
    be_child(work, channel[1], parent);
  }
  const int fork_error = errno;
  close(channel[1]);
  if (id < 0) {
    close(channel[0]);
    throw std::system_error{fork_error, std::generic_category(), "fork"};
  }
  m_running.push_back({index, id, channel[0], began, {}});
}

Ended Children::next() {
  while (true) {
    std::vector<pollfd> answers;
    for (const Child& child : m_running) answers.push_back({child.answer, POLLIN, 0});
    wait_for(answers, 250);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i].revents != 0 && !read_more(m_running[i])) return ended(m_running.begin() + static_cast<long>(i));
    }
    for (auto child = m_running.begin(); child != m_running.end(); ++child) {
      if (Clock::now() - child->began >= m_limits.timeout) return time_is_up(child);
    }
    tick();
  }
}

/// False when the child has closed its end.
bool Children::read_more(Child& child) {
  std::array<char, 65536> buffer;
  const ssize_t got = read(child.answer, buffer.data(), buffer.size());
  if (got > 0) child.text.append(buffer.data(), static_cast<std::size_t>(got));
  return got != 0;
}

/// Waits for the end, which is near, and returns the status. `peak`, when given, is the most memory that it held.
int Children::take_off(Position child, Bytes* peak) {
  int status = 0;
  rusage usage{};
  while (wait4(child->id, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  if (peak != nullptr) *peak = static_cast<Bytes>(usage.ru_maxrss) * 1_KiB;
  close(child->answer);
  m_running.erase(child);
  return status;
}

Ended Children::ended(Position child) {
  const std::size_t index = child->index;
  const Clock::time_point began = child->began;
  const std::string text = std::move(child->text);
  Bytes peak = 0;
  const int status = take_off(child, &peak);
  Ended ended{index, {{}, Clock::now() - began}, {}};
  if (WIFSIGNALED(status)) {
    ended.outcome.result = failed(death_of(WTERMSIG(status), peak));
    return ended;
  }
  const Json reply = Json::parse(text, nullptr, false);
  if (reply.contains("input_error")) {
    ended.refused = reply["input_error"].get<std::string>();
  } else if (reply.contains("failure")) {
    ended.outcome.result = failed(reply["failure"].get<std::string>());
  } else if (reply.contains("run")) {
    ended.outcome.result = reply["run"];
  } else {
    ended.outcome.result = failed(fmt::format("the simulation ended without a result, status {}", WEXITSTATUS(status)));
  }
  return ended;
}

Ended Children::time_is_up(Position child) {
  Ended ended{child->index,
              {failed(fmt::format("did not end within {} s (--timeout)", m_limits.timeout.count())),
               Clock::now() - child->began},
              {}};
  kill(child->id, SIGKILL);
  m_killed = true;
  take_off(child);
  return ended;
}

void Children::end_those_after(std::optional<std::size_t> index) {
  for (const Child& child : m_running) {
    if (index && child.index <= *index) continue;
    kill(child.id, SIGKILL);
    m_killed = true;
  }
  for (auto child = m_running.end(); child != m_running.begin();) {
    --child;
    if (!index || child->index > *index) take_off(child);
  }
}

void Children::tick() {
  const Clock::time_point now = Clock::now();
  if (!m_limits.tick || now - m_ticked < std::chrono::seconds{1}) return;
  m_ticked = now;
  const auto elapsed = std::chrono::duration_cast<std::chrono::seconds>(now - m_running.front().began);
  if (elapsed.count() > 0) m_limits.tick(m_running.front().index, elapsed);
}

}  // namespace

std::vector<Outcome> run_in_children(const std::vector<Work>& works, unsigned at_once, const ChildLimits& limits) {
  stop_if_interrupted();
  std::vector<Outcome> outcomes(works.size());
  std::optional<std::string> refused;
  Children children{limits};
  for (std::size_t next = 0; next < works.size() || children.count() > 0;) {
    if (next < works.size() && children.count() < at_once) {
      children.start(next, works[next]);
      ++next;
      continue;
    }
    Ended ended = children.next();
    outcomes[ended.index] = std::move(ended.outcome);
    if (!ended.refused) continue;
    refused = ended.refused;  // one that is still running may be refused too, and comes before it then
    children.end_those_after(ended.index);
    next = works.size();
  }
  if (refused) throw base::InputError{*refused};
  return outcomes;
}

Json run_in_child(const Work& work, const ChildLimits& limits) {
  return std::move(run_in_children({work}, 1, limits).front().result);
}

}  // namespace sluice::simulate
