// SPDX-License-Identifier: Apache-2.0
#include "models/nic/wire.h"

#include <utility>

#include "models/base/result.h"

namespace sluice::nic {

Wire::Wire(const NicConfig& nic, const WireConfig& config, base::Ledger& ledger)
    : m_rate(nic.rate), m_mtu(nic.mtu), m_propagation(config.propagation), m_ledger(ledger) {}

Picoseconds Wire::frame_time(Bytes payload) const { return transfer_time(wire_bytes(kAllHeaders + payload), m_rate); }

BurstTiming Wire::send(Direction direction, Burst burst, std::span<const FrameReady> ready) {
  Lane& lane = m_lanes[index(direction)];
  base::ensure(lane.end != nullptr, "both ends of the wire are connected");
  const Bytes last_payload = burst.payload_of(burst.frames - 1);
  const Picoseconds full = frame_time(burst.frame_payload);
  const Picoseconds last = frame_time(last_payload);
  const BurstTiming timing = schedule_burst(burst.frames, full, last, lane.timeline.free_at(), ready);
  // Only the time that frames take counts as busy; what lies between slowly arriving frames nobody else could use.
  lane.timeline.reserve(timing.end() - timing.busy(), timing.busy());

  const Picoseconds gap = transfer_time(kInterFrameGap, m_rate);
  burst.first_arrival = timing.first_start + (burst.frames > 1 ? full : last) - gap + m_propagation;
  burst.interval = timing.interval;
  burst.last_arrival = timing.end() - gap + m_propagation;

  const Bytes payload = burst.payload_size();
  const Bytes frame_bytes = payload + burst.frames * kAllHeaders;
  lane.statistics.frames += burst.frames;
  lane.statistics.payload_bytes += payload;
  lane.statistics.wire_bytes +=
      (burst.frames - 1) * wire_bytes(kAllHeaders + burst.frame_payload) + wire_bytes(kAllHeaders + last_payload);
  m_ledger.moved(direction == Direction::ToPeer ? Place::NicFifo : Place::Peer, Place::Wire, base::Mover::Device,
                 burst.shadow, frame_bytes);
  lane.end->receive(std::move(burst));
  return timing;
}

}  // namespace sluice::nic
