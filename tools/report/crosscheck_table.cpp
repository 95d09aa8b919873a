// SPDX-License-Identifier: Apache-2.0
#include "tools/report/crosscheck_table.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "tools/report/run_text.h"
#include "tools/report/text.h"

namespace sluice::report {
namespace {

std::string percent(const Json& value) { return value.is_null() ? "-" : fmt::format("{:+.1f} %", value.get<double>()); }

std::string size_at(const Json& cell, const char* key) { return size_text(number_at(cell, "workload", key)); }

/// "splice, 4 KiB, 16 MiB": a cell by name.
std::string name_of(const Json& cell) {
  return fmt::format("{}, chunks of {}, {}", cell.value("strategy", ""), size_at(cell, "chunk_bytes"),
                     size_at(cell, "file_bytes"));
}

/// Axes that have no column of their own.
std::string other_axes(const Json& cell) {
  Json point = cell.value("point", Json::object());
  point.erase("workload.chunk");
  point.erase("workload.file.size");
  return point_text({{"point", point}});
}

std::string pair_text(const Json& pair, const char* key) {
  const auto side = [&](const char* name) {
    const Json& value = key != nullptr ? pair[name][key] : pair[name];
    return value.is_number() ? fmt::format("{:.0f}", value.get<double>()) : std::string{"-"};
  };
  const std::string predicted = side("predicted");
  const std::string measured = side("measured");
  return predicted == measured ? measured : predicted + " / " + measured;
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
    for (const char* group : {"CPU time", "elapsed"}) {
      for (const char* head : {"predicted", "measured", "error", "+-"}) columns.push_back({group, head});
    }
  }
  return Table{columns};
}

void add_row(Table& table, const Json& cell, bool counts_only) {
  std::vector<std::string> cells{cell.value("strategy", ""), size_at(cell, "file_bytes"), size_at(cell, "chunk_bytes")};
  if (!cell.contains("counts")) {
    cells.resize(counts_only ? 7 : 15, "-");
    cells[3] = "failed";
    table.row(cells);
    return;
  }
  const Json& counts = cell["counts"];
  cells.insert(cells.end(), {counts["equal"].get<bool>() ? "yes" : "NO", pair_text(counts, "mode_switches"),
                             pair_text(counts, "page_faults"), pair_text(cell["receiver_calls"], nullptr)});
  for (const char* quantity : {"cpu_ns", "elapsed_ns"}) {
    if (counts_only) break;
    const Json& q = cell[quantity];
    cells.insert(cells.end(), {time_text(q["predicted"]), time_text(q["measured"]), percent(q["error_percent"]),
                               fmt::format("{:.1f} %", 100 * q["spread"].get<double>())});
  }
  table.row(cells);
}

std::string complaints(const Json& cells) {
  std::string text;
  for (const Json& cell : cells) {
    for (const Json& failure : cell["failures"]) {
      text += fmt::format("FAILED {}: {}\n", name_of(cell), failure.get<std::string>());
    }
    if (!cell.contains("counts")) continue;
    for (const Json& difference : cell["counts"]["differences"]) {
      text += fmt::format("DIFFERS {}: {}\n", name_of(cell), difference.get<std::string>());
    }
  }
  return text;
}

std::string crossover_sizes(const Json& sizes) {
  std::string text;
  for (const Json& size : sizes) text += (text.empty() ? "" : ", ") + size_text(size.get<double>());
  return text.empty() ? "none" : text;
}

std::string crossovers(const Json& found) {
  if (found.empty()) return "";
  Table table{{{"", "cheaper in CPU time changes at chunks of", true},
               {"", "where", true},
               {"", "predicted"},
               {"", "measured"}}};
  for (const Json& entry : found) {
    const std::string where = point_text({{"point", entry["where"]}});
    table.row(
        {fmt::format("{}, {}", entry["strategies"][0].get<std::string>(), entry["strategies"][1].get<std::string>()),
         where, crossover_sizes(entry["predicted_bytes"]), crossover_sizes(entry["measured_bytes"])});
  }
  return "\n" + table.text();
}

std::string number(const Json& summary, const char* key, const char* form) {
  return summary[key].is_null() ? "-" : fmt::format(fmt::runtime(form), summary[key].get<double>());
}

std::string summary_text(const Json& crosscheck) {
  const Json& summary = crosscheck["summary"];
  std::string text = fmt::format("\n{} cells, sender's counts {}\n", summary["cells"].dump(),
                                 summary["counts_equal"].get<bool>() ? "equal in all" : "differ");
  if (!summary.contains("cpu_mape_percent")) return text;
  text +=
      fmt::format("CPU time: mean absolute error {}, worst cell {}", number(summary, "cpu_mape_percent", "{:.1f} %"),
                  number(summary, "cpu_worst_percent", "{:+.1f} %"));
  if (!summary["cpu_worst_cell"].is_null()) {
    text += fmt::format(" ({})", name_of(crosscheck["cells"][summary["cpu_worst_cell"].get<std::size_t>()]));
  }
  text += fmt::format(", Kendall's tau {}\nelapsed: mean absolute error {}, Kendall's tau {}\n",
                      number(summary, "kendall_tau", "{:.3f}"), number(summary, "elapsed_mape_percent", "{:.1f} %"),
                      number(summary, "elapsed_kendall_tau", "{:.3f}"));
  if (!summary["unsteady_cells"].empty()) {
    text += "repeat worse than 5 % and do not count for the worst cell:\n";
    for (const Json& i : summary["unsteady_cells"]) {
      const Json& cell = crosscheck["cells"][i.get<std::size_t>()];
      text += fmt::format("  {}: +- {:.1f} %\n", name_of(cell), 100 * cell["cpu_ns"]["spread"].get<double>());
    }
  }
  return text;
}

}  // namespace

std::string crosscheck_table(const Json& crosscheck) {
  const Json& cells = crosscheck["cells"];
  const bool counts_only = !crosscheck["summary"].contains("cpu_mape_percent");
  std::string out = crosscheck.value("description", "");
  if (!out.empty()) out += "\n";
  for (std::size_t first = 0; first < cells.size();) {
    const std::string axes = other_axes(cells[first]);
    Table table = make_table(counts_only);
    std::size_t last = first;
    for (; last < cells.size() && other_axes(cells[last]) == axes; ++last) add_row(table, cells[last], counts_only);
    out += fmt::format("\n{}{}page cache {}, {} core{}, regime {}; predicted / measured where they differ\n\n{}", axes,
                       axes.empty() ? "" : ": ", cells[first]["workload"].value("page_cache", ""),
                       cells[first]["workload"].value("cpus", 1),
                       cells[first]["workload"].value("cpus", 1) == 1 ? "" : "s",
                       cells[first]["workload"].value("regime", ""), table.text());
    first = last;
  }
  out += crossovers(crosscheck["crossovers"]) + summary_text(crosscheck) + complaints(cells);
  for (const Json& breach : crosscheck["breaches"]) out += "OUT OF TOLERANCE: " + breach.get<std::string>() + "\n";
  return out;
}

}  // namespace sluice::report
