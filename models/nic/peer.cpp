// SPDX-License-Identifier: Apache-2.0
#include "models/nic/peer.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "models/fabric/dma.h"

namespace sluice::nic {

Picoseconds Arrival::arrival_of(Bytes offset) const {
  if (offset < first_frame_bytes) return first_frame_arrival;
  const Bytes frame = 1 + (offset - first_frame_bytes) / bytes_per_frame;
  const bool in_last = first_frame_bytes + frame * bytes_per_frame >= size;
  return in_last ? last_frame_arrival : first_frame_arrival + frame_interval * frame;
}

Peer::Peer(sc_core::sc_module_name name, const PeerConfig& config, Wire& wire, base::Ledger& ledger)
    : sc_module(name), m_config(config), m_wire(wire), m_ledger(ledger) {
  m_wire.connect(Direction::ToPeer, *this);
  sc_core::sc_spawn_options options;
  options.spawn_method();
  options.set_sensitivity(&m_timer);
  options.dont_initialize();
  sc_core::sc_spawn([this] { run_timer(); }, "timer", &options);
}

Picoseconds Peer::now() const { return fabric::to_picoseconds(sc_core::sc_time_stamp()); }

void Peer::receive(Burst burst) {
  m_statistics.frames += burst.frames;
  const Bytes payload = burst.payload_size();
  // 1. What the receiving station's MAC and IP layers throw away.
  if (!burst.checksum_is_right()) {
    ++m_statistics.checksum_errors;
    m_ledger.dropped(Place::Wire, base::payload_in(burst.shadow));
    return;
  }
  m_ledger.moved(Place::Wire, Place::Peer, base::Mover::Device, burst.shadow, payload + burst.frames * kAllHeaders);

  // 2. The connection, a new one for a SYN.
  const PacketHeader& header = burst.header;
  const Key key{header.source_address, header.source_port, header.destination_port};
  auto found = m_by_key.find(key);
  if (found == m_by_key.end()) {
    if ((header.flags & (tcp_flag::kSyn | tcp_flag::kAck | tcp_flag::kReset)) != tcp_flag::kSyn) {
      refuse(burst);
      return;
    }
    const auto id = static_cast<ConnectionId>(m_statistics.connections++);
    found = m_by_key.emplace(key, id).first;
    m_sessions.emplace(id, Session{PeerConnection{m_config, header, segment_size(m_wire.mtu())}});
  }

  // 3. TCP, the application, the answers.
  const ConnectionId id = found->second;
  Session& session = m_sessions.at(id);
  const Accepted accepted = session.tcp.receive(burst, m_replies);
  if (!session.connected && (header.flags & tcp_flag::kSyn) == 0) {  // the machine has answered the SYN-ACK
    session.connected = true;
    if (m_application != nullptr) m_application->connected(id, header.destination_port, burst.first_arrival);
  }
  if (accepted.size() > 0) deliver(id, burst, accepted);
  if (accepted.size() < payload) {
    m_statistics.discarded_frames +=
        accepted.size() == 0 ? burst.frames : (payload - accepted.size()) / std::max<Bytes>(burst.frame_payload, 1);
  }
  if (session.tcp.fin_received() && !session.finished) {
    session.finished = true;
    if (m_application != nullptr) m_application->finished(id, burst.last_arrival);
  }
  transmit(m_replies);
  if (!session.tcp.closed()) return arm_timer(session);
  m_sessions.erase(id);
  m_by_key.erase(found);
}

void Peer::deliver(ConnectionId id, const Burst& burst, Accepted accepted) {
  m_statistics.payload_bytes += accepted.size();
  const bool whole = accepted.size() == burst.payload_size();
  base::Shadow slice;
  if (!whole) {
    base::append_slice(slice, 0, burst.shadow, accepted.begin, accepted.size());
  }
  const base::Shadow& shadow = whole ? burst.shadow : slice;
  m_ledger.delivered(shadow);
  if (m_application == nullptr) return;
  const auto first = static_cast<unsigned>(accepted.begin / burst.frame_payload);
  const auto last = static_cast<unsigned>((accepted.end - 1) / burst.frame_payload);
  m_application->data(
      Arrival{.connection = id,
              .buffer = burst.storage,
              .begin = burst.payload_at + accepted.begin,
              .size = accepted.size(),
              .shadow = shadow,
              .first_frame_arrival = burst.arrival_of(first),
              .frame_interval = burst.interval,
              .last_frame_arrival = burst.arrival_of(last),
              .first_frame_bytes = std::min((first + 1) * burst.frame_payload, accepted.end) - accepted.begin,
              .bytes_per_frame = burst.frame_payload});
}

void Peer::refuse(const Burst& burst) {
  m_statistics.discarded_frames += burst.frames;
  if ((burst.header.flags & tcp_flag::kReset) != 0) return;
  Reply reply;
  PacketHeader& header = reply.burst.header;
  header.source_address = burst.header.destination_address;
  header.destination_address = burst.header.source_address;
  header.source_port = burst.header.destination_port;
  header.destination_port = burst.header.source_port;
  header.sequence = burst.header.acknowledgment;
  header.flags = tcp_flag::kReset;
  reply.burst.checksum_inserted = true;
  reply.first_ready = reply.last_ready = burst.last_arrival + m_config.turnaround;
  m_replies.push_back(std::move(reply));
  transmit(m_replies);
}

void Peer::send(ConnectionId connection, std::span<const std::byte> bytes) {
  const auto found = m_sessions.find(connection);
  if (found == m_sessions.end()) return;
  found->second.tcp.send(bytes, now(), m_replies);
  transmit(m_replies);
  arm_timer(found->second);
}

void Peer::close(ConnectionId connection) {
  const auto found = m_sessions.find(connection);
  if (found == m_sessions.end()) return;
  found->second.tcp.close(now(), m_replies);
  transmit(m_replies);
  arm_timer(found->second);
}

void Peer::transmit(std::vector<Reply>& replies) {
  for (Reply& reply : replies) {
    if (reply.burst.payload_size() == 0) m_statistics.acknowledgments += reply.burst.frames;
    const std::array<FrameReady, 2> ready{{{0, reply.first_ready}, {reply.burst.frames - 1, reply.last_ready}}};
    m_wire.send(Direction::ToMachine, std::move(reply.burst), ready);
  }
  replies.clear();
}

void Peer::run_timer() {
  m_armed.reset();
  for (auto& [id, session] : m_sessions) {
    const auto due = session.tcp.timer();
    if (due && *due <= now()) session.tcp.timer_due(m_replies);
    arm_timer(session);
  }
  transmit(m_replies);
}

/// A timer that moved on or was stopped leaves the event where it is, and run_timer() then finds nothing due: a timer
/// moves with nearly every frame, and a cancelled event of SystemC takes room until its time comes.
void Peer::arm_timer(const Session& session) {
  const auto due = session.tcp.timer();
  if (!due || (m_armed && *m_armed <= *due)) return;
  m_armed = due;
  m_timer.notify(fabric::to_sc_time(std::max(*due - now(), Picoseconds{})));  // the earliest notification counts
}

}  // namespace sluice::nic
