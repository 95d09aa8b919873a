// SPDX-License-Identifier: Apache-2.0
#include "tools/report/programs.h"

#include <fmt/format.h>

#include "tools/report/text.h"

namespace sluice::report {
namespace {

std::string calls_of(const results::Named<std::uint64_t>& calls) {
  std::vector<std::string> parts;
  for (const auto& [name, made] : calls) parts.push_back(fmt::format("{} x {}", name, made));
  return joined(parts);
}

/// The first column says a point once, in front of its rows.
class PointColumn {
 public:
  explicit PointColumn(const Runs& runs) : m_shown(runs.size() > 1 || !point_text(runs.front().point).empty()) {}
  [[nodiscard]] std::vector<Table::Column> heads() const {
    return m_shown ? std::vector<Table::Column>{{"", "run", true}} : std::vector<Table::Column>{};
  }
  [[nodiscard]] std::vector<std::string> cells(const RunResult& run, bool first) const {
    if (!m_shown) return {};
    return {first ? point_text(run.point) : ""};
  }

 private:
  bool m_shown;
};

template <class Member, class Cells>
std::string table_of(const Runs& runs, Member member, std::vector<Table::Column> columns, Cells&& cells) {
  const PointColumn point{runs};
  std::vector<Table::Column> heads = point.heads();
  heads.insert(heads.end(), columns.begin(), columns.end());
  Table table{heads};
  bool any = false;
  for (const RunResult& run : runs) {
    if (!(run.*member)) continue;
    bool first = true;
    for (const auto& [name, use] : *(run.*member)) {
      std::vector<std::string> row = point.cells(run, first);
      for (std::string& cell : cells(name, use)) row.push_back(std::move(cell));
      table.row(std::move(row));
      any = true;
      first = false;
    }
  }
  return any ? "\n" + table.text() : "";
}

std::string time_of(std::int64_t ns) { return time_text(static_cast<double>(ns)); }
std::string interpreter_of(const results::MeasureUse& use) {
  return use.interpreter_ns ? time_of(*use.interpreter_ns) : "-";
}
std::string copied_of(const results::MeasureUse& use) {
  return use.bytes_copied ? size_text(static_cast<double>(*use.bytes_copied)) : "-";
}
std::string number(std::uint64_t n) { return count_text(static_cast<double>(n)); }

}  // namespace

std::string programs_tables(const Runs& runs) {
  // A host does not know who copied what; there the interpreter takes time.
  const bool host = !runs.front().simulated();
  std::string out = table_of(runs, &RunResult::measures,
                             {{"", "measure", true},
                              {"", "times"},
                              {"", "elapsed"},
                              {"", "CPU time"},
                              {"mode", "switches"},
                              {"page", "faults"},
                              host ? Table::Column{"inter-", "preter"} : Table::Column{"CPU", "copied"},
                              {"", "calls", true}},
                             [host](const std::string& name, const results::MeasureUse& use) {
                               return std::vector<std::string>{name,
                                                               number(use.times),
                                                               time_of(use.elapsed_ns),
                                                               time_of(use.cpu_ns),
                                                               number(use.mode_switches),
                                                               number(use.page_faults_minor + use.page_faults_major),
                                                               host ? interpreter_of(use) : copied_of(use),
                                                               calls_of(use.system_calls)};
                             });
  out +=
      table_of(runs, &RunResult::samples,
               {{"", "sample", true}, {"", "count"}, {"", "min"}, {"", "mean"}, {"", "p50"}, {"", "p99"}, {"", "max"}},
               [](const std::string& name, const results::SampleUse& use) {
                 // Programs say the unit in the name.
                 const auto text = name.ends_with("_ns") ? time_text : count_text;
                 return std::vector<std::string>{name,          number(use.count), text(use.min), text(use.mean),
                                                 text(use.p50), text(use.p99),     text(use.max)};
               });
  out += table_of(runs, &RunResult::processes,
                  {{"", "process", true},
                   {"", "copies"},
                   {"", "ends", true},
                   {"", "CPU time"},
                   {"mode", "switches"},
                   {"page", "faults"},
                   {"", "slept"},
                   {"", "preempted"}},
                  [](const std::string& name, const results::ProcessUse& use) {
                    return std::vector<std::string>{name,
                                                    number(use.copies),
                                                    use.ends,
                                                    time_of(use.cpu_ns),
                                                    number(use.mode_switches),
                                                    number(use.page_faults_minor + use.page_faults_major),
                                                    number(use.voluntary_switches),
                                                    number(use.involuntary_switches)};
                  });
  std::string printed;
  for (const RunResult& run : runs) {
    const std::string point = point_text(run.point);
    if (run.output) {
      if (!point.empty()) printed += point + "\n";
      for (const auto& [who, lines] : *run.output) {
        for (const std::string& line : lines) printed += fmt::format("  {}: {}\n", who, line);
      }
    }
    if (run.differs) {
      printed += fmt::format("{}{}not the same in all repetitions: {}\n", point, point.empty() ? "" : ": ",
                             joined(*run.differs));
    }
  }
  if (!printed.empty()) out += "\n" + printed;
  return out;
}

std::string programs_comparison(const Runs& runs) {
  std::string complained;
  for (const RunResult& run : runs) complained += complaints(run);
  return programs_tables(runs) + (complained.empty() ? "" : "\n" + complained);
}

}  // namespace sluice::report
