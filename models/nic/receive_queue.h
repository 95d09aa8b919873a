// SPDX-License-Identifier: Apache-2.0
// Receive side of the controller: frames from the wire -> posted buffers -> interrupt. Frames are written to memory
// when the interrupt of their group is due: never before they arrive, and later by the coalescing time at most.
#pragma once

#include <systemc>

#include <deque>
#include <optional>
#include <vector>

#include "models/nic/coalescing_logic.h"
#include "models/nic/descriptor_queue.h"
#include "models/nic/nic_registers.h"

namespace sluice::nic {

class ReceiveQueue : public DescriptorQueue {
 public:
  explicit ReceiveQueue(NicCore& core);

  // --- registers; must not wait ---
  void ring_doorbell(std::uint64_t tail);
  void set_masked(bool masked);
  void enable() { m_work.notify(sc_core::SC_ZERO_TIME); }
  /// Forgets the ring and its buffers. Frames on the wire arrive all the same.
  void reset();

  [[nodiscard]] InterruptCause& cause() { return m_cause; }

  /// Frames with arrival dates, in their order.
  void receive(Burst burst);

  /// The process: writes frames that are due to memory.
  void run();

 private:
  struct InFlight {
    Picoseconds done;
    Bytes size;
  };
  [[nodiscard]] std::optional<Picoseconds> due() const;
  void fetch_descriptors();
  /// Writes all frames that have arrived. True when software has something to look at.
  bool take_arrived();
  void take_frame(const Burst& burst, unsigned frame);
  bool write_frame(const Burst& burst, unsigned frame, BusAddr to);
  bool fits(Bytes frame);
  void write_descriptors_back();
  void count_ahead();

  sc_core::sc_event m_work;
  std::deque<Fetched<RxDescriptor>> m_fetched;
  std::vector<RxDescriptor> m_done;  // filled since the last write-back, from the ring's head on
  std::deque<Burst> m_arriving;
  unsigned m_next_frame = 0;  // of the first burst
  Coalescing m_coalescing;
  std::optional<Picoseconds> m_half_full;  // half of the FIFO has arrived: do not wait for the interrupt
  std::deque<InFlight> m_in_flight;        // frames on their way to memory
  Bytes m_in_flight_bytes = 0;
  std::vector<std::byte> m_frame;  // scratch
  InterruptCause m_cause;
  bool m_halted = false;
  std::uint64_t m_epoch = 0;
};

}  // namespace sluice::nic
