// SPDX-License-Identifier: Apache-2.0
// How much a TCP receiver lets its peer send (net/ipv4/tcp_input.c, tcp_output.c): the receive buffer counts memory
// (truesize), the window counts bytes, and the ratio between the two is learnt from the packets that come.
//
//   buffer ─ × ratio ─► most that can be announced (clamp) ─► what is announced now: min(free space, threshold)
//
// All sizes are in bytes. SystemC-free and without a clock of its own.
#pragma once

#include <algorithm>

#include "kernel_sim/net/delayed_ack.h"
#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::net {

class ReceiveWindow {
 public:
  /// `buffer`: receive buffer at first, at most `most` by autotuning.
  ReceiveWindow(Bytes buffer, Bytes most) : m_buffer(buffer), m_most(most) {}

  /// SO_RCVBUF: from now on the buffer is as set and does not follow the reader.
  void fix_buffer(Bytes buffer);
  [[nodiscard]] bool buffer_fixed() const { return m_fixed; }
  /// TCP_WINDOW_CLAMP. `announced`: what the peer may still send.
  void set_clamp(Bytes clamp, Bytes announced);
  [[nodiscard]] Bytes clamp() const { return m_clamp; }
  /// SO_RCVLOWAT, up to half of the buffer; a buffer that follows the reader grows to hold it (tcp_set_rcvlowat).
  void set_low_mark(Bytes size);
  /// Bytes that a reader waits for.
  [[nodiscard]] Bytes low_mark() const { return m_low_mark; }
  /// The connection is established: windows start from here (tcp_init_buffer_space). `segment`: largest of the path.
  void start(Bytes segment, Picoseconds now);

  // --- packets come and go ----------------------------------------------------------------------------------------
  struct Packet {
    Bytes size;                ///< payload
    Bytes truesize;            ///< memory it is charged for
    Bytes segment = size;      ///< payload per frame
    bool pushed = false;       ///< PSH or FIN
    Bytes charged = truesize;  ///< less when it joined the packet before it
  };
  /// A packet joins the queue (tcp_measure_rcv_mss, tcp_grow_window).
  WriteEnd queued(const Packet& packet);
  void freed(Bytes truesize);
  /// Receive queue memory in use (sk_rmem_alloc).
  [[nodiscard]] Bytes memory() const { return m_memory; }
  /// The program took `size` bytes; the buffer follows twice what it reads in a round trip (tcp_rcv_space_adjust).
  void read(Bytes size, Picoseconds now);

  // --- what to announce -------------------------------------------------------------------------------------------
  /// __tcp_select_window: 0 rather than a window that only a fraction of a segment fits into; a multiple of unit().
  [[nodiscard]] Bytes select() const;
  /// What a SYN may announce.
  [[nodiscard]] Bytes first() const { return m_clamp == 0 ? m_buffer / 2 : std::min(m_clamp, m_buffer / 2); }
  /// Windows are announced in 16 bits, of so many bytes each (RFC 7323). A buffer that was set by hand chooses the unit
  /// by its size, so that the largest window may be less than what the buffer would hold.
  [[nodiscard]] Bytes unit() const { return Bytes{1} << m_scale; }
  [[nodiscard]] Bytes largest() const { return kUnscaled << m_scale; }
  /// Less than half of the buffer is free: no time for quick acknowledgments.
  [[nodiscard]] bool tight() const { return space() < full_space() / 2; }
  /// Twice the present window would not pass the clamp, so a look at select() is worth its time (__tcp_cleanup_rbuf).
  [[nodiscard]] bool may_double(Bytes present) const { return 2 * present <= m_clamp; }
  /// Segment size that the peer seems to use (icsk_ack.rcv_mss).
  [[nodiscard]] Bytes measured_segment() const { return m_segment; }
  [[nodiscard]] Bytes buffer() const { return m_buffer; }

 private:
  [[nodiscard]] Bytes window_from(Bytes memory) const;
  [[nodiscard]] Bytes memory_for(Bytes window) const;
  [[nodiscard]] Bytes full_space() const { return std::min(m_clamp, window_from(m_buffer)); }
  [[nodiscard]] Bytes space() const { return window_from(m_buffer > m_memory ? m_buffer - m_memory : 0); }
  WriteEnd measure(const Packet& packet);
  void grow(Bytes size, Bytes truesize);

  static constexpr Bytes kUnscaled = 65535;
  static constexpr Bytes kRatioOne = 256;  // TCP_RMEM_TO_WIN_SCALE = 8

  Bytes m_buffer;
  Bytes m_most;
  bool m_fixed = false;
  unsigned m_scale = 0;
  Bytes m_memory = 0;
  Bytes m_ratio = kRatioOne / 2;  // TCP_DEFAULT_SCALING_RATIO: half
  Bytes m_segment = 536;          // TCP_MSS_DEFAULT until something came
  Bytes m_last_small = 0;         // size of the last packet, if it was smaller and may be the peer's real segment
  Bytes m_largest_segment = 536;
  Bytes m_low_mark = 1;
  Bytes m_clamp = 0;
  Bytes m_threshold = 0;  // rcv_ssthresh
  Bytes m_in_round = 0;   // read since the round began
  Bytes m_last_round = 0;
  Picoseconds m_round_began;
};

}  // namespace sluice::net
