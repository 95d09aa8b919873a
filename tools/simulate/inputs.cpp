// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/inputs.h"

#include <fmt/format.h>

#include "kernel_sim/fs/make_file_system.h"
#include "kernel_sim/kernel.h"

namespace sluice::simulate {

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

namespace {

std::shared_ptr<disk::DiskImage> make_image(Bytes capacity, const std::vector<fs::FileToPlace>& to_place,
                                            const std::vector<std::shared_ptr<const base::Content>>& contents,
                                            const std::shared_ptr<base::Contents>& shared, bool plain_bytes) {
  const fs::FileSystemImage layout = fs::make_file_system(capacity, to_place);
  auto image = std::make_shared<disk::DiskImage>(capacity, shared);
  for (const auto& block : layout.metadata) image->write(block.offset, block.bytes, {});
  for (const auto& placed : layout.files) {
    const base::Content& content = *contents[placed.number];
    if (plain_bytes) {
      std::vector<std::byte> bytes(content.size());
      content.read(0, bytes);
      image->write(placed.offset, bytes, {{0, bytes.size(), 0, placed.number, 0}});
    } else {
      image->place(placed.offset, contents[placed.number], placed.number);
    }
  }
  return image;
}

}  // namespace

Inputs make_inputs(const scenario::RunPlan& plan) {
  std::vector<std::shared_ptr<const base::Content>> contents = contents_of(plan.configuration.workload);
  const auto disks = plan.configuration.machine.all("disk");
  Inputs inputs;
  std::vector<std::vector<fs::FileToPlace>> to_place(disks.size());
  for (std::uint32_t i = 0; i < contents.size(); ++i) {
    const std::size_t disk = i % disks.size();
    inputs.paths.push_back(fmt::format("{}/file{}", kernel_sim::Kernel::mount_point(disk, disks[disk]->name), i));
    to_place[disk].push_back({fmt::format("file{}", i), contents[i]->size(), i});
  }
  const auto shared = std::make_shared<base::Contents>();
  for (std::size_t disk = 0; disk < disks.size(); ++disk) {
    inputs.images[disks[disk]->name] =
        make_image(disks[disk]->as<disk::DiskConfig>().capacity, to_place[disk], contents, shared, plan.plain_bytes);
  }
  inputs.stream = std::make_shared<StreamContent>(std::move(contents));
  return inputs;
}

}  // namespace sluice::simulate
