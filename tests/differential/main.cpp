// SPDX-License-Identifier: Apache-2.0
// differential [--programs N] [--seed S] [--from K] [--hunt MINUTES] [--most M] [--jobs J] [--no-shrink] [--print]
#include <iostream>
#include <random>
#include <thread>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "models/base/result.h"
#include "tests/differential/search.h"

// libsystemc, which comes with the network card's data sheet, refers to it. No model runs here.
extern "C" int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

namespace {

/// One that nobody has used: a kernel that was mended until these programs agree is not tested by them.
std::uint64_t fresh_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

int main(int argc, char** argv) {
  sluice::differential::Search search;
  unsigned minutes = 0;
  bool no_shrink = false;
  CLI::App app{"Random programs of system calls on the simulated kernel and on this host's Linux"};
  auto* programs = app.add_option("--programs", search.programs, "how many programs")->capture_default_str();
  auto* seed = app.add_option("--seed", search.seed, "of the programs")->capture_default_str();
  app.add_option("--from", search.from, "index of the first program")->capture_default_str();
  auto* hunt = app.add_option("--hunt", minutes, "programs of a fresh seed, on all cores, for so many minutes")
                   ->check(CLI::Range(1U, 10'000U))
                   ->excludes(programs)
                   ->excludes(seed);
  auto* most = app.add_option("--most", search.most, "stop after so many programs that differ (1, or 20 in a hunt)");
  auto* jobs = app.add_option("--jobs", search.jobs, "processes (1, or one per core in a hunt)");
  app.add_flag("--no-shrink", no_shrink, "show programs that differ as they were generated");
  app.add_flag("--print", search.print, "show every program");
  CLI11_PARSE(app, argc, argv);
  search.shrink = !no_shrink;
  if (hunt->count() > 0) {
    search.seed = fresh_seed();
    search.time = std::chrono::minutes{minutes};
    if (most->count() == 0) search.most = 20;
    if (jobs->count() == 0) search.jobs = std::max(std::thread::hardware_concurrency(), 1U);
    std::cout << fmt::format("seed {}, {} processes\n", search.seed, search.jobs) << std::flush;
  }
  try {
    return sluice::differential::search(search) ? 0 : 1;
  } catch (const sluice::base::InputError& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
