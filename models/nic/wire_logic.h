// SPDX-License-Identifier: Apache-2.0
// When frames are on the wire: IEEE 802.3 overhead, bursts in closed form, the transmit FIFO that they leave. No
// SystemC.
#pragma once

#include <deque>
#include <span>

#include "models/base/time.h"
#include "models/nic/packet_format.h"

namespace sluice::nic {

/// Bytes that a frame of `frame` bytes (headers and payload) takes on the wire, gap included.
constexpr Bytes wire_bytes(Bytes frame) { return (frame < kMinimumFrame ? kMinimumFrame : frame) + kFrameOverhead; }
inline constexpr Bytes kInterFrameGap = 12;
/// TCP payload bytes per second of a wire that carries full frames of `mtu` back to back.
constexpr ByteRate goodput(BitRate rate, Bytes mtu) {
  // At most 1.6e12 / 8 x 9216 = 1.8e15: no overflow.
  return ByteRate{rate.value() / 8 * segment_size(mtu) / wire_bytes(mtu + kEthernetHeader)};
}

/// Frame `frame` (and with it all before) has all its bytes in the FIFO at `at`.
struct FrameReady {
  unsigned frame;
  Picoseconds at;
};

/// Start of frame i: first_start + i x interval. It never starts before its bytes are there nor before the frame
/// before it and its gap are over.
struct BurstTiming {
  unsigned frames = 1;
  Picoseconds first_start;
  Picoseconds interval;
  Picoseconds full_frame;  ///< wire time of every frame but the last, gap included
  Picoseconds last_frame;
  [[nodiscard]] Picoseconds end() const { return first_start + interval * (frames - 1) + last_frame; }
  [[nodiscard]] Picoseconds busy() const { return full_frame * (frames - 1) + last_frame; }
};

/// Closed form for bytes that arrive at a steady rate. `ready` ascends in both members, holds frame 0 or a later one
/// first, and ends with the last frame. When arrival is the slower side, frames spread evenly over it; a hiccup in the
/// middle delays the whole burst, so times are never too early, and late by the hiccup at most.
BurstTiming schedule_burst(unsigned frames, Picoseconds full_frame, Picoseconds last_frame, Picoseconds wire_free,
                           std::span<const FrameReady> ready);

/// Occupancy of the transmit FIFO, by bytes that came from memory: a burst takes its room when its fetch is issued and
/// gives it back frame by frame.
class TransmitFifo {
 public:
  explicit TransmitFifo(Bytes capacity) : m_capacity(capacity) {}
  [[nodiscard]] Bytes capacity() const { return m_capacity; }
  /// Bytes held at `now`, which must not go back.
  Bytes held(Picoseconds now);
  /// The first instant, not before `now`, at which `size` bytes fit. `size` must not pass the capacity.
  Picoseconds room_at(Bytes size, Picoseconds now);
  void add(Bytes size, Bytes frame_payload, const BurstTiming& timing);
  void clear() { *this = TransmitFifo{m_capacity}; }

 private:
  struct Leaving {
    Bytes size;
    Bytes frame_payload;
    BurstTiming timing;
    [[nodiscard]] Bytes left_by(Picoseconds now) const;
    [[nodiscard]] Picoseconds when_left(Bytes bytes) const;
  };
  void forget(Picoseconds now);
  Bytes m_capacity;
  Bytes m_held = 0;  // of everything in m_leaving, whole bursts
  std::deque<Leaving> m_leaving;
};

}  // namespace sluice::nic
