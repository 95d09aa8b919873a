// SPDX-License-Identifier: Apache-2.0
// The kinds of device that a machine can have, one row each. A platform file names instances of them; register windows,
// vectors, links, parameters, counters and the graph of the machine follow from the row.
#pragma once

#include <any>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/base/ledger.h"
#include "models/base/parameters.h"
#include "models/disk/disk_image.h"
#include "models/fabric/device.h"

namespace sluice::platform {

/// What a device may use of the host and of the machine besides its sockets.
struct Surroundings {
  base::Ledger& ledger;
  /// What the disks hold, by device; a disk that is not named is empty.
  const std::map<std::string, std::shared_ptr<disk::DiskImage>>& images;
};

/// Parameters of a part of a device under a name of their own; the device's own have none.
struct Part {
  std::string name;
  base::ParameterTable table;
};

struct DeviceKind {
  /// What the far end of a device is to a transfer.
  enum class Role : std::uint8_t {
    Source,  ///< files come from there
    Sink,    ///< they are sent there
    Neither,
    Switch,  ///< no device: others are attached to it
  };

  const char* name;
  const char* help;
  Role role;
  const char* far_end;  ///< what lies behind the device, in results: "media", "wire"
  unsigned vectors;     ///< interrupt messages that it can send

  std::any (*default_config)();
  /// Bound to a config of this kind.
  std::vector<Part> (*parts)(std::any& config);
  /// Payload bytes per second to or from the far end at best.
  std::uint64_t (*far_goodput)(const std::any& config);
  /// Null for a switch, which the machine builds itself.
  std::unique_ptr<fabric::Device> (*make)(const std::string& name, const std::any& config, const Surroundings& around);
};

std::span<const DeviceKind> device_kinds();
/// Null when there is none.
const DeviceKind* find_kind(std::string_view name);

}  // namespace sluice::platform
