// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/mm/vectored_memory.h"

#include <algorithm>
#include <utility>

namespace sluice::mm {

VectoredMemory::VectoredMemory(UserMemory& memory, std::vector<MemoryPiece> pieces)
    : m_memory(memory), m_pieces(std::move(pieces)) {
  std::uint64_t bits = 0;
  for (const MemoryPiece& piece : m_pieces) {
    bits |= piece.at.value() | piece.size;
    m_size += piece.size;
  }
  m_begin = VirtAddr{bits % kPageSize};
}

template <class Act>
Bytes VectoredMemory::for_each_piece(VirtAddr from, Bytes size, Act&& act) const {
  Bytes skip = from - m_begin;
  Bytes done = 0;
  for (const MemoryPiece& piece : m_pieces) {
    if (done == size) break;
    if (skip >= piece.size) {
      skip -= piece.size;
      continue;
    }
    const Bytes wanted = std::min(piece.size - skip, size - done);
    const Bytes got = act(piece.at + skip, done, wanted);
    done += got;
    if (got < wanted) break;
    skip = 0;
  }
  return done;
}

Bytes VectoredMemory::copy_in(VirtAddr from, PhysAddr to, Bytes size) {
  return for_each_piece(from, size,
                        [&](VirtAddr at, Bytes done, Bytes piece) { return m_memory.copy_in(at, to + done, piece); });
}

Bytes VectoredMemory::copy_out(PhysAddr from, VirtAddr to, Bytes size) {
  return for_each_piece(
      to, size, [&](VirtAddr at, Bytes done, Bytes piece) { return m_memory.copy_out(from + done, at, piece); });
}

Result<void> VectoredMemory::load(VirtAddr from, std::span<std::byte> to) {
  const Bytes done = for_each_piece(from, to.size(), [&](VirtAddr at, Bytes before, Bytes piece) {
    return m_memory.load(at, to.subspan(before, piece)) ? piece : Bytes{0};
  });
  if (done < to.size()) return base::refuse(EFAULT);
  return {};
}

Result<void> VectoredMemory::store(VirtAddr to, std::span<const std::byte> from) {
  const Bytes done = for_each_piece(to, from.size(), [&](VirtAddr at, Bytes before, Bytes piece) {
    return m_memory.store(at, from.subspan(before, piece)) ? piece : Bytes{0};
  });
  if (done < from.size()) return base::refuse(EFAULT);
  return {};
}

Result<std::vector<Fragment>> VectoredMemory::pin(VirtAddr at, Bytes size, hal::Access access) {
  std::vector<Fragment> all;
  const Bytes done = for_each_piece(at, size, [&](VirtAddr from, Bytes, Bytes piece) {
    const Result<std::vector<Fragment>> some = m_memory.pin(from, piece, access);
    Bytes sum = 0;
    if (some) {
      for (const Fragment& fragment : *some) sum += fragment.size;
      all.insert(all.end(), some->begin(), some->end());
    }
    return sum;
  });
  if (done == 0 && size > 0) return base::refuse(EFAULT);
  return all;
}

Bytes VectoredMemory::fault_in_readable(VirtAddr from, Bytes size) {
  return for_each_piece(from, size,
                        [&](VirtAddr at, Bytes, Bytes piece) { return m_memory.fault_in_readable(at, piece); });
}

}  // namespace sluice::mm
