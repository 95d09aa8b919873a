// SPDX-License-Identifier: Apache-2.0
// Pipes on the fake machine, a program's memory without page tables, and files that splice can use.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "kernel_sim/ipc/pipe_file.h"
#include "kernel_sim/ipc/splice.h"
#include "tests/support/fake_machine.h"

namespace sluice::ipc {

/// Virtual address = physical address, in pages of the allocator; addresses from `end` on are not mapped.
class FlatMemory final : public mm::UserMemory {
 public:
  FlatMemory(hal::Machine& machine, mm::FrameAllocator& frames, unsigned order)
      : m_machine(machine), m_frames(frames), m_block(*frames.allocate_at_boot(Place::UserBuffer, order)) {
    end = begin() + (kPageSize << order);
  }
  ~FlatMemory() override { m_frames.put(m_block); }
  [[nodiscard]] VirtAddr begin() const { return VirtAddr{m_block.address().value()}; }
  VirtAddr end;

  Bytes copy_in(VirtAddr from, PhysAddr to, Bytes size) override {
    const Bytes n = reachable(from, size);
    if (n > 0) m_machine.cpu.copy(PhysAddr{from.value()}, to, n);
    return n;
  }
  Bytes copy_out(PhysAddr from, VirtAddr to, Bytes size) override {
    const Bytes n = reachable(to, size);
    if (n > 0) m_machine.cpu.copy(from, PhysAddr{to.value()}, n);
    return n;
  }
  Result<void> load(VirtAddr, std::span<std::byte>) override { return {}; }
  Result<void> store(VirtAddr, std::span<const std::byte>) override { return {}; }
  Result<std::vector<mm::Fragment>> pin(VirtAddr at, Bytes size, hal::Access) override {
    std::vector<mm::Fragment> pinned;
    Bytes left = reachable(at, size);
    while (left > 0) {
      const Bytes piece = std::min(left, at.left_in_page());
      pinned.push_back({PhysAddr{at.value()}, static_cast<std::uint32_t>(piece)});
      m_frames.get(pinned.back());
      at += piece;
      left -= piece;
    }
    if (pinned.empty()) return refuse(EFAULT);
    return pinned;
  }

 private:
  [[nodiscard]] Bytes reachable(VirtAddr at, Bytes size) const { return at >= end ? 0 : std::min(size, end - at); }
  hal::Machine& m_machine;
  mm::FrameAllocator& m_frames;
  Frame m_block;
};

struct PipeRig {
  explicit PipeRig(unsigned cores = 1)
      : fake(16_MiB, cores),
        machine(fake.machine()),
        frames(machine, fake.ledger(), mm_config, Frame{512}, 3072),
        scheduler(machine, sched_config),
        pipes{machine, frames, fake.ledger(), scheduler, config} {}

  /// Runs the body as a task, to its end.
  void run(std::function<void()> body) {
    scheduler.spawn("test", std::move(body));
    fake.run_all();
  }
  void put(VirtAddr at, const std::string& text) {
    std::memcpy(fake.bytes(PhysAddr{at.value()}, text.size()).data(), text.data(), text.size());
  }
  [[nodiscard]] std::string get(VirtAddr at, Bytes size) {
    std::string text(size, '\0');
    std::memcpy(text.data(), fake.bytes(PhysAddr{at.value()}, size).data(), size);
    return text;
  }
  [[nodiscard]] std::uint64_t frames_in_use() const { return frames.total_frames() - frames.free_frames(); }

  tests::FakeMachine fake;
  hal::Machine machine;
  mm::MmConfig mm_config;
  sched::SchedConfig sched_config;
  PipeConfig config;
  mm::FrameAllocator frames;
  sched::Scheduler scheduler;
  PipeSystem pipes;
};

/// A regular file whose pages lie in memory: gives references, takes bytes.
class MemoryFile final : public fs::File {
 public:
  MemoryFile(PipeRig& rig, std::string contents, int flags = 2) : File(flags), m_rig(rig), m_text(std::move(contents)) {
    for (Bytes at = 0; at < m_text.size(); at += kPageSize) {
      m_pages.push_back(*rig.frames.allocate_at_boot(Place::PageCache));
      rig.put(VirtAddr{m_pages.back().address().value()}, m_text.substr(at, kPageSize));
    }
  }
  ~MemoryFile() override {
    for (const Frame page : m_pages) m_rig.frames.put(page);
  }
  Result<Bytes> splice_read(fs::SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned) override {
    std::uint64_t& position = offset == nullptr ? m_position : *offset;
    Bytes done = 0;
    while (done < size && position < m_text.size() && sink.free_slots() > 0) {
      const Bytes in_page = position % kPageSize;
      const Bytes piece = std::min({size - done, kPageSize - in_page, m_text.size() - position});
      const Frame page = m_pages[position / kPageSize];
      m_rig.frames.get(page);
      sink.push({page.address() + in_page, static_cast<std::uint32_t>(piece)}, Place::PageCache);
      position += piece;
      done += piece;
    }
    return done;
  }
  Result<Bytes> splice_write(fs::SpliceSource& source, Bytes size, std::uint64_t*, unsigned flags) override {
    if (write_error != 0) return refuse(write_error);
    last_flags.push_back(flags);
    from.push_back(source.place());
    Bytes done = 0;
    while (done < std::min(size, most_per_write) && source.fragments() > 0) {
      const mm::Fragment front = source.peek(0);
      const Bytes piece = std::min<Bytes>(front.size, std::min(size, most_per_write) - done);
      written += m_rig.get(VirtAddr{front.address.value()}, piece);
      source.consume(piece);
      done += piece;
    }
    return done;
  }
  void splice_end() override { ++ends; }
  Result<std::uint64_t> seek(std::int64_t offset, int whence) override {
    if (whence == SEEK_SET) m_position = static_cast<std::uint64_t>(offset);
    return m_position;
  }
  [[nodiscard]] bool seekable() const override { return true; }

  std::string written;
  std::vector<unsigned> last_flags;
  std::vector<Place> from;
  Bytes most_per_write = ~Bytes{0};
  int write_error = 0;
  unsigned ends = 0;  ///< how often it was told that the input had ended

 private:
  PipeRig& m_rig;
  std::string m_text;
  std::vector<Frame> m_pages;
  std::uint64_t m_position = 0;
};

/// Text in which every position can be told.
inline std::string numbered(std::size_t size, unsigned seed = 0) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761U + seed) >> 13U);
  return text;
}

}  // namespace sluice::ipc
