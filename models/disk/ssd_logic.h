// SPDX-License-Identifier: Apache-2.0
// Timing of flash: dies sense pages in parallel, channels carry them one after the other. No SystemC.
#pragma once

#include <optional>
#include <vector>

#include "models/disk/medium.h"
#include "models/fabric/first_fit_timeline.h"
#include "models/fabric/timeline.h"

namespace sluice::disk {

/// With C channels, D dies per channel and S stripes per NAND page: stripe s lies on channel s mod C, in that channel's
/// page p = s / C / S, on die p mod D. A die keeps the page that it sensed last in its register and senses the next
/// while the channel takes that one (cache read). Writes go to the channels in turn, as a log; programming follows the
/// transfer and hides behind the planes of the die.
class SsdMedium final : public Medium {
 public:
  explicit SsdMedium(const SsdConfig& config);
  Picoseconds read(Picoseconds earliest, Bytes offset, Bytes size) override;
  Picoseconds write(Picoseconds earliest, Bytes offset, Bytes size) override;
  [[nodiscard]] Picoseconds busy_until(Picoseconds now) const override;

 private:
  struct Die {
    fabric::Timeline sensing;
    std::optional<std::uint64_t> page;  // in its register, from `sensed` on
    Picoseconds sensed;
  };
  Picoseconds sensed_at(Picoseconds earliest, std::uint64_t stripe);

  SsdConfig m_config;
  std::uint64_t m_stripes_per_page;
  std::vector<fabric::FirstFitTimeline> m_channels;
  std::vector<Die> m_dies;  // by channel, then by number
  unsigned m_next_channel = 0;
};

}  // namespace sluice::disk
