// SPDX-License-Identifier: Apache-2.0
// lua_fuzz [--programs N] [--seed S] [--from K] [--jobs J] [--print]
//
// Random Lua programs, each twice on the simulated kernel. A program may fail in every way that a process can; the
// simulator may not: it never breaks, it goes on within a limit, and both runs end alike.
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <ctime>
#include <iostream>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/kernel_sim/lua/program_generator.h"
#include "tests/kernel_sim/lua/program_rig.h"
#include "tools/native/process.h"
#include "tools/native/shared.h"

// libsystemc, which comes with the network card's data sheet, refers to it. No model runs here.
extern "C" int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

namespace sluice::lua {
namespace {

using Clock = std::chrono::steady_clock;

/// So small that a program that uses one up does so within a second.
constexpr Limits kLimits{
    .memory = std::size_t{4} << 20, .instructions = 5'000'000, .host_time = std::chrono::seconds{2}, .output = 1 << 16};
/// A program that forks for ever makes some hundred processes in it, of which so many are there at a time.
constexpr unsigned kMostProcesses = 64;
constexpr Picoseconds kSimulatedLimit{std::int64_t{20} * 1'000'000'000};
/// For both runs, under the sanitizers: of the process's own time, and of all time for one that waits for ever.
constexpr std::chrono::seconds kPatience{60};
constexpr std::chrono::seconds kPatienceForAll{600};

constexpr std::string_view kOfTheHost = "s of the host without a system call";

struct Options {
  std::uint64_t programs = 1000;
  std::uint64_t seed = 1;
  std::uint64_t from = 0;
  unsigned jobs = 1;
  bool print = false;
};

/// What one process that takes program after program tells.
struct Worker {
  std::atomic<std::uint64_t> index;
  std::atomic<std::int64_t> since_ms;  ///< when it took that program
  std::atomic<std::int64_t> used_ms;   ///< of its own time, then
  std::atomic<std::uint64_t> done;
  std::atomic<std::uint64_t> not_lua;
  std::atomic<std::uint64_t> differ;
};

std::string outcome(const std::string& text, std::size_t* not_lua) {
  NotingObserver said;
  std::string all;
  try {
    const Program program{"fuzz.lua", text, kLimits};
    differential::SimulatedKernel kernel{{4096, 10, 0}, {.processes = kMostProcesses}};
    said.now = [&] { return static_cast<std::int64_t>(kernel.now_ms() * 1e6); };
    try {
      const int status = kernel.run(
          [&](kernel_sim::SystemCalls& calls) { return program.run(calls, said, "main", {}); }, kSimulatedLimit);
      all = fmt::format("status {}\n", status) + kernel.check_memory();
    } catch (const tests::Blocked& blocked) {
      all = blocked.what();
    }
    said.now = {};
  } catch (const ProgramError& error) {
    ++*not_lua;
    return error.what();
  }
  for (const auto* lines : {&said.lines, &said.failures, &said.failed_checks, &said.marks}) {
    for (const std::string& line : *lines) all += "\n" + line;
  }
  for (const auto& [name, values] : said.samples) all += fmt::format("\n{} {}", name, values.size());
  for (const auto& [name, n] : said.counts) all += fmt::format("\n{} {}", name, n);
  return all;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now().time_since_epoch()).count();
}

/// What the process has used of the processors.
std::int64_t used_ms(pid_t process) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(process, &clock) != 0 || ::clock_gettime(clock, &used) != 0) return 0;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::seconds{used.tv_sec} +
                                                               std::chrono::nanoseconds{used.tv_nsec})
      .count();
}

bool takes_too_long(const Worker& worker, pid_t process) {
  const auto ms = [](std::chrono::seconds time) { return std::chrono::milliseconds{time}.count(); };
  return used_ms(process) - worker.used_ms > ms(kPatience) || now_ms() - worker.since_ms > ms(kPatienceForAll);
}

void report(const Options& options, std::uint64_t index, std::string_view what) {
  std::cout << fmt::format("program {} of seed {}: {}\n", index, options.seed, what) << std::flush;
}

/// Where two texts part, for a reader.
std::string first_difference(const std::string& a, const std::string& b) {
  std::size_t at = 0;
  while (at < a.size() && at < b.size() && a[at] == b[at]) ++at;
  const std::size_t from = at < 80 ? 0 : at - 80;
  return fmt::format("two runs differ at {}:\n--- {}\n+++ {}", at, a.substr(from, 200), b.substr(from, 200));
}

