// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/scenario.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <system_error>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "kernel_sim/programs/strategy.h"
#include "models/nic/nic_config.h"
#include "models/platform/topology.h"
#include "tools/results/paths.h"
#include "tools/scenario/limits.h"
#include "tools/scenario/platform_file.h"

namespace sluice::scenario {
namespace {

using kernel_sim::Strategy;

constexpr const char* kSchema = "sluice/1";

struct Setting {
  std::string key;
  std::string text;
  Position at;
};
struct Axis {
  std::string key;
  std::vector<Setting> values;
};

/// An expectation, for all runs or only for those where `parameter` is `text`.
struct Expected {
  Expectation expectation;
  Position at;
  std::string parameter{};
  std::string text{};
};

/// What the file says, before anything is combined.
struct Document {
  Configuration base;  ///< platform and workload
  std::vector<Setting> with;
  std::vector<Axis> axes;
  std::vector<std::pair<const Strategy*, Position>> strategies;
  std::vector<std::pair<std::string, std::vector<Expected>>> expectations;  ///< by strategy
};

void read_platform_file(const std::string& path, Configuration& configuration) {
  read_platform(load_yaml(path), configuration);
  configuration.files.push_back(path);
}

void read_platform_key(const Node& node, const std::string& file, Configuration& configuration) {
  if (node.is_map()) {
    read_platform(node, configuration);
    return;
  }
  const std::string path = beside(file, node.scalar("platform"));
  require_file(node, "platform", path);
  read_platform_file(path, configuration);
}

void use_host_file(Workload& workload, const std::string& path, const Position& at) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) throw error_at(at, fmt::format("{}: {}", path, std::strerror(errno)));
  if (S_ISDIR(status.st_mode)) throw error_at(at, path + ": is a directory, not a file");
  if (!S_ISREG(status.st_mode)) throw error_at(at, path + ": is not a regular file");
  if (access(path.c_str(), R_OK) != 0) throw error_at(at, fmt::format("{}: {}", path, std::strerror(errno)));
  // Files of /proc say that they are empty and are not.
  if (status.st_size == 0 && std::ifstream{path, std::ios::binary}.get() != std::ifstream::traits_type::eof()) {
    throw error_at(at, path + ": does not say how large it is; send a copy");
  }
  workload.form = Workload::Form::Path;
  workload.path = path;
  workload.count = 1;
  workload.size = static_cast<Bytes>(status.st_size);
}

/// The names of the workload's parameters that start with `prefix`, without it; "": those without a point.
std::vector<std::string> workload_names(std::string_view prefix) {
  std::vector<std::string> names;
  for (const base::ParameterDescription& one : base::descriptions_of<Workload>()) {
    const bool belongs = prefix.empty() ? one.name.find('.') == std::string::npos : one.name.starts_with(prefix);
    if (belongs) names.push_back(one.name.substr(prefix.size()));
  }
  return names;
}

void read_workload(const Node& node, const std::string& file, Configuration& configuration) {
  const std::vector<std::string> of_run = workload_names("");
  std::vector<std::string> known{"file", "files"};
  known.insert(known.end(), of_run.begin(), of_run.end());
  refuse_unknown_keys(node, "workload", known);
  const Node* one = node.find("file");
  const Node* many = node.find("files");
  if ((one == nullptr) == (many == nullptr)) {
    throw error_at(node.position, "a workload has either 'file' or 'files'");
  }
  Workload& workload = configuration.workload;
  workload.form = many != nullptr ? Workload::Form::Files : Workload::Form::File;
  const Node& content = many != nullptr ? *many : *one;
  std::vector<std::string> of_content = workload_names(many != nullptr ? "files." : "file.");
  if (many == nullptr) of_content.emplace_back("path");
  refuse_unknown_keys(content, many ? "files" : "file", of_content);
  if (const Node* path = content.find("path")) {
    if (content.entries.size() > 1) throw error_at(content.position, "a file of the host has a path and nothing else");
    use_host_file(workload, beside(file, path->scalar("path")), path->position);
  } else {
    for (const char* needed : {"size", "count"}) {
      if ((many != nullptr || needed == std::string_view{"size"}) && content.find(needed) == nullptr) {
        throw error_at(content.position, fmt::format("{}: no {}", many ? "files" : "file", needed));
      }
    }
  }
  ParameterIndex index{configuration};
  const auto set = [&](const std::string& key, const Node& value) {
    index.set(key, value.scalar(key), value.position);
  };
  if (workload.form != Workload::Form::Path) {
    for (const auto& [key, value] : content.entries)
      set((many ? "workload.files." : "workload.file.") + key.text, value);
  }
  for (const std::string& key : of_run) {
    if (const Node* value = node.find(key)) set("workload." + key, *value);
  }
}

