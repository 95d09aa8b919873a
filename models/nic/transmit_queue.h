// SPDX-License-Identifier: Apache-2.0
// Transmit side of the controller: descriptors -> bytes in the FIFO -> frames on the wire -> completion.
#pragma once

#include <systemc>

#include <deque>
#include <vector>

#include "models/nic/descriptor_queue.h"
#include "models/nic/transmit_logic.h"
#include "models/nic/wire_logic.h"

namespace sluice::nic {

class TransmitQueue : public DescriptorQueue<TxDescriptor> {
 public:
  explicit TransmitQueue(NicCore& core);

  // --- registers; must not wait ---
  void set_writeback(std::uint64_t address);
  void ring_doorbell(std::uint64_t tail);
  void enable() { m_work.notify(sc_core::SC_ZERO_TIME); }
  /// Forgets ring and packets not yet on the wire; the configuration registers return to their reset values.
  void reset();

  [[nodiscard]] std::uint64_t writeback() const { return m_writeback.value(); }

  // --- processes ---
  /// Takes packets from the ring to the wire.
  void run();
  /// Counts finished descriptors and raises the interrupt.
  void run_completions();

 private:
  struct Completion {
    Picoseconds at;
    std::uint32_t descriptors;
  };
  /// A portion of a packet in the FIFO.
  struct FifoContent {
    Buffer bytes;
    base::Shadow shadow;            // of all bytes
    std::vector<FrameReady> ready;  // when which frame is complete
    Picoseconds done;
    bool ok = true;
  };

  bool take_packet();
  void transmit(const GatherList& packet, unsigned descriptors, Picoseconds ready);
  FifoContent fetch(const GatherList& packet, const Portion& portion, Picoseconds earliest);
  bool emit(const GatherList& packet, const Portion& portion, FifoContent content);
  void drop(const FifoContent& content, std::uint64_t& error_kind);
  void complete(unsigned descriptors, Picoseconds at);
  void write_head_back();

  sc_core::sc_event m_work;
  sc_core::sc_event m_finished;

  BusAddr m_writeback;
  std::vector<TxDescriptor> m_packet;  // descriptors of the packet in work
  PacketHeader m_header;               // of the packet in work
  TransmitFifo m_fifo;
  std::deque<Completion> m_completions;
};

}  // namespace sluice::nic
