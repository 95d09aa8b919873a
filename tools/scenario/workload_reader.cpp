// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/workload_reader.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>

#include "tools/scenario/platform_file.h"

namespace sluice::scenario {
namespace {

/// The names of the workload's parameters that start with `prefix`, without it; "": those without a point.
std::vector<std::string> workload_names(std::string_view prefix) {
  std::vector<std::string> names;
  for (const base::ParameterDescription& one : base::descriptions_of<Workload>()) {
    const bool belongs = prefix.empty() ? one.name.find('.') == std::string::npos : one.name.starts_with(prefix);
    if (belongs) names.push_back(one.name.substr(prefix.size()));
  }
  return names;
}

}  // namespace

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

std::optional<Position> read_workload(const Node& node, const std::string& file, Configuration& configuration) {
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
    for (const auto& [key, value] : content.entries) {
      if (key.text == "path" || key.text == "placement") continue;
      throw error_at(content.position, "a file of the host has a path and a placement, and nothing else");
    }
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
  for (const auto& [key, value] : content.entries) {
    if (key.text != "path") set((many ? "workload.files." : "workload.file.") + key.text, value);
  }
  for (const std::string& key : of_run) {
    if (const Node* value = node.find(key)) set("workload." + key, *value);
  }
  const Node* workers = node.find("workers");
  return workers != nullptr ? std::optional{workers->position} : std::nullopt;
}

void check_workers(const Workload& workload, const Position& at) {
  if (workload.workers <= workload.connections) return;
  throw error_at(at, fmt::format("workload.workers: {} for workload.connections = {}; allowed is 1 to {}",
                                 workload.workers, workload.connections, workload.connections));
}

}  // namespace sluice::scenario
