// SPDX-License-Identifier: Apache-2.0
// From the interface: acknowledgments, data and the other end's state changes (net/ipv4/tcp_input.c). Packets arrive in
// order here, so one that is ahead of its turn is dropped and asked for again.
#include <algorithm>
#include <utility>

#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

namespace {

namespace flag = nic::tcp_flag;

/// The 64-bit number nearest to `near` whose low half is `wire`.
std::uint64_t unwrap(std::uint32_t wire, std::uint64_t near) {
  const auto distance = static_cast<std::int32_t>(wire - static_cast<std::uint32_t>(near));
  return near + static_cast<std::uint64_t>(static_cast<std::int64_t>(distance));
}

bool has(const Skb& skb, std::uint8_t flags) { return (skb.header.flags & flags) != 0; }

Picoseconds magnitude(Picoseconds t) { return t < Picoseconds{} ? Picoseconds{} - t : t; }

constexpr unsigned kMostBackoff = 9;  // the time-out stays below TCP_RTO_MAX, 120 s

}  // namespace

/// One packet, with the connection owned. Takes the packet.
void TcpConnection::process(Skb& skb) {
  m_stack.spend(skb.size > 0 ? m_stack.m_costs.tcp_receive : m_stack.m_costs.tcp_acknowledged, hal::Work::TcpInput);
  if (m_state == State::Closed) {
    if (!has(skb, flag::kReset)) m_stack.send_reset(skb.header);
    m_stack.skbs().release(skb);
    return;
  }
  if (m_state == State::SynSent) {
    process_syn_sent(skb);
    m_stack.skbs().release(skb);
    return;
  }
  if (m_state == State::SynReceived && !process_syn_received(skb)) {
    m_stack.skbs().release(skb);
    return;
  }
  skb.sequence = unwrap(skb.header.sequence, m_receive_next);
  if (has(skb, flag::kReset)) {
    // RFC 5961: only at the expected place.
    if (skb.sequence == m_receive_next) {
      reset(m_state == State::CloseWait ? EPIPE : ECONNRESET);
    } else {
      send_acknowledgment();
    }
    m_stack.skbs().release(skb);
    return;
  }
  if (has(skb, flag::kSyn)) {
    send_acknowledgment();
    m_stack.skbs().release(skb);
    return;
  }
  m_peer_timestamp = skb.header.timestamp;
  const bool alive = !has(skb, flag::kAck) || process_acknowledgment(skb);
  if (!alive) {
    m_stack.skbs().release(skb);
    return;
  }
  skb.fin = has(skb, flag::kFin);
  if (skb.size > 0 || skb.fin) {
    process_data(skb);
  } else {
    // A probe of a window: one byte before what is expected (tcp_send_dupack).
    if (skb.sequence < m_receive_next) send_acknowledgment();
    m_stack.skbs().release(skb);
  }
  check_output_and_space();
}

void TcpConnection::process_syn_sent(Skb& skb) {
  const bool acknowledges = has(skb, flag::kAck) && skb.header.acknowledgment == static_cast<std::uint32_t>(m_next);
  if (has(skb, flag::kReset)) {
    if (acknowledges) reset(ECONNREFUSED);
    return;
  }
  if (!acknowledges) {
    if (has(skb, flag::kAck)) m_stack.send_reset(skb.header);
    return;
  }
  if (!has(skb, flag::kSyn)) return;
  m_receive_next = skb.header.sequence + std::uint64_t{1};
  m_receive_told = m_receive_next;
  m_receive_edge = m_receive_next;
  m_peer_timestamp = skb.header.timestamp;
  process_acknowledgment(skb);
  enter_established();
  send_acknowledgment();
}

/// The other end answers our SYN-ACK, or repeats its SYN. True when the packet goes on as one of a connection.
bool TcpConnection::process_syn_received(const Skb& skb) {
  if (has(skb, flag::kReset)) {
    finish();
    return false;
  }
  if (has(skb, flag::kSyn)) {
    retransmission_timeout();
    return false;
  }
  if (!has(skb, flag::kAck) || skb.header.acknowledgment != static_cast<std::uint32_t>(m_next)) return false;
  process_acknowledgment(skb);
  enter_established();
  become_acceptable();
  return true;
}

// --- acknowledgments -------------------------------------------------------------------------------------------------

