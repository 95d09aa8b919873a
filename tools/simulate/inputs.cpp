// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/inputs.h"

#include <fmt/format.h>

#include "tools/simulate/disk_images.h"

namespace sluice::simulate {

std::vector<std::shared_ptr<const base::Content>> contents_of(const scenario::Workload& workload) {
  if (workload.form == scenario::Workload::Form::Path) return {base::open_file_content(workload.path)};
  std::vector<std::shared_ptr<const base::Content>> contents;
  for (unsigned i = 0; i < workload.count; ++i) {
    contents.push_back(base::make_synthetic_content(workload.size, workload.seed + i));
  }
  return contents;
}

namespace {

/// So many times one after the other.
std::vector<std::shared_ptr<const base::Content>> repeated(
    const std::vector<std::shared_ptr<const base::Content>>& contents, std::uint64_t times) {
  std::vector<std::shared_ptr<const base::Content>> all;
  for (std::uint64_t i = 0; i < times; ++i) all.insert(all.end(), contents.begin(), contents.end());
  return all;
}

}  // namespace

StreamContent stream_of(const scenario::Workload& workload) {
  return StreamContent{repeated(contents_of(workload), workload.deliveries())};
}

bool same_files(const scenario::Workload& a, const scenario::Workload& b) {
  return a.form == b.form && a.path == b.path && a.size == b.size && a.count == b.count && a.seed == b.seed;
}

Inputs make_inputs(const scenario::RunPlan& plan) {
  const std::vector<std::shared_ptr<const base::Content>> contents = contents_of(plan.configuration.workload);
  const bool scattered = plan.configuration.workload.placement == scenario::FilePlacement::Scattered;
  std::vector<NamedContent> files;
  for (const auto& content : contents) files.push_back({fmt::format("file{}", files.size()), content, scattered});
  const platform::MachineDescription& machine = plan.configuration.machine;
  Inputs inputs;
  for (std::size_t i = 0; i < files.size(); ++i) inputs.paths.push_back(path_of(machine, files[i].name, i));
  inputs.images = make_disk_images(machine, files, plan.plain_bytes);
  inputs.stream = std::make_shared<StreamContent>(repeated(contents, plan.configuration.workload.deliveries()));
  return inputs;
}

platform::Images images_of(const scenario::RunPlan& plan) {
  std::vector<NamedContent> files;
  for (const scenario::FileChoice& file : plan.configuration.programs.files) {
    files.push_back(
        {file.name,
         file.path.empty() ? base::make_synthetic_content(file.size, file.seed) : base::open_file_content(file.path),
         file.placement == scenario::FilePlacement::Scattered});
  }
  return make_disk_images(plan.configuration.machine, files, plan.plain_bytes);
}

}  // namespace sluice::simulate
