// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/program_cells.h"

#include <algorithm>

#include <fmt/format.h>

#include "tools/crosscheck/crosscheck_cells.h"

namespace sluice::crosscheck {
namespace {

using results::Cell;
using results::MeasureUse;
using results::Named;
using results::ProcessUse;
using results::RunResult;

template <class Use>
results::SenderCounts counts_of(const Use& use) {
  return {.payload_bytes = {},
          .system_calls = use.system_calls,
          .mode_switches = use.mode_switches,
          .page_faults = use.page_faults_minor + use.page_faults_major};
}

Cell heading(const RunResult& native, const std::string& name) {
  Cell cell;
  cell.strategy = name;
  cell.point = native.point;
  return cell;
}

Cell cell_of(Cell cell, const MeasureUse& predicted, const MeasureUse& measured) {
  cell.counts = compare_counts(counts_of(predicted), counts_of(measured));
  cell.cpu_ns = time_pair(predicted.cpu_ns, measured.cpu_ns, measured.cpu_spread.value_or(0));
  cell.elapsed_ns = time_pair(predicted.elapsed_ns, measured.elapsed_ns, measured.elapsed_spread.value_or(0));
  return cell;
}

Cell cell_of(Cell cell, const ProcessUse& predicted, const ProcessUse& measured) {
  cell.counts = compare_counts(counts_of(predicted), counts_of(measured));
  cell.cpu_ns = time_pair(predicted.cpu_ns, measured.cpu_ns, 0);
  return cell;
}

template <class Use>
void add_cells(std::vector<Cell>& cells, const RunResult& native, const Named<Use>& predicted,
               const Named<Use>& measured) {
  for (const auto& [name, use] : measured) {
    if (const Use* const same = results::find(predicted, name)) {
      cells.push_back(cell_of(heading(native, name), *same, use));
    }
  }
}

std::string text_of(const ProcessUse& use) { return use.ends; }
std::string text_of(std::int64_t n) { return std::to_string(n); }
std::string text_of(const MeasureUse& use) { return fmt::format("{} times", use.times); }
std::string text_of(const results::SampleUse& use) { return use.count > 0 ? "sampled" : "no sample"; }

class Differences {
 public:
  Differences(const RunResult& simulated, const RunResult& native) : m_simulated(simulated), m_native(native) {}

  /// Names and texts of a list.
  template <class T>
  void hold(const char* what, std::optional<Named<T>> RunResult::*list) {
    const Named<T> none;
    const Named<T>& predicted = m_simulated.*list ? *(m_simulated.*list) : none;
    const Named<T>& measured = m_native.*list ? *(m_native.*list) : none;
    for (const auto& [name, value] : predicted) {
      const T* const other = results::find(measured, name);
      say(fmt::format("{} {}", what, name), text_of(value), other != nullptr ? text_of(*other) : "nothing");
    }
    for (const auto& [name, value] : measured) {
      if (results::find(predicted, name) == nullptr) say(fmt::format("{} {}", what, name), "nothing", text_of(value));
    }
  }

  void hold_output() {
    using Lines = Named<std::vector<std::string>>;
    const Lines predicted = m_simulated.output.value_or(Lines{});
    const Lines measured = m_native.output.value_or(Lines{});
    for (const Lines* side : {&predicted, &measured}) {
      for (const auto& [who, lines] : *side) {
        const auto* const p = results::find(predicted, who);
        const auto* const m = results::find(measured, who);
        if (side == &measured && p != nullptr) continue;
        const std::size_t n = std::max(p != nullptr ? p->size() : 0, m != nullptr ? m->size() : 0);
        for (std::size_t i = 0; i < n; ++i) {
          const auto line = [i](const auto* of) { return of != nullptr && i < of->size() ? (*of)[i] : "nothing"; };
          say(fmt::format("line {} of {}", i + 1, who), line(p), line(m));
        }
      }
    }
  }

  [[nodiscard]] std::vector<std::string> take() { return std::move(m_sentences); }

 private:
  void say(const std::string& what, const std::string& predicted, const std::string& measured) {
    if (predicted != measured)
      m_sentences.push_back(fmt::format("{}: {} predicted, {} measured", what, predicted, measured));
  }

  const RunResult& m_simulated;
  const RunResult& m_native;
  std::vector<std::string> m_sentences;
};

}  // namespace

std::vector<Cell> program_cells(const RunResult& simulated, const RunResult& native) {
  Cell failed = heading(native, native.strategy);
  for (const auto& [side, run] : {std::pair{"simulated", &simulated}, std::pair{"host", &native}}) {
    for (const std::string& failure : run->failures) failed.failures.push_back(fmt::format("{}: {}", side, failure));
  }
  if (!failed.failures.empty()) return {failed};
  std::vector<Cell> cells;
  if (simulated.measures && native.measures) add_cells(cells, native, *simulated.measures, *native.measures);
  if (cells.empty() && simulated.processes && native.processes) {
    add_cells(cells, native, *simulated.processes, *native.processes);
  }
  return cells;
}

std::vector<results::SamplePair> sample_pairs(const RunResult& simulated, const RunResult& native) {
  std::vector<results::SamplePair> pairs;
  if (!simulated.samples || !native.samples) return pairs;
  for (const auto& [name, measured] : *native.samples) {
    const results::SampleUse* const predicted = results::find(*simulated.samples, name);
    if (predicted == nullptr) continue;
    results::SamplePair pair{.name = name, .point = native.point, .predicted = *predicted, .measured = measured};
    if (measured.p50 > 0) pair.p50_error_percent = 100 * (predicted->p50 / measured.p50 - 1);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

std::vector<std::string> program_differences(const RunResult& simulated, const RunResult& native) {
  Differences differences{simulated, native};
  differences.hold("process", &RunResult::processes);
  differences.hold("measure", &RunResult::measures);
  differences.hold("sample", &RunResult::samples);
  differences.hold("counter", &RunResult::counted);
  differences.hold_output();
  return differences.take();
}

}  // namespace sluice::crosscheck
