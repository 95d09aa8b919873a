// SPDX-License-Identifier: Apache-2.0
// A simulated and a host run of the same plan, held against each other: what `sluice crosscheck --json` writes.
#pragma once

#include "tools/results/run_result.h"

namespace sluice::results {

inline constexpr const char* kCrosscheckSchema = "sluice.crosscheck/1";

/// The sender's counts of one side; of programs, those of a measure or a process.
struct SenderCounts {
  std::optional<std::uint64_t> payload_bytes = {};
  Named<std::uint64_t> system_calls = {};
  std::uint64_t mode_switches = 0;
  std::uint64_t page_faults = 0;

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"payload_bytes", Unit::Bytes, "absent for programs"}, &SenderCounts::payload_bytes);
    visit(Field{"system_calls", Unit::Count}, &SenderCounts::system_calls);
    visit(Field{"mode_switches", Unit::Count}, &SenderCounts::mode_switches);
    visit(Field{"page_faults", Unit::Count, "minor and major"}, &SenderCounts::page_faults);
  }
};

struct CountsPair {
  bool equal = false;
  std::vector<std::string> differences = {};
  SenderCounts predicted = {};
  SenderCounts measured = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"equal"}, &CountsPair::equal);
    visit(Field{"differences", Unit::None, "sentences"}, &CountsPair::differences);
    visit(Field{"predicted"}, &CountsPair::predicted);
    visit(Field{"measured"}, &CountsPair::measured);
  }
};

struct CallsPair {
  std::optional<std::int64_t> predicted = {};
  std::optional<std::int64_t> measured = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"predicted", Unit::Count}, &CallsPair::predicted);
    visit(Field{"measured", Unit::Count}, &CallsPair::measured);
  }
};

struct TimePair {
  std::int64_t predicted = 0;
  std::int64_t measured = 0;
  std::optional<double> error_percent = {};
  double spread = 0;

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"predicted", Unit::Nanoseconds}, &TimePair::predicted);
    visit(Field{"measured", Unit::Nanoseconds, "median"}, &TimePair::measured);
    visit(Field{"error_percent", Unit::Percent, "of the prediction; absent when nothing was measured"},
          &TimePair::error_percent);
    visit(Field{"spread", Unit::Share, "of the measurement: distance of the quartiles, divided by the median"},
          &TimePair::spread);
  }
};

struct Cell {
  std::string strategy = {};
  std::optional<Named<std::string>> point = {};
  std::optional<WorkloadInfo> workload = {};
  std::optional<CountsPair> counts = {};
  std::optional<CallsPair> receiver_calls = {};
  std::optional<TimePair> cpu_ns = {};
  std::optional<TimePair> elapsed_ns = {};
  std::vector<std::string> failures = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"strategy", Unit::None, "of programs: the name of a measure, or of a process when nothing is measured"},
          &Cell::strategy);
    visit(Field{"point", Unit::None, "values of the varied parameters; absent without vary"}, &Cell::point);
    visit(Field{"workload", Unit::None, "absent for programs"}, &Cell::workload);
    visit(Field{"counts", Unit::None, "of the sender; absent when a side failed"}, &Cell::counts);
    visit(Field{"receiver_calls", Unit::None, "recv calls, where known"}, &Cell::receiver_calls);
    visit(Field{"cpu_ns", Unit::None, "CPU time of all tasks"}, &Cell::cpu_ns);
    visit(Field{"elapsed_ns"}, &Cell::elapsed_ns);
    visit(Field{"failures", Unit::None, "of either side"}, &Cell::failures);
  }
};

/// A distribution that programs reported, on both sides.
struct SamplePair {
  std::string name = {};
  std::optional<Named<std::string>> point = {};
  SampleUse predicted = {};
  SampleUse measured = {};
  std::optional<double> p50_error_percent = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"name"}, &SamplePair::name);
    visit(Field{"point", Unit::None, "values of the varied parameters; absent without vary"}, &SamplePair::point);
    visit(Field{"predicted"}, &SamplePair::predicted);
    visit(Field{"measured", Unit::None, "of all repetitions together"}, &SamplePair::measured);
    visit(Field{"p50_error_percent", Unit::Percent, "of the prediction"}, &SamplePair::p50_error_percent);
  }
};

