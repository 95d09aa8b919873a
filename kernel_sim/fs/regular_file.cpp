// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/regular_file.h"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include "kernel_sim/fs/file_mapping.h"
#include "kernel_sim/fs/file_system.h"

namespace sluice::fs {

namespace {

constexpr std::uint64_t kMaxOffset = ~std::uint64_t{0} >> 1;

class UserSource final : public WriteSource {
 public:
  UserSource(mm::UserMemory& memory, VirtAddr from) : m_memory(memory), m_at(from) {}
  bool prepare(Bytes size) override {
    std::byte touched{};
    const VirtAddr last = m_at + (size - 1);
    return m_memory.load(m_at, std::span{&touched, 1}).has_value() &&
           (last.page_number() == m_at.page_number() || m_memory.load(last, std::span{&touched, 1}).has_value());
  }
  Bytes copy_to(PhysAddr to, Bytes size) override {
    const Bytes copied = m_memory.copy_in(m_at, to, size);
    m_at += copied;
    return copied;
  }

 private:
  mm::UserMemory& m_memory;
  VirtAddr m_at;
};

class FragmentSource final : public WriteSource {
 public:
  FragmentSource(hal::Cpu& cpu, PhysAddr from) : m_cpu(cpu), m_at(from) {}
  bool prepare(Bytes) override { return true; }
  Bytes copy_to(PhysAddr to, Bytes size) override {
    m_cpu.copy(m_at, to, size);
    m_at += size;
    return size;
  }

 private:
  hal::Cpu& m_cpu;
  PhysAddr m_at;
};

}  // namespace

RegularFile::RegularFile(FileSystem& file_system, Services& services, Inode& inode, int flags)
    : File(flags),
      m_file_system(file_system),
      m_services(services),
      m_inode(inode),
      m_read_ahead(std::make_shared<ReadAheadState>()) {
  m_read_ahead->max_pages = services.config.read_ahead / kPageSize;
}

RegularFile::~RegularFile() {
  if (writable()) m_inode.release_reservation();
}

bool RegularFile::direct() const { return (flags() & O_DIRECT) != 0; }

// --- read -----------------------------------------------------------------------------------------------------------

Result<Bytes> RegularFile::read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset) {
  if (!readable()) return refuse(EBADF);
  std::uint64_t& position = offset != nullptr ? *offset : m_position;
  if (position > kMaxOffset) return refuse(EINVAL);
  m_services.charge(m_services.config.read_call);
  return direct() ? direct_read(memory, to, size, position) : buffered_read(memory, to, size, position);
}

/// filemap_read.
Result<Bytes> RegularFile::buffered_read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t& position) {
  Bytes done = 0;
  while (done < size && position < m_inode.size()) {
    Batch batch;
    const std::uint64_t index = position / kPageSize;
    const auto got = get_pages(index, divide_up(position + (size - done), kPageSize), batch);
    if (!got) return done > 0 ? Result<Bytes>{done} : refuse(got.error().value);
    // The size is read after the pages were found up to date: a truncated page must not be copied.
    const std::uint64_t end = std::min({m_inode.size(), position + (size - done), (index + batch.count) * kPageSize});
    bool short_copy = false;
    while (position < end && !short_copy) {
      // Pages that are neighbours in memory are copied at once.
      const auto first = static_cast<unsigned>(position / kPageSize - index);
      unsigned run = 1;
      while (first + run < batch.count && batch.frames[first + run].number() == batch.frames[first].number() + run)
        ++run;
      const Bytes piece = std::min(end, (index + first + run) * kPageSize) - position;
      const Bytes copied = memory.copy_out(batch.frames[first].address() + position % kPageSize, to + done, piece);
      position += copied;
      done += copied;
      short_copy = copied < piece;
    }
    m_read_ahead->previous_position = static_cast<std::int64_t>(position);
    put_pages(batch, 0);
    if (short_copy) return done > 0 ? Result<Bytes>{done} : refuse(EFAULT);
    if (batch.count == 0) break;
  }
  return done;
}

