// SPDX-License-Identifier: Apache-2.0
#include "models/disk/ssd_logic.h"

#include <algorithm>

namespace sluice::disk {

SsdMedium::SsdMedium(const SsdConfig& config)
    : m_config(config),
      m_stripes_per_page(std::max<std::uint64_t>(1, config.page_size / config.stripe_size)),
      m_channels(config.channels),
      m_dies(std::size_t{config.channels} * config.dies_per_channel) {}

Picoseconds SsdMedium::sensed_at(Picoseconds earliest, std::uint64_t stripe) {
  const std::uint64_t channel = stripe % m_config.channels;
  const std::uint64_t page = stripe / m_config.channels / m_stripes_per_page;
  Die& die = m_dies[channel * m_config.dies_per_channel + page % m_config.dies_per_channel];
  if (die.page != page) {
    die.sensed = die.sensing.reserve(earliest, m_config.read_latency).end;
    die.page = page;
  }
  return std::max(earliest, die.sensed);
}

Picoseconds SsdMedium::read(Picoseconds earliest, Bytes offset, Bytes size) {
  Picoseconds done = earliest;
  while (size > 0) {
    const std::uint64_t stripe = offset / m_config.stripe_size;
    const Bytes n = std::min(size, m_config.stripe_size - offset % m_config.stripe_size);
    // One channel has its share of the rate of all.
    const Picoseconds duration = transfer_time(n * m_config.channels, m_config.read_rate);
    const auto slot = m_channels[stripe % m_config.channels].reserve(sensed_at(earliest, stripe), duration);
    done = std::max(done, slot.end);
    offset += n;
    size -= n;
  }
  return done;
}

Picoseconds SsdMedium::write(Picoseconds earliest, Bytes /*offset*/, Bytes size) {
  Picoseconds done = earliest;
  while (size > 0) {
    const Bytes n = std::min(size, m_config.stripe_size);
    const Picoseconds duration = transfer_time(n * m_config.channels, m_config.write_rate);
    const auto slot = m_channels[m_next_channel].reserve(earliest, duration);
    m_next_channel = (m_next_channel + 1) % m_config.channels;
    done = std::max(done, slot.end + m_config.program_latency);
    size -= n;
  }
  return done;
}

Picoseconds SsdMedium::busy_until(Picoseconds now) const {
  Picoseconds sum;
  for (const fabric::FirstFitTimeline& channel : m_channels) sum += channel.busy_until(now);
  return sum / m_channels.size();
}

}  // namespace sluice::disk