/// Where one strategy becomes cheaper in CPU time than another.
struct Crossover {
  std::vector<std::string> strategies = {};
  Named<std::string> where = {};
  std::vector<std::int64_t> predicted_bytes = {};
  std::vector<std::int64_t> measured_bytes = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"strategies", Unit::None, "two"}, &Crossover::strategies);
    visit(Field{"where", Unit::None, "values of the other axes"}, &Crossover::where);
    visit(Field{"predicted_bytes", Unit::Bytes, "sizes of a chunk"}, &Crossover::predicted_bytes);
    visit(Field{"measured_bytes", Unit::Bytes, "sizes of a chunk"}, &Crossover::measured_bytes);
  }
};

struct Summary {
  std::uint64_t cells = 0;
  std::uint64_t failed = 0;
  bool counts_equal = false;
  std::optional<double> cpu_mape_percent = {};
  std::optional<double> cpu_worst_percent = {};
  std::optional<std::uint64_t> cpu_worst_cell = {};
  std::optional<double> cpu_drift_percent = {};
  std::optional<double> cpu_drift_worst_percent = {};
  std::optional<double> elapsed_mape_percent = {};
  std::optional<double> kendall_tau = {};
  std::optional<double> elapsed_kendall_tau = {};
  std::optional<std::vector<std::uint64_t>> unsteady_cells = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"cells", Unit::Count}, &Summary::cells);
    visit(Field{"failed", Unit::Count}, &Summary::failed);
    visit(Field{"counts_equal", Unit::None, "in all cells"}, &Summary::counts_equal);
    visit(Field{"cpu_mape_percent", Unit::Percent, "mean absolute error of CPU time"}, &Summary::cpu_mape_percent);
    visit(Field{"cpu_worst_percent", Unit::Percent}, &Summary::cpu_worst_percent);
    visit(Field{"cpu_worst_cell", Unit::None, "index into cells"}, &Summary::cpu_worst_cell);
    visit(Field{"cpu_drift_percent", Unit::Percent,
                "CPU time as predicted by the calibration after the measurement, against that before it; the mean"},
          &Summary::cpu_drift_percent);
    visit(Field{"cpu_drift_worst_percent", Unit::Percent, "of the cell in which the two differ most"},
          &Summary::cpu_drift_worst_percent);
    visit(Field{"elapsed_mape_percent", Unit::Percent, "mean absolute error of elapsed time"},
          &Summary::elapsed_mape_percent);
    visit(Field{"kendall_tau", Unit::None, "agreement of the order by CPU time"}, &Summary::kendall_tau);
    visit(Field{"elapsed_kendall_tau", Unit::None, "agreement of the order by elapsed time"},
          &Summary::elapsed_kendall_tau);
    visit(Field{"unsteady_cells", Unit::None,
                "indices of those that repeat too badly; absent when counts alone were "
                "held against each other"},
          &Summary::unsteady_cells);
  }
};

struct CrosscheckResult {
  std::string schema = kCrosscheckSchema;
  std::string scenario = {};
  std::string description = {};
  Summary summary = {};
  std::vector<std::string> breaches = {};
  std::vector<Crossover> crossovers = {};
  std::vector<Cell> cells = {};
  std::optional<std::vector<SamplePair>> samples = {};
  std::optional<std::vector<std::string>> differences = {};
  std::vector<RunResult> runs = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{.key = "schema", .choices = {kCrosscheckSchema}}, &CrosscheckResult::schema);
    visit(Field{"scenario", Unit::None, "path of the scenario file as it was given"}, &CrosscheckResult::scenario);
    visit(Field{"description"}, &CrosscheckResult::description);
    visit(Field{"summary"}, &CrosscheckResult::summary);
    visit(Field{"breaches", Unit::None, "a sentence for each thing that is out of tolerance"},
          &CrosscheckResult::breaches);
    visit(Field{"crossovers", Unit::None, "chunk sizes at which the cheaper strategy changes"},
          &CrosscheckResult::crossovers);
    visit(Field{"cells"}, &CrosscheckResult::cells);
    visit(Field{"samples", Unit::None, "that programs reported on both sides"}, &CrosscheckResult::samples);
    visit(Field{"differences", Unit::None, "of programs: sentences about ends, counters and printed lines"},
          &CrosscheckResult::differences);
    visit(Field{"runs", Unit::None, "of both kernels"}, &CrosscheckResult::runs);
  }
};

}  // namespace sluice::results
