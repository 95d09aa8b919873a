// SPDX-License-Identifier: Apache-2.0
#include "models/disk/hdd_logic.h"

#include <algorithm>
#include <bit>

namespace sluice::disk {
namespace {

/// Largest r with r * r <= n.
std::uint64_t square_root(std::uint64_t n) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
    const std::uint64_t trial = root | bit;
    if (trial * trial <= n) root = trial;
  }
  return root;
}

}  // namespace

HddMedium::HddMedium(const HddConfig& config, Bytes capacity)
    : m_config(config),
      m_capacity(capacity),
      m_rotation(kPicosecondsPerSecond * 60 / config.rpm),
      m_track_size(std::max<Bytes>(1, config.media_rate.value() * 60 / config.rpm)) {}

Picoseconds HddMedium::seek_time(Bytes from, Bytes to) const {
  const std::uint64_t from_track = from / m_track_size;
  const std::uint64_t to_track = to / m_track_size;
  if (from_track == to_track) return {};
  const std::uint64_t tracks = std::max(from_track, to_track) - std::min(from_track, to_track);
  const std::uint64_t stroke = std::max<std::uint64_t>(1, m_capacity / m_track_size);
  // sqrt(tracks / stroke) in units of 2^-20, from 24 bits of each, which 64-bit numbers can bear. The mean of sqrt(d)
  // over random pairs of places is 8/15, hence the 15/8.
  const int shift = std::max(0, static_cast<int>(std::bit_width(stroke)) - 24);
  const std::uint64_t share = (std::min(tracks, stroke) >> shift << 40) / (stroke >> shift);
  const auto above = std::max(m_config.average_seek - m_config.track_to_track_seek, Picoseconds{});
  const Picoseconds rise = above * (square_root(share) * 15) / (std::uint64_t{8} << 20);
  return m_config.track_to_track_seek + rise;
}

Picoseconds HddMedium::angle_of(Bytes offset) const {
  return Picoseconds{transfer_time(offset % m_track_size, m_config.media_rate).count() % m_rotation.count()};
}

Picoseconds HddMedium::rotation_to(Bytes offset, Picoseconds now) const {
  const std::int64_t turn = m_rotation.count();
  const std::int64_t angle = (now + m_angle).count() % turn;
  return Picoseconds{(angle_of(offset).count() - angle + turn) % turn};
}

/// When a head that is free from `begin` on has found the place.
Picoseconds HddMedium::reach(Bytes offset, Picoseconds begin) {
  if (m_cold) {
    const Picoseconds found = begin + m_config.average_seek + m_rotation / 2;
    m_angle = {};
    m_angle = rotation_to(offset, found);
    m_cold = false;
    return found;
  }
  // Written on without a pause, the head stays on the spiral; the comparison of angles would round.
  if (offset == m_head && begin == m_head_at) return begin;
  const Picoseconds there = begin + seek_time(m_head, offset);
  return there + rotation_to(offset, there);
}

void HddMedium::occupy(Picoseconds until, Picoseconds duration) {
  m_head_at = until;
  m_busy += duration;
}

Picoseconds HddMedium::access(Picoseconds earliest, Bytes offset, Bytes size) {
  const Picoseconds begin = std::max(earliest, m_head_at);
  const Picoseconds start = reach(offset, begin);
  const Picoseconds end = start + transfer_time(size, m_config.media_rate);
  occupy(end, end - begin);
  m_next = m_head = offset + size;
  return end;
}

Picoseconds HddMedium::read_on(Picoseconds begin, Bytes size) {
  // 1. Where the drive's own reading has come to by now.
  const Bytes room = m_config.read_ahead - std::min(m_config.read_ahead, m_head - m_next);
  const Picoseconds full_at = m_head_at + transfer_time(room, m_config.media_rate);
  if (begin > full_at) {  // the cache was full and the head stopped; now it has to find its place again
    m_busy += full_at - m_head_at;
    m_head += room;
    m_head_at = begin + rotation_to(m_head, begin);
    m_busy += m_head_at - begin;
  }
  // 2. What the cache holds comes at once, the rest as it passes under the head.
  m_next += size;
  if (m_next <= m_head) return begin;
  const Picoseconds more = transfer_time(m_next - m_head, m_config.media_rate);
  occupy(m_head_at + more, more);
  m_head = m_next;
  return std::max(begin, m_head_at);
}

Picoseconds HddMedium::read(Picoseconds earliest, Bytes offset, Bytes size) {
  if (m_reads_on && offset == m_next) return read_on(earliest, size);
  m_reads_on = true;
  return access(earliest, offset, size);
}

Picoseconds HddMedium::write(Picoseconds earliest, Bytes offset, Bytes size) {
  m_reads_on = false;
  return access(earliest, offset, size);
}

void HddMedium::stand_cold() {
  m_cold = true;
  m_reads_on = false;
}

Picoseconds HddMedium::busy_until(Picoseconds now) const {
  const Picoseconds beyond = std::max(m_head_at - now, Picoseconds{});
  return std::max(m_busy - beyond, Picoseconds{});
}

}  // namespace sluice::disk
