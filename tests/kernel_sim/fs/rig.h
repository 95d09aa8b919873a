// SPDX-License-Identifier: Apache-2.0
// A fake machine with a disk in host memory, a mounted file system and a process, for tests of the file system.
#pragma once

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "kernel_sim/block/request_queue.h"
#include "kernel_sim/fs/file_system.h"
#include "kernel_sim/fs/make_file_system.h"
#include "kernel_sim/mm/address_space_memory.h"
#include "tests/support/fake_machine.h"
#include "tests/support/memory_disk.h"

namespace sluice::fs {

using tests::MemoryDisk;

inline std::byte pattern(std::uint64_t offset) { return static_cast<std::byte>((offset * 2654435761U) >> 13); }

struct Rig {
  explicit Rig(std::vector<FileToPlace> files = {{"data", 1_MiB, 1}}, std::uint32_t frame_count = 8192,
               Bytes disk_size = 8_MiB)
      : fake(Bytes{frame_count} * kPageSize),
        machine(fake.machine()),
        scheduler(machine, sched_config),
        frames(machine, fake.ledger(), mm_config, Frame{0}, frame_count),
        disk(fake, scheduler, disk_size),
        queue(machine, disk, block_config) {
    const auto image = make_file_system(disk_size, files);
    for (const auto& block : image.metadata) {
      std::copy(block.bytes.begin(), block.bytes.end(), disk.bytes.begin() + static_cast<std::ptrdiff_t>(block.offset));
    }
    for (const auto& file : image.files) {
      for (Bytes i = 0; i < file.size; ++i) disk.bytes[file.offset + i] = pattern(file.in_file + i);
      if (first_page == 0) first_page = file.offset / kPageSize;
    }
  }
  ~Rig() {
    fs.reset();
    space.reset();
    EXPECT_TRUE(frames.breaches().empty());
    EXPECT_EQ(frames.held_frames(Place::PageCache), 0U);
    EXPECT_EQ(frames.held_frames(Place::UserBuffer), 0U);
    EXPECT_EQ(frames.held_frames(Place::KernelMemory), 0U);
  }

  /// Mounts in a task with an address space and a buffer of 4 MiB at `buffer`, then runs `body` in it.
  void run(const std::function<void()>& body) {
    scheduler.spawn("task", [this, body] {
      fs = std::make_unique<FileSystem>(machine, fake.ledger(), frames, scheduler, queue, fs_config);
      ASSERT_TRUE(fs->mount().has_value());
      space = std::make_unique<mm::AddressSpace>(machine, frames, fake.ledger(), mm_config);
      memory = std::make_unique<mm::AddressSpaceMemory>(machine, frames, *space, mm_config);
      machine.cpu.set_page_table(space->root());
      scheduler.current()->page_table = space->root();
      buffer = space->map(VirtAddr{}, 4_MiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, nullptr, 0).value();
      disk.records.clear();
      body();
      space->clear();
    });
    fake.run_all(background_tasks);
  }
  std::shared_ptr<File> open(const char* path, int flags = O_RDONLY) {
    auto file = fs->open(path, flags, 0644);
    EXPECT_TRUE(file.has_value()) << path;
    return file.value_or(nullptr);
  }
  int open_error(const char* path, int flags) {
    auto file = fs->open(path, flags, 0644);
    return file ? 0 : file.error().value;
  }
  std::vector<std::byte> user(VirtAddr at, Bytes size) {
    std::vector<std::byte> bytes(size);
    EXPECT_EQ(memory->program_load(at, bytes), mm::FaultOutcome::Resolved);
    return bytes;
  }
  void set_user(VirtAddr at, std::span<const std::byte> bytes) {
    EXPECT_EQ(memory->program_store(at, bytes), mm::FaultOutcome::Resolved);
  }
  Bytes read(File& file, Bytes size) { return file.read(*memory, buffer, size, nullptr).value(); }
  Bytes read_at(File& file, Bytes size, std::uint64_t offset) {
    return file.read(*memory, buffer, size, &offset).value();
  }
  Bytes write_at(File& file, std::span<const std::byte> bytes, std::uint64_t offset) {
    set_user(buffer, bytes);
    return file.write(*memory, buffer, bytes.size(), &offset).value();
  }

  tests::FakeMachine fake;
  hal::Machine machine;
  sched::SchedConfig sched_config;
  mm::MmConfig mm_config;
  block::BlockConfig block_config;
  FsConfig fs_config;
  sched::Scheduler scheduler;
  mm::FrameAllocator frames;
  MemoryDisk disk;
  block::RequestQueue queue;
  std::unique_ptr<FileSystem> fs;
  std::unique_ptr<mm::AddressSpace> space;
  std::unique_ptr<mm::AddressSpaceMemory> memory;
  VirtAddr buffer;
  std::size_t background_tasks = 0;  ///< that a test starts and that never end
  std::uint64_t first_page = 0;      ///< disk page of the first file
};

/// A pipe's writing and reading side for splice.
class FragmentQueue final : public SpliceSink, public SpliceSource {
 public:
  FragmentQueue(mm::FrameAllocator& frames, unsigned slots) : m_frames(frames), m_slots(slots) {}
  [[nodiscard]] unsigned free_slots() const override { return m_slots - static_cast<unsigned>(held.size()); }
  bool push(const mm::Fragment& fragment, Place) override {
    if (free_slots() == 0) return false;
    held.push_back(fragment);
    return true;
  }
  [[nodiscard]] unsigned fragments() const override { return static_cast<unsigned>(held.size()); }
  [[nodiscard]] mm::Fragment peek(unsigned i) const override { return held[i]; }
  void consume(Bytes size) override {
    while (size > 0) {
      const Bytes part = std::min<Bytes>(size, held.front().size);
      held.front() = {held.front().address + part, static_cast<std::uint32_t>(held.front().size - part)};
      size -= part;
      if (held.front().size == 0) {
        m_frames.put(mm::Fragment{held.front().address - 1, 0});
        held.erase(held.begin());
      }
    }
  }
  std::vector<mm::Fragment> held;

 private:
  mm::FrameAllocator& m_frames;
  unsigned m_slots;
};

}  // namespace sluice::fs
