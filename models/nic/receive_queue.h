// SPDX-License-Identifier: Apache-2.0
// Receive side of the controller: frames from the wire -> posted buffers -> interrupt. A frame and its descriptor are
// written to memory when the frame arrives; only the interrupt is coalesced.
#pragma once

#include <systemc>

#include <deque>
#include <optional>
#include <vector>

#include "models/nic/descriptor_queue.h"

namespace sluice::nic {

class ReceiveQueue : public DescriptorQueue<RxDescriptor> {
 public:
  explicit ReceiveQueue(NicCore& core);

  // --- registers; must not wait ---
  void ring_doorbell(std::uint64_t tail);
  void enable() { m_work.notify(sc_core::SC_ZERO_TIME); }
  /// Forgets the ring and its buffers. Frames on the wire arrive all the same.
  void reset();

  /// Frames with arrival dates, in their order.
  void receive(Burst burst);

  /// The process: writes frames to memory as they arrive.
  void run();

 private:
  struct InFlight {
    Picoseconds done;
    Bytes size;
  };
  /// When the process has something to do.
  [[nodiscard]] std::optional<Picoseconds> next() const;
  /// Writes all frames that have arrived, then their descriptors.
  void take_arrived();
  void take_frame(const Burst& burst, unsigned frame);
  bool write_frame(const Burst& burst, unsigned frame, BusAddr to);
  bool fits(Bytes frame);
  void write_descriptors_back();

  sc_core::sc_event m_work;
  std::vector<RxDescriptor> m_done;  // filled since the last write-back, from the ring's head on
  std::deque<Burst> m_arriving;
  unsigned m_next_frame = 0;         // of the first burst
  std::deque<InFlight> m_in_flight;  // frames on their way to memory
  Bytes m_in_flight_bytes = 0;
  std::vector<std::byte> m_frame;  // scratch
};

}  // namespace sluice::nic