/// tcp_ack. False when the connection ended by it.
bool TcpConnection::process_acknowledgment(const Skb& skb) {
  const std::uint64_t acknowledged = unwrap(skb.header.acknowledgment, m_una);
  if (acknowledged > m_highest || acknowledged < m_una) return true;
  // The newest acknowledgment's window counts, a smaller one too; packets come in order.
  m_window_end = acknowledged + skb.header.window;
  follow_window(skb.header.window);
  m_attempts = 0;
  if (m_probe.pending()) m_backoff = 0;
  if (acknowledged == m_una) return true;

  const std::uint32_t in_flight_before = m_in_flight;
  const std::uint32_t segments = drop_acknowledged(acknowledged);
  m_backoff = 0;
  const bool was_limited =
      m_limited_by_congestion ||
      (m_congestion.in_slow_start() && m_congestion.window() < 2 * std::max(m_most_in_flight, in_flight_before));
  if (was_limited && m_state != State::SynSent) m_congestion.acknowledged(segments);
  rearm_retransmission();

  const bool fin_acknowledged = m_send_shutdown && m_una == m_write && m_unsent.empty();
  if (!fin_acknowledged) return true;
  if (m_state == State::FinWait1) {
    m_state = State::FinWait2;
  } else if (m_state == State::Closing || m_state == State::LastAck) {
    finish();
    return false;
  }
  return true;
}

/// tcp_ack_update_window, tcp_bound_to_half_wnd: segments are at most half of the largest window the peer ever had.
void TcpConnection::follow_window(std::uint64_t window) {
  if (window <= m_largest_window) return;
  m_largest_window = window;
  const std::uint64_t half = window > 536 ? window / 2 : window;  // TCP_MSS_DEFAULT
  m_mss = static_cast<std::uint32_t>(std::min<std::uint64_t>(m_device_mss, std::max<std::uint64_t>(half, 48)));
}

/// tcp_clean_rtx_queue: frees what is acknowledged whole; of the rest counts the segments. Returns how many segments
/// this acknowledgment covered.
std::uint32_t TcpConnection::drop_acknowledged(std::uint64_t acknowledged) {
  std::uint32_t segments = 0;
  std::uint32_t packets = 0;
  m_una = acknowledged;
  m_next = std::max(m_next, acknowledged);
  const Picoseconds now = m_stack.m_machine.cpu.now();
  std::optional<Picoseconds> sent_at;
  SkbQueue done;
  while (Skb* const skb = m_unacked.front()) {
    if (skb->end() > acknowledged) {
      const auto bytes = acknowledged > skb->sequence ? acknowledged - skb->sequence : 0;
      const auto covered = static_cast<std::uint16_t>(bytes / std::max<Bytes>(skb->segment, 1));
      if (covered > skb->acknowledged) {
        segments += covered - skb->acknowledged;
        skb->acknowledged = covered;
        if (!skb->retransmitted) sent_at = skb->sent_at;
      }
      break;
    }
    segments += skb->frames - skb->acknowledged;
    if (!skb->retransmitted) sent_at = skb->sent_at;
    m_unacked.remove(*skb);
    done.push_back(*skb);
    ++packets;
  }
  m_in_flight -= std::min(m_in_flight, segments);
  // What a time-out put back to be sent again, and was there after all.
  while (Skb* const skb = m_unsent.front()) {
    if (skb->end() > acknowledged || skb->end() > m_highest) break;
    m_unsent.remove(*skb);
    done.push_back(*skb);
    ++packets;
  }
  unsigned fragments = 0;
  while (Skb* const skb = done.pop_front()) {
    m_queued_memory -= std::min<Bytes>(m_queued_memory, skb->syn ? 0 : skb->truesize);
    fragments += m_stack.skbs().release(*skb);
  }
  if (packets > 0)
    m_stack.spend(m_stack.m_costs.skb_free * packets + m_stack.m_costs.fragment_free * fragments, hal::Work::Packet);
  if (sent_at) measure_rtt(now - *sent_at);
  return segments;
}

/// RFC 6298.
void TcpConnection::measure_rtt(Picoseconds rtt) {
  if (m_srtt == Picoseconds{}) {
    m_srtt = rtt;
    m_rttvar = rtt / 2;
    return;
  }
  m_rttvar = (m_rttvar * 3 + magnitude(m_srtt - rtt)) / 4;
  m_srtt = (m_srtt * 7 + rtt) / 8;
}

Picoseconds TcpConnection::rto() const {
  const NetConfig& config = m_stack.m_config;
  const Picoseconds base =
      m_srtt == Picoseconds{} ? config.rto_initial : m_srtt + std::max(m_rttvar * 4, config.rto_min);
  return base * (std::uint64_t{1} << std::min(m_backoff, kMostBackoff));
}

