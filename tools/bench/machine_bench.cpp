// SPDX-License-Identifier: Apache-2.0
// The whole simulator: a warm file in chunks of 64 KiB through the machine of 2020, caches modelled line by line. Time
// is the whole run as the user waits: from the fork of its process until that is gone.
#include <algorithm>
#include <string>

#include <benchmark/benchmark.h>

#include "kernel_sim/programs/strategy.h"
#include "tools/results/json_io.h"
#include "tools/scenario/scenario.h"
#include "tools/simulate/child.h"
#include "tools/simulate/simulate.h"

namespace sluice::bench {
namespace {

/// Arguments: index of the strategy, MiB of payload.
void run(benchmark::State& state) {
  const std::string strategy{kernel_sim::strategies()[static_cast<std::size_t>(state.range(0))].name};
  const std::string size = "workload.file.size=" + std::to_string(state.range(1)) + " MiB";
  scenario::Scenario scenario = scenario::load_scenario(SLUICE_SOURCE_DIR "/scenarios/large-file.yaml",
                                                        {"", {size, "workload.page_cache=warm"}, false});
  const auto plan =
      std::find_if(scenario.plans.begin(), scenario.plans.end(), [&](const auto& p) { return p.strategy == strategy; });
  double events = 0;
  double beyond_payload = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto [result, took] =
        simulate::run_in_children({[&] { return results::to_json(simulate::run(*plan)); }}, 1, {}).front();
    if (!result["failures"].empty()) {
      state.SkipWithError(result["failures"].dump().c_str());
      return;
    }
    const auto& simulator = result["simulator"];
    state.SetIterationTime(took.count());
    events += simulator["events"].get<double>();
    beyond_payload = simulator["peak_rss_bytes"].get<double>() - result["payload_bytes"].get<double>();
  }
  state.SetLabel(strategy);
  state.SetBytesProcessed(state.iterations() * state.range(1) * (1 << 20));
  state.counters["events/s"] = benchmark::Counter(events, benchmark::Counter::kIsRate);
  state.counters["rss_beyond_payload"] =
      benchmark::Counter(beyond_payload, benchmark::Counter::kDefaults, benchmark::Counter::kIs1024);
}
BENCHMARK(run)->Name("machine")->ArgsProduct({{0, 1, 2, 3, 4}, {256}})->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(run)
    ->Name("machine_by_size")
    ->ArgsProduct({{0, 3}, {64, 1024, 4096}})
    ->UseManualTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sluice::bench
