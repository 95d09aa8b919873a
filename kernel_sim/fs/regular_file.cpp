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

/// rw_verify_area: no transfer begins or ends beyond the largest offset.
bool beyond_offsets(std::uint64_t position, Bytes size) {
  return position > kMaxOffset || size > kMaxOffset - position;
}

class UserSource final : public WriteSource {
 public:
  UserSource(mm::UserMemory& memory, VirtAddr from) : m_memory(memory), m_at(from) {}
  Bytes prepare(Bytes size) override { return m_memory.fault_in_readable(m_at, size); }
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
  Bytes prepare(Bytes size) override { return size; }
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
  if (m_use && writable()) m_inode.release_reservation();
}

void RegularFile::close() {
  if (writable()) m_inode.release_reservation();
  m_use.reset();
  m_file_system.remove_orphans();
}

int RegularFile::changeable_flags() const { return File::changeable_flags() | O_DIRECT; }

std::uint64_t RegularFile::mappable_end() const { return kMaxOffset; }

std::uint64_t RegularFile::largest_size() const { return format::kMaxFileSize; }

bool RegularFile::same_file(const File& other) const {
  const auto* file = dynamic_cast<const RegularFile*>(&other);
  return file != nullptr && &file->m_inode == &m_inode;
}

bool RegularFile::direct() const { return (flags() & O_DIRECT) != 0; }

// --- read -----------------------------------------------------------------------------------------------------------

Result<Bytes> RegularFile::read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset) {
  if (!readable()) return refuse(EBADF);
  std::uint64_t& position = offset != nullptr ? *offset : m_position;
  if (beyond_offsets(position, size)) return refuse(EINVAL);
  m_services.charge(m_services.config.read_call);
  return direct() ? direct_read(memory, to, size, position) : buffered_read(memory, to, size, position);
}

/// filemap_read: each page is a copy (copy_page_to_iter).
Result<Bytes> RegularFile::buffered_read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t& position) {
  Bytes done = 0;
  while (done < size && position < m_inode.size()) {
    m_services.scheduler.cond_resched();
    Batch batch;
    const auto got = get_folios(position / kPageSize, divide_up(position + (size - done), kPageSize), batch);
    if (!got) return done > 0 ? Result<Bytes>{done} : refuse(got.error().value);
    if (batch.count == 0) break;
    // The size is read after the pages were found up to date: a truncated page must not be copied.
    const std::uint64_t end = std::min({m_inode.size(), position + (size - done), batch.end() * kPageSize});
    bool short_copy = false;
    for (unsigned i = 0; i < batch.count && position < end && !short_copy; ++i) {
      const mm::Folio& folio = batch.folios[i];
      const std::uint64_t folio_end = std::min(end, folio.end() * kPageSize);
      while (position < folio_end && !short_copy) {
        const Bytes piece = std::min(folio_end - position, kPageSize - position % kPageSize);
        const PhysAddr from = folio.frame.address() + (position - folio.first * kPageSize);
        const Bytes copied = memory.copy_out(from, to + done, piece);
        position += copied;
        done += copied;
        short_copy = copied < piece;
      }
    }
    m_read_ahead->previous_position = static_cast<std::int64_t>(position);
    put_folios(batch);
    if (short_copy) return done > 0 ? Result<Bytes>{done} : refuse(EFAULT);
  }
  return done;
}

