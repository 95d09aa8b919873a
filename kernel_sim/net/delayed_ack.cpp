// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/delayed_ack.h"

#include <algorithm>

namespace sluice::net {

namespace {
constexpr Picoseconds kMost = 200_ms;  // TCP_DELACK_MAX
}  // namespace

void DelayedAck::received(WriteEnd end, Picoseconds now, Bytes window, Bytes segment,
                          Picoseconds retransmission_timeout) {
  schedule();
  note(end);
  const Picoseconds pause = now - m_last_received;
  m_last_received = now;
  if (m_timeout == Picoseconds{}) {
    give_quick_acks(window, segment);
    m_timeout = m_least;
  } else if (pause <= m_least / 2) {
    m_timeout = m_timeout / 2 + m_least / 2;
  } else if (pause < m_timeout) {
    m_timeout = std::min(m_timeout / 2 + pause, retransmission_timeout);
  } else if (pause > retransmission_timeout) {
    give_quick_acks(window, segment);  // the sender seems to have begun anew
  }
}

void DelayedAck::note(WriteEnd end) {
  if (end == WriteEnd::Small && m_pushed) m_small_twice = true;
  if (end != WriteEnd::None) m_pushed = true;
}

void DelayedAck::give_quick_acks(Bytes window, Bytes segment) {
  const Bytes packets = window / (2 * segment);
  m_quick = std::max(m_quick, static_cast<unsigned>(std::min<Bytes>(packets == 0 ? 2 : packets, m_most_quick)));
}

void DelayedAck::received_out_of_order(Bytes window, Bytes segment) {
  give_quick_acks(window, segment);
  m_interactive = false;
  m_timeout = m_least;
}

void DelayedAck::sent() {
  if (m_quick > 0 && m_scheduled && --m_quick == 0) m_timeout = m_least;
  m_scheduled = m_pushed = m_small_twice = false;
}

void DelayedAck::sent_data(Picoseconds now) {
  if (now - m_last_received < m_timeout) m_interactive = true;
}

bool DelayedAck::timed_out(Picoseconds retransmission_timeout) {
  if (!m_scheduled) return false;
  m_timeout = m_interactive ? m_least : std::min(m_timeout * 2, retransmission_timeout);
  m_interactive = false;
  return true;
}

Picoseconds DelayedAck::delay(Picoseconds round_trip) const {
  Picoseconds most = kMost;
  if (m_timeout > m_least && round_trip > Picoseconds{}) most = std::min(most, std::max(round_trip, m_least));
  return std::min(m_timeout, most);
}

}  // namespace sluice::net
