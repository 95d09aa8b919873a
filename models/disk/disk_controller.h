// SPDX-License-Identifier: Apache-2.0
// The disk controller: a register bank, a DMA port, and one engine that carries commands from the submission ring
// through medium and buffer to the completion ring. Its data sheet is disk_registers.h.
#pragma once

#include <systemc>

#include <cstdint>
#include <deque>
#include <memory>
#include <queue>
#include <span>
#include <vector>

#include "models/base/ledger.h"
#include "models/disk/buffer_logic.h"
#include "models/disk/command_logic.h"
#include "models/disk/disk_config.h"
#include "models/disk/disk_image.h"
#include "models/disk/medium.h"
#include "models/fabric/descriptor_reader.h"
#include "models/fabric/device.h"
#include "models/fabric/dma.h"
#include "models/fabric/message_interrupt.h"
#include "models/fabric/register_bank.h"
#include "models/fabric/ring_logic.h"
#include "models/fabric/timeline.h"

namespace sluice::disk {

struct DiskStatistics {
  std::uint64_t reads = 0;  ///< commands completed, by kind; failed ones too
  std::uint64_t writes = 0;
  std::uint64_t flushes = 0;
  std::uint64_t failed = 0;       ///< completed with a status other than success
  Bytes bytes_read = 0;           ///< medium to memory
  Bytes bytes_written = 0;        ///< memory to medium
  std::uint64_t descriptors = 0;  ///< commands and scatter-gather elements read from memory
  std::uint64_t interrupts = 0;   ///< messages sent
  std::uint64_t resets = 0;
  std::uint64_t ignored_doorbells = 0;  ///< beyond the ring, over fetched entries, or while not ready
  unsigned most_active = 0;             ///< largest number of commands worked on at once
};

class DiskController : public sc_core::sc_module, public fabric::Device {
 public:
  fabric::RegisterBank registers;
  fabric::DmaPort dma;

  DiskController(sc_core::sc_module_name name, const DiskConfig& config, std::shared_ptr<DiskImage> image,
                 base::Ledger& ledger);

  [[nodiscard]] const DiskStatistics& statistics() const { return m_statistics; }
  /// Busy time of the medium up to `now`.
  [[nodiscard]] Picoseconds medium_busy_until(Picoseconds now) const { return m_medium->busy_until(now); }
  /// What set-up read and wrote has left no trace on the medium that would make the next access fast.
  void make_medium_cold() { m_medium->stand_cold(); }
  [[nodiscard]] const DiskConfig& config() const { return m_config; }
  [[nodiscard]] const DiskImage& image() const { return *m_image; }

  fabric::RegisterBank& register_bank() override { return registers; }
  fabric::DmaPort& dma_port() override { return dma; }
  [[nodiscard]] std::uint64_t descriptors() const override { return m_statistics.descriptors; }
  [[nodiscard]] Picoseconds far_end_busy(Picoseconds now) const override { return medium_busy_until(now); }

 private:
  using Slot = std::uint32_t;  // index of a command that is worked on
  using PieceIndex = std::uint32_t;

  enum class Step : std::uint8_t {
    Fetch,
    CommandsArrived,
    SegmentsArrived,
    Transfer,
    RoomFree,
    PieceArrived,
    Sent,
    Complete,
    Interrupt
  };
  struct Due {
    Picoseconds at;
    std::uint64_t order;  // breaks ties in the order of asking
    Step step;
    std::uint32_t index;
    bool operator>(const Due& other) const { return at != other.at ? at > other.at : order > other.order; }
  };
  struct Active {
    Command command;
    SegmentList segments;
    Status status = Status::Success;
    bool listed = false;  // its scatter-gather list is here
    std::uint32_t pieces_left = 0;
    Picoseconds done;  // of the pieces so far
  };
  struct Piece {
    Slot slot = 0;
    Bytes begin = 0;  // within the command
    Bytes size = 0;
    std::vector<std::byte> data;  // of a write, on its way to the medium
    base::Shadow shadow;
  };

  // registers
  void add_registers();
  void write_control(std::uint64_t value);
  void ignore_doorbell();
  void ring_submission_doorbell(std::uint64_t tail);
  void ring_completion_doorbell(std::uint64_t head);
  template <class Field>
  void add_ring_register(const fabric::Register& reg, Field& field);

  // the engine
  void run_engine();
  void take(const Due& due);
  void fetch();
  void accept_commands();
  void accept(Slot slot);
  void accept_segments(Slot slot);
  void begin_in_order();
  void begin(Slot slot);
  void split_into_pieces(Slot slot);
  void start_waiting_pieces();
  bool start(PieceIndex index);
  void start_write(PieceIndex index);
  void send_waiting_piece();
  Picoseconds send(PieceIndex index);
  void finish_write(PieceIndex index);
  void piece_done(PieceIndex index, Picoseconds at);
  void complete(Slot slot);
  void write_completions();
  void send_interrupt();

  // helpers
  [[nodiscard]] Picoseconds now() const { return fabric::to_picoseconds(sc_core::sc_time_stamp()); }
  void schedule(Picoseconds at, Step step, std::uint32_t index = 0);
  void schedule_fetch(Picoseconds at);
  void schedule_interrupt();
  [[nodiscard]] Status validate_target(const Active& active, std::span<const SgElement> segments) const;
  void fail(Slot slot, Status status);
  void stop_with_fatal();
  void abort_all();
  [[nodiscard]] bool is_read(const Active& active) const {
    return active.command.opcode == static_cast<std::uint8_t>(Opcode::Read);
  }

  DiskConfig m_config;
  std::shared_ptr<DiskImage> m_image;
  base::Ledger& m_ledger;
  std::unique_ptr<Medium> m_medium;
  DiskStatistics m_statistics;

  // registers
  bool m_ready = false;
  bool m_fatal = false;
  std::uint64_t m_submission_base = 0;
  std::uint64_t m_completion_base = 0;
  std::uint32_t m_submission_size = 0;
  std::uint32_t m_completion_size = 0;
  std::uint32_t m_ignored_doorbells = 0;  // since reset
  fabric::DescriptorRing m_submissions;
  fabric::CompletionRing m_completions;
  fabric::MessageInterrupt m_interrupt;

  // the engine
  sc_core::sc_event m_wake;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> m_agenda;
  std::uint64_t m_order = 0;
  bool m_fetching = false;
  fabric::DescriptorReader<Command> m_reader;
  std::span<const Command> m_fetched;  // arrived or on their way
  fabric::Timeline m_processor;        // command_overhead, one command after the other
  std::deque<Slot> m_accepted;         // not begun, in the order of the ring
  std::vector<Active> m_active;
  std::vector<Slot> m_free_slots;
  std::vector<bool> m_ids_in_use;  // by command id
  std::vector<Piece> m_pieces;
  std::vector<PieceIndex> m_free_pieces;
  std::deque<PieceIndex> m_waiting;   // for room in the buffer, in order
  std::deque<PieceIndex> m_outgoing;  // read, and waiting for the link, in order
  bool m_sending = false;             // the link takes one now
  TransferBuffer m_buffer;
  std::deque<CompletionEntry> m_finished;  // for room in the completion ring, in order
  Picoseconds m_durable;                   // all that was written so far survives from then on
  std::vector<std::byte> m_data;           // a piece of a read, unless the image gives it by name
  base::NamedBytes m_named;
  std::vector<SgElement> m_segments;
  base::Shadow m_slice;
};

}  // namespace sluice::disk
