// SPDX-License-Identifier: Apache-2.0
// Timing of flash: dies sense and program pages in parallel, channels carry them one after the other, and all of it
// passes the drive's own data path. No SystemC.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "models/disk/medium.h"
#include "models/fabric/first_fit_timeline.h"
#include "models/fabric/timeline.h"

namespace sluice::disk {

/// With C channels, D dies per channel and S stripes per NAND page: stripe s lies on channel s mod C, in that channel's
/// page p = s / C / S, on die p mod D. A die keeps the page that it sensed last in its register and senses the next
/// while the channel takes that one (cache read).
///
/// Writes go to the channels in turn, as a log; the dies program what has crossed, several planes at once. The drive is
/// taken to be full: a write that does not go on where an earlier one ended makes the drive move valid data later, so
/// that `write_amplification` times its bytes are programmed. Reads do not wait for a die that programs (suspend).
class SsdMedium final : public Medium {
 public:
  explicit SsdMedium(const SsdConfig& config);
  Picoseconds read(Picoseconds earliest, Bytes offset, Bytes size) override;
  Picoseconds write(Picoseconds earliest, Bytes offset, Bytes size) override;
  void stand_cold() override;
  [[nodiscard]] Picoseconds busy_until(Picoseconds now) const override;

 private:
  struct Die {
    fabric::Timeline sensing;
    fabric::Timeline programming;
    std::optional<std::uint64_t> page;  // in its register, from `sensed` on
    Picoseconds sensed;
  };
  [[nodiscard]] std::uint64_t page_of(std::uint64_t stripe) const {
    return stripe / m_config.channels / m_stripes_per_page;
  }
  Die& die_of(std::uint64_t stripe);
  Picoseconds sensed_at(Picoseconds earliest, std::uint64_t stripe);
  Picoseconds cross(Picoseconds earliest, std::uint64_t channel, Bytes size, ByteRate path_rate);
  unsigned amplification_of(Bytes offset, Bytes size);

  SsdConfig m_config;
  std::uint64_t m_stripes_per_page;
  std::vector<fabric::FirstFitTimeline> m_channels;
  fabric::FirstFitTimeline m_path;  // between the channels and the buffer
  std::vector<Die> m_dies;          // by channel, then by number
  std::uint64_t m_log = 0;          // stripes written
  // Where the streams of writes stand, the latest first.
  static constexpr std::size_t kStreams = 8;
  std::array<Bytes, kStreams> m_stream_ends;
};

}  // namespace sluice::disk
