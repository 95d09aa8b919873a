// SPDX-License-Identifier: Apache-2.0
// The time that a medium takes. No bytes and no SystemC: a call reserves the medium and returns an instant.
#pragma once

#include <memory>

#include "models/base/time.h"
#include "models/base/types.h"
#include "models/disk/disk_config.h"

namespace sluice::disk {

/// - Offsets and sizes are in bytes; instants count from the start of the simulation.
/// - Calls come in the order in which the controller starts the transfers.
class Medium {
 public:
  virtual ~Medium() = default;
  /// Reads [offset, offset + size), not starting before `earliest`: the instant at which the last byte has come.
  virtual Picoseconds read(Picoseconds earliest, Bytes offset, Bytes size) = 0;
  /// Writes likewise: the instant at which the bytes would survive a loss of power.
  virtual Picoseconds write(Picoseconds earliest, Bytes offset, Bytes size) = 0;
  /// What earlier accesses left behind that would make the next one fast is gone, in no time: data in registers and
  /// caches, the place of the head.
  virtual void stand_cold() = 0;
  /// Time for which the medium was busy, up to `now`. Of parallel parts the mean, of parts in a row the busiest.
  [[nodiscard]] virtual Picoseconds busy_until(Picoseconds now) const = 0;
};

std::unique_ptr<Medium> make_medium(const DiskConfig& config);

}  // namespace sluice::disk