/// filemap_get_pages: at least one folio with pages of [index, end), or an error; none when the file ends before.
Result<void> RegularFile::get_folios(std::uint64_t index, std::uint64_t end, Batch& batch) {
  for (;;) {
    collect(index, end, batch);
    if (batch.count == 0) {
      if (index >= m_inode.size_in_pages()) return {};
      ++m_services.statistics.page_misses;
      m_inode.read_ahead_missing(*m_read_ahead, index, end - index);
      collect(index, end, batch);
      if (batch.count == 0) m_inode.start_reading(index, 1);  // the window did not hold it
      if (batch.count == 0) collect(index, end, batch);
      if (batch.count == 0) {
        if (index >= m_inode.size_in_pages()) return {};
        if (m_services.frames.free_frames() == 0) return refuse(ENOMEM);
        continue;
      }
    } else {
      m_services.statistics.page_hits += std::min(batch.end(), end) - index;
    }
    const mm::Folio last = batch.folios[batch.count - 1];
    m_services.charge(m_services.config.page_lookup, batch.count);
    CachedPage* head = m_inode.cache().find(last.first);
    if (head != nullptr && head->is(CachedPage::kReadahead)) {
      m_inode.read_ahead_marked(*m_read_ahead, last.first, end - last.first);
    }
    // Only the last one can be on its way still.
    const auto ready = wait_ready(std::max(index, last.first), std::min({end, last.end(), m_inode.size_in_pages()}));
    head = m_inode.cache().find(last.first);
    if (ready && head != nullptr && head->frame == last.frame) return {};
    m_services.frames.put(last.frame);
    --batch.count;
    if (batch.count > 0) return {};
    if (!ready && ready.error().value != EAGAIN) return refuse(ready.error().value);
  }
}

Result<void> RegularFile::wait_ready(std::uint64_t first, std::uint64_t end) {
  for (std::uint64_t index = first; index < end; ++index) {
    if (const auto ready = m_inode.wait_uptodate(index); !ready) return ready;
  }
  return {};
}

/// Ends behind a folio with the marker and behind one that is not up to date, as filemap_get_read_batch.
void RegularFile::collect(std::uint64_t index, std::uint64_t end, Batch& batch) {
  batch.count = 0;
  PageCache& cache = m_inode.cache();
  end = std::min(end, m_inode.size_in_pages());
  while (batch.count < kBatch && index < end) {
    if (cache.find(index) == nullptr) break;
    const mm::Folio folio = cache.folio_of(index);
    m_services.frames.get(folio.frame);
    batch.folios[batch.count++] = folio;
    CachedPage& head = *cache.find(folio.first);
    head.accessed();
    const std::uint64_t wanted = std::min(end, folio.end()) - index;
    if (head.is(CachedPage::kReadahead) || cache.ready(index, wanted) < wanted) break;
    index = folio.end();
  }
}

void RegularFile::put_folios(const Batch& batch) {
  for (unsigned i = 0; i < batch.count; ++i) m_services.frames.put(batch.folios[i].frame);
}

/// filemap_splice_read: hands on references, copies nothing.
Result<Bytes> RegularFile::splice_read(SpliceSink& sink, Bytes size, std::uint64_t* offset, unsigned) {
  if (!readable()) return refuse(EBADF);
  std::uint64_t& position = offset != nullptr ? *offset : m_position;
  if (beyond_offsets(position, size)) return refuse(EINVAL);
  m_services.charge(m_services.config.splice_call);
  size = std::min(size, Bytes{sink.free_slots()} * kPageSize);
  Bytes done = 0;
  while (done < size && position < m_inode.size() && sink.free_slots() > 0) {
    m_services.scheduler.cond_resched();  // as filemap_splice_read: within one sendfile another task may run
    Batch batch;
    const auto got = get_folios(position / kPageSize, divide_up(position + (size - done), kPageSize), batch);
    if (!got) return done > 0 ? Result<Bytes>{done} : refuse(got.error().value);
    if (batch.count == 0) break;
    const std::uint64_t end = std::min({m_inode.size(), position + (size - done), batch.end() * kPageSize});
    for (unsigned i = 0; i < batch.count && position < end; ++i) {
      const Bytes piece = std::min(end, batch.folios[i].end() * kPageSize) - position;
      const Bytes given = splice_folio(sink, batch.folios[i], position, piece);
      position += given;
      done += given;
      if (given < piece) break;
    }
    m_read_ahead->previous_position = static_cast<std::int64_t>(position);
    put_folios(batch);
  }
  return done;
}

