// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/search.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "tests/differential/comparison.h"
#include "tests/differential/generator.h"
#include "tests/differential/printer.h"
#include "tests/differential/shrinker.h"
#include "tools/native/process.h"
#include "tools/native/shared.h"

namespace sluice::differential {

namespace {

using Clock = std::chrono::steady_clock;

/// What the processes share. A report is complete once it is counted.
struct Board {
  static constexpr std::size_t kMostReports = 64;
  static constexpr std::size_t kReportSize = std::size_t{64} << 10;

  std::atomic<std::uint64_t> next{0};  ///< program, counted from Search::from
  std::atomic<std::uint64_t> done{0};
  std::atomic<std::uint64_t> answers{0};
  std::atomic<std::uint64_t> different{0};
  std::atomic<std::uint64_t> unsteady{0};  ///< the host has given the simulated kernel's answers, and others as well
  std::atomic<std::uint32_t> slots{0};
  std::array<std::atomic<std::uint32_t>, kMostReports> sizes{};
  std::array<std::array<char, kReportSize>, kMostReports> reports{};

  void add(std::string_view report) {
    const std::uint32_t slot = slots++;
    if (slot >= kMostReports) return;
    report = report.substr(0, kReportSize);
    std::ranges::copy(report, reports[slot].begin());
    sizes[slot] = static_cast<std::uint32_t>(report.size());
  }
};

/// One process that takes program after program.
class Worker {
 public:
  Worker(const Search& search, Board& board, std::optional<Clock::time_point> end)
      : m_search(search), m_board(board), m_end(end) {}

  void run() {
    while (!finished()) {
      const std::uint64_t number = m_board.next++;
      if (!m_end && number >= m_search.programs) return;
      look_at(m_search.from + number);
    }
  }

 private:
  [[nodiscard]] bool finished() const {
    return m_board.different >= m_search.most || (m_end && Clock::now() >= *m_end);
  }

  void look_at(std::uint64_t index) {
    const Program program = generate(m_search.seed, index);
    if (m_search.print) m_board.add(fmt::format("program {}\n{}", index, to_source(program, program.steps.size() + 1)));
    if (const auto difference = differs(program, *m_host, *m_simulated)) {
      if (agrees_when_asked_again(program)) {
        ++m_board.unsteady;
        m_board.add(fmt::format("program {} answered in two ways: {}\n", index, difference->what));
      } else {
        ++m_board.different;
        m_board.add(report(program, *difference, index));
      }
    }
    m_board.answers += m_host->transcript().count;
    ++m_board.done;
  }

  /// Some answers depend on timers, and a busy host comes too late for them. What it answers in one of several attempts
  /// is an answer of Linux.
  bool agrees_when_asked_again(const Program& program) {
    constexpr int kAttempts = 4;
    for (int i = 0; i < kAttempts; ++i) {
      if (!differs(program, *m_host, *m_simulated)) return true;
    }
    return false;
  }

  std::string report(const Program& program, const Difference& difference, std::uint64_t index) {
    std::string text = fmt::format("program {} of seed {} differs at step {}: {}\n", index, m_search.seed,
                                   difference.step, difference.what);
    Program shown = program;
    Difference found = difference;
    if (m_search.shrink) {
      shown = shrink(program,
                     [&](const Program& candidate) { return differs(candidate, *m_host, *m_simulated).has_value(); });
      found = differs(shown, *m_host, *m_simulated).value_or(difference);
      text += fmt::format("shrunk to {} steps: {}\n", shown.steps.size(), found.what);
    }
    return text + to_source(shown, found.step) +
           fmt::format("again: --seed {} --from {} --programs 1\n\n", m_search.seed, index);
  }

  const Search& m_search;
  Board& m_board;
  std::optional<Clock::time_point> m_end;
  std::unique_ptr<Side> m_host = make_host_side();
  std::unique_ptr<Side> m_simulated = make_simulated_side();
};

void print_reports(Board& board, std::size_t& printed) {
  while (printed < Board::kMostReports && board.sizes[printed] != 0) {
    std::cout << std::string_view{board.reports[printed].data(), board.sizes[printed]} << std::flush;
    ++printed;
  }
}

}  // namespace

bool search(const Search& search) {
  const native::Shared<Board> board;
  const auto began = Clock::now();
  const auto end = search.time ? std::optional{began + *search.time} : std::nullopt;
  std::vector<pid_t> workers;
  for (unsigned i = 0; i < std::max(search.jobs, 1U); ++i) {
    workers.push_back(native::start_process(
        [&] {
          Worker{search, *board, end}.run();
          return 0;
        },
        {}));
  }
  const bool terminal = isatty(STDERR_FILENO) != 0;
  std::size_t printed = 0;
  while (!workers.empty()) {
    std::erase_if(workers, [](pid_t worker) {
      return native::wait_for_process(worker, std::chrono::milliseconds{100}).has_value();
    });
    print_reports(*board, printed);
    if (terminal)
      std::cerr << fmt::format("\r{} programs, {} differ ", board->done.load(), board->different.load()) << std::flush;
  }
  if (terminal) std::cerr << '\r';
  const std::chrono::duration<double> took = Clock::now() - began;
  std::cout << fmt::format("seed {}: {} programs with {} answers, {} differ, {} answered in two ways ({:.1f} s)\n",
                           search.seed, board->done.load(), board->answers.load(), board->different.load(),
                           board->unsteady.load(), took.count());
  // A process that broke has not counted its program.
  const bool all = search.time || board->different > 0 || board->done == search.programs;
  if (!all) std::cout << fmt::format("{} programs were to be run\n", search.programs);
  return board->different == 0 && all;
}

}  // namespace sluice::differential