std::vector<Setting> read_with(const Node& node) {
  std::vector<Setting> settings;
  for (const auto& [key, value] : node.map("with")) {
    settings.push_back({key.text, value.scalar(key.text), value.position});
  }
  return settings;
}

std::vector<Axis> read_vary(const Node& node) {
  std::vector<Axis> axes;
  for (const auto& [key, values] : node.map("vary")) {
    Axis& axis = axes.emplace_back(Axis{key.text, {}});
    for (const Node& value : values.sequence(key.text)) {
      axis.values.push_back({key.text, value.scalar(key.text), value.position});
    }
    if (axis.values.empty()) throw error_at(values.position, key.text + ": no value to vary over");
  }
  return axes;
}

std::vector<std::pair<const Strategy*, Position>> read_strategies(const Node& node) {
  std::vector<std::pair<const Strategy*, Position>> chosen;
  for (const Node& item : node.sequence("strategies")) {
    const std::string& name = item.scalar("a strategy");
    const Strategy* strategy = kernel_sim::find_strategy(name);
    if (strategy == nullptr) {
      const std::string near = base::nearest_name(name, kernel_sim::strategy_names());
      throw error_at(item.position, near.empty()
                                        ? fmt::format("unknown strategy '{}'; there are {}", name,
                                                      fmt::join(kernel_sim::strategy_names(), ", "))
                                        : fmt::format("unknown strategy '{}'; did you mean '{}'?", name, near));
    }
    for (const auto& [other, at] : chosen) {
      if (other == strategy) throw error_at(item.position, fmt::format("strategy '{}' stands here twice", name));
    }
    chosen.emplace_back(strategy, item.position);
  }
  if (chosen.empty()) throw error_at(node.position, "no strategy to run");
  return chosen;
}

std::optional<double> as_number(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || std::isnan(number)) return {};
  return number;
}

double read_number(const std::string& path, const Node& node) {
  const auto number = as_number(node.scalar(path));
  if (!number) throw error_at(node.position, fmt::format("{}: '{}' is not a number", path, node.text));
  return *number;
}

bool is_amount(const Node& node) { return node.find("per_round") != nullptr || node.find("per_file") != nullptr; }

/// A number, or { per_round: NUMBER, per_file: NUMBER }.
Amount read_amount(const std::string& path, const Node& node) {
  if (!node.is_map()) return {.fixed = read_number(path, node)};
  refuse_unknown_keys(node, path, {"per_round", "per_file"});
  Amount amount;
  for (const auto& [key, value] : node.entries) {
    (key.text == "per_round" ? amount.per_round : amount.per_file) = read_number(path + ": " + key.text, value);
  }
  return amount;
}

Expectation read_limits(const std::string& path, const Node& node) {
  refuse_unknown_keys(node, path, {"min", "max"});
  if (node.entries.empty()) throw error_at(node.position, path + ": neither min nor max");
  Expectation expectation{.path = path};
  for (const auto& [key, value] : node.entries) {
    (key.text == "min" ? expectation.min : expectation.max) = read_amount(path + ": " + key.text, value);
  }
  if (expectation.min && expectation.max && expectation.min->is_above(*expectation.max)) {
    throw error_at(node.find("min")->position, fmt::format("{}: min {} is larger than max {}, so that no value holds",
                                                           path, node.find("min")->text, node.find("max")->text));
  }
  return expectation;
}

