// SPDX-License-Identifier: Apache-2.0
#include "tools/report/crosscheck_table.h"

#include <vector>

#include <fmt/format.h>

#include "tools/report/run_text.h"
#include "tools/report/text.h"

namespace sluice::report {
namespace {

using results::Cell;
using results::CrosscheckResult;
using results::Summary;

constexpr std::size_t kCountColumns = 7;
constexpr std::size_t kAllColumns = kCountColumns + 8;

std::string percent(const std::optional<double>& value, const char* form) {
  return value ? fmt::format(fmt::runtime(form), *value) : "-";
}

std::string chunk_of(const Cell& cell) { return size_text(static_cast<double>(cell.workload->chunk_bytes)); }
std::string file_of(const Cell& cell) { return size_text(static_cast<double>(cell.workload->file_bytes)); }

/// Axes that have no column of their own.
std::string other_axes(const Cell& cell) {
  results::Named<std::string> point = cell.point.value_or(results::Named<std::string>{});
  std::erase_if(point,
                [](const auto& axis) { return axis.first == "workload.chunk" || axis.first == "workload.file.size"; });
  return point_text(point);
}

template <class T>
std::string pair_text(const T& predicted, const T& measured) {
  return predicted == measured ? fmt::format("{}", measured) : fmt::format("{} / {}", predicted, measured);
}

std::string calls_pair(const results::CallsPair& pair) {
  const auto side = [](const std::optional<std::int64_t>& calls) { return calls ? std::to_string(*calls) : "-"; };
  return pair_text(side(pair.predicted), side(pair.measured));
}

void add_time_columns(std::vector<Table::Column>& columns) {
  for (const char* group : {"CPU time", "elapsed"}) {
    for (const char* head : {"predicted", "measured", "error", "+-"}) columns.push_back({group, head});
  }
}

void add_times(std::vector<std::string>& cells, const Cell& cell) {
  for (const std::optional<results::TimePair>& pair : {cell.cpu_ns, cell.elapsed_ns}) {
    if (!pair) {
      cells.insert(cells.end(), 4, "-");
      continue;
    }
    cells.insert(cells.end(),
                 {time_text(static_cast<double>(pair->predicted)), time_text(static_cast<double>(pair->measured)),
                  percent(pair->error_percent, "{:+.1f} %"), fmt::format("{:.1f} %", 100 * pair->spread)});
  }
}

Table make_table(bool counts_only) {
  std::vector<Table::Column> columns{{"", "strategy", true},
                                     {"", "file"},
                                     {"", "chunk"},
                                     {"sender's counts", "equal"},
                                     {"sender's counts", "mode switches"},
                                     {"sender's counts", "faults"},
                                     {"recv", "calls"}};
  if (!counts_only) {
    add_time_columns(columns);
  }
  return Table{columns};
}

void add_row(Table& table, const Cell& cell, bool counts_only) {
  std::vector<std::string> cells{cell.strategy, file_of(cell), chunk_of(cell)};
  if (!cell.counts) {
    cells.resize(counts_only ? kCountColumns : kAllColumns, "-");
    cells[3] = "failed";
    table.row(cells);
    return;
  }
  const results::CountsPair& counts = *cell.counts;
  cells.insert(cells.end(),
               {counts.equal ? "yes" : "NO", pair_text(counts.predicted.mode_switches, counts.measured.mode_switches),
                pair_text(counts.predicted.page_faults, counts.measured.page_faults),
                calls_pair(cell.receiver_calls.value_or(results::CallsPair{}))});
  if (!counts_only) add_times(cells, cell);
  table.row(cells);
}

std::string complaints_of(const std::vector<Cell>& cells) {
  std::string text;
  for (const Cell& cell : cells) {
    for (const std::string& failure : cell.failures) text += fmt::format("FAILED {}: {}\n", cell_name(cell), failure);
    if (!cell.counts) continue;
    for (const std::string& difference : cell.counts->differences) {
      text += fmt::format("DIFFERS {}: {}\n", cell_name(cell), difference);
    }
  }
  return text;
}

std::string crossover_sizes(const std::vector<std::int64_t>& sizes) {
  std::vector<std::string> texts;
  texts.reserve(sizes.size());
  for (const std::int64_t size : sizes) texts.push_back(size_text(static_cast<double>(size)));
  return texts.empty() ? "none" : joined(texts);
}

std::string crossovers(const std::vector<results::Crossover>& found) {
  if (found.empty()) return "";
  Table table{{{"", "cheaper in CPU time changes at chunks of", true},
               {"", "where", true},
               {"", "predicted"},
               {"", "measured"}}};
  for (const results::Crossover& pair : found) {
    table.row({joined(pair.strategies), point_text(pair.where), crossover_sizes(pair.predicted_bytes),
               crossover_sizes(pair.measured_bytes)});
  }
  return "\n" + table.text();
}

bool of_programs(const CrosscheckResult& crosscheck) {
  return !crosscheck.runs.empty() && crosscheck.runs.front().strategy == results::kPrograms;
}

std::string summary_text(const CrosscheckResult& crosscheck) {
  const Summary& summary = crosscheck.summary;
  std::string text = fmt::format("\n{} cells, {}counts {}\n", summary.cells, of_programs(crosscheck) ? "" : "sender's ",
                                 summary.counts_equal ? "equal in all" : "differ");
  if (!summary.unsteady_cells) return text;
  text += fmt::format("CPU time: mean absolute error {}, worst cell {}", percent(summary.cpu_mape_percent, "{:.1f} %"),
                      percent(summary.cpu_worst_percent, "{:+.1f} %"));
  if (summary.cpu_worst_cell) text += fmt::format(" ({})", cell_name(crosscheck.cells[*summary.cpu_worst_cell]));
  text += fmt::format(", Kendall's tau {}\nelapsed: mean absolute error {}, Kendall's tau {}\n",
                      percent(summary.kendall_tau, "{:.3f}"), percent(summary.elapsed_mape_percent, "{:.1f} %"),
                      percent(summary.elapsed_kendall_tau, "{:.3f}"));
  if (summary.cpu_drift_percent) {
    text += fmt::format(
        "drift of the host: calibrated after the measurement, CPU time is predicted {} longer than calibrated before, "
        "at "
        "worst {}; the predictions are the mean of both\n",
        percent(summary.cpu_drift_percent, "{:+.1f} %"), percent(summary.cpu_drift_worst_percent, "{:+.1f} %"));
  }
  if (!summary.unsteady_cells->empty()) {
    text += "repeat worse than 5 % and do not count for the worst cell:\n";
    for (const std::uint64_t i : *summary.unsteady_cells) {
      const Cell& cell = crosscheck.cells[i];
      text += fmt::format("  {}: +- {:.1f} %\n", cell_name(cell), 100 * cell.cpu_ns->spread);
    }
  }
  return text;
}

/// A row for each measure of each point of the grid.
std::string measures_table(const CrosscheckResult& crosscheck, bool counts_only) {
  std::vector<Table::Column> columns{
      {"", "run", true}, {"", "measure", true}, {"counts", "equal"}, {"counts", "mode switches"}, {"counts", "faults"}};
  if (!counts_only) add_time_columns(columns);
  Table table{columns};
  for (const Cell& cell : crosscheck.cells) {
    std::vector<std::string> cells{point_text(cell.point), cell.strategy};
    if (!cell.counts) {
      cells.push_back("failed");
      cells.resize(columns.size(), "-");
    } else {
      const results::CountsPair& counts = *cell.counts;
      cells.insert(cells.end(), {counts.equal ? "yes" : "NO",
                                 pair_text(counts.predicted.mode_switches, counts.measured.mode_switches),
                                 pair_text(counts.predicted.page_faults, counts.measured.page_faults)});
      if (!counts_only) add_times(cells, cell);
    }
    table.row(cells);
  }
  return table.text();
}

std::string samples_table(const std::vector<results::SamplePair>& pairs) {
  Table table{{{"", "run", true},
               {"", "sample", true},
               {"p50", "predicted"},
               {"p50", "measured"},
               {"p50", "error"},
               {"p99", "predicted"},
               {"p99", "measured"}}};
  for (const results::SamplePair& pair : pairs) {
    const auto text = pair.name.ends_with("_ns") ? time_text : count_text;
    table.row({point_text(pair.point), pair.name, text(pair.predicted.p50), text(pair.measured.p50),
               percent(pair.p50_error_percent, "{:+.1f} %"), text(pair.predicted.p99), text(pair.measured.p99)});
  }
  return "\n" + table.text();
}

std::string programs_text(const CrosscheckResult& crosscheck, bool counts_only) {
  std::string out = crosscheck.description;
  if (!out.empty()) out += "\n";
  out += "\npredicted / measured where they differ\n\n" + measures_table(crosscheck, counts_only);
  if (crosscheck.samples && !counts_only) out += samples_table(*crosscheck.samples);
  out += summary_text(crosscheck) + complaints_of(crosscheck.cells);
  for (const std::string& difference : crosscheck.differences.value_or(std::vector<std::string>{})) {
    out += "DIFFERS " + difference + "\n";
  }
  for (const std::string& breach : crosscheck.breaches) out += "OUT OF TOLERANCE: " + breach + "\n";
  return out;
}

}  // namespace

std::string cell_name(const Cell& cell) {
  if (!cell.workload) return cell.point ? cell.strategy + ", " + point_text(cell.point) : cell.strategy;
  return fmt::format("{}, chunks of {}, {}", cell.strategy, chunk_of(cell), file_of(cell));
}

std::string crosscheck_table(const CrosscheckResult& crosscheck) {
  const std::vector<Cell>& cells = crosscheck.cells;
  const bool counts_only = !crosscheck.summary.unsteady_cells;
  if (of_programs(crosscheck)) return programs_text(crosscheck, counts_only);
  std::string out = crosscheck.description;
  if (!out.empty()) out += "\n";
  for (std::size_t first = 0; first < cells.size();) {
    const std::string axes = other_axes(cells[first]);
    Table table = make_table(counts_only);
    std::size_t last = first;
    for (; last < cells.size() && other_axes(cells[last]) == axes; ++last) add_row(table, cells[last], counts_only);
    const results::WorkloadInfo& workload = *cells[first].workload;
    const unsigned cpus = workload.cpus.value_or(1);
    out += fmt::format("\n{}{}page cache {}, {} core{}, regime {}{}; predicted / measured where they differ\n\n{}",
                       axes, axes.empty() ? "" : ": ", workload.page_cache, cpus, cpus == 1 ? "" : "s",
                       workload.regime.value_or(""), connections_text(workload), table.text());
    first = last;
  }
  out += crossovers(crosscheck.crossovers) + summary_text(crosscheck) + complaints_of(cells);
  for (const std::string& breach : crosscheck.breaches) out += "OUT OF TOLERANCE: " + breach + "\n";
  return out;
}

}  // namespace sluice::report
