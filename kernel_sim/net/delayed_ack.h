// SPDX-License-Identifier: Apache-2.0
// When a receiver acknowledges (struct inet_connection_sock, icsk_ack): the first segments at once, a bulk transfer
// when its reader is done, and an interactive one with the answer.
//
// - Interactive (Linux: ping-pong) is a connection whose program answered within the delay what had come last. Its
//   acknowledgments wait for the next answer. A delay that ran out ends it.
// - The delay follows the distance between packets, from `least` up to 200 ms.
//
// Without a clock or timers of its own: the connection sets one to delay() when it does not acknowledge.
#pragma once

#include <cstdint>

#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::net {

/// How a received packet shows the end of what its sender wrote (tcp_measure_rcv_mss).
enum class WriteEnd : std::uint8_t {
  None,
  FullSegment,  ///< pushed, and exactly a segment
  Small         ///< smaller than a segment
};

class DelayedAck {
 public:
  /// `most_quick`: segments acknowledged at once; `least`: shortest delay (TCP_ATO_MIN, TCP_DELACK_MIN).
  DelayedAck(unsigned most_quick, Picoseconds least) : m_most_quick(most_quick), m_least(least) {}

  // --- what happens -----------------------------------------------------------------------------------------------
  void connected(Picoseconds now) { m_last_received = now; }
  /// A packet with payload joined the queue (tcp_event_data_recv). `window`: announced to the peer.
  void received(WriteEnd end, Picoseconds now, Bytes window, Bytes segment, Picoseconds retransmission_timeout);
  /// Something that needs an acknowledgment came: data, or the end of the stream.
  void schedule() { m_scheduled = true; }
  /// A packet that does not continue the stream came: its sender should know soon (tcp_enter_quickack_mode).
  void received_out_of_order(Bytes window, Bytes segment);
  /// A packet with an acknowledgment left (tcp_event_ack_sent).
  void sent();
  /// A packet with payload left (tcp_event_data_sent).
  void sent_data(Picoseconds now);
  /// The delay ran out. True when an acknowledgment is to be sent (tcp_delack_timer_handler).
  bool timed_out(Picoseconds retransmission_timeout);
  /// The window is short: the sender should not be hurried (__tcp_select_window).
  void end_quick_acks() { m_quick = 0; }
  /// TCP_QUICKACK, and the other end's FIN.
  void set_interactive(bool interactive) { m_interactive = interactive; }
  /// What waits counts as pushed (TCP_QUICKACK).
  void push() { note(WriteEnd::FullSegment); }

  // --- what to do -------------------------------------------------------------------------------------------------
  [[nodiscard]] bool scheduled() const { return m_scheduled; }
  [[nodiscard]] bool interactive() const { return m_interactive; }
  [[nodiscard]] bool at_once() const { return m_quick > 0 && !m_interactive; }
  /// A reader who has emptied the queue acknowledges (__tcp_cleanup_rbuf).
  [[nodiscard]] bool reader_acknowledges() const { return m_small_twice || (m_pushed && !m_interactive); }
  /// `round_trip`: zero while it is not known (tcp_send_delayed_ack).
  [[nodiscard]] Picoseconds delay(Picoseconds round_trip) const;
  /// A timer that runs out within this time need not be waited for.
  [[nodiscard]] Picoseconds about_to_expire(Picoseconds round_trip) const { return delay(round_trip) / 4; }

 private:
  void note(WriteEnd end);
  void give_quick_acks(Bytes window, Bytes segment);

  unsigned m_most_quick;
  Picoseconds m_least;
  Picoseconds m_timeout;        // icsk_ack.ato; zero before the first data
  Picoseconds m_last_received;  // data, or the handshake
  unsigned m_quick = 0;
  bool m_interactive = false;
  bool m_scheduled = false;
  bool m_pushed = false;       // ICSK_ACK_PUSHED
  bool m_small_twice = false;  // ICSK_ACK_PUSHED2
};

}  // namespace sluice::net
