// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/planner.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "models/nic/nic_config.h"
#include "models/platform/topology.h"
#include "tools/scenario/limits.h"
#include "tools/scenario/workload_reader.h"

namespace sluice::scenario {
namespace {

using kernel_sim::Strategy;

// One value of a key in each run, and no run twice: a key stands once in `with` or `vary` and once in --set, which has
// the last word; an axis has no value twice.

void refuse_second_place(const Document& document) {
  for (const Axis& axis : document.axes) {
    for (const Setting& setting : document.with) {
      if (setting.key != axis.key) continue;
      throw error_at(setting.at,
                     fmt::format("{}: stands in 'with' and in 'vary'; its value here has no effect", setting.key));
    }
  }
}

void refuse_second_value(const Axis& axis, const Configuration& base) {
  Configuration platform = base;
  Configuration scratch = base;
  const ParameterIndex platform_index{platform};
  ParameterIndex index{scratch};
  std::set<std::string> values;
  for (const Setting& value : axis.values) {
    index.set(value.key, value.text, value.at, platform_index);
    if (values.insert(index.find(value.key)->get()).second) continue;
    throw error_at(value.at, fmt::format("{}: the value {} stands here twice", axis.key, value.text));
  }
}

std::vector<Setting> read_sets(const std::vector<std::string>& sets) {
  std::vector<Setting> settings;
  for (const std::string& text : sets) {
    const Position at{"--set " + text};
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) throw error_at(at, "write --set key=value");
    const std::string key = text.substr(0, equals);
    for (const Setting& earlier : settings) {
      if (earlier.key == key) throw error_at(at, fmt::format("{} is set twice, first to {}", key, earlier.text));
    }
    settings.push_back({key, text.substr(equals + 1), at});
  }
  return settings;
}

/// All points of the product, the last axis fastest.
std::vector<std::vector<Setting>> product(const std::vector<Axis>& axes, const std::string& file) {
  std::vector<std::vector<Setting>> points{{}};
  for (const Axis& axis : axes) {
    std::vector<std::vector<Setting>> longer;
    if (points.size() * axis.values.size() > kMaxRuns) {
      throw error_at({file}, fmt::format("'vary' asks for more than {} runs", kMaxRuns));
    }
    for (const auto& point : points) {
      for (const Setting& value : axis.values) {
        longer.push_back(point);
        longer.back().push_back(value);
      }
    }
    points = std::move(longer);
  }
  return points;
}

class Planner {
 public:
  /// `collapsed`: axes that have one value only, for the command line sets it.
  Planner(const Document& document, std::vector<Setting> sets, std::vector<Axis> collapsed,
          const CommandLine& command_line, Scenario& scenario)
      : m_document(document),
        m_platform(document.base),
        m_platform_index(m_platform),
        m_scratch(document.base),
        m_scratch_index(m_scratch),
        m_sets(std::move(sets)),
        m_collapsed(std::move(collapsed)),
        m_command_line(command_line),
        m_scenario(scenario) {}

  /// `strategy`: null for programs.
  void plan(const std::vector<Setting>& point, const Strategy* strategy, const Position& at) {
    const std::optional<bool> gather = strategy != nullptr ? strategy->gather : std::nullopt;
    RunPlan plan;
    plan.strategy = strategy != nullptr ? strategy->name : results::kPrograms;
    plan.configuration = m_document.base;
    plan.strace = m_command_line.strace;
    platform::check(plan.configuration.machine, m_scenario.path);
    const bool loopback = plan.configuration.machine.is_loopback();
    if (loopback && !gather.value_or(true)) {
      throw error_at(at, fmt::format("strategy {}: a machine without a NIC sends over loopback, which always gathers",
                                     plan.strategy));
    }
    {
      ParameterIndex index{plan.configuration};
      const auto apply = [&](const Setting& setting, const std::string& by) {
        this->apply(setting, by, index, plan.configuration, plan.settings);
      };
      for (const platform::DeviceInstance* card : plan.configuration.machine.all("nic")) {
        if (!gather) continue;
        apply({card->name + ".gather", *gather ? "true" : "false", at}, "strategy " + plan.strategy);
      }
      for (const Setting& setting : m_document.with) apply(setting, "with");
      for (const Setting& setting : point) {
        apply(setting, "vary");
        plan.point.push_back(plan.settings.back());
      }
      if (!m_command_line.platform.empty()) plan.changed.push_back("--platform " + m_command_line.platform);
      if (!m_command_line.file.empty()) plan.changed.push_back("--file " + m_command_line.file);
      for (const Setting& setting : m_sets) {
        const std::vector<std::string> written = values_as_written(setting.key, index);
        apply(setting, "--set");
        const auto& [key, value] = plan.settings.back();
        if (std::find(written.begin(), written.end(), value) == written.end()) {
          plan.changed.push_back(fmt::format("{}={}", key, value));
        }
      }
      if (strategy != nullptr) check_workers(plan.configuration.workload, place_of_workers(point));
      check_limits(plan.configuration, m_scenario.path);
      for (const auto& [name, expectations] : m_document.expectations) {
        if (name != plan.strategy) continue;
        for (const ConditionalExpectation& expected : expectations) {
          if (applies(expected, index)) plan.expectations.push_back(expected.expectation);
        }
      }
    }
    warn(plan, gather);
    m_scenario.plans.push_back(std::move(plan));
  }