Expectation read_expectation(const std::string& path, const Node& node) {
  if (node.is_map()) {
    return is_amount(node) ? Expectation{.path = path, .number = read_amount(path, node)} : read_limits(path, node);
  }
  const std::string& text = node.scalar(path);
  if (text == "true" || text == "false") return {.path = path, .want = text == "true"};
  if (const auto number = as_number(text)) return {.path = path, .number = Amount{.fixed = *number}};
  return {.path = path, .want = text};
}

/// A value, an amount or {min, max}; or, by a parameter's value, one of these each:
/// { workload.page_cache: { warm: 1, cold: 2 } }.
void add_expected(const std::string& path, const Node& node, std::vector<Expected>& all) {
  const bool has_inner_map = node.is_map() && node.entries.size() == 1 && node.entries.front().value.is_map();
  const bool by_parameter = has_inner_map && node.find("min") == nullptr && node.find("max") == nullptr;
  if (!by_parameter) {
    all.push_back({read_expectation(path, node), node.position});
    return;
  }
  const auto& [parameter, values] = node.entries.front();
  for (const auto& [text, value] : values.entries) {
    all.push_back({read_expectation(path, value), text.position, parameter.text, text.text});
  }
}

void read_expectations(const Node& node, Document& document) {
  std::vector<std::string> names;
  for (const auto& [strategy, at] : document.strategies) names.emplace_back(strategy->name);
  for (const auto& [name, paths] : node.map("expect")) {
    if (std::find(names.begin(), names.end(), name.text) == names.end()) {
      refuse_unknown(name.position, name.text, names);
    }
    auto& expectations = document.expectations.emplace_back(name.text, std::vector<Expected>{}).second;
    for (const auto& [path, value] : paths.map(name.text)) {
      if (!results::is_result_path(path.text)) refuse_unknown(path.position, path.text, results::result_paths());
      add_expected(path.text, value, expectations);
    }
  }
}

