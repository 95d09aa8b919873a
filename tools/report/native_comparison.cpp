// SPDX-License-Identifier: Apache-2.0
#include "tools/report/native_comparison.h"

#include <algorithm>
#include <map>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "kernel_sim/programs/strategy.h"
#include "tools/report/programs.h"
#include "tools/report/text.h"

namespace sluice::report {
namespace {

using KernelCount = results::OrWhyNot<std::int64_t>;

std::string spread_text(const results::Repetitions& repetitions, const results::Samples& samples) {
  return repetitions.count < 2 ? "-" : fmt::format("{:.1f} %", 100 * samples.spread);
}

std::string task_time(const RunResult& run, const char* name) {
  const auto* task = results::find(*run.tasks, name);
  if (task == nullptr) return "-";
  const auto* use = std::get_if<results::TaskUse>(task);
  return use != nullptr ? time_text(static_cast<double>(use->cpu_ns)) : std::get<std::string>(*task);
}

void add_row(Table& table, const RunResult& run) {
  const kernel_sim::Strategy* strategy = kernel_sim::find_strategy(run.strategy);
  const bool claims = strategy != nullptr && strategy->claim;
  const std::string claimed = claims ? std::to_string(strategy->claim->mode_switches) : "-";
  if (!run.complete()) {
    table.row({run.strategy, claimed, "-", "failed", "-", "-", "-", "-", "-", "-", "-", "-", "-", ""});
    return;
  }
  const results::Counts& counts = *run.counts;
  const results::Repetitions& repetitions = *run.repetitions;
  table.row({run.strategy, claimed, count_text(static_cast<double>(counts.mode_switches) / run.rounds()),
             time_text(static_cast<double>(run.time->elapsed_ns)), spread_text(repetitions, repetitions.elapsed_ns),
             time_text(static_cast<double>(run.time->cpu_ns.value_or(0))), spread_text(repetitions, repetitions.cpu_ns),
             task_time(run, "sender"), task_time(run, "receiver"), task_time(run, "ksoftirqd"),
             rate_text(*run.throughput_bytes_per_s), std::to_string(counts.page_faults_minor),
             std::to_string(counts.context_switches), calls_text(run)});
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

const KernelCount* kernel_count(const RunResult& run, const std::string& event) {
  return run.kernel_counts ? results::find(*run.kernel_counts, event) : nullptr;
}

bool is_counted(const Runs& runs, const std::string& event) {
  return std::any_of(runs.begin(), runs.end(), [&](const RunResult& run) {
    const KernelCount* count = kernel_count(run, event);
    return count != nullptr && std::holds_alternative<std::int64_t>(*count);
  });
}

/// The kernel's own counts as rows, strategies as columns; of those that it lets this user count.
std::string kernel_counts(const Runs& point) {
  std::vector<Table::Column> columns{{"", "kernel's own counts", true}};
  std::vector<std::string> events;
  for (const RunResult& run : point) {
    columns.push_back({"", run.strategy});
    for (const auto& [event, count] : run.kernel_counts.value_or(results::Named<KernelCount>{})) {
      if (std::find(events.begin(), events.end(), event) == events.end()) events.push_back(event);
    }
  }
  Table table{columns};
  bool any = false;
  for (const std::string& event : events) {
    if (!is_counted(point, event)) continue;
    std::vector<std::string> cells{event};
    for (const RunResult& run : point) {
      const KernelCount* count = kernel_count(run, event);
      const auto* number = count != nullptr ? std::get_if<std::int64_t>(count) : nullptr;
      cells.push_back(number != nullptr ? std::to_string(*number) : "-");
    }
    table.row(std::move(cells));
    any = true;
  }
  return any ? "\n" + table.text() : "";
}

/// The events that could not be counted in any run, once for all.
std::string uncounted(const Runs& runs) {
  std::map<std::string, std::vector<std::string>> events_by_reason;
  for (const RunResult& run : runs) {
    for (const auto& [event, count] : run.kernel_counts.value_or(results::Named<KernelCount>{})) {
      if (is_counted(runs, event)) continue;
      std::vector<std::string>& events = events_by_reason[std::get<std::string>(count)];
      if (std::find(events.begin(), events.end(), event) == events.end()) events.push_back(event);
    }
  }
  std::string text;
  for (const auto& [reason, events] : events_by_reason) {
    text += fmt::format("{}kernel's own counts: {}: {}\n", text.empty() ? "\n" : "", reason, joined(events));
  }
  return text;
}

}  // namespace

std::string native_comparison(const std::string& description, const Runs& runs) {
  std::string out = description.empty() ? "" : description + "\n";
  if (!runs.empty() && runs.front().strategy == results::kPrograms) return out + programs_comparison(runs);
  for (const Runs& point : by_point(runs)) {
    Table table = make_table();
    std::string failed;
    for (const RunResult& run : point) {
      add_row(table, run);
      failed += complaints(run);
    }
    const std::string at = point_text(point.front().point);
    out += fmt::format("\n{}{}{}\n\n{}{}{}", at, at.empty() ? "" : ": ", workload_text(point.front()), table.text(),
                       kernel_counts(point), failed);
  }
  return out + uncounted(runs);
}

}  // namespace sluice::report
