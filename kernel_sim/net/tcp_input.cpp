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
constexpr Picoseconds kFallbackTimeout = Picoseconds{kPicosecondsPerSecond} * 3;  // TCP_TIMEOUT_FALLBACK
constexpr Picoseconds kMostDelay = 200_ms;                                        // TCP_DELACK_MAX

}  // namespace

/// One packet, with the connection owned. Takes the packet.
void TcpConnection::process(Skb& skb) {
  m_stack.spend(skb.size > 0 ? m_stack.m_config.tcp_receive : m_stack.m_config.tcp_acknowledged, hal::Work::TcpInput);
  const bool established = m_state == State::Established;
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
  skb.fin = has(skb, flag::kFin);
  if (established && is_predicted_data(skb)) {
    process_predicted_data(skb);
    return;
  }
  const bool alive = !has(skb, flag::kAck) || process_acknowledgment(skb.header);
  if (!alive) {
    m_stack.skbs().release(skb);
    return;
  }
  bool news = false;
  if (skb.size > 0 || skb.fin) {
    news = process_data(skb);
  } else {
    // A probe of a window: one byte before what is expected (tcp_send_dupack).
    if (skb.sequence < m_receive_next) send_acknowledgment();
    m_stack.skbs().release(skb);
  }
  // What waited to be sent goes first, for it carries an acknowledgment.
  check_output_and_space();
  acknowledge_soon();
  if (news && readable_or_over()) wake_readers();
}

// --- header prediction -----------------------------------------------------------------------------------------------

/// tcp_rcv_established: the next data, with nothing in its header but an acknowledgment and the window of the last one,
/// in memory that is reserved already.
bool TcpConnection::is_predicted_data(const Skb& skb) const {
  const bool plain = (skb.header.flags & ~unsigned{flag::kPush}) == flag::kAck;
  return m_predicts && plain && skb.size > 0 && skb.sequence == m_receive_next &&
         skb.header.window == m_window_end - m_una && unwrap(skb.header.acknowledgment, m_una) <= m_next &&
         m_reserve.covers(skb.truesize);
}

/// The receiver's fast path. A header that acknowledges nothing new says nothing new, so what waits to be sent is not
/// looked at: a tail that was held back for more stays.
void TcpConnection::process_predicted_data(Skb& skb) {
  const nic::PacketHeader header = skb.header;
  const bool news = process_data(skb);
  if (unwrap(header.acknowledgment, m_una) != m_una) {
    process_acknowledgment(header);
    check_output_and_space();
  }
  acknowledge_soon();
  if (news && readable_or_over()) wake_readers();
}

/// tcp_fast_path_check.
bool TcpConnection::may_predict() const {
  return last_window() > 0 && m_receive_window.memory() < m_receive_window.buffer();
}

// --- the handshake ---------------------------------------------------------------------------------------------------

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
  limit_segments(skb.segment_limit);
  const unsigned repeated = m_attempts;
  process_acknowledgment(skb.header);
  enter_established(repeated);
  m_predicts = false;  // tcp_finish_connect: the window of a SYN is not scaled, the others are
  if (m_ack.interactive() || m_options.defer_accept > 0) {  // one acknowledgment less: the program will send soon
    m_ack.schedule();
    m_ack.received_out_of_order(last_window(), m_receive_window.measured_segment());
    m_ack_timer.set(*this, kMostDelay);
    return;
  }
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
  if (skb.size == 0 && !has(skb, flag::kFin) && m_attempts < static_cast<unsigned>(m_options.defer_accept)) {
    m_acknowledged_early = true;
    return false;
  }
  const unsigned repeated = m_attempts;
  process_acknowledgment(skb.header);
  enter_established(repeated);
  m_predicts = true;
  become_acceptable();
  return true;
}

// --- acknowledgments -------------------------------------------------------------------------------------------------

