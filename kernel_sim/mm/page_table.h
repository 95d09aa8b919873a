// SPDX-License-Identifier: Apache-2.0
// Writes the x86-64 page tables of one address space into simulated memory. Tables are frames of Place::KernelMemory.
// Every entry that maps a page, of 4 KiB or of 2 MiB, stands for one reference on its frame; who holds it is the
// caller's business.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "models/mmu/page_table_format.h"

namespace sluice::mm {

/// Bit 9 is software's: the frame is an anonymous page of this process, not the page cache's.
inline constexpr std::uint64_t kAnonymousBit = 1ULL << 9;
/// Bit 10 is software's: the anonymous page may be another process's too, since a fork (Linux: not PageAnonExclusive).
inline constexpr std::uint64_t kMaybeSharedBit = 1ULL << 10;
/// Bit 11 is software's: the page is there, but PROT_NONE keeps the processor from it (Linux: _PAGE_PROTNONE).
inline constexpr std::uint64_t kNoAccessBit = 1ULL << 11;

/// Whether the entry stands for a page, whoever may access it.
constexpr bool maps_page(std::uint64_t entry) { return (entry & (mmu::pte::kPresent | kNoAccessBit)) != 0; }

/// Pages are named by number: virtual address / 4 KiB.
class PageTable {
 public:
  static constexpr std::uint64_t kSpan = mmu::kEntriesPerTable;

  static Result<std::unique_ptr<PageTable>> create(hal::Machine& machine, FrameAllocator& frames);
  /// Gives back frames that are still mapped and the tables, without time.
  ~PageTable();
  PageTable(const PageTable&) = delete;
  PageTable& operator=(const PageTable&) = delete;

  [[nodiscard]] PhysAddr root() const { return m_root.address(); }
  /// 0 when there is none. A page within one of 2 MiB: as if it had an entry of its own, with kLargePage set.
  std::uint64_t entry(std::uint64_t page);
  Result<void> set(std::uint64_t page, std::uint64_t entry);
  /// Maps 512 pages by one entry; `page` is the first one, and has no table yet.
  Result<void> set_large(std::uint64_t page, std::uint64_t entry);
  /// Whether the lowest table for the page exists, or an entry that maps 2 MiB stands in its place.
  [[nodiscard]] bool has_table(std::uint64_t page) const { return m_leaves.contains(page / kSpan); }
  /// Reads entries from `page` on, all within one table (512-entry span); zeroes where there is no table.
  void read(std::uint64_t page, std::span<std::uint64_t> entries);
  Result<void> write(std::uint64_t page, std::span<const std::uint64_t> entries);
  /// Reads as read does.
  [[nodiscard]] bool none_mapped(std::uint64_t page, std::uint64_t count);

  /// Calls visit(page, entry&) for each entry that maps a page, of [first, end); changes are written back. An entry
  /// that maps 2 MiB is visited once, with its first page, however much of it is in the range: a file's is never split,
  /// but forgotten.
  template <class Visit>
  void update(std::uint64_t first, std::uint64_t end, Visit&& visit);

  /// Unlinks the tables of [first, end) that have no entry left; the caller puts the frames after the TLB flush.
  void unlink_empty(std::uint64_t first, std::uint64_t end, std::vector<Frame>& unlinked);

 private:
  /// A lowest table, or the large page in its place.
  struct Leaf {
    PhysAddr slot;  // of the entry that points to it, in a table of level 1
    Frame table;
    unsigned mapped = 0;
    bool large = false;
  };
  PageTable(hal::Machine& machine, FrameAllocator& frames, Frame root);
  Result<Frame> new_table();
  Result<PhysAddr> slot_of(std::uint64_t page);
  Result<Leaf*> leaf_of(std::uint64_t page);
  Leaf* find_leaf(std::uint64_t page);

  hal::Machine& m_machine;
  FrameAllocator& m_frames;
  Frame m_root;
  std::vector<Frame> m_upper;              // tables of levels 1 and 2
  std::map<std::uint64_t, Leaf> m_leaves;  // by page number / 512
};

template <class Visit>
void PageTable::update(std::uint64_t first, std::uint64_t end, Visit&& visit) {
  std::array<std::uint64_t, kSpan> buffer;
  for (auto leaf = m_leaves.lower_bound(first / kSpan); leaf != m_leaves.end();) {
    const std::uint64_t key = leaf->first;
    const std::uint64_t begin = std::max(first, key * kSpan);
    const std::uint64_t stop = std::min(end, (key + 1) * kSpan);
    if (begin >= stop) break;
    if (leaf->second.large) {
      const PhysAddr slot = leaf->second.slot;
      const auto before = m_machine.cpu.load<std::uint64_t>(slot);
      auto value = before;
      visit(key * kSpan, value);
      if (!maps_page(value)) m_leaves.erase(key);
      if (value != before) m_machine.cpu.store(slot, value);
      leaf = m_leaves.upper_bound(key);
      continue;
    }
    const auto entries = std::span{buffer}.first(stop - begin);
    const PhysAddr at = leaf->second.table.address() + (begin % kSpan) * sizeof(std::uint64_t);
    m_machine.cpu.load(at, std::as_writable_bytes(entries));
    bool changed = false;
    for (std::uint64_t page = begin; page < stop; ++page) {
      std::uint64_t& value = entries[page - begin];
      if (!maps_page(value)) continue;
      const std::uint64_t before = value;
      visit(page, value);
      changed |= value != before;
      if (!maps_page(value)) --leaf->second.mapped;
    }
    if (changed) m_machine.cpu.store(at, std::as_bytes(entries));
    leaf = m_leaves.upper_bound(key);
  }
}

}  // namespace sluice::mm
