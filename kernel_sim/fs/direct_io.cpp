// SPDX-License-Identifier: Apache-2.0
// O_DIRECT: the disk's DMA goes to and from the program's pages.
#include <algorithm>

#include "kernel_sim/fs/regular_file.h"

namespace sluice::fs {

namespace {

constexpr Bytes kSector = block::kSectorSize;

/// References on a program's pages, given back at the end.
class Pins {
 public:
  Pins(mm::FrameAllocator& frames, std::vector<mm::Fragment> fragments)
      : m_frames(frames), m_fragments(std::move(fragments)) {}
  ~Pins() noexcept(false) {
    for (const auto& fragment : m_fragments) m_frames.put(fragment);
  }
  Pins(const Pins&) = delete;
  Pins& operator=(const Pins&) = delete;
  [[nodiscard]] std::span<const mm::Fragment> fragments() const { return m_fragments; }
  [[nodiscard]] Bytes size() const {
    Bytes sum = 0;
    for (const auto& fragment : m_fragments) sum += fragment.size;
    return sum;
  }

 private:
  mm::FrameAllocator& m_frames;
  std::vector<mm::Fragment> m_fragments;
};

bool aligned(std::uint64_t position, Bytes size, VirtAddr memory) {
  return (position | size | memory.value()) % kSector == 0;
}

}  // namespace

Result<Bytes> RegularFile::direct_read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t& position) {
  m_services.charge(m_services.config.direct_io);
  if (!aligned(position, size, to)) return refuse(EINVAL);
  if (size == 0 || position >= m_inode.size()) return 0;
  const Bytes wanted = std::min(size, round_up(m_inode.size() - position, kSector));
  const std::uint64_t first = position / kPageSize;
  const std::uint64_t end = divide_up(position + wanted, kPageSize);
  m_inode.start_write_back(first, end);
  if (const auto written = m_inode.wait_for_write_back(first, end); !written) return refuse(written.error().value);

  auto pinned = memory.pin(to, wanted, hal::Access::Write);
  if (!pinned) return refuse(pinned.error().value);
  const Pins pins{m_services.frames, std::move(*pinned)};
  if (const auto done = transfer(block::Direction::Read, pins.fragments(), position); !done) return refuse(EIO);
  const Bytes read = std::min(pins.size(), m_inode.size() > position ? m_inode.size() - position : 0);
  position += read;
  m_services.statistics.direct_bytes += read;
  return read;
}

/// The caller holds the inode's lock.
Result<Bytes> RegularFile::direct_write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t& position) {
  m_services.charge(m_services.config.direct_io);
  if (!aligned(position, size, from)) return refuse(EINVAL);
  if (position + size > format::kMaxFileSize) return refuse(EFBIG);
  const std::uint64_t first = position / kPageSize;
  // 1. A part of a block that does not exist yet goes through the page cache, which fills in the rest of the block.
  for (std::uint64_t page = first; page < divide_up(position + size, kPageSize); ++page) {
    const bool whole = position <= page * kPageSize && position + size >= (page + 1) * kPageSize;
    if (!whole && m_inode.extents().find(page).hole()) return write_through(memory, from, size, position);
  }
  auto pinned = memory.pin(from, size, hal::Access::Read);
  if (!pinned) return refuse(pinned.error().value);
  const Pins pins{m_services.frames, std::move(*pinned)};
  size = pins.size();
  if (size % kSector != 0) return refuse(EFAULT);
  const std::uint64_t end = divide_up(position + size, kPageSize);
  if (position > m_inode.size()) m_inode.zero_beyond_end();
  // 2. Nothing of the range stays in the page cache, neither before nor after. Folios go as a whole.
  if (const auto written = drop_cached(first, end); !written) return refuse(written.error().value);
  if (const auto allocated = m_inode.allocate_blocks(first, end - first); !allocated) {
    return refuse(allocated.error().value);
  }
  if (const auto done = transfer(block::Direction::Write, pins.fragments(), position); !done) return refuse(EIO);
  if (const auto written = drop_cached(first, end); !written) return refuse(written.error().value);
  m_inode.grow_to(position + size);
  position += size;
  m_services.statistics.direct_bytes += size;
  return size;
}

/// invalidate_inode_pages2_range, after filemap_write_and_wait_range.
Result<void> RegularFile::drop_cached(std::uint64_t first, std::uint64_t end) {
  m_inode.extend_to_folios(first, end);
  do {
    m_inode.start_write_back(first, end);
    if (const auto written = m_inode.wait_for_write_back(first, end); !written) return written;
    m_inode.unmap(first, end - first, false);
  } while (m_inode.cache().next_dirty(first, end) < end);  // by a mapping, meanwhile
  m_inode.drop_folios(first, end);
  return {};
}

/// Buffered, but on the disk and out of the page cache at the end.
Result<Bytes> RegularFile::write_through(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t& position) {
  const std::uint64_t first = position / kPageSize;
  const auto written = write_from_user(memory, from, size, position);
  if (!written) return written;
  const std::uint64_t end = divide_up(position, kPageSize);
  m_inode.start_write_back(first, end);
  if (const auto done = m_inode.wait_for_write_back(first, end); !done) return refuse(done.error().value);
  m_inode.drop_clean_folios(first, end);
  return written;
}

/// File bytes from `position` on to or from memory, in as few pieces as the extents allow; waits for the end.
Result<void> RegularFile::transfer(block::Direction direction, std::span<const mm::Fragment> memory,
                                   std::uint64_t position) {
  IoBatch batch{m_services};
  block::Plug plug{m_services.queue};
  std::unique_ptr<block::Bio> bio;
  std::uint64_t next_sector = 0;
  for (const auto& fragment : memory) {
    for (Bytes done = 0; done < fragment.size;) {
      const auto piece = m_inode.extents().find(position / kPageSize);
      const Bytes size = std::min<Bytes>(fragment.size - done, kPageSize - position % kPageSize);
      if (piece.hole()) {
        m_services.machine.cpu.zero(fragment.address + done, size);
      } else {
        const std::uint64_t sector = (piece.block * kPageSize + position % kPageSize) / kSector;
        if (!bio || sector != next_sector) {
          if (bio) plug.add(std::move(bio));
          m_services.charge(m_services.config.map_blocks);
          bio = batch.make_bio(direction, sector);
        }
        bio->add(fragment.address + done, size);
        next_sector = sector + size / kSector;
      }
      position += size;
      done += size;
    }
  }
  if (bio) plug.add(std::move(bio));
  plug.flush();
  return batch.wait();
}

}  // namespace sluice::fs
