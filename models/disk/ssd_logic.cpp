// SPDX-License-Identifier: Apache-2.0
#include "models/disk/ssd_logic.h"

#include <algorithm>

namespace sluice::disk {
namespace {

constexpr Bytes kNowhere = ~Bytes{0};

}  // namespace

SsdMedium::SsdMedium(const SsdConfig& config)
    : m_config(config),
      m_stripes_per_page(std::max<std::uint64_t>(1, config.page_size / config.stripe_size)),
      m_channels(config.channels),
      m_dies(std::size_t{config.channels} * config.dies_per_channel) {
  m_stream_ends.fill(kNowhere);
}

SsdMedium::Die& SsdMedium::die_of(std::uint64_t stripe) {
  const std::uint64_t channel = stripe % m_config.channels;
  return m_dies[channel * m_config.dies_per_channel + page_of(stripe) % m_config.dies_per_channel];
}

Picoseconds SsdMedium::sensed_at(Picoseconds earliest, std::uint64_t stripe) {
  Die& die = die_of(stripe);
  if (die.page != page_of(stripe)) {
    die.sensed = die.sensing.reserve(earliest, m_config.read_latency).end;
    die.page = page_of(stripe);
  }
  return std::max(earliest, die.sensed);
}

/// Over a channel and the path of all channels, which takes the bytes of several channels by turns as they come.
Picoseconds SsdMedium::cross(Picoseconds earliest, std::uint64_t channel, Bytes size, ByteRate path_rate) {
  const auto crossing = m_channels[channel].reserve(earliest, transfer_time(size, m_config.channel_rate));
  return std::max(crossing.end, m_path.reserve(crossing.begin, transfer_time(size, path_rate)).end);
}

Picoseconds SsdMedium::read(Picoseconds earliest, Bytes offset, Bytes size) {
  Picoseconds done = earliest;
  while (size > 0) {
    const std::uint64_t stripe = offset / m_config.stripe_size;
    const Bytes n = std::min(size, m_config.stripe_size - offset % m_config.stripe_size);
    const Picoseconds sensed = sensed_at(earliest, stripe);
    done = std::max(done, cross(sensed, stripe % m_config.channels, n, m_config.read_rate));
    offset += n;
    size -= n;
  }
  return done;
}

/// A stream keeps its place at the front, so that a few of them may alternate.
unsigned SsdMedium::amplification_of(Bytes offset, Bytes size) {
  const auto stream = std::find(m_stream_ends.begin(), m_stream_ends.end(), offset);
  const bool goes_on = stream != m_stream_ends.end();
  const auto oldest = goes_on ? stream : std::prev(m_stream_ends.end());
  std::rotate(m_stream_ends.begin(), oldest, std::next(oldest));
  m_stream_ends.front() = offset + size;
  return goes_on ? 1 : m_config.write_amplification;
}

Picoseconds SsdMedium::write(Picoseconds earliest, Bytes offset, Bytes size) {
  const unsigned amplification = amplification_of(offset, size);
  const Bytes programmed_at_once = m_config.page_size * m_config.planes;
  Picoseconds done = earliest;
  while (size > 0) {
    // 1. What a register holds of the old data is no longer true.
    const std::uint64_t old = offset / m_config.stripe_size;
    if (Die& die = die_of(old); die.page == page_of(old)) die.page.reset();
    // 2. The next die of the log takes it, and its share of the time in which it programs a page in each plane.
    const Bytes n = std::min(size, m_config.stripe_size - offset % m_config.stripe_size);
    const std::uint64_t channel = m_log % m_config.channels;
    Die& die = m_dies[channel * m_config.dies_per_channel + m_log / m_config.channels % m_config.dies_per_channel];
    ++m_log;
    const Picoseconds crossed = cross(earliest, channel, n, m_config.write_rate);
    const Picoseconds share = m_config.program_latency * (n * amplification) / programmed_at_once;
    const Picoseconds programmed = die.programming.reserve(crossed, share).end;
    done = std::max({done, programmed, crossed + m_config.program_latency});
    offset += n;
    size -= n;
  }
  return done;
}

/// No page in any register.
void SsdMedium::stand_cold() {
  for (Die& die : m_dies) die.page.reset();
}

Picoseconds SsdMedium::busy_until(Picoseconds now) const {
  Picoseconds sum;
  for (const fabric::FirstFitTimeline& channel : m_channels) sum += channel.busy_until(now);
  return std::max(sum / m_channels.size(), m_path.busy_until(now));
}

}  // namespace sluice::disk
