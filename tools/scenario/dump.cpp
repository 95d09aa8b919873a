// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/dump.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "models/platform/device_kinds.h"
#include "tools/scenario/expansion.h"
#include "tools/scenario/platform_file.h"

namespace sluice::scenario {
namespace {

/// Text as a double-quoted YAML scalar; JSON's strings are a subset of these.
std::string in_quotes(const std::string& text) { return nlohmann::ordered_json(text).dump(); }

/// Not of the machine or its kernel.
bool is_of_what_runs(const std::string& key) {
  return std::any_of(std::begin(kSectionsOfWhatRuns), std::end(kSectionsOfWhatRuns),
                     [&](const char* section) { return key.starts_with(std::string{section} + "."); });
}

std::string platform_of(const Configuration& configuration, const ParameterIndex& index) {
  const platform::MachineDescription& machine = configuration.machine;
  std::string out = fmt::format("platform:\n  schema: {}\n", kPlatformSchema);
  const platform::MachineDescription standard = platform::MachineDescription::standard();
  std::vector<std::string> missing;
  for (const platform::DeviceInstance& device : standard.devices) {
    if (machine.find(device.name) == nullptr) missing.push_back(device.name);
  }
  if (!missing.empty()) out += fmt::format("  without: [{}]\n", fmt::join(missing, ", "));
  std::string devices;
  for (const platform::DeviceInstance& device : machine.devices) {
    if (standard.find(device.name) != nullptr && device.at == platform::kRootComplex) continue;
    devices += fmt::format("    {}: {{ kind: {}, at: {} }}\n", device.name, device.kind->name, device.at);
  }
  if (!devices.empty()) out += "  devices:\n" + devices;
  std::string heading;
  index.for_each([&](const std::string& key, const base::Parameter& parameter) {
    const auto dot = key.find('.');
    if (is_of_what_runs(key)) return;
    if (key.substr(0, dot) != heading) {
      heading = key.substr(0, dot);
      out += "  " + heading + ":\n";
    }
    const ValueOrigin origin = configuration.origin_of(key, parameter);
    out += fmt::format("    {}: {{ value: {}, source: {}, from: {} }}\n", key.substr(dot + 1), parameter.get(),
                       in_quotes(origin.source.empty() ? "not named" : origin.source), in_quotes(origin.file));
  });
  return out;
}

std::string workload_of(const Workload& workload, const ParameterIndex& index) {
  std::string content;
  std::string rest;
  index.for_each([&](const std::string& key, const base::Parameter& parameter) {
    if (!key.starts_with("workload.")) return;
    const std::string& name = parameter.name();
    const auto dot = name.find('.');
    if (dot == std::string::npos) {
      rest += fmt::format("  {}: {}\n", name, parameter.get());
    } else {
      content += fmt::format("{}{}: {}", content.empty() ? "" : ", ", name.substr(dot + 1), parameter.get());
    }
  });
  if (workload.form == Workload::Form::Path) {
    std::error_code ignored;
    content =
        fmt::format("path: {}, {}",
                    in_quotes(std::filesystem::absolute(workload.path, ignored).lexically_normal().string()), content);
  }
  return fmt::format("workload:\n  {}: {{ {} }}\n{}", workload.form == Workload::Form::Files ? "files" : "file",
                     content, rest);
}

/// The strategies in their order, each once.
std::vector<std::string> strategies_of(const Scenario& scenario) {
  std::vector<std::string> names;
  for (const RunPlan& plan : scenario.plans) {
    if (std::find(names.begin(), names.end(), plan.strategy) == names.end()) names.push_back(plan.strategy);
  }
  return names;
}

/// The processes that the workload stands for, as a comment: a scenario of the general form names its own.
std::string processes_of(const Scenario& scenario) {
  const Configuration& configuration = scenario.common;
  const Expansion expansion = expand(configuration);
  const bool loopback = configuration.machine.is_loopback();
  std::vector<unsigned> cores;
  std::vector<std::string> shares;
  for (const Expansion::Sender& sender : expansion.senders) {
    cores.push_back(sender.core);
    shares.push_back(fmt::format("[{}]", fmt::join(sender.connections, ", ")));
  }
  const bool placed = loopback || cores.size() > 1;
  std::string out = fmt::format("# The processes of each run, before 'vary':\n#   sender: {{ program: {}, copies: {}, ",
                                fmt::join(strategies_of(scenario), " or "), cores.size());
  if (placed) out += fmt::format("cores: [{}], ", fmt::join(cores, ", "));
  out += fmt::format("connections: [{}] }}\n", fmt::join(shares, ", "));
  if (!loopback) return out;
  std::vector<unsigned> of_receivers;
  for (const Expansion::Connection& connection : expansion.connections)
    of_receivers.push_back(connection.receiver_core);
  return out + fmt::format("#   receiver: {{ program: receive, copies: {}, cores: [{}] }}\n", of_receivers.size(),
                           fmt::join(of_receivers, ", "));
}

std::string absolute(const std::string& path) {
  std::error_code ignored;
  return in_quotes(std::filesystem::absolute(path, ignored).lexically_normal().string());
}

/// "size: 1 KiB, seed: 1": the parameters below a name.
std::string parameters_of(const std::string& prefix, const ParameterIndex& index,
                          const std::vector<std::string>& without = {}) {
  std::string text;
  index.for_each([&](const std::string& key, const base::Parameter& parameter) {
    if (!key.starts_with(prefix + ".") || std::ranges::count(without, parameter.name()) > 0) return;
    const bool is_text = parameter.kind() == kArgumentKind;
    text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", parameter.name(),
                        is_text ? in_quotes(parameter.get()) : parameter.get());
  });
  return text;
}

std::string programs_of(const Programs& programs, const ParameterIndex& index) {
  std::string out = programs.files.empty() ? "" : "files:\n";
  for (const FileChoice& file : programs.files) {
    const std::string name = "files." + file.name;
    const std::string parameters = file.path.empty() ? parameters_of(name, index)
                                                     : fmt::format("path: {}, {}", absolute(file.path),
                                                                   parameters_of(name, index, {"size", "seed"}));
    out += fmt::format("  {}: {{ {} }}\n", in_quotes(file.name), parameters);
  }
  out += "processes:\n";
  for (const ProcessChoice& process : programs.processes) {
    out += fmt::format("  {}: {{ program: {}, run: {}, ", process.name, absolute(process.program->name()),
                       process.function);
    if (!process.cores.empty()) out += fmt::format("cores: [{}], ", fmt::join(process.cores, ", "));
    out += parameters_of("processes." + process.name, index) + " }\n";
  }
  if (!programs.arguments.empty()) out += fmt::format("arguments: {{ {} }}\n", parameters_of("arguments", index));
  return out;
}

std::string axes_of(const Scenario& scenario) {
  std::string out;
  const std::size_t axes = scenario.plans.front().point.size();
  for (std::size_t axis = 0; axis < axes; ++axis) {
    std::vector<std::string> values;
    for (const RunPlan& plan : scenario.plans) {
      const std::string& value = plan.point[axis].second;
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    out += fmt::format("  {}: [{}]\n", scenario.plans.front().point[axis].first, fmt::join(values, ", "));
  }
  return out.empty() ? "" : "vary:\n" + out;
}

/// A strategy sets the feature that it is named for; what was set over the feature must be set again.
std::string set_again(const Scenario& scenario) {
  std::map<std::string, std::string> last;  // by key
  for (const auto& [key, value] : scenario.settings) {
    if (key.ends_with(".gather")) last[key] = value;
  }
  std::string text;
  for (const auto& [key, value] : last) text += fmt::format("{}{}: {}", text.empty() ? "" : ", ", key, value);
  return text.empty() ? "" : "with: { " + text + " }\n";
}

}  // namespace

std::string dump(const Scenario& scenario) {
  Configuration configuration = scenario.common;
  ParameterIndex index{configuration};
  std::string out = "schema: sluice/1\n";
  if (!scenario.description.empty()) out += fmt::format("description: {}\n", in_quotes(scenario.description));
  for (const auto& [key, value] : scenario.settings) out += fmt::format("# set: {} = {}\n", key, value);
  out += platform_of(configuration, index);
  if (configuration.programs.any()) return out + programs_of(configuration.programs, index) + axes_of(scenario);
  out += workload_of(configuration.workload, index) + processes_of(scenario);
  return out + fmt::format("strategies: [{}]\n", fmt::join(strategies_of(scenario), ", ")) + set_again(scenario) +
         axes_of(scenario);
}

std::string describe(const Configuration& original, const std::string& wanted) {
  Configuration configuration = original;
  const ParameterIndex index{configuration};
  std::string out;
  index.for_each([&](const std::string& key, const base::Parameter& parameter) {
    if (!wanted.empty() && key != wanted && !key.starts_with(wanted + ".")) return;
    const ValueOrigin origin = configuration.origin_of(key, parameter);
    out += fmt::format("{} = {}\n    {}\n    {}: {}\n", key, parameter.get(), parameter.help(), parameter.kind(),
                       parameter.allowed());
    for (const std::string& rule : index.rules_of(key)) out += fmt::format("    rule: {}\n", rule);
    out +=
        fmt::format("    source: {}\n    from: {}\n", origin.source.empty() ? "not named" : origin.source, origin.file);
  });
  if (out.empty()) refuse_unknown({"describe"}, wanted, index.names());
  return out;
}

bool is_parameter(const std::string& key) {
  Configuration defaults;
  const std::vector<std::string> names = ParameterIndex{defaults}.names();
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return name == key || name.starts_with(key + "."); });
}

}  // namespace sluice::scenario
