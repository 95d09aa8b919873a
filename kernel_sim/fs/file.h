// SPDX-License-Identifier: Apache-2.0
// An open file description (struct file): what descriptors refer to. Regular files, pipe ends and sockets implement it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "kernel_sim/mm/address_space.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "kernel_sim/mm/user_memory.h"
#include "kernel_sim/sched/scheduler.h"
#include "kernel_sim/system_calls.h"
#include "models/base/result.h"

namespace sluice::fs {

/// EPIPE that comes without SIGPIPE. The program sees EPIPE.
inline constexpr int kQuietBrokenPipe = 0x1000 + EPIPE;

/// Takes page references: the writing side of a pipe as splice sees it.
class SpliceSink {
 public:
  virtual ~SpliceSink() = default;
  /// How many more fragments fit now.
  [[nodiscard]] virtual unsigned free_slots() const = 0;
  /// Takes over one reference. Refused (false, reference stays with the caller) when full.
  virtual bool push(const mm::Fragment& fragment, Place from) = 0;
};

/// Gives page references: the reading side of a pipe as splice sees it.
class SpliceSource {
 public:
  virtual ~SpliceSource() = default;
  [[nodiscard]] virtual unsigned fragments() const = 0;
  /// The i-th waiting fragment. Still owned by the pipe.
  [[nodiscard]] virtual mm::Fragment peek(unsigned i) const = 0;
  /// Bytes at the front are done with; the pipe drops its reference on fragments that are used up.
  virtual void consume(Bytes size) = 0;
  /// Where the fragments are taken from, for the ledger: the pipe, or for sendfile's internal pipe, through which they
  /// only pass, the place of the pages at the front.
  [[nodiscard]] virtual Place place() const { return Place::Pipe; }
};

/// Poll bits are those of <poll.h>. `flags` are those of open and fcntl (<fcntl.h>).
/// `offset`: null means the file's own position, which advances; else the given one is used and advanced.
class File {
 public:
  explicit File(int flags) : m_flags(flags) {}
  virtual ~File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  virtual Result<Bytes> read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset);
  virtual Result<Bytes> write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* offset);
  /// Moves up to `size` bytes as page references into `sink`; 0 at the end of the file. EINVAL when this kind of file
  /// cannot. `splice_flags` are SPLICE_F_*.
  virtual Result<Bytes> splice_read(SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned splice_flags);
  /// Takes up to `size` bytes out of `source`.
  virtual Result<Bytes> splice_write(SpliceSource& source, Bytes size, std::uint64_t* offset, unsigned splice_flags);
  /// The input of a sendfile ended before what was asked for: what splice_write holds back for more may go.
  virtual void splice_end();
  virtual Result<std::uint64_t> seek(std::int64_t offset, int whence);
  virtual Result<kernel_sim::FileStatus> status();
  /// FIONREAD; ENOTTY where nobody can say.
  virtual Result<std::uint64_t> waiting_bytes() { return refuse(ENOTTY); }
  virtual Result<void> truncate(std::uint64_t size);
  virtual Result<void> sync();
  virtual Result<void> advise(std::uint64_t offset, std::uint64_t size, int advice);
  [[nodiscard]] virtual std::int16_t poll() const;
  /// Woken whenever poll() may have changed; null when it never does.
  virtual sched::WaitQueue* poll_queue() { return nullptr; }
  /// The last descriptor is gone. May take time, other than the destructor; idempotent.
  virtual void close() {}
  /// Whether read is there at all (FMODE_CAN_READ), which is asked before the buffer is.
  [[nodiscard]] virtual bool has_read() const { return true; }
  [[nodiscard]] virtual bool has_write() const { return true; }
  /// Whether writev writes buffer by buffer, as where there is no write_iter.
  [[nodiscard]] virtual bool writes_buffer_by_buffer() const { return false; }
  [[nodiscard]] virtual bool seekable() const { return false; }
  [[nodiscard]] virtual bool is_pipe() const { return false; }
  /// Whether splice_write is there at all, which is asked before anything is waited for.
  [[nodiscard]] virtual bool takes_pages() const { return true; }
  /// Which flags F_SETFL changes; it refuses O_DIRECT where this does not name it.
  [[nodiscard]] virtual int changeable_flags() const;
  /// No mapping reaches beyond (file_mmap_size_max): the largest size of a regular file; for what has no size, all.
  [[nodiscard]] virtual std::uint64_t mappable_end() const { return ~std::uint64_t{0}; }
  [[nodiscard]] virtual int mappable_protection() const;
  /// No write goes beyond (s_maxbytes).
  [[nodiscard]] virtual std::uint64_t largest_size() const { return ~std::uint64_t{0} >> 1; }
  /// Whether both are openings of one file.
  [[nodiscard]] virtual bool same_file(const File& other) const { return this == &other; }
  /// What a mapping of this file is backed by; null when it cannot be mapped (ENODEV).
  virtual std::shared_ptr<mm::MappedObject> mapped_object() { return nullptr; }

  [[nodiscard]] int flags() const { return m_flags; }
  void set_flags(int flags) { m_flags = flags; }
  // O_ACCMODE itself is an access mode too: for neither.
  [[nodiscard]] bool readable() const { return (m_flags & 3) == 0 || (m_flags & 3) == 2; }
  [[nodiscard]] bool writable() const { return (m_flags & 3) == 1 || (m_flags & 3) == 2; }
  [[nodiscard]] bool non_blocking() const;
  /// O_PATH: names a file, and cannot be used like one.
  [[nodiscard]] bool path_only() const;

 private:
  int m_flags;
};

/// Of the inode that all files without a file system share, and of no kind (fs/anon_inodes.c).
kernel_sim::FileStatus anonymous_status();

}  // namespace sluice::fs
