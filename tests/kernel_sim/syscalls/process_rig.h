// SPDX-License-Identifier: Apache-2.0
// Processes on the fake machine: system calls over real memory management and pipes, and files kept as text.
#pragma once

#include <fcntl.h>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <sys/mman.h>
#include <sys/stat.h>

#include "kernel_sim/net/stack.h"
#include "kernel_sim/syscalls/process_table.h"
#include "tests/support/fake_machine.h"

namespace sluice::syscalls {

using kernel_sim::SystemCalls;
using kernel_sim::UserAddress;

struct ProcessRig;

/// A regular file: text on the host, pages in the machine's memory.
class TextFile final : public fs::File {
 public:
  TextFile(ProcessRig& rig, std::string& text, int flags) : File(flags), m_rig(rig), m_text(text) {}
  Result<Bytes> read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset) override;
  Result<Bytes> write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* offset) override;
  Result<Bytes> splice_read(fs::SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned flags) override;
  Result<Bytes> splice_write(fs::SpliceSource& source, Bytes size, std::uint64_t* offset, unsigned flags) override;
  Result<std::uint64_t> seek(std::int64_t offset, int whence) override {
    m_position =
        static_cast<std::uint64_t>(whence == SEEK_SET ? offset : static_cast<std::int64_t>(m_position) + offset);
    return m_position;
  }
  Result<kernel_sim::FileStatus> status() override {
    return kernel_sim::FileStatus{m_text.size(), S_IFREG | 0644, 4096};
  }
  Result<void> truncate(std::uint64_t size) override {
    m_text.resize(size);
    return {};
  }
  Result<void> sync() override { return {}; }
  Result<void> advise(std::uint64_t, std::uint64_t, int) override { return {}; }
  std::shared_ptr<mm::MappedObject> mapped_object() override;
  [[nodiscard]] bool seekable() const override { return true; }
  [[nodiscard]] std::uint64_t mappable_end() const override { return ~std::uint64_t{0} >> 1; }

 private:
  ProcessRig& m_rig;
  std::string& m_text;
  std::uint64_t m_position = 0;
};

struct ProcessRig {
  explicit ProcessRig(unsigned cores = 1)
      : fake(64_MiB, cores),
        machine(fake.machine()),
        frames(machine, fake.ledger(), mm_config, Frame{512}, 8192),
        scheduler(machine, sched_config),
        network(machine, scheduler, frames, fake.ledger(), net_config),
        pipes{machine, frames, fake.ledger(), scheduler, pipe_config},
        processes(Services{machine, fake.ledger(), scheduler, frames, mm_config, pipes,
                           [this](std::string_view path, int flags, int) { return open(path, flags); },
                           [](std::string_view) -> Result<void> { return base::refuse(ENOENT); },
                           [this](int type, int flags) { return network.create_inet_socket(type, flags); },
                           [this](int flags) { return network.create_unix_socket(flags); },
                           [this](int flags) { return network.create_unix_pair(flags); }},
                  config) {}

  /// Runs one program and everything it starts; returns its status.
  int run(ProcessTable::Main main) {
    int status = -1;
    scheduler.spawn("init", [&] { status = processes.wait_for(processes.start("program", std::move(main))); });
    fake.run_all();
    return status;
  }
  Result<std::shared_ptr<fs::File>> open(std::string_view path, int flags) {
    const auto found = files.find(std::string{path});
    if (found == files.end()) return refuse(ENOENT);
    if ((flags & O_TRUNC) != 0) found->second.clear();
    return std::make_shared<TextFile>(*this, found->second, flags);
  }
  [[nodiscard]] std::uint64_t frames_in_use() const { return frames.total_frames() - frames.free_frames(); }

  std::map<std::string, std::string> files;
  tests::FakeMachine fake;
  hal::Machine machine;
  mm::MmConfig mm_config;
  sched::SchedConfig sched_config;
  net::NetConfig net_config;
  ipc::PipeConfig pipe_config;
  SyscallConfig config;
  mm::FrameAllocator frames;
  sched::Scheduler scheduler;
  net::Stack network;
  ipc::PipeSystem pipes;
  ProcessTable processes;
};

