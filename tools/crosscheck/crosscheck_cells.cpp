// SPDX-License-Identifier: Apache-2.0
#include "tools/crosscheck/crosscheck_cells.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "tools/analysis/agreement.h"
#include "tools/analysis/crossover.h"
#include "tools/report/run_text.h"
#include "tools/report/text.h"

namespace sluice::tool {
namespace {

using analysis::Cell;
using report::Json;
using report::number_at;

constexpr const char* kChunkAxis = "workload.chunk";

double cpu_ns(const Json& run) {
  double sum = 0;
  for (const char* account : {"cpu_user_ns", "cpu_kernel_ns", "cpu_irq_ns"}) sum += number_at(run, "time", account);
  return sum;
}

Json counts_of(const Json& run) {
  return {
      {"payload_bytes", run.value("payload_bytes", 0)},
      {"system_calls", run.value("system_calls", Json::object())},
      {"mode_switches", number_at(run, "counts", "mode_switches")},
      {"page_faults", number_at(run, "counts", "page_faults_minor") + number_at(run, "counts", "page_faults_major")}};
}

/// What of the sender's counts is not as it should be.
Json differences_between(const Json& predicted, const Json& measured) {
  Json sentences = Json::array();
  const auto compare = [&](const std::string& what, double p, double m) {
    if (p != m) sentences.push_back(fmt::format("{}: {:.0f} predicted, {:.0f} measured", what, p, m));
  };
  std::set<std::string> names;
  for (const Json* side : {&predicted, &measured}) {
    for (const auto& [name, count] : (*side)["system_calls"].items()) names.insert(name);
  }
  for (const std::string& name : names) {
    compare(name, predicted["system_calls"].value(name, 0.0), measured["system_calls"].value(name, 0.0));
  }
  for (const char* key : {"mode_switches", "payload_bytes"}) {
    compare(key, predicted[key].get<double>(), measured[key].get<double>());
  }
  const double p = predicted["page_faults"].get<double>();
  const double m = measured["page_faults"].get<double>();
  if (std::abs(p - m) > kFaults + kFaultShare * m) compare("page faults", p, m);
  return sentences;
}

Json quantity(double predicted, double measured, const Json& native, const char* name) {
  const double spread = native.at("repetitions").at(name).value("spread", 0.0);
  return {{"predicted", std::llround(predicted)},
          {"measured", std::llround(measured)},
          {"error_percent", measured > 0 ? Json(100 * (predicted / measured - 1)) : Json{}},
          {"spread", spread}};
}

/// The number of recv calls of a side, as far as it says so.
Json receiver_calls(const Json& run) {
  const Json tasks = run.value("tasks", Json::object());
  const Json receiver = tasks.value("receiver", Json::object());
  return receiver.is_object() && receiver.contains("calls") ? receiver["calls"] : Json{};
}

bool is_usable(const Json& cell) { return cell.contains("cpu_ns") && !cell["cpu_ns"]["error_percent"].is_null(); }

std::vector<Cell> to_cells(const Json& cells, const char* quantity, std::vector<std::size_t>* origin = nullptr) {
  std::vector<Cell> usable;
  std::map<std::string, std::size_t> points;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (!is_usable(cells[i])) continue;
    const Json& q = cells[i][quantity];
    const std::size_t point =
        points.emplace(cells[i].value("point", Json::object()).dump(), points.size()).first->second;
    usable.push_back({cells[i]["strategy"], point, q["predicted"], q["measured"], q["spread"]});
    if (origin != nullptr) origin->push_back(i);
  }
  return usable;
}

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json{}; }

/// Both strategies' cells at one size of chunk.
struct Meeting {
  double chunk;
  const Json* first;
  const Json* second;
};

Cell cell_from(const Json& cell) {
  const Json& cpu = cell["cpu_ns"];
  return {"", 0, cpu["predicted"], cpu["measured"], cpu["spread"]};
}

Json sizes_of(const std::vector<analysis::CostPair>& curve) {
  Json sizes = Json::array();
  for (const double size : analysis::crossovers(curve)) sizes.push_back(std::llround(size));
  return sizes;
}

Json crossover_of(const std::vector<Meeting>& meetings) {
  std::vector<analysis::CostPair> predicted;
  std::vector<analysis::CostPair> measured;
  for (const Meeting& meeting : meetings) {
    const Cell first = cell_from(*meeting.first);
    const Cell second = cell_from(*meeting.second);
    predicted.push_back({meeting.chunk, first.predicted, second.predicted});
    if (analysis::differ(first, second)) measured.push_back({meeting.chunk, first.measured, second.measured});
  }
  return {{"predicted_bytes", sizes_of(predicted)}, {"measured_bytes", sizes_of(measured)}};
}

}  // namespace

