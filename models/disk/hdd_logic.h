// SPDX-License-Identifier: Apache-2.0
// Timing of a spinning disk: seek, rotation, transfer, and the drive's own read-ahead. No SystemC.
#pragma once

#include "models/disk/medium.h"

namespace sluice::disk {

/// Bytes lie along one long spiral whose turns hold media_rate x time of a rotation each, so that reading on needs
/// neither seek nor rotation. At time 0 the head stands at offset 0. After a read the drive reads on into its cache, up
/// to `read_ahead` bytes: a reader that comes back a little later than the platter turns does not lose a rotation.
/// A cold drive's head stands nowhere in particular: the first access costs an average seek and half a rotation.
class HddMedium final : public Medium {
 public:
  HddMedium(const HddConfig& config, Bytes capacity);
  Picoseconds read(Picoseconds earliest, Bytes offset, Bytes size) override;
  Picoseconds write(Picoseconds earliest, Bytes offset, Bytes size) override;
  void stand_cold() override;
  [[nodiscard]] Picoseconds busy_until(Picoseconds now) const override;

  [[nodiscard]] Picoseconds seek_time(Bytes from, Bytes to) const;
  /// From `now` until `offset` is under the head, which is on its track.
  [[nodiscard]] Picoseconds rotation_to(Bytes offset, Picoseconds now) const;

 private:
  Picoseconds access(Picoseconds earliest, Bytes offset, Bytes size);
  [[nodiscard]] Picoseconds angle_of(Bytes offset) const;
  Picoseconds reach(Bytes offset, Picoseconds begin);
  Picoseconds read_on(Picoseconds begin, Bytes size);
  void occupy(Picoseconds until, Picoseconds duration);

  HddConfig m_config;
  Bytes m_capacity;
  Picoseconds m_rotation;
  Bytes m_track_size;
  bool m_reads_on = false;  // the last access was a read
  Bytes m_next = 0;         // where it ended
  Bytes m_head = 0;         // the head passes, or stops at, this offset ...
  Picoseconds m_head_at;    // ... at this instant; [m_next, m_head) is in the cache
  bool m_cold = false;      // the head's place and the platter's angle are unknown
  Picoseconds m_angle;      // of the platter at time 0, as the time since offset 0 passed the head
  Picoseconds m_busy;
};

}  // namespace sluice::disk
