// SPDX-License-Identifier: Apache-2.0
// Several pieces of a program's memory as one (struct iov_iter): what a file reads into or writes from when the call
// names a list of buffers. The file sees one range that begins at `begin()`.
#pragma once

#include <vector>

#include "kernel_sim/mm/user_memory.h"

namespace sluice::mm {

struct MemoryPiece {
  VirtAddr at;
  Bytes size = 0;
};

class VectoredMemory final : public UserMemory {
 public:
  /// `memory` outlives this.
  VectoredMemory(UserMemory& memory, std::vector<MemoryPiece> pieces);

  /// As little aligned as the least aligned piece and size, for that is what O_DIRECT asks.
  [[nodiscard]] VirtAddr begin() const { return m_begin; }
  [[nodiscard]] Bytes size() const { return m_size; }

  Bytes copy_in(VirtAddr from, PhysAddr to, Bytes size) override;
  Bytes copy_out(PhysAddr from, VirtAddr to, Bytes size) override;
  Result<void> load(VirtAddr from, std::span<std::byte> to) override;
  Result<void> store(VirtAddr to, std::span<const std::byte> from) override;
  Result<std::vector<Fragment>> pin(VirtAddr at, Bytes size, hal::Access access) override;
  Bytes fault_in_readable(VirtAddr from, Bytes size) override;

 private:
  /// Calls act(real address, done, size) for each piece of the range, in order, until one of them does less than all of
  /// its size; returns the bytes done.
  template <class Act>
  Bytes for_each_piece(VirtAddr from, Bytes size, Act&& act) const;

  UserMemory& m_memory;
  std::vector<MemoryPiece> m_pieces;
  VirtAddr m_begin;
  Bytes m_size = 0;
};

}  // namespace sluice::mm
