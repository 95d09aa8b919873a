// SPDX-License-Identifier: Apache-2.0
// From the queue to the interface (net/ipv4/tcp_output.c): what may be sent now, in which pieces, with which header.
#include <algorithm>
#include <bit>

#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

namespace {
constexpr Bytes kLargestPayload = 65535 - nic::kIpHeader - nic::kTcpHeader;
constexpr std::uint32_t kLeastSegments = 2;       // sysctl_tcp_min_tso_segs
constexpr unsigned kWindowDivisor = 3;            // sysctl_tcp_tso_win_divisor
constexpr std::uint32_t kUnscaledWindow = 65535;  // of a new connection
}  // namespace

// --- what may be sent ------------------------------------------------------------------------------------------------

/// tcp_write_xmit. True when nothing is in flight and something waits all the same, so that only a timer can help.
bool TcpConnection::write_out(unsigned nagle, bool push_one) {
  bool sent = false;
  bool limited = false;
  while (Skb* const skb = m_unsent.front()) {
    if (m_state == State::Closed || m_state == State::SynSent) break;
    if (m_in_flight >= m_congestion.window()) {
      limited = true;
      break;
    }
    const std::uint32_t window = m_congestion.window();
    const std::uint32_t quota = std::min({std::max(window / 2, 1U), window - m_in_flight, most_segments()});
    if (const Bytes most = Bytes{quota} * m_mss; most > skb->size) grow(*skb, most - skb->size);
    const std::uint64_t first_end = skb->size > m_mss ? skb->sequence + m_mss : skb->end() - (skb->fin ? 1 : 0);
    if (first_end > m_window_end) break;
    const bool single = frames_of(*skb) == 1;
    if (single) {
      // Nagle's rule is about the end of the queue. What lies before it is small for another reason: the segments grew
      // since, or it refers to lent pages, which packets do not take from each other.
      const bool last = skb == m_unsent.back();
      if (last && (nagle & kPushOnce) == 0 && !skb->fin && nagle_holds(skb->size < m_mss, nagle)) break;
    } else if (!push_one && should_defer(*skb, limited)) {
      break;
    }
    const std::uint32_t limit = single ? m_mss : split_point(*skb, quota, nagle);
    if (limit == 0) break;
    if (skb->references > 1) break;  // of a go-back: the interface still has the first copy
    if (skb->size > limit && !split(*skb, limit)) break;
    if (too_much_in_interface(*skb)) break;
    sent_new_data(*skb);
    // tcp_minshall_update, which a probe leaves out: what only a timer let go holds nothing back.
    if (skb->size > 0 && skb->size % m_mss != 0) m_last_small_end = skb->end();
    transmit(*skb);
    sent = true;
    if (push_one) break;
  }
  if (sent) {  // tcp_cwnd_validate
    limited = limited || m_in_flight >= m_congestion.window();
    if (m_una >= m_usage_end || limited || (!m_limited_by_congestion && m_in_flight > m_most_in_flight)) {
      m_limited_by_congestion = limited;
      m_most_in_flight = m_in_flight;
      m_usage_end = m_next;
    }
    return false;
  }
  return m_in_flight == 0 && !m_unsent.empty();
}

void TcpConnection::push_pending(unsigned nagle) {
  if (m_unsent.empty()) return;
  if (write_out(nagle, false) && !m_probe.pending() && m_unacked.empty() && m_state != State::SynSent) {
    set_probe();
  }
}

/// tcp_nagle_check: a partial segment waits while corked, or while an earlier partial one is not acknowledged
/// (Minshall).
bool TcpConnection::nagle_holds(bool partial, unsigned nagle) const {
  if (!partial || (nagle & kPushOnce) != 0) return false;
  if ((nagle & kCork) != 0) return true;
  const bool small_one_out = m_last_small_end > m_una && m_last_small_end <= m_next;
  return (nagle & kNagleOff) == 0 && m_in_flight > 0 && small_one_out;
}

/// tcp_tso_segs: how many segments a large packet holds.
std::uint32_t TcpConnection::most_segments() const {
  return std::max(static_cast<std::uint32_t>(m_stack.m_config.largest_packet_payload() / m_mss), kLeastSegments);
}

