// SPDX-License-Identifier: Apache-2.0
#include "tools/report/native_comparison.h"

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "tools/report/claims.h"
#include "tools/report/comparison.h"
#include "tools/report/run_text.h"
#include "tools/report/text.h"

namespace sluice::report {
namespace {

using Runs = std::vector<Json>;

std::string spread_text(const Json& run, const char* quantity) {
  const Json& repetitions = run.at("repetitions");
  if (repetitions.value("count", 0) < 2) return "-";
  return fmt::format("{:.1f} %", 100 * repetitions.at(quantity).value("spread", 0.0));
}

std::string task_time(const Json& run, const char* task) {
  const Json& found = run.at("tasks").at(task);
  return found.is_object() ? time_text(found.value("cpu_ns", 0.0)) : found.get<std::string>();
}

void add_row(Table& table, const Json& run) {
  const std::string strategy = run.value("strategy", "");
  const Claim* claim = claim_for(strategy);
  const std::string claimed = claim != nullptr ? std::to_string(claim->mode_switches) : "-";
  if (!run.contains("time")) {
    table.row({strategy, claimed, "-", "failed", "-", "-", "-", "-", "-", "-", "-", "-", "-", ""});
    return;
  }
  const auto count = [&](const char* key) { return count_text(number_at(run, "counts", key)); };
  table.row({strategy, claimed, count_text(number_at(run, "counts", "mode_switches") / rounds_of(run)),
             time_text(number_at(run, "time", "elapsed_ns")), spread_text(run, "elapsed_ns"),
             time_text(number_at(run, "time", "cpu_ns")), spread_text(run, "cpu_ns"), task_time(run, "sender"),
             task_time(run, "receiver"), task_time(run, "ksoftirqd"),
             rate_text(run.value("throughput_bytes_per_s", 0.0)), count("page_faults_minor"), count("context_switches"),
             calls_text(run)});
}

Table make_table() {
  return Table{{{"", "strategy", true},
                {"mode switches", "claim"},
                {"mode switches", "observed"},
                {"", "elapsed"},
                {"", "+-"},
                {"", "CPU time"},
                {"", "+-"},
                {"of it", "sender"},
                {"of it", "receiver"},
                {"of it", "ksoftirqd"},
                {"", "throughput"},
                {"page", "faults"},
                {"context", "switches"},
                {"", "system calls", true}}};
}

bool is_counted(const Json& runs, const std::string& event) {
  return std::any_of(runs.begin(), runs.end(), [&](const Json& run) {
    return run.contains("kernel_counts") && run["kernel_counts"].contains(event) &&
           run["kernel_counts"][event].is_number();
  });
}

/// The kernel's own counts as rows, strategies as columns; of those that it lets this user count.
std::string kernel_counts(const Runs& point) {
  std::vector<Table::Column> columns{{"", "kernel's own counts", true}};
  Json events = Json::object();
  for (const Json& run : point) {
    columns.push_back({"", run.value("strategy", "")});
    events.update(run.value("kernel_counts", Json::object()));
  }
  Table table{columns};
  bool any = false;
  for (const auto& [event, ignored] : events.items()) {
    if (!is_counted(point, event)) continue;
    std::vector<std::string> cells{event};
    for (const Json& run : point) {
      const Json count = run.value("kernel_counts", Json::object()).value(event, Json{"-"});
      cells.push_back(count.is_number() ? count.dump() : "-");
    }
    table.row(std::move(cells));
    any = true;
  }
  return any ? "\n" + table.text() : "";
}

/// The events that could not be counted in any run, once for all.
std::string uncounted(const Json& runs) {
  std::map<std::string, std::string> events_by_reason;
  for (const Json& run : runs) {
    if (!run.contains("kernel_counts")) continue;
    for (const auto& [event, reason] : run["kernel_counts"].items()) {
      if (reason.is_number() || is_counted(runs, event)) continue;
      std::string& events = events_by_reason[reason.get<std::string>()];
      if (events.find(event) == std::string::npos) events += (events.empty() ? "" : ", ") + event;
    }
  }
  std::string text;
  for (const auto& [reason, events] : events_by_reason) {
    text += fmt::format("{}kernel's own counts: {}: {}\n", text.empty() ? "\n" : "", reason, events);
  }
  return text;
}

}  // namespace

std::string native_comparison(const std::string& description, const Json& runs) {
  std::string out = description.empty() ? "" : description + "\n";
  for (std::size_t first = 0; first < runs.size();) {
    Runs point;
    while (first < runs.size() &&
           (point.empty() || runs[first].value("point", Json{}) == point[0].value("point", Json{}))) {
      point.push_back(runs[first++]);
    }
    Table table = make_table();
    std::string failed;
    for (const Json& run : point) {
      add_row(table, run);
      failed += complaints(run);
    }
    const std::string at = point_text(point.front());
    out += fmt::format("\n{}{}{}\n\n{}{}{}", at, at.empty() ? "" : ": ", workload_text(point.front()), table.text(),
                       kernel_counts(point), failed);
  }
  return out + uncounted(runs);
}

}  // namespace sluice::report
