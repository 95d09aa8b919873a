// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/disk_images.h"

#include <cstdint>

#include "kernel_sim/fs/make_file_system.h"
#include "kernel_sim/kernel.h"

namespace sluice::simulate {
namespace {

std::shared_ptr<disk::DiskImage> make_image(Bytes capacity, const std::vector<fs::FileToPlace>& to_place,
                                            const std::vector<NamedContent>& files,
                                            const std::shared_ptr<base::Contents>& shared, bool plain_bytes) {
  const fs::FileSystemImage layout = fs::make_file_system(capacity, to_place);
  auto image = std::make_shared<disk::DiskImage>(capacity, shared);
  for (const auto& block : layout.metadata) image->write(block.offset, block.bytes, {});
  for (const auto& placed : layout.files) {
    const std::shared_ptr<const base::Content>& content = files[placed.number].content;
    if (plain_bytes) {
      std::vector<std::byte> bytes(placed.size);
      content->read(placed.in_file, bytes);
      image->write(placed.offset, bytes, {{0, bytes.size(), placed.in_file, placed.number, 0}});
    } else {
      image->place(placed.offset, content, placed.number, placed.in_file, placed.size);
    }
  }
  return image;
}

}  // namespace

platform::Images make_disk_images(const platform::MachineDescription& machine, const std::vector<NamedContent>& files,
                                  bool plain_bytes) {
  const auto disks = machine.all("disk");
  std::vector<std::vector<fs::FileToPlace>> to_place(disks.size());
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    to_place[i % disks.size()].push_back({files[i].name, files[i].content->size(), i, files[i].scattered});
  }
  const auto shared = std::make_shared<base::Contents>();
  platform::Images images;
  for (std::size_t disk = 0; disk < disks.size(); ++disk) {
    images[disks[disk]->name] =
        make_image(disks[disk]->as<disk::DiskConfig>().capacity, to_place[disk], files, shared, plain_bytes);
  }
  return images;
}

std::string path_of(const platform::MachineDescription& machine, const std::string& name, std::size_t i) {
  const auto disks = machine.all("disk");
  const std::size_t disk = i % disks.size();
  return kernel_sim::Kernel::mount_point(disk, disks[disk]->name) + "/" + name;
}

}  // namespace sluice::simulate