void work(const Options& options, Worker& worker, std::uint64_t first) {
  for (std::uint64_t index = first; index < options.from + options.programs; index += options.jobs) {
    worker.index = index;
    worker.since_ms = now_ms();
    worker.used_ms = used_ms(::getpid());
    const std::string text = random_program(options.seed, index);
    if (options.print) std::cout << text << std::flush;
    std::size_t not_lua = 0;
    const std::string once = outcome(text, &not_lua);
    const std::vector<char> elsewhere(index % 4096 + 1);  // so that addresses, which seed Lua's hashes, are others
    const std::string again = outcome(text, &not_lua);
    if (options.print) std::cout << once << "\n" << std::flush;
    // Where the host's time ends a program is the host's matter.
    const bool comparable = once.find(kOfTheHost) == std::string::npos && again.find(kOfTheHost) == std::string::npos;
    if (comparable && once != again) {
      ++worker.differ;
      report(options, index, first_difference(once, again));
    }
    worker.not_lua += not_lua / 2;
    ++worker.done;
  }
}

/// Runs the programs of one worker; a process that breaks is followed by another. Returns how many programs broke it.
std::uint64_t oversee(const Options& options, Worker& worker, std::uint64_t first) {
  std::uint64_t broken = 0;
  while (first < options.from + options.programs) {
    worker.index = first;
    worker.since_ms = now_ms();
    worker.used_ms = 0;
    const pid_t process = native::start_process(
        [&] {
          work(options, worker, first);
          return 0;
        },
        {});
    std::optional<int> status;
    while (!status) {
      status = native::wait_for_process(process, std::chrono::seconds{1});
      if (status || !takes_too_long(worker, process)) continue;
      native::kill_process(process);
      report(options, worker.index, "does not end");
      status = -1;
    }
    if (*status == 0) break;
    if (*status != -1) {
      report(options, worker.index,
             WIFSIGNALED(*status) ? fmt::format("the simulator ends with SIG{}", sigabbrev_np(WTERMSIG(*status)))
                                  : fmt::format("the simulator exits with {}", WEXITSTATUS(*status)));
    }
    ++broken;
    first = worker.index + options.jobs;
  }
  return broken;
}

bool fuzz(const Options& options) {
  std::vector<std::unique_ptr<native::Shared<Worker>>> workers;
  std::vector<pid_t> overseers;
  std::uint64_t broken = 0;
  for (unsigned i = 0; i < options.jobs; ++i) {
    workers.push_back(std::make_unique<native::Shared<Worker>>());
    Worker& worker = **workers.back();
    overseers.push_back(native::start_process(
        [&] { return static_cast<int>(std::min<std::uint64_t>(oversee(options, worker, options.from + i), 100)); },
        {}));
  }
  for (const pid_t overseer : overseers) {
    const std::optional<int> status = native::wait_for_process(overseer, {});
    broken += static_cast<std::uint64_t>(WEXITSTATUS(*status));
  }
  std::uint64_t done = 0;
  std::uint64_t not_lua = 0;
  std::uint64_t differ = 0;
  for (const auto& worker : workers) {
    done += (*worker)->done;
    not_lua += (*worker)->not_lua;
    differ += (*worker)->differ;
  }
  std::cout << fmt::format("seed {}: {} programs, {} of them no Lua; {} broke the simulator, {} differed\n",
                           options.seed, done + broken, not_lua, broken, differ);
  return broken == 0 && differ == 0;
}

}  // namespace
}  // namespace sluice::lua

int main(int argc, char** argv) {
  sluice::lua::Options options;
  CLI::App app{"Random Lua programs on the simulated kernel, each twice"};
  app.add_option("--programs", options.programs, "how many programs")->capture_default_str();
  app.add_option("--seed", options.seed, "of the programs")->capture_default_str();
  app.add_option("--from", options.from, "index of the first program")->capture_default_str();
  app.add_option("--jobs", options.jobs, "processes")->check(CLI::Range(1U, 64U))->capture_default_str();
  app.add_flag("--print", options.print, "show every program and what became of it");
  CLI11_PARSE(app, argc, argv);
  try {
    return sluice::lua::fuzz(options) ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