/// tcp_ack. False when the connection ended by it.
bool TcpConnection::process_acknowledgment(const nic::PacketHeader& header) {
  const std::uint64_t acknowledged = unwrap(header.acknowledgment, m_una);
  if (acknowledged > m_highest || acknowledged < m_una) return true;
  // The newest acknowledgment's window counts, a smaller one too; packets come in order.
  if (header.window != m_window_end - m_una) m_predicts = may_predict();
  m_window_end = acknowledged + header.window;
  follow_window(header.window);
  m_attempts = 0;
  if (m_unacked.empty() && !m_unsent.empty()) {  // tcp_ack_probe
    if (m_unsent.front()->end() <= m_window_end) {
      m_backoff = 0;
      m_stalled_since.reset();
      m_probe.stop();
    } else {
      set_probe();
    }
  }
  if (acknowledged == m_una) return true;

  m_stalled_since.reset();
  const std::uint32_t in_flight_before = m_in_flight;
  const std::uint32_t segments = drop_acknowledged(acknowledged, header.timestamp_echo);
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
    if (!m_orphan) wake(0);  // sk_state_change
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
/// this acknowledgment covered. `echo`: the timestamp of what it answers, or 0.
std::uint32_t TcpConnection::drop_acknowledged(std::uint64_t acknowledged, std::uint32_t echo) {
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
    if (!skb->syn) uncharge_sending(skb->truesize);
    fragments += m_stack.skbs().release(*skb);
  }
  if (packets > 0)
    m_stack.spend(m_stack.m_config.skb_free * packets + m_stack.m_config.fragment_free * fragments, hal::Work::Packet);
  if (sent_at) {
    measure_rtt(now - *sent_at);
  } else if (packets > 0 && echo != 0) {  // of what was sent again only the timestamp says which copy is answered
    measure_rtt(std::max(1_ms * (m_stack.timestamp() - echo), Picoseconds{1_ms}));
  }
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

/// tcp_init_transfer. RFC 6298, 5.7: a handshake that had to be repeated and gave no round trip means a slow path.
/// RFC 5681, 3.1: one repeated more than once means congestion.
void TcpConnection::start_congestion_control(unsigned opening_repeated) {
  const NetConfig& config = m_stack.m_config;
  if (m_srtt == Picoseconds{}) m_rto_unmeasured = opening_repeated > 0 ? kFallbackTimeout : config.rto_initial;
  m_congestion = Reno{opening_repeated > 1 ? 1 : config.initial_window};
}

Picoseconds TcpConnection::rto() const {
  const Picoseconds base =
      m_srtt == Picoseconds{} ? m_rto_unmeasured : m_srtt + std::max(m_rttvar * 4, m_stack.m_config.rto_min);
  return base * (std::uint64_t{1} << std::min(m_backoff, kMostBackoff));
}

void TcpConnection::rearm_retransmission() {
  if (m_unacked.empty()) {
    m_retransmission.stop();
  } else {
    m_retransmission.set(*this, within_user_timeout(rto()));
  }
}

/// tcp_data_snd_check, tcp_check_space.
void TcpConnection::check_output_and_space() {
  if (m_state == State::Closed) return;
  push_pending(m_nagle);
  if (!m_wants_space) return;
  if (m_in_flight < m_congestion.window()) update_send_buffer();
  if (!writable()) return;
  m_wants_space = false;
  wake_writers();
}

// --- data ------------------------------------------------------------------------------------------------------------

Bytes TcpConnection::announced_window() const {
  return m_receive_edge > m_receive_next ? m_receive_edge - m_receive_next : 0;
}

/// tcp_data_queue. True when the reader has something new to see.
bool TcpConnection::process_data(Skb& skb) {
  const std::uint64_t end = skb.end();
  const bool old = end <= m_receive_next;
  const bool ahead = skb.sequence > m_receive_next;
  const bool beyond = skb.sequence + skb.size > std::max(m_receive_edge, m_receive_next);
  if (old || ahead || beyond) {
    m_stack.skbs().release(skb);
    if (ahead) m_predicts = false;
    m_ack.received_out_of_order(last_window(), m_receive_window.measured_segment());
    send_acknowledgment();
    return false;
  }
  // Data for a closed socket, or for one that was shut down in both directions (RFC 1122, 4.2.2.13).
  const bool nobody_reads = m_orphan || m_state == State::FinWait1 || m_state == State::FinWait2;
  if (m_receive_shutdown && nobody_reads && skb.size > 0) {
    m_stack.send_reset(skb.header);
    m_stack.skbs().release(skb);
    reset(ECONNRESET);
    return false;
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
    queue_received(skb);
  } else {
    m_stack.skbs().release(skb);
  }
  if (fin) process_fin();
  m_predicts = m_predicts || may_predict();
  return true;
}

/// tcp_queue_rcv: bytes join the packet before them when nobody else has that one (tcp_try_coalesce), which over
/// loopback is when its sender knows that it came.
void TcpConnection::queue_received(Skb& skb) {
  const NetConfig& config = m_stack.m_config;
  m_reserve.schedule(skb.truesize);
  const Bytes size = skb.size;
  Skb* const tail = m_received.back();
  const bool joins = tail != nullptr && m_stack.skbs().join(skb, *tail, config.max_fragments);
  const Bytes charged = skb.truesize - (joins ? std::min<Bytes>(config.skb_overhead, skb.truesize - size) : 0);
  m_reserve.charge(charged);
  note_data_arrival(skb, size, charged);
  if (!joins) {
    m_received.push_back(skb);
    return;
  }
  tail->truesize += static_cast<std::uint32_t>(charged);
  m_stack.skbs().release(skb);
  m_stack.spend(config.skb_free, hal::Work::Packet);
}

/// tcp_event_data_recv: the window grows, and what the acknowledgment depends on is noted.
void TcpConnection::note_data_arrival(const Skb& skb, Bytes size, Bytes charged) {
  const WriteEnd end = m_receive_window.queued({.size = size,
                                                .truesize = skb.truesize,
                                                .segment = skb.segment != 0 ? skb.segment : size,
                                                .pushed = has(skb, flag::kPush | flag::kFin),
                                                .charged = charged});
  m_ack.received(end, m_stack.m_machine.cpu.now(), last_window(), m_receive_window.measured_segment(), rto());
}

/// tcp_fin.
void TcpConnection::process_fin() {
  m_receive_shutdown = true;
  m_peer_finished = true;
  m_ack.schedule();
  switch (m_state) {
    case State::Established:
      m_state = State::CloseWait;
      m_ack.set_interactive(true);  // this end will finish soon, too
      return;
    case State::FinWait1:
      m_state = State::Closing;
      send_acknowledgment();
      return;
    case State::FinWait2:
      m_state = State::TimeWait;
      send_acknowledgment();
      // Nothing more can come; the stack keeps the port for a while.
      if (m_entered) {
        m_entered = false;
        m_stack.leave(*this);
      }
      if (m_orphan || !m_bound_port) m_stack.give_port(*this);
      m_retransmission.stop();
      m_probe.stop();
      return;
    default:
      return;
  }
}

/// __tcp_ack_snd_check: an acknowledgment goes out for more than one full segment if it need not shrink the window;
/// else the reader will send it, or the next packet, or the timer.
void TcpConnection::acknowledge_soon() {
  if (!m_ack.scheduled() || m_state == State::Closed || m_state == State::TimeWait) return;
  const bool more_than_one = m_receive_next - m_receive_told > m_receive_window.measured_segment();
  const bool reader_waits = m_received_bytes < m_receive_window.low_mark();
  if (m_ack.at_once() || (more_than_one && (reader_waits || m_receive_window.select() >= last_window()))) {
    send_acknowledgment();
  } else {
    delay_acknowledgment();
  }
}

/// tcp_send_delayed_ack.
void TcpConnection::delay_acknowledgment() {
  const Picoseconds now = m_stack.m_machine.cpu.now();
  Picoseconds delay = m_ack.delay(m_srtt);
  if (m_ack_timer.pending()) {
    const Picoseconds left = m_ack_timer.deadline() > now ? m_ack_timer.deadline() - now : Picoseconds{};
    if (left <= m_ack.about_to_expire(m_srtt)) return send_acknowledgment();
    delay = std::min(delay, left);
  }
  m_ack_timer.set(*this, delay);
}

}  // namespace sluice::net
