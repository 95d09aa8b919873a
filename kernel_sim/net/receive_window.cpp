// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/receive_window.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace sluice::net {

namespace {
constexpr unsigned kMostScale = 14;     // TCP_MAX_WSCALE
constexpr Bytes kInitialSegments = 10;  // TCP_INIT_CWND
constexpr Bytes kTimestamps = 12;
constexpr Bytes kLeastDefault = 536 - kTimestamps;  // TCP_MSS_DEFAULT
constexpr Bytes kLeastSegment = 88 - kTimestamps;   // TCP_MIN_MSS
/// rcv_rtt_est >> 3: the receiver's round trip is measured by timestamps of 1 ms, and a round is an eighth of it.
constexpr Picoseconds kRound = 125_us;
}  // namespace

void ReceiveWindow::fix_buffer(Bytes buffer) {
  m_buffer = buffer;
  m_fixed = true;
}

void ReceiveWindow::set_clamp(Bytes clamp, Bytes announced) {
  if (clamp == m_clamp) return;
  m_threshold = clamp < m_clamp ? std::min(m_threshold, clamp) : std::max(m_threshold, std::min(announced, clamp));
  m_clamp = clamp;
}

void ReceiveWindow::set_low_mark(Bytes size) {
  m_low_mark = std::max<Bytes>(std::min(size, (m_fixed ? m_buffer : m_most) / 2), 1);
  const Bytes needed = memory_for(m_low_mark);
  if (m_fixed || needed <= m_buffer) return;
  m_buffer = needed;
  if (m_clamp != 0) m_clamp = m_low_mark;
}

void ReceiveWindow::start(Bytes segment, Picoseconds now) {
  m_largest_segment = segment;
  m_clamp = m_clamp == 0 ? window_from(m_buffer) : std::min(m_clamp, window_from(m_buffer));
  // tcp_select_initial_window: the least scale with which the largest window can be announced, rounded down.
  const Bytes most = std::max(m_fixed ? m_clamp : m_most, kUnscaled);
  m_scale = std::min(static_cast<unsigned>(std::bit_width(most) - std::bit_width(kUnscaled)), kMostScale);
  m_threshold = std::min({m_clamp, kUnscaled, std::max(round_down(m_clamp, segment), segment)});
  m_last_round = std::min(m_threshold, kInitialSegments * segment);
  m_in_round = 0;
  m_round_began = now;
}

Bytes ReceiveWindow::window_from(Bytes memory) const { return memory * m_ratio / kRatioOne; }
Bytes ReceiveWindow::memory_for(Bytes window) const { return window * kRatioOne / m_ratio; }

WriteEnd ReceiveWindow::queued(const Packet& packet) {
  const WriteEnd end = measure(packet);
  m_memory += packet.charged;
  if (packet.segment >= 128) grow(packet.segment, packet.truesize);
  return end;
}

void ReceiveWindow::freed(Bytes truesize) { m_memory -= std::min(m_memory, truesize); }

/// tcp_measure_rcv_mss: full segments tell how large the peer's are, and how many bytes of memory a byte of them costs.
/// Two smaller ones of the same size are the peer's real segments.
WriteEnd ReceiveWindow::measure(const Packet& packet) {
  const Bytes size = packet.segment;
  const Bytes last_small = std::exchange(m_last_small, 0);
  if (size < m_segment) {
    if (size >= kLeastDefault || (size >= kLeastSegment && !packet.pushed)) {
      m_last_small = size;
      if (size == last_small) {
        m_segment = size;
        return WriteEnd::None;
      }
    }
    return WriteEnd::Small;
  }
  if (size != m_segment && packet.truesize > 0) {
    const Bytes ratio = std::clamp<Bytes>(size * kRatioOne / packet.truesize, 1, kRatioOne - 1);
    if (ratio != m_ratio) {
      m_ratio = ratio;
      m_clamp = window_from(m_buffer);
    }
  }
  m_segment = std::min(size, m_largest_segment);
  return packet.pushed && packet.size == m_segment ? WriteEnd::FullSegment : WriteEnd::None;
}

/// tcp_grow_window: the threshold rises by two packets for each that came, if packets of this overhead will fit.
void ReceiveWindow::grow(Bytes size, Bytes truesize) {
  const Bytes limit = std::min(m_clamp, space());
  if (limit <= m_threshold) return;
  Bytes step = 0;
  if (window_from(truesize) <= size) {
    step = 2 * m_largest_segment;
  } else {  // __tcp_grow_window: a packet that costs more than its share counts when there is room for it several times
    Bytes memory = window_from(truesize) / 2;
    for (Bytes window = window_from(m_most) / 2; m_threshold <= window; window /= 2, memory /= 2) {
      if (memory <= size) {
        step = 2 * m_segment;
        break;
      }
      if (window == 0) break;
    }
  }
  if (step > 0) m_threshold += std::min(limit - m_threshold, std::max(step, 2 * size));
}

void ReceiveWindow::read(Bytes size, Picoseconds now) {
  m_in_round += size;
  if (now - m_round_began < kRound) return;
  if (m_in_round > m_last_round) {
    if (!m_fixed) {
      Bytes wanted = 2 * m_in_round + 16 * m_largest_segment;
      wanted += 2 * (wanted * (m_in_round - m_last_round) / std::max<Bytes>(m_last_round, 1));
      const Bytes buffer = std::min(memory_for(wanted), m_most);
      if (buffer > m_buffer) {
        m_buffer = buffer;
        m_clamp = window_from(buffer);
      }
    }
    m_last_round = m_in_round;
  }
  m_in_round = 0;
  m_round_began = now;
}

Bytes ReceiveWindow::select() const {
  const Bytes segment = std::min(m_segment, full_space());
  const Bytes free = space();
  if (tight() && (free < window_from(m_buffer) / 16 || free < segment)) return 0;
  return round_up(std::min(free, m_threshold), unit());
}

}  // namespace sluice::net