  /// What all plans share.
  void plan_common() {
    m_scenario.common = m_document.base;
    ParameterIndex index{m_scenario.common};
    for (const Setting& setting : m_document.with) {
      apply(setting, "with", index, m_scenario.common, m_scenario.settings);
    }
    for (const Setting& setting : m_sets) apply(setting, "--set", index, m_scenario.common, m_scenario.settings);
  }

 private:
  /// Where the number of workers of a run was set last.
  [[nodiscard]] Position place_of_workers(const std::vector<Setting>& point) const {
    for (const auto* settings : {&m_sets, &point, &m_document.with}) {
      for (const Setting& setting : *settings) {
        if (setting.key == "workload.workers") return setting.at;
      }
    }
    return m_document.workers_at.value_or(Position{m_scenario.path});
  }
  /// The values that the scenario gives a parameter: the one that it has, or those of its axis.
  std::vector<std::string> values_as_written(const std::string& key, ParameterIndex& index) const {
    const auto parameter = index.find(key);
    if (!parameter) return {};
    const auto axis = std::find_if(m_collapsed.begin(), m_collapsed.end(), [&](const Axis& a) { return a.key == key; });
    if (axis == m_collapsed.end()) return {parameter->get()};
    std::vector<std::string> values;
    for (const Setting& value : axis->values) {
      index.set(key, value.text, value.at, m_platform_index);
      values.push_back(parameter->get());
    }
    return values;
  }
  void apply(const Setting& setting, const std::string& by, ParameterIndex& index, Configuration& configuration,
             std::vector<std::pair<std::string, std::string>>& settings) const {
    index.set(setting.key, setting.text, setting.at, m_platform_index);
    settings.emplace_back(setting.key, index.find(setting.key)->get());
    configuration.origins[setting.key] = {"set for this run", by};
  }
  /// `index` is the run's. What is expected for "64 KiB" applies to 65536 B, so that a parameter has to read the text.
  bool applies(const ConditionalExpectation& expected, const ParameterIndex& index) {
    if (expected.parameter.empty()) return true;
    m_scratch_index.set(expected.parameter, expected.text, expected.at);
    return m_scratch_index.find(expected.parameter)->get() == index.find(expected.parameter)->get();
  }
  void warn(const RunPlan& plan, std::optional<bool> gather) {
    const auto once = [&](const std::string& sentence) {
      if (std::find(m_scenario.warnings.begin(), m_scenario.warnings.end(), sentence) == m_scenario.warnings.end()) {
        m_scenario.warnings.push_back(sentence);
      }
    };
    std::vector<std::string> keys;
    for (const auto& [key, text] : plan.settings) keys.push_back(key);
    for (const std::string& sentence : unused_among(keys, plan.configuration)) once(sentence);
    for (const platform::DeviceInstance* card : plan.configuration.machine.all("nic")) {
      if (gather && card->as<nic::ConnectedNicConfig>().nic.gather != *gather) {
        once(fmt::format("strategy {} is named for {}.gather={}, which a setting overrides", plan.strategy, card->name,
                         *gather));
      }
    }
  }

  const Document& m_document;
  Configuration m_platform;         ///< before anything is set, of whose values multiples are taken
  ParameterIndex m_platform_index;  ///< of it
  Configuration m_scratch;          ///< to read values as its parameters do
  ParameterIndex m_scratch_index;   ///< of it
  std::vector<Setting> m_sets;
  std::vector<Axis> m_collapsed;
  const CommandLine& m_command_line;
  Scenario& m_scenario;
};

}  // namespace

void plan_runs(Document document, const CommandLine& command_line, Scenario& scenario) {
  refuse_second_place(document);
  for (const Axis& axis : document.axes) refuse_second_value(axis, document.base);
  std::vector<Setting> sets = read_sets(command_line.sets);
  std::vector<Axis> collapsed;
  std::erase_if(document.axes, [&](const Axis& axis) {
    const bool is_set = std::any_of(sets.begin(), sets.end(), [&](const Setting& set) { return set.key == axis.key; });
    if (is_set) collapsed.push_back(axis);
    return is_set;
  });
  const auto points = product(document.axes, scenario.path);
  if (document.base.programs.any()) document.strategies = {{nullptr, {scenario.path}}};
  if (points.size() * document.strategies.size() > kMaxRuns) {
    throw error_at({scenario.path}, fmt::format("'vary' asks for more than {} runs", kMaxRuns));
  }
  Planner planner{document, std::move(sets), std::move(collapsed), command_line, scenario};
  for (const auto& point : points) {
    for (const auto& [strategy, at] : document.strategies) planner.plan(point, strategy, at);
  }
  planner.plan_common();
}

}  // namespace sluice::scenario
