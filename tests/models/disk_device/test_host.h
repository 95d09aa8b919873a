// SPDX-License-Identifier: Apache-2.0
// What stands around a disk controller in its tests: memory behind DMA that reports to the ledger as the root complex
// does, MSI, and a small driver.
#pragma once

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstring>
#include <functional>
#include <vector>

#include "models/base/ledger.h"
#include "models/disk/disk_controller.h"
#include "models/fabric/dma.h"
#include "models/fabric/memory_map.h"
#include "models/fabric/timeline.h"

namespace sluice::disk {

/// 64 MiB of memory. A DMA takes `latency` and has `rate` to itself; beyond memory it gets an address error.
class TestMemory : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<TestMemory> bus{"bus"};
  std::vector<std::byte> bytes = std::vector<std::byte>(64_MiB);
  Picoseconds latency = 500_ns;
  ByteRate rate{16'000'000'000};
  std::vector<std::pair<Picoseconds, unsigned>> interrupts;  // when, vector
  sc_core::sc_event interrupted;
  std::vector<std::pair<std::uint64_t, Bytes>> writes;  // address and size, in order

  TestMemory(sc_core::sc_module_name name, base::Ledger& ledger) : sc_module(name), m_ledger(ledger) {
    bus.register_b_transport(this, &TestMemory::b_transport);
  }
  template <class T>
  T& at(std::uint64_t address) {
    return *reinterpret_cast<T*>(bytes.data() + address);
  }

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const std::uint64_t address = payload.get_address();
    const Bytes size = payload.get_data_length();
    const Picoseconds now = fabric::to_picoseconds(sc_core::sc_time_stamp());
    if (payload.is_write() && address >= fabric::kMsiBase && address < fabric::kMsiBase + fabric::kMsiSize) {
      interrupts.emplace_back(now + fabric::to_picoseconds(delay), (address - fabric::kMsiBase) / 16);
      interrupted.notify(delay);
      payload.set_response_status(tlm::TLM_OK_RESPONSE);
      return;
    }
    if (address > bytes.size() || size > bytes.size() - address) {
      payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    const auto slot = m_link.reserve(now + fabric::to_picoseconds(delay), transfer_time(size, rate));
    delay = fabric::to_sc_time(slot.end + latency - now);
    auto* extension = payload.get_extension<fabric::DmaExtension>();
    extension->sent = slot.end;
    const bool is_data = extension->device_place != Place::KernelMemory;
    if (payload.is_write()) {
      fabric::take_data(payload, bytes.data() + address);
      writes.emplace_back(address, size);
      if (is_data) {
        m_ledger.written_by_device(extension->device_place, *extension->shadow, PhysAddr{address}, size, Mover::Dma);
      }
    } else {
      std::memcpy(payload.get_data_ptr(), bytes.data() + address, size);
      if (is_data) {
        *extension->shadow = m_ledger.read_by_device(PhysAddr{address}, size, extension->device_place, Mover::Dma);
      }
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  base::Ledger& m_ledger;
  fabric::Timeline m_link;
};

/// Programs the controller as a driver does: rings at 1 MiB and 2 MiB, data wherever the test likes.
class TestHost : public sc_core::sc_module {
 public:
  static constexpr std::uint64_t kSubmissions = 1_MiB;
  static constexpr std::uint64_t kCompletions = 2_MiB;
  static constexpr std::uint64_t kLists = 3_MiB;  // scatter-gather lists, 4 KiB per entry of the ring
  static constexpr unsigned kVector = 5;

  base::Ledger ledger;
  TestMemory memory{"memory", ledger};
  std::shared_ptr<DiskImage> image;
  DiskController disk;
  tlm_utils::simple_initiator_socket<TestHost> bus{"bus"};

  TestHost(sc_core::sc_module_name name, const DiskConfig& config)
      : sc_module(name), image(std::make_shared<DiskImage>(config.capacity)), disk("disk", config, image, ledger) {
    disk.dma.bus.bind(memory.bus);
    bus.bind(disk.registers.bus);
    ledger.record(true);
  }

  void write(const fabric::Register& r, std::uint64_t value) {
    access(tlm::TLM_WRITE_COMMAND, r.offset, value, r.size);
  }
  std::uint64_t read(const fabric::Register& r) {
    std::uint64_t value = 0;
    access(tlm::TLM_READ_COMMAND, r.offset, value, r.size);
    return value;
  }
  void enable(unsigned entries = 64) {
    m_entries = entries;
    m_tail = m_head = 0;
    m_phase = 1;
    std::memset(&memory.at<char>(kCompletions), 0, entries * sizeof(CompletionEntry));
    write(reg::kSqBase, kSubmissions);
    write(reg::kSqSize, entries);
    write(reg::kCqBase, kCompletions);
    write(reg::kCqSize, entries);
    write(reg::kVector, kVector);
    write(reg::kControl, control::kEnable);
  }
  /// Puts a command into the ring; `ring()` tells the controller. Lists of one element go inline, and a command without
  /// an id gets one.
  void put(Command command, const std::vector<SgElement>& segments) {
    if (command.command_id == 0) command.command_id = m_next_id++;
    command.segment_count = static_cast<std::uint32_t>(segments.size());
    if (segments.size() == 1) command.inline_segment = segments[0];
    if (segments.size() > 1) {
      command.segment_list = kLists + m_tail * kPageSize;
      std::memcpy(&memory.at<char>(command.segment_list), segments.data(), segments.size() * sizeof(SgElement));
    }
    memory.at<Command>(kSubmissions + m_tail * sizeof(Command)) = command;
    m_tail = (m_tail + 1) % m_entries;
  }
  void ring() { write(reg::kSqTail, m_tail); }
  /// Waits for the next completion entry, by interrupt.
  CompletionEntry next_completion() {
    auto& entry = memory.at<CompletionEntry>(kCompletions + m_head * sizeof(CompletionEntry));
    while ((entry.phase & 1U) != m_phase) sc_core::wait(memory.interrupted);
    const CompletionEntry result = entry;
    m_head = (m_head + 1) % m_entries;
    if (m_head == 0) m_phase ^= 1U;
    return result;
  }
  void return_completions() { write(reg::kCqHead, m_head); }
  static Command command(Opcode opcode, std::uint64_t first_block, std::uint32_t blocks, std::uint16_t id = 0) {
    Command result;
    result.opcode = static_cast<std::uint8_t>(opcode);
    result.command_id = id;
    result.first_block = first_block;
    result.block_count = blocks;
    return result;
  }
  static Picoseconds now() { return fabric::to_picoseconds(sc_core::sc_time_stamp()); }

 private:
  void access(tlm::tlm_command command, Bytes offset, std::uint64_t& value, unsigned size) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(offset);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    payload.set_data_length(size);
    payload.set_streaming_width(size);
    sc_core::sc_time delay;
    bus->b_transport(payload, delay);
    last_response = payload.get_response_status();
  }

 public:
  tlm::tlm_response_status last_response = tlm::TLM_INCOMPLETE_RESPONSE;

 private:
  unsigned m_entries = 0;
  unsigned m_tail = 0;
  unsigned m_head = 0;
  unsigned m_phase = 1;
  std::uint16_t m_next_id = 1000;
};

}  // namespace sluice::disk
