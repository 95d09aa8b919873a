// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/programs_reader.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>

#include "tools/scenario/platform_file.h"
#include "tools/scenario/workload_reader.h"

namespace sluice::scenario {
namespace {

std::vector<std::string> names_of(const base::ParameterTable& table) {
  std::vector<std::string> names;
  for (const base::Parameter& parameter : table.parameters()) names.push_back(parameter.name());
  return names;
}

void set(const base::ParameterTable& table, const std::string& key, const Node& value) {
  const auto parameter = table.find(key);
  if (const auto done = parameter->set(value.scalar(key)); !done) {
    throw error_at(value.position, fmt::format("{}: {}", key, done.error()));
  }
}

void read_file(const Node& name, const Node& node, const std::string& scenario, Programs& programs) {
  if (name.text.empty() || name.text.find('/') != std::string::npos || name.text.size() > 200) {
    throw error_at(name.position, "files: a name is 1 to 200 characters without '/'");
  }
  FileChoice& file = programs.files.emplace_back();
  file.name = name.text;
  const base::ParameterTable table{file};
  if (!node.is_map()) return set(table, "size", node);
  std::vector<std::string> known = names_of(table);
  known.emplace_back("path");
  refuse_unknown_keys(node, "files." + file.name, known);
  const Node* const path = node.find("path");
  for (const char* other : {"size", "seed"}) {
    if (path != nullptr && node.find(other) != nullptr) {
      throw error_at(node.find(other)->position,
                     fmt::format("files.{}: a file of the host has no {}", file.name, other));
    }
  }
  if (path != nullptr) {
    Workload checked;
    use_host_file(checked, beside(scenario, path->scalar("path")), path->position);
    file.path = checked.path;
    file.size = checked.size;
  } else if (node.find("size") == nullptr) {
    throw error_at(node.position, fmt::format("files.{}: no size", file.name));
  }
  for (const auto& [key, value] : node.entries) {
    if (key.text != "path") set(table, key.text, value);
  }
}

class ProgramTexts {
 public:
  std::shared_ptr<const lua::Program> load(const Node& node, const std::string& scenario) {
    const std::string path = beside(scenario, node.scalar("program"));
    require_file(node, "program", path);
    auto& program = m_programs[path];
    if (program == nullptr) program = parse(path);
    return program;
  }

 private:
  static std::shared_ptr<const lua::Program> parse(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    std::stringstream text;
    text << file.rdbuf();
    if (text.str().size() > kMaxFileSize) throw base::InputError{path + ": larger than 1 MiB"};
    try {
      return std::make_shared<const lua::Program>(path, text.str());
    } catch (const lua::ProgramError& error) {
      throw base::InputError{error.what()};
    }
  }

  std::map<std::string, std::shared_ptr<const lua::Program>> m_programs;
};

void read_process(const Node& name, const Node& node, const std::string& scenario, ProgramTexts& texts,
                  Programs& programs) {
  const std::string what = "processes." + name.text;
  if (name.text.empty() || name.text.find('.') != std::string::npos) {
    throw error_at(name.position, "processes: a name is a word without '.'");
  }
  (void)node.map(what);
  ProcessChoice& process = programs.processes.emplace_back();
  process.name = name.text;
  const base::ParameterTable table{process};
  std::vector<std::string> known{"program", "run", "cores"};
  const std::vector<std::string> parameters = names_of(table);
  known.insert(known.end(), parameters.begin(), parameters.end());
  refuse_unknown_keys(node, what, known);
  for (const char* needed : {"program", "run"}) {
    if (node.find(needed) == nullptr) throw error_at(node.position, fmt::format("{}: no {}", what, needed));
  }
  process.program = texts.load(*node.find("program"), scenario);
  const Node& run = *node.find("run");
  process.function = run.scalar("run");
  const std::vector<std::string>& functions = process.program->functions();
  if (std::find(functions.begin(), functions.end(), process.function) == functions.end()) {
    throw error_at(run.position,
                   fmt::format("{} has no function '{}'; it has {}", process.program->name(), process.function,
                               functions.empty() ? "none" : fmt::format("{}", fmt::join(functions, ", "))));
  }
  if (const Node* cores = node.find("cores")) {
    for (const Node& core : cores->sequence("cores")) {
      const auto number = base::parse_count(core.scalar("a core"));
      if (!number || *number > 1'000'000)
        throw error_at(core.position, fmt::format("'{}' is no core's number", core.text));
      process.cores.push_back(static_cast<unsigned>(*number));
    }
    if (process.cores.empty()) throw error_at(cores->position, what + ".cores: no core");
  }
  for (const std::string& key : parameters) {
    if (const Node* value = node.find(key)) set(table, key, *value);
  }
}

void read_arguments(const Node& node, Programs& programs) {
  for (const auto& [key, value] : node.map("arguments")) {
    const auto mentions = [&](const ProcessChoice& process) { return process.program->mentions(key.text); };
    if (std::none_of(programs.processes.begin(), programs.processes.end(), mentions)) {
      throw error_at(key.position, fmt::format("arguments.{}: no program reads it", key.text));
    }
    programs.arguments.add(key.text, value.scalar(key.text));
  }
}

}  // namespace

void read_programs(const Node& root, const std::string& file, Configuration& configuration) {
  Programs& programs = configuration.programs;
  if (const Node* files = root.find("files")) {
    for (const auto& [name, value] : files->map("files")) read_file(name, value, file, programs);
  }
  const Node& processes = *root.find("processes");
  ProgramTexts texts;
  for (const auto& [name, value] : processes.map("processes")) read_process(name, value, file, texts, programs);
  if (programs.processes.empty()) throw error_at(processes.position, "processes: none");
  if (const Node* arguments = root.find("arguments")) read_arguments(*arguments, programs);
}

}  // namespace sluice::scenario
