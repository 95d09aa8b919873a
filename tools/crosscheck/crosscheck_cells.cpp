// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/crosscheck_cells.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "tools/analysis/agreement.h"
#include "tools/analysis/crossover.h"

namespace sluice::crosscheck {
namespace {

using results::Cell;
using results::RunResult;
using results::SenderCounts;
using Cells = std::vector<Cell>;

constexpr std::string_view kChunkAxis = "workload.chunk";

SenderCounts counts_of(const RunResult& run) {
  return {.payload_bytes = run.payload_bytes.value_or(0),
          .system_calls = run.system_calls.value_or(results::Named<std::uint64_t>{}),
          .mode_switches = run.counts->mode_switches,
          .page_faults = run.counts->page_faults_minor + run.counts->page_faults_major};
}

/// What of the sender's counts is not as it should be.
std::vector<std::string> differences_between(const SenderCounts& predicted, const SenderCounts& measured) {
  std::vector<std::string> sentences;
  const auto compare = [&](const std::string& what, std::uint64_t p, std::uint64_t m) {
    if (p != m) sentences.push_back(fmt::format("{}: {} predicted, {} measured", what, p, m));
  };
  std::set<std::string> names;
  for (const SenderCounts* side : {&predicted, &measured}) {
    for (const auto& [name, count] : side->system_calls) names.insert(name);
  }
  const auto calls = [](const SenderCounts& side, const std::string& name) {
    const std::uint64_t* count = results::find(side.system_calls, name);
    return count != nullptr ? *count : 0;
  };
  for (const std::string& name : names) compare(name, calls(predicted, name), calls(measured, name));
  compare("mode_switches", predicted.mode_switches, measured.mode_switches);
  if (predicted.payload_bytes && measured.payload_bytes) {
    compare("payload_bytes", *predicted.payload_bytes, *measured.payload_bytes);
  }
  const auto p = static_cast<double>(predicted.page_faults);
  const auto m = static_cast<double>(measured.page_faults);
  if (std::abs(p - m) > kFaults + kFaultShare * m) {
    compare("page faults", predicted.page_faults, measured.page_faults);
  }
  return sentences;
}

/// The number of recv calls of a side, as far as it says so.
std::optional<std::int64_t> receiver_calls(const RunResult& run) {
  if (!run.tasks) return {};
  const auto* receiver = results::find(*run.tasks, "receiver");
  const auto* use = receiver != nullptr ? std::get_if<results::TaskUse>(receiver) : nullptr;
  return use != nullptr ? use->calls : std::nullopt;
}

bool is_usable(const Cell& cell) { return cell.cpu_ns && cell.cpu_ns->error_percent; }

/// The point as a text that tells one from another.
std::string key_of(const std::optional<results::Named<std::string>>& point) {
  std::string key;
  if (!point) return key;
  for (const auto& [name, value] : *point) key += name + "=" + value + "\n";
  return key;
}

analysis::Cell analysed(const results::TimePair& pair, std::string strategy = "", std::size_t point = 0) {
  return {std::move(strategy), point, static_cast<double>(pair.predicted), static_cast<double>(pair.measured),
          pair.spread};
}

/// The usable cells, and where each stands in `cells`.
struct Usable {
  std::vector<analysis::Cell> cells;
  std::vector<std::uint64_t> origin;
};

Usable usable_of(const Cells& cells, std::optional<results::TimePair> Cell::*quantity) {
  Usable usable;
  std::map<std::string, std::size_t> points;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!is_usable(cells[i]) || !(cells[i].*quantity)) continue;
    // What a program does in one way or another is a point of its grid: those are held against each other.
    std::string rival = cells[i].strategy;
    std::string place = key_of(cells[i].point);
    if (!cells[i].workload) std::swap(rival, place);
    const std::size_t point = points.emplace(place, points.size()).first->second;
    usable.cells.push_back(analysed(*(cells[i].*quantity), rival, point));
    usable.origin.push_back(i);
  }
  return usable;
}

/// Both strategies' cells at one size of chunk.
struct Meeting {
  std::uint64_t chunk;
  const Cell* first;
  const Cell* second;
};

std::vector<std::int64_t> sizes_of(const std::vector<analysis::CostPair>& curve) {
  std::vector<std::int64_t> sizes;
  for (const double size : analysis::crossovers(curve)) sizes.push_back(std::llround(size));
  return sizes;
}

void find_crossovers(const std::vector<Meeting>& meetings, results::Crossover& found) {
  std::vector<analysis::CostPair> predicted;
  std::vector<analysis::CostPair> measured;
  for (const Meeting& meeting : meetings) {
    const auto chunk = static_cast<double>(meeting.chunk);
    const analysis::Cell first = analysed(*meeting.first->cpu_ns);
    const analysis::Cell second = analysed(*meeting.second->cpu_ns);
    predicted.push_back({chunk, first.predicted, second.predicted});
    if (analysis::differ(first, second)) measured.push_back({chunk, first.measured, second.measured});
  }
  found.predicted_bytes = sizes_of(predicted);
  found.measured_bytes = sizes_of(measured);
}

}  // namespace

results::CountsPair compare_counts(const SenderCounts& predicted, const SenderCounts& measured) {
  const std::vector<std::string> differences = differences_between(predicted, measured);
  return {.equal = differences.empty(), .differences = differences, .predicted = predicted, .measured = measured};
}