/// splice_folio_into_pipe: a slot and a reference for each page. Returns how many bytes found room.
Bytes RegularFile::splice_folio(SpliceSink& sink, const mm::Folio& folio, std::uint64_t position, Bytes size) {
  Bytes done = 0;
  std::uint64_t pages = 0;
  while (done < size && sink.free_slots() > 0) {
    const PhysAddr at = folio.frame.address() + (position + done - folio.first * kPageSize);
    const Bytes piece = std::min(size - done, at.left_in_page());
    m_services.frames.get(folio.frame);
    if (!sink.push({at, static_cast<std::uint32_t>(piece)}, Place::PageCache)) {
      m_services.frames.put(folio.frame);
      break;
    }
    done += piece;
    ++pages;
  }
  m_services.charge(m_services.config.page_splice, pages);
  return done;
}

// --- write ----------------------------------------------------------------------------------------------------------

Result<Bytes> RegularFile::write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* offset) {
  if (!writable()) return refuse(EBADF);
  std::uint64_t& position = offset != nullptr ? *offset : m_position;
  if (beyond_offsets(position, size)) return refuse(EINVAL);
  m_services.charge(m_services.config.write_call);
  if (size == 0) return 0;
  return on_disk_if_asked(locked_write(memory, from, size, position));
}

Result<Bytes> RegularFile::locked_write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t& position) {
  m_file_system.remove_orphans();
  const InodeLock lock{m_inode};
  std::uint64_t at = (flags() & O_APPEND) != 0 ? m_inode.size() : position;
  const auto written = direct() ? direct_write(memory, from, size, at) : write_from_user(memory, from, size, at);
  if (written && *written > 0) position = at;  // what wrote nothing moves nothing
  return written;
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
  if (beyond_offsets(position, size)) return refuse(EINVAL);
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
    case SEEK_HOLE: {
      if (offset < 0) return refuse(ENXIO);
      const auto from = static_cast<std::uint64_t>(offset);
      const auto found = whence == SEEK_DATA ? m_inode.find_data(from) : m_inode.find_hole(from);
      if (found) m_position = *found;
      return found;
    }
    default:
      return refuse(EINVAL);
  }
  std::int64_t target = 0;
  if (__builtin_add_overflow(base, offset, &target)) return refuse(EOVERFLOW);
  if (target < 0 || static_cast<std::uint64_t>(target) > format::kMaxFileSize) return refuse(EINVAL);
  m_position = static_cast<std::uint64_t>(target);
  return m_position;
}

Result<kernel_sim::FileStatus> RegularFile::status() {
  return kernel_sim::FileStatus{m_inode.size(), m_inode.mode(), static_cast<std::uint32_t>(kPageSize)};
}

Result<kernel_sim::FileStatus> DirectoryFile::status() {
  return kernel_sim::FileStatus{m_size, S_IFDIR | 0755, static_cast<std::uint32_t>(kPageSize)};
}

Result<std::uint64_t> DirectoryFile::seek(std::int64_t offset, int whence) {
  if (whence == SEEK_CUR) offset += static_cast<std::int64_t>(m_position);
  if ((whence != SEEK_SET && whence != SEEK_CUR) || offset < 0) return refuse(EINVAL);
  m_position = static_cast<std::uint64_t>(offset);
  return m_position;
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
      m_inode.drop_clean_folios(first, last);
      return {};
    }
    default:
      return refuse(EINVAL);
  }
}

std::shared_ptr<mm::MappedObject> RegularFile::mapped_object() {
  auto mapping = m_mapping.lock();
  if (!mapping) {
    mapping = std::make_shared<FileMapping>(m_services, m_inode, m_read_ahead, writable());
    m_mapping = mapping;
  }
  return mapping;
}

}  // namespace sluice::fs