/// filemap_get_pages: at least one page of [index, end), or an error; none when the file ends before.
Result<void> RegularFile::get_pages(std::uint64_t index, std::uint64_t end, Batch& batch) {
  for (;;) {
    collect(index, end, batch);
    if (batch.count == 0) {
      if (index >= m_inode.size_in_pages()) return {};
      ++m_services.statistics.page_misses;
      m_inode.read_ahead_missing(*m_read_ahead, index, end - index);
      collect(index, end, batch);
      if (batch.count == 0) m_inode.start_reading(index, 1, 0);  // the window did not hold it
      if (batch.count == 0) collect(index, end, batch);
      if (batch.count == 0) {
        if (index >= m_inode.size_in_pages()) return {};
        if (m_services.frames.free_frames() == 0) return refuse(ENOMEM);
        continue;
      }
    } else {
      m_services.statistics.page_hits += batch.count;
    }
    const std::uint64_t last = index + batch.count - 1;
    const Frame last_frame = batch.frames[batch.count - 1];
    m_services.charge(m_services.config.page_lookup, batch.count);
    CachedPage* page = m_inode.cache().find(last);
    if (page != nullptr && page->is(CachedPage::kReadahead)) {
      m_inode.read_ahead_marked(*m_read_ahead, *page, last, end - last);
    }
    // Only the last one can be on its way still.
    const auto ready = m_inode.wait_uptodate(last);
    page = m_inode.cache().find(last);
    if (ready && page->frame == last_frame) return {};
    m_services.frames.put(last_frame);
    --batch.count;
    if (batch.count > 0) return {};
    if (!ready && ready.error().value != EAGAIN) return refuse(ready.error().value);
  }
}

/// Ends behind a page with the marker and behind one that is not up to date, as filemap_get_read_batch.
void RegularFile::collect(std::uint64_t index, std::uint64_t end, Batch& batch) {
  batch.count = 0;
  end = std::min(end, m_inode.size_in_pages());
  while (batch.count < kBatch && index + batch.count < end) {
    CachedPage* page = m_inode.cache().find(index + batch.count);
    if (page == nullptr) break;
    m_services.frames.get(page->frame);
    batch.frames[batch.count++] = page->frame;
    page->accessed();
    if (page->is(CachedPage::kReadahead) || !page->is(CachedPage::kUptodate)) break;
  }
}

void RegularFile::put_pages(const Batch& batch, unsigned from) {
  for (unsigned i = from; i < batch.count; ++i) m_services.frames.put(batch.frames[i]);
}

/// filemap_splice_read: hands on references, copies nothing.
Result<Bytes> RegularFile::splice_read(SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned) {
  if (!readable()) return refuse(EBADF);
  std::uint64_t& position = offset != nullptr ? *offset : m_position;
  if (position > kMaxOffset) return refuse(EINVAL);
  m_services.charge(m_services.config.read_call);
  size = std::min(size, Bytes{sink.free_slots()} * kPageSize);
  Bytes done = 0;
  while (done < size && position < m_inode.size() && sink.free_slots() > 0) {
    Batch batch;
    const std::uint64_t index = position / kPageSize;
    const auto got = get_pages(index, divide_up(position + (size - done), kPageSize), batch);
    if (!got) return done > 0 ? Result<Bytes>{done} : refuse(got.error().value);
    if (batch.count == 0) break;
    m_services.charge(m_services.config.page_splice, batch.count);
    const std::uint64_t end = std::min({m_inode.size(), position + (size - done), (index + batch.count) * kPageSize});
    unsigned given = 0;
    for (; given < batch.count && position < end; ++given) {
      const Bytes piece = std::min(end, (index + given + 1) * kPageSize) - position;
      const mm::Fragment fragment{batch.frames[given].address() + position % kPageSize,
                                  static_cast<std::uint32_t>(piece)};
      if (!sink.push(fragment, Place::PageCache)) break;
      position += piece;
      done += piece;
    }
    m_read_ahead->previous_position = static_cast<std::int64_t>(position);
    put_pages(batch, given);
    if (given < batch.count) break;
  }
  return done;
}

// --- write ----------------------------------------------------------------------------------------------------------

Result<Bytes> RegularFile::write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* offset) {
  if (!writable()) return refuse(EBADF);
  std::uint64_t& position = offset != nullptr ? *offset : m_position;
  if (position > kMaxOffset) return refuse(EINVAL);
  m_services.charge(m_services.config.write_call);
  if (size == 0) return 0;
  return on_disk_if_asked(locked_write(memory, from, size, position));
}

Result<Bytes> RegularFile::locked_write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t& position) {
  const InodeLock lock{m_inode};
  if ((flags() & O_APPEND) != 0) position = m_inode.size();
  if (direct()) return direct_write(memory, from, size, position);
  return write_from_user(memory, from, size, position);
}

/// generic_write_sync: O_SYNC contains O_DSYNC.
Result<Bytes> RegularFile::on_disk_if_asked(const Result<Bytes>& written) {
  if (!written || *written == 0 || (flags() & O_DSYNC) == 0) return written;
  if (const auto done = sync(); !done) return refuse(done.error().value);
  return written;
}

Result<Bytes> RegularFile::write_from_user(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t& position) {
  UserSource source{memory, from};
  return buffered_write(source, size, position);
}

Result<Bytes> RegularFile::buffered_write(WriteSource& source, Bytes size, std::uint64_t& position) {
  const auto written = m_inode.write(source, size, position);
  if (written) position += *written;
  return written;
}

