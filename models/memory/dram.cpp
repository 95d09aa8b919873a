// SPDX-License-Identifier: Apache-2.0
#include "models/memory/dram.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/mman.h>

#include "models/base/result.h"
#include "models/fabric/chunks.h"

namespace sluice::memory {

Dram::Dram(const MemoryConfig& config) : m_config(config) {
  if (config.size == 0 || config.size % kPageSize != 0) {
    throw base::InputError{"memory.size: must be a multiple of 4 KiB, is " + base::to_text(config.size)};
  }
  if (config.sustained().value() == 0) throw base::InputError{"memory.bandwidth: bandwidth x efficiency is zero"};
  m_buffered = transfer_time(config.write_buffer, config.sustained());
  void* bytes = mmap(nullptr, config.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED) {
    throw base::InputError{"memory.size: this host cannot provide " + base::to_text(config.size) + ": " +
                           std::strerror(errno)};
  }
  m_bytes = static_cast<std::byte*>(bytes);
}

Dram::~Dram() { munmap(m_bytes, m_config.size); }

// --- bytes -----------------------------------------------------------------------------------------------------------

void Dram::check(PhysAddr address, Bytes size) const {
  base::ensure(contains(address, size), "the address was checked against the size of memory");
}

/// Calls visit(address, size, names of the page) for each page's part of a range where the page has names.
template <class Visit>
void Dram::for_each_named_page(PhysAddr address, Bytes size, Visit&& visit) {
  fabric::for_each_page_piece(address, size, [&](PhysAddr at, Bytes piece) {
    const base::FrameRecord* record = m_names.find(Frame::of(at));
    if (record == nullptr || (record->size == 0 && !record->many)) return;
    base::ShadowPiece room;
    visit(at, piece, m_names.pieces(*record, room));
  });
}

void Dram::forget_names(PhysAddr address, Bytes size) {
  for_each_named_page(address, size, [&](PhysAddr at, Bytes n, std::span<const base::ShadowPiece> /*names*/) {
    m_names.replace(m_names.at(Frame::of(at)), at.page_offset(), n, {});
  });
}

std::span<std::byte> Dram::at(PhysAddr address, Bytes size) {
  check(address, size);
  for_each_named_page(address, size, [&](PhysAddr at, Bytes n, std::span<const base::ShadowPiece> names) {
    for (const base::ShadowPiece& name : names) {
      const base::ShadowPiece part = base::clipped(name, at.page_offset(), at.page_offset() + n);
      if (part.size != 0) m_contents->make(part, m_bytes + Frame::of(at).address().value() + part.at);
    }
    m_names.replace(m_names.at(Frame::of(at)), at.page_offset(), n, {});
  });
  return {m_bytes + address.value(), size};
}

std::span<std::byte> Dram::to_overwrite(PhysAddr address, Bytes size) {
  check(address, size);
  forget_names(address, size);
  return {m_bytes + address.value(), size};
}

bool Dram::named(PhysAddr address, Bytes size, base::NamedBytes& run) const {
  check(address, size);
  run.clear();
  run.contents = m_contents;
  Bytes at = 0;
  bool all = true;
  fabric::for_each_page_piece(address, size, [&](PhysAddr page, Bytes n) {
    const base::FrameRecord* record = all ? m_names.find(Frame::of(page)) : nullptr;
    base::ShadowPiece room;
    all = record != nullptr &&
          base::append_without_gap(run.pieces, at, m_names.pieces(*record, room), page.page_offset(), n);
    at += n;
  });
  if (!all) run.clear();
  return all;
}

void Dram::put(PhysAddr address, Bytes size, const base::NamedBytes& bytes) {
  check(address, size);
  base::ensure(m_contents == nullptr || m_contents == bytes.contents, "all names are of the same contents");
  m_contents = bytes.contents;
  Bytes done = 0;
  fabric::for_each_page_piece(address, size, [&](PhysAddr at, Bytes n) {
    m_scratch.clear();
    append_slice(m_scratch, at.page_offset(), bytes.pieces, done, n);
    m_names.replace(m_names.at(Frame::of(at)), at.page_offset(), n, m_scratch);
    done += n;
  });
}

void Dram::copy(PhysAddr from, PhysAddr to, Bytes size) {
  if (named(from, size, m_copied)) return put(to, size, m_copied);
  PhysicalMemory::copy(from, to, size);
}

// --- time ------------------------------------------------------------------------------------------------------------

Picoseconds Dram::access(Picoseconds now, Bytes read, Bytes written) {
  m_read += read;
  m_written += written;
  const Picoseconds end = m_channels.reserve(now, transfer_time(read + written, m_config.sustained()));
  if (read != 0) return end + m_config.latency;
  return std::max(now, end - m_buffered);
}

}  // namespace sluice::memory
