// SPDX-License-Identifier: Apache-2.0
// differential [--programs N] [--seed S] [--from K] [--most M] [--no-shrink] [--print]
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "models/base/result.h"
#include "tests/differential/comparison.h"
#include "tests/differential/generator.h"
#include "tests/differential/printer.h"
#include "tests/differential/shrinker.h"

// libsystemc, which comes with the network card's data sheet, refers to it. No model runs here.
extern "C" int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

namespace sluice::differential {

namespace {

struct Options {
  std::uint64_t programs = 300;
  std::uint64_t seed = 1;
  std::uint64_t from = 0;
  std::uint64_t most = 1;
  bool no_shrink = false;
  bool print = false;
};

void report(const Program& program, const Difference& difference, const Options& options, std::uint64_t index,
            Side& host, Side& simulated) {
  std::cout << fmt::format("program {} of seed {} differs at step {}: {}\n", index, options.seed, difference.step,
                           difference.what);
  Program shown = program;
  Difference found = difference;
  if (!options.no_shrink) {
    shown = shrink(program, [&](const Program& candidate) { return differs(candidate, host, simulated).has_value(); });
    found = differs(shown, host, simulated).value_or(difference);
    std::cout << fmt::format("shrunk to {} steps: {}\n", shown.steps.size(), found.what);
  }
  std::cout << to_source(shown, found.step)
            << fmt::format("reproduce: --seed {} --from {} --programs 1\n\n", options.seed, index) << std::flush;
}

int run(const Options& options) {
  const auto host = make_host_side();
  const auto simulated = make_simulated_side();
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t different = 0;
  std::uint64_t calls = 0;
  std::uint64_t done = 0;
  for (; done < options.programs && different < options.most; ++done) {
    const std::uint64_t index = options.from + done;
    const Program program = generate(options.seed, index);
    if (options.print) std::cout << "program " << index << '\n' << to_source(program, program.steps.size() + 1);
    if (const auto difference = differs(program, *host, *simulated)) {
      ++different;
      report(program, *difference, options, index, *host, *simulated);
    }
    calls += host->transcript().count;
    if (terminal && done % 50 == 0) std::cerr << fmt::format("\r{} of {} programs ", done, options.programs);
  }
  if (terminal) std::cerr << '\r';
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::cout << fmt::format("seed {}: {} programs with {} answers, {} differ ({:.1f} s)\n", options.seed, done, calls,
                           different, took.count());
  return different == 0 ? 0 : 1;
}

}  // namespace

}  // namespace sluice::differential

int main(int argc, char** argv) {
  sluice::differential::Options options;
  CLI::App app{"Random programs of system calls on the simulated kernel and on this host's Linux"};
  app.add_option("--programs", options.programs, "how many programs")->capture_default_str();
  app.add_option("--seed", options.seed, "of the programs")->capture_default_str();
  app.add_option("--from", options.from, "index of the first program")->capture_default_str();
  app.add_option("--most", options.most, "stop after so many programs that differ")->capture_default_str();
  app.add_flag("--no-shrink", options.no_shrink, "show programs that differ as they were generated");
  app.add_flag("--print", options.print, "show every program");
  CLI11_PARSE(app, argc, argv);
  try {
    return sluice::differential::run(options);
  } catch (const sluice::base::InputError& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