/// tcp_tso_should_defer: rather wait for acknowledgments than send a small part of a large packet.
bool TcpConnection::should_defer(const Skb& skb, bool& limited_by_congestion) const {
  if (m_in_flight == 0 || skb.fin) return false;
  const std::uint64_t send_window = m_window_end - skb.sequence;
  const std::uint64_t congestion_window = std::uint64_t{m_congestion.window() - m_in_flight} * m_mss;
  const std::uint64_t limit = std::min(send_window, congestion_window);
  if (limit >= std::uint64_t{most_segments()} * m_mss) return false;
  if (&skb != m_unsent.back() && limit >= skb.size) return false;
  const std::uint64_t whole =
      std::min<std::uint64_t>(m_window_end - m_una, std::uint64_t{m_congestion.window()} * m_mss);
  if (limit >= whole / kWindowDivisor) return false;
  if (congestion_window < send_window && congestion_window <= skb.size) limited_by_congestion = true;
  return true;
}

/// tcp_mss_split_point: how many bytes of the packet to send now.
std::uint32_t TcpConnection::split_point(const Skb& skb, std::uint32_t most_frames, unsigned nagle) const {
  const auto window = static_cast<std::uint32_t>(std::min<std::uint64_t>(m_window_end - skb.sequence, 0xFFFF'FFFF));
  const std::uint32_t most = m_mss * most_frames;
  if (most <= window && &skb != m_unsent.back()) return most;
  const std::uint32_t needed = std::min(skb.size, window);
  if (most <= needed) return most;
  const std::uint32_t partial = needed % m_mss;
  // A last segment that is not full goes along only if Nagle would let it go alone.
  return nagle_holds(partial != 0, nagle) ? needed - partial : needed;
}

/// tcp_small_queue_check: the interface and its queue hold no more than a limit of one connection's bytes.
bool TcpConnection::too_much_in_interface(const Skb& skb) {
  if (m_in_interface <= std::max<Bytes>(m_stack.m_config.limit_output, 2 * Bytes{skb.truesize})) return false;
  if (m_unacked.empty()) return false;
  m_throttled = true;
  return true;
}

std::uint32_t TcpConnection::frames_of(const Skb& skb) const {
  return std::max(1U, static_cast<std::uint32_t>(divide_up(skb.size, std::max(m_mss, 1U))));
}

/// tcp_grow_skb: the first packet takes from the second what one packet may carry beside its own.
void TcpConnection::grow(Skb& skb, Bytes most) {
  Skb* const next = m_stack.m_config.grow_packets && m_large ? SkbQueue::after(skb) : nullptr;
  if (next == nullptr || next->size == 0 || next->fin || skb.linear || skb.sequence < m_highest) return;
  if (skb.references > 1 || next->references > 1) return;
  const Bytes size = std::min<Bytes>(most, next->size);
  if (!m_stack.skbs().shift(*next, size, skb, m_stack.m_config.max_fragments)) return;
  const auto moved = static_cast<std::uint32_t>(size);
  skb.truesize += moved;
  next->truesize -= moved;
  next->sequence += moved;
  if (next->size > 0) return;
  skb.push = skb.push || next->push;
  uncharge_sending(next->truesize);
  m_unsent.remove(*next);
  m_stack.skbs().release(*next);
  m_stack.spend(m_stack.m_config.skb_free, hal::Work::Packet);
}

/// Cuts the packet after `size` bytes; the rest becomes the next of the queue (tcp_fragment).
bool TcpConnection::split(Skb& skb, std::uint32_t size) {
  SkbPool& pool = m_stack.skbs();
  m_stack.spend(m_stack.m_config.skb_allocate, hal::Work::Packet);
  const Result<Skb*> made = skb.linear ? pool.make_linear() : pool.make_paged();
  if (!made) return false;
  Skb& rest = **made;
  rest.sequence = skb.sequence + size;
  rest.fin = skb.fin;
  rest.push = skb.push;
  rest.retransmitted = skb.retransmitted;
  if (skb.linear) {
    rest.size = skb.size - size;
    m_stack.m_machine.cpu.copy(payload_address(skb) + size, payload_address(rest), rest.size);
    rest.truesize = skb.truesize;
    charge_sending(rest.truesize);
    skb.size = size;
  } else {
    pool.share(skb, size, skb.size - size, rest);
    rest.zero_copy = skb.zero_copy;
    rest.truesize = static_cast<std::uint32_t>(m_stack.m_config.skb_overhead) + rest.size;
    charge_sending(m_stack.m_config.skb_overhead);
    skb.truesize -= rest.size;
    pool.truncate(skb, size);
  }
  skb.fin = false;
  skb.push = false;
  m_unsent.remove(skb);
  m_unsent.push_front(rest);
  m_unsent.push_front(skb);
  return true;
}

// --- sending ---------------------------------------------------------------------------------------------------------

/// tcp_event_new_data_sent: the packet moves from the unsent to the unacknowledged.
void TcpConnection::sent_new_data(Skb& skb) {
  m_unsent.remove(skb);
  m_unacked.push_back(skb);
  skb.frames = static_cast<std::uint16_t>(frames_of(skb));
  skb.segment = static_cast<std::uint16_t>(skb.frames > 1 ? m_mss : 0);
  skb.acknowledged = 0;
  m_in_flight += skb.frames;
  if (skb.end() <= m_highest) {
    skb.retransmitted = true;
    ++m_stack.m_statistics.retransmissions;
  }
  m_next = skb.end();
  m_highest = std::max(m_highest, m_next);
  m_probe.stop();
  if (!m_retransmission.pending()) rearm_retransmission();
}

/// Header, then to the transmit queue (tcp_transmit_skb, ip_queue_xmit).
void TcpConnection::transmit(Skb& skb) {
  namespace flag = nic::tcp_flag;
  std::uint8_t flags = skb.syn ? flag::kSyn : flag::kAck;
  if (m_state == State::SynReceived) flags |= flag::kAck;
  // Large packets always carry PSH, so that the receiver does not hold their last segments back (Linux 5.4).
  if (skb.size > 0 && (skb.push || skb.frames > 1)) flags |= flag::kPush;
  if (skb.fin) flags |= flag::kFin;
  skb.sent_at = m_stack.m_machine.cpu.now();
  ++skb.references;
  fill_header(skb, flags);
  m_stack.transmit(skb);
}

void TcpConnection::fill_header(Skb& skb, std::uint8_t flags) {
  skb.header = {.source_address = m_local.address,
                .destination_address = m_peer.address,
                .source_port = m_local.port,
                .destination_port = m_peer.port,
                .sequence = static_cast<std::uint32_t>(skb.sequence),
                .acknowledgment = 0,
                .window = select_window(),
                .flags = flags,
                .timestamp = m_stack.timestamp(),
                .timestamp_echo = m_peer_timestamp,
                // What is larger than an IP packet can be is cut before it reaches a device.
                .payload_size = static_cast<std::uint16_t>(skb.size > kLargestPayload ? 0 : skb.size),
                .checksum = 0};
  if ((flags & nic::tcp_flag::kAck) != 0) {
    skb.header.acknowledgment = static_cast<std::uint32_t>(m_receive_next);
    m_receive_told = m_receive_next;
    m_ack_timer.stop();
    m_ack.sent();
    if (skb.size > 0) m_ack.sent_data(m_stack.m_machine.cpu.now());
  }
  packet_entered(skb, shared_from_this());
}

/// A packet without payload that nobody waits for.
void TcpConnection::send_control(std::uint8_t flags, std::uint64_t sequence) {
  const Result<Skb*> made = m_stack.skbs().make_paged();
  if (!made) return;
  Skb& skb = **made;
  skb.sequence = sequence;
  skb.truesize = static_cast<std::uint32_t>(m_stack.m_config.skb_overhead);
  m_stack.spend(m_stack.m_config.skb_allocate, hal::Work::Packet);
  fill_header(skb, flags);
  m_stack.transmit(skb);
}

void TcpConnection::send_acknowledgment() {
  if (m_state == State::Closed || m_state == State::SynSent) return;
  send_control(nic::tcp_flag::kAck, m_highest);
}

/// tcp_select_window: never less than what was announced before. What does not fit into the header counts all the same.
std::uint32_t TcpConnection::select_window() {
  const bool opening = m_state == State::SynSent || m_state == State::SynReceived;
  if (m_receive_window.tight()) m_ack.end_quick_acks();
  const Bytes space = opening ? std::min<Bytes>(m_receive_window.first(), kUnscaledWindow) : m_receive_window.select();
  const Bytes window = std::max(space, round_up(announced_window(), m_receive_window.unit()));
  m_receive_edge = m_receive_next + window;
  if (window == 0) m_predicts = false;
  return static_cast<std::uint32_t>(std::min(window, m_receive_window.largest()));
}

/// tcp_sndbuf_expand: room for two congestion windows of packets of one segment each.
void TcpConnection::update_send_buffer() {
  if (m_send_buffer_fixed) return;
  const Bytes per_segment = std::bit_ceil(m_mss + NetConfig::kMaxTcpHeader + kSkbSharedInfo) + kSkbRecord;
  const Bytes wanted = 2 * per_segment * std::max<Bytes>(m_stack.m_config.initial_window, m_congestion.window());
  m_send_buffer = std::max(m_send_buffer, std::min(wanted, m_stack.m_config.wmem_max));
}

// --- timers ----------------------------------------------------------------------------------------------------------

/// Everything in flight is taken for lost and sent again from the start (go-back).
void TcpConnection::retransmission_timeout() {
  if (m_unacked.empty()) return;
  const bool opening = m_state == State::SynSent || m_state == State::SynReceived;
  if (++m_attempts > most_attempts(opening) || user_timed_out()) {
    reset(ETIMEDOUT);
    return;
  }
  ++m_backoff;
  if (m_acknowledged_early && m_attempts < static_cast<unsigned>(m_options.defer_accept)) {
    rearm_retransmission();  // the peer has our SYN-ACK
    return;
  }
  if (m_unacked.front()->references > 1) {  // the interface still has it: the queue is slow, not the network
    rearm_retransmission();
    return;
  }
  m_congestion.timed_out();
  while (Skb* const skb = m_unacked.back()) {
    m_unacked.remove(*skb);
    m_unsent.push_front(*skb);
  }
  m_in_flight = 0;
  m_next = m_una;
  Skb& first = *m_unsent.front();
  if (opening) {
    sent_new_data(first);
    transmit(first);
  } else {
    write_out(m_nagle | kPushOnce, false);
  }
  rearm_retransmission();
}

/// Nothing is in flight and something waits: for the peer's window, or for a cork (tcp_write_wakeup).
void TcpConnection::probe() {
  if (m_unsent.empty() || !m_unacked.empty() || m_state == State::Closed) return;
  Skb& first = *m_unsent.front();
  const std::uint64_t room = m_window_end > first.sequence ? m_window_end - first.sequence : 0;
  if (room > 0 && first.references == 1) {
    const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>({room, m_mss, first.size}));
    if (size < first.size && !split(first, size)) return;
    first.push = true;
    sent_new_data(first);
    transmit(first);
    return;
  }
  if ((++m_attempts > m_stack.m_config.retries && m_orphan) || user_timed_out()) {
    reset(ETIMEDOUT);
    return;
  }
  ++m_backoff;
  send_control(nic::tcp_flag::kAck, m_una - 1);  // out of the window on purpose: the peer answers with its window
  set_probe();
}

/// Linux probes a peer that answers for ever. Here the last of as many probes as a segment has repetitions (a quarter
/// of an hour) is the last of all: a window that opens is announced and no announcement is lost, and a simulation in
/// which nothing but probes is left can end and say who waits. Of a connection that nobody has any more it is the end.
void TcpConnection::set_probe() {
  if (m_backoff >= m_stack.m_config.retries) {
    if (m_orphan) reset(ETIMEDOUT);
    return;
  }
  m_probe.set(*this, within_user_timeout(rto()));
}

unsigned TcpConnection::most_attempts(bool opening) const {
  if (!opening) return m_stack.m_config.retries;
  return m_options.syn_count != 0 ? static_cast<unsigned>(m_options.syn_count) : m_stack.m_config.syn_retries;
}

/// TCP_USER_TIMEOUT: the peer has not moved since the first repetition or probe, which this call may be about. As
/// Linux, whose first time-out is never cut short.
bool TcpConnection::user_timed_out() {
  const Picoseconds now = m_stack.m_machine.cpu.now();
  if (!m_stalled_since) m_stalled_since = now;
  return m_options.user_timeout != 0 && now - *m_stalled_since >= m_options.user_timeout_time();
}

Picoseconds TcpConnection::within_user_timeout(Picoseconds delay) const {
  if (m_options.user_timeout == 0 || !m_stalled_since) return delay;
  const Picoseconds end = *m_stalled_since + m_options.user_timeout_time();
  const Picoseconds now = m_stack.m_machine.cpu.now();
  return std::min(delay, std::max(end > now ? end - now : Picoseconds{}, Picoseconds{1_ms}));
}

}  // namespace sluice::net
