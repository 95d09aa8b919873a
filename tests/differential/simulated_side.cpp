// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <chrono>
#include <exception>

#include <sys/wait.h>

#include "tests/differential/interpreter.h"
#include "tests/differential/sides.h"
#include "tests/differential/simulated_kernel.h"
#include "tools/native/process.h"

namespace sluice::differential {

namespace {

/// Of the host's time. A kernel that goes in circles is found by it.
constexpr std::chrono::seconds kTimeLimit{60};

/// What the process that simulates tells the one that compares.
struct Report {
  bool finished = false;
  int status = 0;
  bool overlapping_copy = false;
  std::array<char, 400> problem{};
};

class SimulatedSide final : public Side {
 public:
  Outcome run(const Program& program) override {
    *m_report = Report{};
    Transcript& transcript = fresh_transcript();
    const pid_t process = native::start_process([&] { return simulate(program, transcript); }, {});
    const auto ended = native::wait_for_process(process, kTimeLimit);
    if (!ended) {
      native::kill_process(process);
      return {.problem = "the simulation did not end"};
    }
    if (!m_report->finished)
      return {.problem = "the simulator was ended by signal " + std::to_string(WTERMSIG(*ended))};
    return {.status = m_report->status,
            .overlapping_copy = m_report->overlapping_copy,
            .problem = m_report->problem.data()};
  }

 private:
  int simulate(const Program& program, Transcript& transcript) {
    std::string problem;
    try {
      SimulatedKernel kernel{program.file_sizes};
      m_report->status =
          kernel.run([&](kernel_sim::SystemCalls& calls) { return interpret(calls, program, transcript); });
      m_report->overlapping_copy = kernel.overlapping_copy();
      problem = kernel.check_memory();
    } catch (const std::exception& error) {
      problem = error.what();
    }
    std::copy_n(problem.begin(), std::min(problem.size(), m_report->problem.size() - 1), m_report->problem.begin());
    m_report->finished = true;
    return 0;
  }

  native::Shared<Report> m_report;
};

}  // namespace

std::unique_ptr<Side> make_simulated_side() { return std::make_unique<SimulatedSide>(); }

}  // namespace sluice::differential
