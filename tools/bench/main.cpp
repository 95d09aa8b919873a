// SPDX-License-Identifier: Apache-2.0
#include <systemc>

#include <benchmark/benchmark.h>

// libsystemc refers to it; benchmarks start their simulations themselves.
int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