/// iter_file_splice_write: the bytes are copied into the page cache.
Result<Bytes> RegularFile::splice_write(SpliceSource& source, Bytes size, std::uint64_t* offset, unsigned) {
  if (!writable()) return refuse(EBADF);
  if ((flags() & O_APPEND) != 0) return refuse(EINVAL);
  std::uint64_t& position = offset != nullptr ? *offset : m_position;
  if (position > kMaxOffset) return refuse(EINVAL);
  m_services.charge(m_services.config.write_call);
  return on_disk_if_asked(locked_splice_write(source, size, position));
}

Result<Bytes> RegularFile::locked_splice_write(SpliceSource& source, Bytes size, std::uint64_t& position) {
  const InodeLock lock{m_inode};
  Bytes done = 0;
  while (done < size && source.fragments() > 0) {
    const auto fragment = source.peek(0);
    const Bytes piece = std::min<Bytes>(fragment.size, size - done);
    FragmentSource bytes{m_services.machine.cpu, fragment.address};
    const auto written = buffered_write(bytes, piece, position);
    if (!written) return done > 0 ? Result<Bytes>{done} : written;
    source.consume(*written);
    done += *written;
    if (*written < piece) break;
  }
  return done;
}

Result<void> RegularFile::truncate(std::uint64_t size) {
  if (!writable() || size > kMaxOffset) return refuse(EINVAL);
  const InodeLock lock{m_inode};
  return m_inode.truncate(size);
}

Result<void> RegularFile::sync() { return m_file_system.sync(m_inode); }

// --- position, status, advice ---------------------------------------------------------------------------------------

Result<std::uint64_t> RegularFile::seek(std::int64_t offset, int whence) {
  const auto size = static_cast<std::int64_t>(m_inode.size());
  std::int64_t base = 0;
  switch (whence) {
    case SEEK_SET:
      break;
    case SEEK_CUR:
      base = static_cast<std::int64_t>(m_position);
      break;
    case SEEK_END:
      base = size;
      break;
    case SEEK_DATA:
    case SEEK_HOLE:  // the whole file is data, with a hole at its end (generic_file_llseek)
      if (offset < 0 || offset >= size) return refuse(ENXIO);
      m_position = static_cast<std::uint64_t>(whence == SEEK_DATA ? offset : size);
      return m_position;
    default:
      return refuse(EINVAL);
  }
  std::int64_t target = 0;
  if (__builtin_add_overflow(base, offset, &target)) return refuse(EOVERFLOW);
  if (target < 0) return refuse(EINVAL);
  m_position = static_cast<std::uint64_t>(target);
  return m_position;
}

Result<kernel_sim::FileStatus> RegularFile::status() {
  return kernel_sim::FileStatus{m_inode.size(), m_inode.mode(), static_cast<std::uint32_t>(kPageSize)};
}

Result<kernel_sim::FileStatus> DirectoryFile::status() {
  return kernel_sim::FileStatus{m_size, S_IFDIR | 0755, static_cast<std::uint32_t>(kPageSize)};
}

Result<void> RegularFile::advise(std::uint64_t offset, std::uint64_t size, int advice) {
  const std::uint64_t normal = m_services.config.read_ahead / kPageSize;
  const std::uint64_t end = size == 0 || size > ~std::uint64_t{0} - offset ? ~std::uint64_t{0} : offset + size;
  switch (advice) {
    case POSIX_FADV_NORMAL:
      m_read_ahead->max_pages = normal;
      m_read_ahead->random = false;
      return {};
    case POSIX_FADV_SEQUENTIAL:
      m_read_ahead->max_pages = normal * 2;
      m_read_ahead->random = false;
      return {};
    case POSIX_FADV_RANDOM:
      m_read_ahead->random = true;
      return {};
    case POSIX_FADV_NOREUSE:
      return {};
    case POSIX_FADV_WILLNEED: {
      const std::uint64_t first = offset / kPageSize;
      const std::uint64_t last = std::min(divide_up(std::min(end, m_inode.size()), kPageSize), m_inode.size_in_pages());
      if (first < last) m_inode.read_exactly(first, last - first);
      return {};
    }
    case POSIX_FADV_DONTNEED: {
      // Whole pages only; the last one counts as whole when the range reaches the end of the file.
      const std::uint64_t first = divide_up(offset, kPageSize);
      const std::uint64_t last = end >= m_inode.size() ? m_inode.cache().end_index() : end / kPageSize;
      m_inode.start_write_back(offset / kPageSize, std::max(last, first));
      m_inode.drop_clean_pages(first, last);
      return {};
    }
    default:
      return refuse(EINVAL);
  }
}

std::shared_ptr<mm::MappedObject> RegularFile::mapped_object() {
  auto mapping = m_mapping.lock();
  if (!mapping) {
    mapping = std::make_shared<FileMapping>(m_services, m_inode, m_read_ahead);
    m_mapping = mapping;
  }
  return mapping;
}

}  // namespace sluice::fs