void TcpConnection::rearm_retransmission() {
  if (m_unacked.empty()) {
    m_retransmission.stop();
  } else {
    m_retransmission.set(*this, rto());
  }
}

/// tcp_data_snd_check, tcp_check_space.
void TcpConnection::check_output_and_space() {
  if (m_state == State::Closed) return;
  push_pending(m_nagle);
  if (!m_wants_space) return;
  if (m_in_flight < m_congestion.window()) update_send_buffer();
  const bool third_free = m_queued_memory < m_send_buffer && m_send_buffer - m_queued_memory >= m_queued_memory / 2;
  if (!third_free) return;
  m_wants_space = false;
  wake();
}

// --- data ------------------------------------------------------------------------------------------------------------

void TcpConnection::process_data(Skb& skb) {
  const std::uint64_t end = skb.end();
  const bool old = end <= m_receive_next;
  const bool ahead = skb.sequence > m_receive_next;
  const bool beyond = skb.sequence + skb.size > std::max(m_receive_edge, m_receive_next);
  if (old || ahead || beyond) {
    m_stack.skbs().release(skb);
    send_acknowledgment();
    return;
  }
  // Data for a closed socket, or for one that was shut down in both directions (RFC 1122, 4.2.2.13).
  const bool nobody_reads = m_orphan || m_state == State::FinWait1 || m_state == State::FinWait2;
  if (m_receive_shutdown && nobody_reads && skb.size > 0) {
    m_stack.send_reset(skb.header);
    m_stack.skbs().release(skb);
    reset(ECONNRESET);
    return;
  }
  const bool fin = skb.fin;
  const auto known = static_cast<std::uint32_t>(m_receive_next - skb.sequence);
  m_receive_next = end;
  if (skb.size > known) {
    skb.acknowledged = 0;
    skb.sequence += known;
    skb.size -= known;
    // Bytes that came before lie at the front of the first fragment.
    skb.fragments[0].address += known;
    skb.fragments[0].size -= known;
    m_received_bytes += skb.size;
    note_data_arrival(skb);
    m_received.push_back(skb);
  } else {
    m_stack.skbs().release(skb);
  }
  if (fin) process_fin();
  if (m_state != State::Closed) acknowledge_soon(fin);
  wake();
}

/// tcp_event_data_recv: the window grows, and what the acknowledgment depends on is noted.
void TcpConnection::note_data_arrival(const Skb& skb) {
  const Bytes size = skb.segment != 0 ? skb.segment : skb.size;
  const bool ends_write = size < m_receive_window.measured_segment() || has(skb, flag::kPush);
  if (ends_write) ++m_pushed_packets;
  m_receive_window.queued(size, skb.truesize);
  if (!std::exchange(m_quick_acks_given, true)) {  // tcp_incr_quickack
    const Bytes window = m_receive_edge > m_receive_next ? m_receive_edge - m_receive_next : 0;
    const Bytes packets = std::max<Bytes>(window / (2 * m_receive_window.measured_segment()), 2);
    m_quick_acks = std::max(m_quick_acks, static_cast<unsigned>(std::min<Bytes>(packets, m_stack.m_config.quick_acks)));
  }
}

void TcpConnection::process_fin() {
  m_receive_shutdown = true;
  m_peer_finished = true;
  switch (m_state) {
    case State::Established:
      m_state = State::CloseWait;
      return;
    case State::FinWait1:
      m_state = State::Closing;
      return;
    case State::FinWait2:
      m_state = State::TimeWait;
      send_acknowledgment();
      // Nothing more can come; the stack keeps the port for a while.
      if (m_entered) {
        m_entered = false;
        m_stack.leave(*this);
      }
      m_retransmission.stop();
      m_probe.stop();
      return;
    default:
      return;
  }
}

/// __tcp_ack_snd_check: an acknowledgment goes out for more than one full segment if it need not shrink the window;
/// else the reader will send it.
void TcpConnection::acknowledge_soon(bool at_once) {
  if (m_receive_next == m_receive_told) return;
  const std::uint64_t announced = m_receive_edge - m_receive_told;
  const bool more_than_one = m_receive_next - m_receive_told > m_receive_window.measured_segment();
  if (at_once || m_quick_acks > 0 || (more_than_one && m_receive_window.select() >= announced)) {
    send_acknowledgment();
  } else if (!m_delayed_ack.pending()) {
    m_delayed_ack.set(*this, m_stack.m_config.delayed_ack);
  }
}

}  // namespace sluice::net
