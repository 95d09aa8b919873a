// SPDX-License-Identifier: Apache-2.0
#include "models/nic/wire_logic.h"

#include <algorithm>

namespace sluice::nic {

BurstTiming schedule_burst(unsigned frames, Picoseconds full_frame, Picoseconds last_frame, Picoseconds wire_free,
                           std::span<const FrameReady> ready) {
  BurstTiming timing{frames, std::max(wire_free, ready.front().at), full_frame, full_frame, last_frame};
  const unsigned steps = frames - 1;
  if (steps > 0) {
    const std::int64_t spread = (ready.back().at - timing.first_start).count();
    if (spread > 0) {
      timing.interval =
          std::max(full_frame,
                   Picoseconds{static_cast<std::int64_t>(base::divide_up(static_cast<std::uint64_t>(spread), steps))});
    }
  }
  for (const FrameReady& r : ready) {
    timing.first_start = std::max(timing.first_start, r.at - timing.interval * r.frame);
  }
  return timing;
}

Bytes TransmitFifo::Leaving::left_by(Picoseconds now) const {
  if (now >= timing.end()) return size;
  const Picoseconds first_end = timing.first_start + timing.full_frame;
  if (now < first_end || timing.frames == 1) return 0;
  const auto gone = static_cast<Bytes>((now - first_end).count() / timing.interval.count()) + 1;
  // The header bytes are counted with the last frame.
  return std::min<Bytes>(gone, timing.frames - 1) * frame_payload;
}

Picoseconds TransmitFifo::Leaving::when_left(Bytes bytes) const {
  if (timing.frames == 1 || bytes > (timing.frames - 1) * frame_payload) return timing.end();
  return timing.first_start + timing.interval * (base::divide_up(bytes, frame_payload) - 1) + timing.full_frame;
}

void TransmitFifo::forget(Picoseconds now) {
  while (!m_leaving.empty() && m_leaving.front().timing.end() <= now) {
    m_held -= m_leaving.front().size;
    m_leaving.pop_front();
  }
}

Bytes TransmitFifo::held(Picoseconds now) {
  forget(now);
  return m_held - (m_leaving.empty() ? 0 : m_leaving.front().left_by(now));
}

Picoseconds TransmitFifo::room_at(Bytes size, Picoseconds now) {
  forget(now);
  if (m_held + size <= m_capacity) return now;
  Bytes must_leave = m_held + size - m_capacity;
  for (const Leaving& leaving : m_leaving) {
    if (must_leave <= leaving.size) return std::max(now, leaving.when_left(must_leave));
    must_leave -= leaving.size;
  }
  return now;
}

void TransmitFifo::add(Bytes size, Bytes frame_payload, const BurstTiming& timing) {
  m_held += size;
  m_leaving.push_back({size, frame_payload, timing});
}

}  // namespace sluice::nic
