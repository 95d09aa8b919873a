// SPDX-License-Identifier: Apache-2.0
// Runs a Lua program on the simulated kernel of the differential test and notes all that it reports.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <sys/wait.h>

#include "kernel_sim/programs/lua/program.h"
#include "tests/differential/simulated_kernel.h"

namespace sluice::lua {

class NotingObserver : public Observer {
 public:
  std::int64_t clock_ns() override { return now ? now() : 0; }
  void measure_begins(std::string_view name) override { marks.push_back("+" + std::string{name}); }
  void measure_ends(std::string_view name) override { marks.push_back("-" + std::string{name}); }
  void sample(std::string_view name, double value) override { samples[std::string{name}].push_back(value); }
  void count(std::string_view name, std::int64_t n) override { counts[std::string{name}] += n; }
  void check(bool holds, std::string_view where, std::string_view text) override {
    if (!holds) failed_checks.push_back(std::string{where} + ": " + std::string{text});
  }
  void print(std::string_view line) override { lines.emplace_back(line); }
  void failed(std::string_view message) override { failures.emplace_back(message); }

  std::function<std::int64_t()> now;
  std::vector<std::string> marks;
  std::map<std::string, std::vector<double>> samples;
  std::map<std::string, std::int64_t> counts;
  std::vector<std::string> failed_checks;
  std::vector<std::string> lines;
  std::vector<std::string> failures;
};

/// One run of the function `main` of a text.
class Ran {
 public:
  explicit Ran(const std::string& text, Limits limits = {}, std::vector<Value> arguments = {}) {
    const Program program{"test.lua", text, limits};
    differential::SimulatedKernel kernel{{4096, 0, 0}};
    said.now = [&] { return static_cast<std::int64_t>(kernel.now_ms() * 1e6); };
    status = kernel.run([&](SystemCalls& calls) { return program.run(calls, said, "main", arguments); });
    leaks = kernel.check_memory();
    said.now = {};
  }

  using SystemCalls = kernel_sim::SystemCalls;
  NotingObserver said;
  int status = 0;  ///< in wait's encoding
  std::string leaks;
  /// Exit status; -1 when a signal ended the program.
  [[nodiscard]] int exit_status() const { return WIFEXITED(status) ? WEXITSTATUS(status) : -1; }
  /// What it printed, joined by "|".
  [[nodiscard]] std::string printed() const {
    std::string all;
    for (const std::string& line : said.lines) all += (all.empty() ? "" : "|") + line;
    return all;
  }
};

}  // namespace sluice::lua