Document read_document(const Node& root, const std::string& file, const CommandLine& command_line, Scenario& scenario) {
  (void)root.map("scenario");
  const Node* schema = root.find("schema");
  if (schema == nullptr || schema->scalar("schema") != kSchema) {
    const bool platform = schema != nullptr && schema->text == kPlatformSchema;
    throw error_at(schema ? schema->position : root.position,
                   fmt::format("a scenario starts with 'schema: {}'{}", kSchema,
                               platform ? "; this is a platform, which a scenario names" : ""));
  }
  refuse_unknown_keys(
      root, "scenario",
      {"schema", "description", "platform", "with", "workload", "strategies", "vary", "expect", "tolerance"});
  for (const char* needed : {"platform", "workload", "strategies"}) {
    if (root.find(needed) == nullptr) throw error_at(root.position, fmt::format("the scenario has no '{}'", needed));
  }
  Document document;
  if (const Node* text = root.find("description")) scenario.description = text->scalar("description");
  if (command_line.platform.empty()) {
    read_platform_key(*root.find("platform"), file, document.base);
  } else {
    read_platform_file(command_line.platform, document.base);
  }
  read_workload(*root.find("workload"), file, document.base);
  document.strategies = read_strategies(*root.find("strategies"));
  if (const Node* with = root.find("with")) document.with = read_with(*with);
  if (const Node* vary = root.find("vary")) document.axes = read_vary(*vary);
  if (const Node* expect = root.find("expect")) read_expectations(*expect, document);
  if (const Node* tolerance = root.find("tolerance")) scenario.tolerance = read_tolerance(*tolerance);
  return document;
}

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
        m_sets(std::move(sets)),
        m_collapsed(std::move(collapsed)),
        m_command_line(command_line),
        m_scenario(scenario) {}

  void plan(const std::vector<Setting>& point, const Strategy& strategy, const Position& at) {
    RunPlan plan;
    plan.strategy = strategy.name;
    plan.configuration = m_document.base;
    plan.strace = m_command_line.strace;
    platform::check(plan.configuration.machine, m_scenario.path);
    const bool loopback = plan.configuration.machine.is_loopback();
    if (loopback && !strategy.gather.value_or(true)) {
      throw error_at(at, fmt::format("strategy {}: a machine without a NIC sends over loopback, which always gathers",
                                     strategy.name));
    }
    {
      ParameterIndex index{plan.configuration};
      const auto apply = [&](const Setting& setting, const std::string& by) {
        this->apply(setting, by, index, plan.configuration, plan.settings);
      };
      for (const platform::DeviceInstance* card : plan.configuration.machine.all("nic")) {
        if (!strategy.gather) continue;
        apply({card->name + ".gather", *strategy.gather ? "true" : "false", at},
              "strategy " + std::string{strategy.name});
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
    }
    check_limits(plan.configuration, m_scenario.path);
    for (const auto& [name, expectations] : m_document.expectations) {
      if (name != strategy.name) continue;
      for (const Expected& expected : expectations) {
        if (applies(expected, plan.configuration)) plan.expectations.push_back(expected.expectation);
      }
    }
    warn(plan, strategy);
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
  static bool applies(const Expected& expected, const Configuration& configuration) {
    if (expected.parameter.empty()) return true;
    Configuration other = configuration;
    ParameterIndex index{other};
    const auto parameter = index.find(expected.parameter);
    const std::string present = parameter ? parameter->get() : "";
    index.set(expected.parameter, expected.text, expected.at);
    return parameter->get() == present;
  }
  void warn(const RunPlan& plan, const Strategy& strategy) {
    const auto once = [&](const std::string& sentence) {
      if (std::find(m_scenario.warnings.begin(), m_scenario.warnings.end(), sentence) == m_scenario.warnings.end()) {
        m_scenario.warnings.push_back(sentence);
      }
    };
    std::vector<std::string> keys;
    for (const auto& [key, text] : plan.settings) keys.push_back(key);
    for (const std::string& sentence : unused_among(keys, plan.configuration)) once(sentence);
    for (const platform::DeviceInstance* card : plan.configuration.machine.all("nic")) {
      if (strategy.gather && card->as<nic::ConnectedNicConfig>().nic.gather != *strategy.gather) {
        once(fmt::format("strategy {} is named for {}.gather={}, which a setting overrides", strategy.name, card->name,
                         *strategy.gather));
      }
    }
  }

  const Document& m_document;
  Configuration m_platform;         ///< before anything is set, of whose values multiples are taken
  ParameterIndex m_platform_index;  ///< of it
  std::vector<Setting> m_sets;
  std::vector<Axis> m_collapsed;
  const CommandLine& m_command_line;
  Scenario& m_scenario;
};

}  // namespace

Scenario load_scenario(const std::string& path, const CommandLine& command_line) {
  Scenario scenario;
  scenario.path = path;
  Document document = read_document(load_yaml(path), path, command_line, scenario);
  if (!command_line.file.empty()) use_host_file(document.base.workload, command_line.file, {"--file"});

  refuse_second_place(document);
  for (const Axis& axis : document.axes) refuse_second_value(axis, document.base);
  std::vector<Setting> sets = read_sets(command_line.sets);
  std::vector<Axis> collapsed;
  std::erase_if(document.axes, [&](const Axis& axis) {
    const bool is_set = std::any_of(sets.begin(), sets.end(), [&](const Setting& set) { return set.key == axis.key; });
    if (is_set) collapsed.push_back(axis);
    return is_set;
  });
  const auto points = product(document.axes, path);
  if (points.size() * document.strategies.size() > kMaxRuns) {
    throw error_at({path}, fmt::format("'vary' asks for more than {} runs", kMaxRuns));
  }
  Planner planner{document, std::move(sets), std::move(collapsed), command_line, scenario};
  for (const auto& point : points) {
    for (const auto& [strategy, at] : document.strategies) planner.plan(point, *strategy, at);
  }
  planner.plan_common();
  return scenario;
}

}  // namespace sluice::scenario
