// SPDX-License-Identifier: Apache-2.0
// The disks of a machine as they are before it starts: each with a file system, and files on it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/base/content.h"
#include "models/platform/machine.h"

namespace sluice::simulate {

struct NamedContent {
  std::string name;  ///< of the file, in the root of its file system
  std::shared_ptr<const base::Content> content;
  bool scattered = false;  ///< over its disk
};

/// File i lies on disk i modulo their number, and is file number i of the ledger. `plain_bytes`: the disks hold bytes
/// instead of naming them.
platform::Images make_disk_images(const platform::MachineDescription& machine, const std::vector<NamedContent>& files,
                                  bool plain_bytes = false);

/// Where file i lies in the machine's tree of files.
std::string path_of(const platform::MachineDescription& machine, const std::string& name, std::size_t i);

}  // namespace sluice::simulate
