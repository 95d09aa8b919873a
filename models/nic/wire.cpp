// SPDX-License-Identifier: Apache-2.0
#include "models/nic/wire.h"

#include <algorithm>
#include <utility>

#include "models/base/result.h"
#include "models/fabric/dma.h"

namespace sluice::nic {
using fabric::now;

Wire::Wire(const NicConfig& nic, const WireConfig& config, base::Ledger& ledger)
    : m_rate(nic.rate), m_mtu(nic.mtu), m_propagation(config.propagation), m_ledger(ledger) {
  for (Lane& lane : m_lanes) {
    sc_core::sc_spawn_options options;
    options.spawn_method();
    options.dont_initialize();
    options.set_sensitivity(&lane.needed);
    sc_core::sc_spawn([this, &lane] { hand_over(lane); }, sc_core::sc_gen_unique_name("wire"), &options);
  }
}

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
  lane.under_way.push_back(std::move(burst));
  if (lane.under_way.size() == 1) hand_over(lane);
  return timing;
}

void Wire::hand_over(Lane& lane) {
  while (!lane.under_way.empty() && lane.end->needs(lane.under_way.front()) <= now()) {
    Burst burst = std::move(lane.under_way.front());
    lane.under_way.pop_front();
    lane.end->receive(std::move(burst));
  }
  if (!lane.under_way.empty()) {
    lane.needed.notify(fabric::to_sc_time(lane.end->needs(lane.under_way.front()) - now()));
  }
}

Picoseconds Wire::begin_of(const Burst& burst, unsigned frame) const {
  const Picoseconds on_the_wire = frame_time(burst.payload_of(frame)) - transfer_time(kInterFrameGap, m_rate);
  return burst.arrival_of(frame) - m_propagation - on_the_wire;
}

void Wire::cut(Direction direction) {
  Lane& lane = m_lanes[index(direction)];
  Picoseconds end = now();
  while (!lane.under_way.empty()) {
    Burst& burst = lane.under_way.back();
    unsigned begun = burst.frames;
    while (begun > 0 && begin_of(burst, begun - 1) > now()) --begun;
    if (begun < burst.frames) {
      lane.statistics.frames -= burst.frames - begun;
      m_ledger.dropped(Place::Wire, base::payload_in(begun > 0 ? burst.cut(begun) : burst.shadow));
    }
    if (begun > 0) {
      end = std::max(end, burst.last_arrival - m_propagation + transfer_time(kInterFrameGap, m_rate));
      break;
    }
    lane.under_way.pop_back();
  }
  lane.timeline.cut(end);
  hand_over(lane);
}

}  // namespace sluice::nic