Json cell_of(const Json& simulated, const Json& native) {
  Json cell{{"strategy", native["strategy"]}};
  if (native.contains("point")) cell["point"] = native["point"];
  cell["workload"] = native["workload"];
  Json failures = Json::array();
  for (const auto& [side, run] : {std::pair{"simulated", &simulated}, std::pair{"host", &native}}) {
    for (const Json& failure : report::failures_of(*run)) {
      failures.push_back(fmt::format("{}: {}", side, failure.get<std::string>()));
    }
  }
  if (simulated.contains("time") && native.contains("time")) {
    const Json predicted = counts_of(simulated);
    const Json measured = counts_of(native);
    const Json differences = differences_between(predicted, measured);
    cell["counts"] = {
        {"equal", differences.empty()}, {"differences", differences}, {"predicted", predicted}, {"measured", measured}};
    cell["receiver_calls"] = {{"predicted", receiver_calls(simulated)}, {"measured", receiver_calls(native)}};
    cell["cpu_ns"] = quantity(cpu_ns(simulated), number_at(native, "time", "cpu_ns"), native, "cpu_ns");
    cell["elapsed_ns"] = quantity(number_at(simulated, "time", "elapsed_ns"), number_at(native, "time", "elapsed_ns"),
                                  native, "elapsed_ns");
  }
  cell["failures"] = failures;
  return cell;
}

Json summarise_cells(const Json& cells, bool counts_only) {
  const auto failed = std::count_if(cells.begin(), cells.end(), [](const Json& c) { return !c["failures"].empty(); });
  const bool equal = std::all_of(cells.begin(), cells.end(), [](const Json& cell) {
    return cell.contains("counts") && cell["counts"]["equal"].get<bool>();
  });
  Json summary{{"cells", cells.size()}, {"failed", failed}, {"counts_equal", equal}};
  if (counts_only) return summary;
  std::vector<std::size_t> origin;
  const std::vector<Cell> cpu = to_cells(cells, "cpu_ns", &origin);
  const std::vector<Cell> elapsed = to_cells(cells, "elapsed_ns");
  const analysis::ErrorSummary errors = analysis::summarise_errors(cpu);
  summary["cpu_mape_percent"] = cpu.empty() ? Json{} : Json(errors.mape_percent);
  summary["cpu_worst_percent"] = errors.worst ? Json(cpu[*errors.worst].error_percent()) : Json{};
  summary["cpu_worst_cell"] = errors.worst ? Json(origin[*errors.worst]) : Json{};
  summary["elapsed_mape_percent"] = cpu.empty() ? Json{} : Json(analysis::summarise_errors(elapsed).mape_percent);
  summary["kendall_tau"] = or_null(analysis::kendall_tau(cpu));
  summary["elapsed_kendall_tau"] = or_null(analysis::kendall_tau(elapsed));
  summary["unsteady_cells"] = Json::array();
  for (const std::size_t i : errors.unsteady) summary["unsteady_cells"].push_back(origin[i]);
  return summary;
}

Json crossovers_of(const Json& cells) {
  // By the point without its chunk and by the pair, in the order of the cells.
  std::map<std::string, std::size_t> places;
  std::vector<std::pair<Json, std::vector<Meeting>>> groups;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (std::size_t j = i + 1; j < cells.size(); ++j) {
      if (!is_usable(cells[i]) || !is_usable(cells[j])) continue;
      if (cells[i].value("point", Json{}) != cells[j].value("point", Json{})) continue;
      Json where = cells[i].value("point", Json::object());
      where.erase(kChunkAxis);
      const Json key{{"strategies", {cells[i]["strategy"], cells[j]["strategy"]}}, {"where", where}};
      const auto [place, is_new] = places.emplace(key.dump(), groups.size());
      if (is_new) groups.emplace_back(key, std::vector<Meeting>{});
      groups[place->second].second.push_back({number_at(cells[i], "workload", "chunk_bytes"), &cells[i], &cells[j]});
    }
  }
  Json found = Json::array();
  for (auto& [key, meetings] : groups) {
    std::sort(meetings.begin(), meetings.end(), [](const Meeting& a, const Meeting& b) { return a.chunk < b.chunk; });
    const Json sizes = crossover_of(meetings);
    if (sizes["predicted_bytes"].empty() && sizes["measured_bytes"].empty()) continue;
    Json entry = key;
    entry.update(sizes);
    found.push_back(std::move(entry));
  }
  return found;
}

Json breaches_of(const Json& summary, const scenario::Tolerance& tolerance) {
  Json sentences = Json::array();
  if (summary["failed"] != 0) sentences.push_back(fmt::format("{} cells failed", summary["failed"].dump()));
  if (!summary["counts_equal"].get<bool>()) sentences.push_back("the sender's counts differ");
  const auto above = [&](const char* key, const std::optional<double>& limit) {
    if (!limit || !summary.contains(key) || summary[key].is_null()) return;
    const double value = std::abs(summary[key].get<double>());
    if (value > *limit) sentences.push_back(fmt::format("{} is {:.1f}, at most {} is tolerated", key, value, *limit));
  };
  above("cpu_mape_percent", tolerance.cpu_mape_percent);
  above("cpu_worst_percent", tolerance.cpu_worst_percent);
  if (tolerance.kendall_tau && summary.contains("kendall_tau") && !summary["kendall_tau"].is_null() &&
      summary["kendall_tau"].get<double>() < *tolerance.kendall_tau) {
    sentences.push_back(fmt::format("kendall_tau is {:.3f}, at least {} is asked for",
                                    summary["kendall_tau"].get<double>(), *tolerance.kendall_tau));
  }
  return sentences;
}

}  // namespace sluice::tool
