// SPDX-License-Identifier: Apache-2.0
// The disk controller: a register bank, a DMA port, and one engine that carries commands from the submission ring
// through medium and buffer to the completion ring. Its data sheet is disk_registers.h.
#pragma once

#include <systemc>

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "models/base/ledger.h"
#include "models/disk/agenda.h"
#include "models/disk/command_logic.h"
#include "models/disk/data_path.h"
#include "models/disk/disk_config.h"
#include "models/disk/disk_image.h"
#include "models/disk/disk_statistics.h"
#include "models/disk/medium.h"
#include "models/fabric/descriptor_reader.h"
#include "models/fabric/device.h"
#include "models/fabric/dma.h"
#include "models/fabric/message_interrupt.h"
#include "models/fabric/register_bank.h"
#include "models/fabric/ring_logic.h"
#include "models/fabric/timeline.h"

namespace sluice::disk {

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
  void take(const Agenda::Due& due);
  void fetch();
  void accept_commands();
  void accept(Slot slot);
  void accept_segments(Slot slot);
  void begin_in_order();
  void begin(Slot slot);
  void complete(Slot slot);
  void write_completions();
  void send_interrupt();

  // helpers
  [[nodiscard]] Picoseconds now() const { return m_agenda.now(); }
  void schedule_fetch(Picoseconds at);
  void schedule_interrupt();
  [[nodiscard]] Status validate_target(const Active& active, std::span<const SgElement> segments) const;
  void fail(Slot slot, Status status);
  void stop_with_fatal();
  void abort_all();

  DiskConfig m_config;
  std::shared_ptr<DiskImage> m_image;
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
  Agenda m_agenda;
  bool m_fetching = false;
  fabric::DescriptorReader<Command> m_reader;
  std::span<const Command> m_fetched;  // arrived or on their way
  fabric::Timeline m_processor;        // command_overhead, one command after the other
  std::deque<Slot> m_accepted;         // not begun, in the order of the ring
  std::vector<Active> m_active;
  std::vector<Slot> m_free_slots;
  std::vector<bool> m_ids_in_use;          // by command id
  std::deque<CompletionEntry> m_finished;  // for room in the completion ring, in order
  DataPath m_data;
  std::vector<SgElement> m_segments;
};

}  // namespace sluice::disk