/// Pages made from the text at each fault.
class TextPages final : public mm::MappedObject {
 public:
  TextPages(ProcessRig& rig, std::string& text) : m_rig(rig), m_text(text) {}
  ~TextPages() override {
    for (const auto& [index, frame] : m_pages) m_rig.frames.put(frame);
  }
  [[nodiscard]] std::uint64_t page_count() const override { return divide_up(m_text.size(), kPageSize); }
  Result<mm::Folio> fault_page(const Fault& fault, bool& major) override {
    if (fault.index >= page_count()) return refuse(EFAULT);
    major = false;
    if (const auto cached = cached_folio(fault.index)) {
      m_rig.frames.get(cached->frame);
      return *cached;
    }
    const auto frame = m_rig.frames.allocate(Place::PageCache);
    if (!frame) return refuse(frame.error().value);
    const auto bytes = m_rig.fake.bytes(frame->address(), kPageSize);
    const std::string part = m_text.substr(fault.index * kPageSize, kPageSize);
    std::fill(bytes.begin(), bytes.end(), std::byte{0});
    std::memcpy(bytes.data(), part.data(), part.size());
    m_pages[fault.index] = *frame;
    m_rig.frames.get(*frame);
    return mm::Folio{fault.index, 1, *frame};
  }
  std::optional<mm::Folio> cached_folio(std::uint64_t index) override {
    const auto found = m_pages.find(index);
    if (found == m_pages.end()) return {};
    return mm::Folio{index, 1, found->second};
  }
  Result<void> page_dirtied(std::uint64_t) override { return {}; }

 private:
  ProcessRig& m_rig;
  std::string& m_text;
  std::map<std::uint64_t, Frame> m_pages;
};

inline std::shared_ptr<mm::MappedObject> TextFile::mapped_object() {
  return std::make_shared<TextPages>(m_rig, m_text);
}

inline Result<Bytes> TextFile::read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset) {
  std::uint64_t& position = offset == nullptr ? m_position : *offset;
  const Bytes wanted = position >= m_text.size() ? 0 : std::min(size, m_text.size() - position);
  if (wanted == 0) return 0;
  const auto bytes = std::as_bytes(std::span{m_text}).subspan(position, wanted);
  if (!memory.store(to, bytes)) return refuse(EFAULT);
  position += wanted;
  return wanted;
}

inline Result<Bytes> TextFile::write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* offset) {
  std::uint64_t& position = offset == nullptr ? m_position : *offset;
  std::string part(size, '\0');
  if (!memory.load(from, std::as_writable_bytes(std::span{part}))) return refuse(EFAULT);
  m_text.resize(std::max<std::size_t>(m_text.size(), position + size));
  m_text.replace(position, size, part);
  position += size;
  return size;
}

inline Result<Bytes> TextFile::splice_read(fs::SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned) {
  std::uint64_t& position = offset == nullptr ? m_position : *offset;
  Bytes done = 0;
  while (done < size && position < m_text.size() && sink.free_slots() > 0) {
    const Bytes piece = std::min({size - done, kPageSize, m_text.size() - position});
    const auto frame = m_rig.frames.allocate(Place::PageCache);
    if (!frame) return tl::unexpected{frame.error()};
    std::memcpy(m_rig.fake.bytes(frame->address(), piece).data(), m_text.data() + position, piece);
    sink.push({frame->address(), static_cast<std::uint32_t>(piece)}, Place::PageCache);
    position += piece;
    done += piece;
  }
  return done;
}

inline Result<Bytes> TextFile::splice_write(fs::SpliceSource& source, Bytes size, std::uint64_t* offset, unsigned) {
  std::uint64_t& position = offset == nullptr ? m_position : *offset;
  Bytes done = 0;
  while (done < size && source.fragments() > 0) {
    const mm::Fragment front = source.peek(0);
    const Bytes piece = std::min<Bytes>(front.size, size - done);
    m_text.resize(std::max<std::size_t>(m_text.size(), position + piece));
    std::memcpy(m_text.data() + position, m_rig.fake.bytes(front.address, piece).data(), piece);
    source.consume(piece);
    position += piece;
    done += piece;
  }
  return done;
}

// --- what test programs need often
// -------------------------------------------------------------------------------------

inline UserAddress buffer(SystemCalls& calls, std::uint64_t size) {
  return static_cast<UserAddress>(
      calls.mmap(UserAddress::Null, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}
inline void put(SystemCalls& calls, UserAddress at, std::string_view text) {
  calls.store(at, std::as_bytes(std::span{text}));
}
inline std::string get(SystemCalls& calls, UserAddress at, std::size_t size) {
  std::string text(size, '\0');
  calls.load(at, std::as_writable_bytes(std::span{text}));
  return text;
}

}  // namespace sluice::syscalls
