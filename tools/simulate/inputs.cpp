// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/inputs.h"

#include <fmt/format.h>

#include "kernel_sim/fs/make_file_system.h"

namespace sluice::tool {

std::vector<std::shared_ptr<const base::Content>> contents_of(const scenario::Workload& workload) {
  if (workload.form == scenario::Workload::Form::Path) return {base::open_file_content(workload.path)};
  std::vector<std::shared_ptr<const base::Content>> contents;
  for (unsigned i = 0; i < workload.count; ++i) {
    contents.push_back(base::make_synthetic_content(workload.size, workload.seed + i));
  }
  return contents;
}

bool same_files(const scenario::Workload& a, const scenario::Workload& b) {
  return a.form == b.form && a.path == b.path && a.size == b.size && a.count == b.count && a.seed == b.seed;
}

Inputs make_inputs(const scenario::RunPlan& plan) {
  std::vector<std::shared_ptr<const base::Content>> contents = contents_of(plan.configuration.workload);
  Inputs inputs;
  std::vector<fs::FileToPlace> to_place;
  for (std::uint32_t i = 0; i < contents.size(); ++i) {
    inputs.paths.push_back(fmt::format("/file{}", i));
    to_place.push_back({fmt::format("file{}", i), contents[i]->size(), i});
  }
  const Bytes capacity = plan.configuration.machine.disk.capacity;
  const fs::FileSystemImage layout = fs::make_file_system(capacity, to_place);
  inputs.image = std::make_shared<disk::DiskImage>(capacity);
  for (const auto& block : layout.metadata) inputs.image->write(block.offset, block.bytes, {});
  for (const auto& placed : layout.files) {
    const base::Content& content = *contents[placed.number];
    if (plan.plain_bytes) {
      std::vector<std::byte> bytes(content.size());
      content.read(0, bytes);
      inputs.image->write(placed.offset, bytes, {{0, bytes.size(), 0, placed.number, 0}});
    } else {
      inputs.image->place(placed.offset, contents[placed.number], placed.number);
    }
  }
  inputs.stream = std::make_shared<StreamContent>(std::move(contents));
  return inputs;
}

}  // namespace sluice::tool
