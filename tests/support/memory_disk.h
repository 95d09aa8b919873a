// SPDX-License-Identifier: Apache-2.0
// A disk in host memory for kernels on the fake machine: a block device without a controller.
#pragma once

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "kernel_sim/block/block_device.h"
#include "kernel_sim/sched/scheduler.h"
#include "models/base/result.h"
#include "tests/support/fake_machine.h"

namespace sluice::tests {

/// Works on up to queue_depth requests, each done `latency` after its doorbell. Records every request.
class MemoryDisk final : public block::BlockDevice {
 public:
  struct Record {
    block::Direction direction;
    std::uint64_t page;  ///< of the disk
    std::uint64_t pages;
    bool operator==(const Record&) const = default;
  };
  MemoryDisk(FakeMachine& fake, sched::Scheduler& scheduler, Bytes capacity) : bytes(capacity), m_fake(fake) {
    m_limits = {capacity, 1280_KiB, 128, 32};
    fake.machine().interrupts.set_handler(1, 0, scheduler.interrupt_handler([this] { finish(); }));
    fake.disk_reader = [this](Bytes offset, std::span<std::byte> to) {
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(offset), to.size(), to.begin());
    };
  }
  [[nodiscard]] block::DeviceLimits limits() const override { return m_limits; }
  void start(block::Request& request) override { m_started.push_back(&request); }
  void commit() override {
    for (auto* request : m_started) {
      records.push_back({request->direction, request->first_sector / 8, request->sectors / 8});
      ++m_in_flight;
      base::ensure(m_in_flight <= m_limits.queue_depth, "no more requests are in flight than the disk takes");
      m_fake.after(latency, [this, request] {
        move(*request);
        m_done.push_back(request);
        m_fake.raise_interrupt(1);
      });
    }
    m_started.clear();
  }
  /// Reads since the last call, as (file page, pages) when `first` is the disk page of the file's page 0.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> take_reads(std::uint64_t first) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> reads;
    for (const auto& record : records) {
      if (record.direction == block::Direction::Read) reads.emplace_back(record.page - first, record.pages);
    }
    records.clear();
    return reads;
  }

  std::vector<std::byte> bytes;
  std::vector<Record> records;
  Picoseconds latency = 50_us;
  /// Requests that touch this disk page fail.
  std::uint64_t bad_page = ~std::uint64_t{0};
  block::DeviceLimits m_limits;

 private:
  [[nodiscard]] bool good(const block::Request& request) const {
    return request.direction == block::Direction::Flush || bad_page < request.first_sector / 8 ||
           bad_page >= (request.first_sector + request.sectors + 7) / 8;
  }
  void move(const block::Request& request) {
    if (!good(request)) return;
    auto* disk = bytes.data() + request.first_sector * block::kSectorSize;
    for (const auto& segment : request.segments) {
      auto* memory = m_fake.bytes(segment.address, segment.size).data();
      if (request.direction == block::Direction::Read) std::memcpy(memory, disk, segment.size);
      if (request.direction == block::Direction::Write) std::memcpy(disk, memory, segment.size);
      disk += segment.size;
    }
  }
  void finish() {
    const auto done = std::exchange(m_done, {});
    for (auto* request : done) {
      --m_in_flight;
      request->listener->request_finished(*request, good(*request));
    }
  }
  FakeMachine& m_fake;
  std::vector<block::Request*> m_started;
  std::vector<block::Request*> m_done;
  unsigned m_in_flight = 0;
};

}  // namespace sluice::tests