results::TimePair time_pair(std::int64_t predicted, std::int64_t measured, double spread) {
  results::TimePair pair{.predicted = predicted, .measured = measured, .error_percent = {}, .spread = spread};
  if (measured > 0) {
    pair.error_percent = 100 * (static_cast<double>(predicted) / static_cast<double>(measured) - 1);
  }
  return pair;
}

Cell cell_of(const RunResult& simulated, const RunResult& native) {
  Cell cell{.strategy = native.strategy, .point = native.point, .workload = native.workload.value()};
  for (const auto& [side, run] : {std::pair{"simulated", &simulated}, std::pair{"host", &native}}) {
    for (const std::string& failure : run->failures) cell.failures.push_back(fmt::format("{}: {}", side, failure));
  }
  if (!simulated.complete() || !native.complete()) return cell;
  cell.counts = compare_counts(counts_of(simulated), counts_of(native));
  cell.receiver_calls = {.predicted = receiver_calls(simulated), .measured = receiver_calls(native)};
  cell.cpu_ns =
      time_pair(simulated.time->busy_ns(), native.time->cpu_ns.value_or(0), native.repetitions->cpu_ns.spread);
  cell.elapsed_ns =
      time_pair(simulated.time->elapsed_ns, native.time->elapsed_ns, native.repetitions->elapsed_ns.spread);
  return cell;
}

results::Summary summarise_cells(const Cells& cells, bool counts_only) {
  results::Summary summary{.cells = cells.size()};
  summary.failed = static_cast<std::uint64_t>(
      std::count_if(cells.begin(), cells.end(), [](const Cell& cell) { return !cell.failures.empty(); }));
  summary.counts_equal =
      std::all_of(cells.begin(), cells.end(), [](const Cell& cell) { return cell.counts && cell.counts->equal; });
  if (counts_only) return summary;
  const Usable cpu = usable_of(cells, &Cell::cpu_ns);
  const Usable elapsed = usable_of(cells, &Cell::elapsed_ns);
  const analysis::ErrorSummary errors = analysis::summarise_errors(cpu.cells);
  if (!cpu.cells.empty()) {
    summary.cpu_mape_percent = errors.mape_percent;
    summary.elapsed_mape_percent = analysis::summarise_errors(elapsed.cells).mape_percent;
  }
  if (errors.worst) {
    summary.cpu_worst_percent = cpu.cells[*errors.worst].error_percent();
    summary.cpu_worst_cell = cpu.origin[*errors.worst];
  }
  summary.kendall_tau = analysis::kendall_tau(cpu.cells);
  summary.elapsed_kendall_tau = analysis::kendall_tau(elapsed.cells);
  summary.unsteady_cells.emplace();
  for (const std::size_t i : errors.unsteady) summary.unsteady_cells->push_back(cpu.origin[i]);
  return summary;
}

std::vector<results::Crossover> crossovers_of(const Cells& cells) {
  // By the point without its chunk and by the pair, in the order of the cells.
  std::map<std::string, std::size_t> places;
  std::vector<std::pair<results::Crossover, std::vector<Meeting>>> groups;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (std::size_t j = i + 1; j < cells.size(); ++j) {
      if (!is_usable(cells[i]) || !is_usable(cells[j])) continue;
      if (cells[i].point != cells[j].point || !cells[i].workload || !cells[j].workload) continue;
      results::Crossover pair{.strategies = {cells[i].strategy, cells[j].strategy},
                              .where = cells[i].point.value_or(results::Named<std::string>{}),
                              .predicted_bytes = {},
                              .measured_bytes = {}};
      std::erase_if(pair.where, [](const auto& axis) { return axis.first == kChunkAxis; });
      const std::string key = pair.strategies[0] + "\n" + pair.strategies[1] + "\n" + key_of(pair.where);
      const auto [place, is_new] = places.emplace(key, groups.size());
      if (is_new) groups.emplace_back(pair, std::vector<Meeting>{});
      groups[place->second].second.push_back({cells[i].workload->chunk_bytes, &cells[i], &cells[j]});
    }
  }
  std::vector<results::Crossover> found;
  for (auto& [pair, meetings] : groups) {
    std::sort(meetings.begin(), meetings.end(), [](const Meeting& a, const Meeting& b) { return a.chunk < b.chunk; });
    find_crossovers(meetings, pair);
    if (!pair.predicted_bytes.empty() || !pair.measured_bytes.empty()) found.push_back(std::move(pair));
  }
  return found;
}

std::vector<std::string> breaches_of(const results::Summary& summary, const scenario::Tolerance& tolerance) {
  std::vector<std::string> sentences;
  if (summary.failed != 0) sentences.push_back(fmt::format("{} cells failed", summary.failed));
  if (!summary.counts_equal) sentences.emplace_back("the counts differ");
  const auto above = [&](const char* key, const std::optional<double>& value, const std::optional<double>& limit) {
    if (!limit || !value || std::abs(*value) <= *limit) return;
    sentences.push_back(fmt::format("{} is {:.1f}, at most {} is tolerated", key, std::abs(*value), *limit));
  };
  above("cpu_mape_percent", summary.cpu_mape_percent, tolerance.cpu_mape_percent);
  above("cpu_worst_percent", summary.cpu_worst_percent, tolerance.cpu_worst_percent);
  if (tolerance.kendall_tau && summary.kendall_tau && *summary.kendall_tau < *tolerance.kendall_tau) {
    sentences.push_back(
        fmt::format("kendall_tau is {:.3f}, at least {} is asked for", *summary.kendall_tau, *tolerance.kendall_tau));
  }
  return sentences;
}

}  // namespace sluice::crosscheck
