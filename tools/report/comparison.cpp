// SPDX-License-Identifier: Apache-2.0
#include "tools/report/comparison.h"

#include <algorithm>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "kernel_sim/programs/strategy.h"
#include "tools/report/machine_text.h"
#include "tools/report/notes.h"
#include "tools/report/programs.h"
#include "tools/report/text.h"

namespace sluice::report {
namespace {

using kernel_sim::Claim;

/// What a cell is made from.
struct Row {
  const RunResult& run;
  std::string name;
  std::optional<Claim> claim;
};

/// A column is said here, and nowhere else.
struct Column {
  Table::Column head;
  std::function<std::string(const Row&)> cell;
  bool needs_a_complete_run = true;  ///< "-" in the row of a run that is not
};

Column claimed(const char* group, unsigned Claim::*field) {
  return {{group, "claim"}, [=](const Row& row) { return row.claim ? std::to_string(*row.claim.*field) : "-"; }, false};
}
Column observed(const char* group, const char* head, std::function<std::string(const RunResult&)> cell,
                bool left = false) {
  return {{group, head, left}, [cell = std::move(cell)](const Row& row) { return cell(row.run); }};
}

std::string per_round(const RunResult& run, std::uint64_t count) {
  return count_text(static_cast<double>(count) / run.rounds());
}

std::string busy_share(const RunResult& run) {
  const auto busy = static_cast<double>(run.time->busy_ns());
  const double all = busy + static_cast<double>(run.time->cpu_idle_ns.value_or(0));
  return all > 0 ? fmt::format("{:.0f} %", 100 * busy / all) : "-";
}

std::string dram_per_byte(const RunResult& run) {
  const auto payload = static_cast<double>(*run.payload_bytes);
  if (!run.bytes || payload == 0) return "-";
  return fmt::format("{:.2f}", static_cast<double>(run.bytes->dram_read + run.bytes->dram_written) / payload);
}

/// The tighter of both bounds.
std::string bound_text(const RunResult& run) {
  if (!run.bound) return "-";
  const std::optional<double>& fixed = run.bound->static_bytes_per_s;
  const std::optional<double>& demand = run.bound->demand_bytes_per_s;
  if (!fixed && !demand) return "-";
  return rate_text(!fixed ? *demand : !demand ? *fixed : std::min(*fixed, *demand));
}

const std::vector<Column>& columns() {
  static const std::vector<Column> all{
      {{"", "strategy", true}, [](const Row& row) { return row.name; }, false},
      observed("zero", "copy", zero_copy, true),
      claimed("calls", &Claim::calls),
      observed("calls", "observed", [](const RunResult& run) { return per_round(run, run.calls()); }),
      claimed("mode switches", &Claim::mode_switches),
      observed("mode switches", "observed",
               [](const RunResult& run) { return per_round(run, run.counts->mode_switches); }),
      claimed("CPU copies", &Claim::cpu_copies),
      observed("CPU copies", "observed", [](const RunResult& run) { return count_text(run.copies->cpu); }),
      claimed("DMA copies", &Claim::dma_copies),
      observed("DMA copies", "observed", [](const RunResult& run) { return count_text(run.copies->dma); }),
      {{"", "time"},
       [](const Row& row) {
         return row.run.complete() ? time_text(static_cast<double>(row.run.time->elapsed_ns)) : "failed";
       },
       false},
      observed("", "throughput", [](const RunResult& run) { return rate_text(*run.throughput_bytes_per_s); }),
      observed("", "CPU busy", busy_share),
      observed("DRAM", "per byte", dram_per_byte),
      observed("", "bound", bound_text),
      observed(
          "", "limited by", [](const RunResult& run) { return run.limited_by.value_or("-"); }, true),
  };
  return all;
}

/// A sentence, and the rows that it is about.
class Notes {
 public:
  void add(const std::string& sentence, const std::string& row) {
    if (sentence.empty()) return;
    const auto same =
        std::find_if(m_notes.begin(), m_notes.end(), [&](const auto& note) { return note.first == sentence; });
    auto& rows = same != m_notes.end() ? same->second : m_notes.emplace_back(sentence, Rows{}).second;
    rows.push_back(row);
  }
  [[nodiscard]] std::string text() const {
    std::string text;
    for (const auto& [sentence, rows] : m_notes) text += fmt::format("  {}: {}\n", joined(rows), sentence);
    return text;
  }

 private:
  using Rows = std::vector<std::string>;
  std::vector<std::pair<std::string, Rows>> m_notes;
};

std::string heading(const Runs& rows, const results::Named<std::string>& machine) {
  const std::string point = point_text(rows.front().point);
  const std::string what = machine_text(machine);
  return (point.empty() ? "" : point + ": ") + workload_text(rows.front()) + (what.empty() ? "" : "; " + what);
}

std::string table_of(const Runs& rows) {
  const results::Named<std::string> machine = common_features(rows);
  std::vector<Table::Column> heads;
  for (const Column& column : columns()) heads.push_back(column.head);
  Table table{heads};
  Notes found;
  std::string complained;
  for (const RunResult& run : rows) {
    const kernel_sim::Strategy* strategy = kernel_sim::find_strategy(run.strategy);
    const Row row{run, row_name(run, machine), strategy != nullptr ? strategy->claim : std::nullopt};
    std::vector<std::string> cells;
    for (const Column& column : columns()) {
      cells.push_back(column.needs_a_complete_run && !run.complete() ? "-" : column.cell(row));
    }
    table.row(std::move(cells));
    for (const std::string& sentence : notes(run)) found.add(sentence, row.name);
    found.add(machine_note(run, machine), row.name);
    complained += complaints(run);
  }
  const std::string below = found.text() + complained;
  return "\n" + heading(rows, machine) + "\n\n" + table.text() + (below.empty() ? "" : "\n" + below);
}

}  // namespace

std::string comparison(const std::string& description, const Runs& runs) {
  std::string out = description.empty() ? "" : description + "\n";
  if (!runs.empty() && runs.front().strategy == results::kPrograms) return out + programs_comparison(runs);
  for (const Runs& rows : by_point(runs)) out += table_of(rows);
  return out;
}

}  // namespace sluice::report
