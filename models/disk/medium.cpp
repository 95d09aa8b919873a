// SPDX-License-Identifier: Apache-2.0
#include "models/disk/medium.h"

#include "models/disk/hdd_logic.h"
#include "models/disk/ssd_logic.h"

namespace sluice::disk {

std::unique_ptr<Medium> make_medium(const DiskConfig& config) {
  if (config.medium == MediumKind::Hdd) return std::make_unique<HddMedium>(config.hdd, config.capacity);
  return std::make_unique<SsdMedium>(config.ssd);
}

}  // namespace sluice::disk
