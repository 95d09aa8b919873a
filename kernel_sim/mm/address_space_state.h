// SPDX-License-Identifier: Apache-2.0
// What address_space*.cpp share: the regions of a process and the small steps of handling its pages.
#pragma once

#include <map>
#include <set>
#include <unordered_map>

#include "kernel_sim/mm/address_space.h"
#include "kernel_sim/mm/gaps.h"
#include "kernel_sim/mm/page_table.h"

namespace sluice::mm {

/// Pages [first, end) of user space with one protection and one backing (struct vm_area_struct).
struct Region {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  int protection = 0;
  bool shared = false;
  int advice = 0;
  std::shared_ptr<MappedObject> object;  ///< null: private anonymous memory
  std::uint64_t object_first = 0;        ///< page of the object at `first`
  bool locked = false;                   ///< MAP_LOCKED
  bool grows_down = false;               ///< MAP_GROWSDOWN
  bool droppable = false;                ///< MAP_DROPPABLE: lost when memory is short, which it never is here
  bool dont_fork = false;                ///< MADV_DONTFORK
  bool wipe_on_fork = false;             ///< MADV_WIPEONFORK

  [[nodiscard]] std::uint64_t index_of(std::uint64_t page) const { return object_first + (page - first); }
  [[nodiscard]] std::uint64_t pages() const { return end - first; }
};

/// Pages [first, end) of user space.
struct Span {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  [[nodiscard]] std::uint64_t pages() const { return end - first; }
  /// Of user addresses; nothing when they are misaligned, empty or outside.
  static std::optional<Span> of(VirtAddr at, Bytes size);
};

constexpr std::uint64_t kUserPages = mmu::kUserEnd >> kPageShift;
constexpr std::uint64_t kLowestPage = 16;                   // vm.mmap_min_addr = 65536
constexpr std::uint64_t kStackLimit = (8_MiB) / kPageSize;  // RLIMIT_STACK
constexpr std::uint64_t kStackGuardGap = 256;               // stack_guard_gap
constexpr std::uint64_t kLockLimit = (8_MiB) / kPageSize;   // RLIMIT_MEMLOCK
constexpr std::uint64_t kMmapTop = kUserPages - kStackLimit - kStackGuardGap;

struct AddressSpace::State {
  hal::Machine& machine;
  FrameAllocator& frames;
  base::Ledger& ledger;
  const MmConfig& config;
  std::unique_ptr<PageTable> table;
  std::map<std::uint64_t, Region> regions = {};  // by first page
  Gaps gaps{kLowestPage, kMmapTop};
  /// First pages of the regions that map an object.
  std::unordered_map<const MappedObject*, std::set<std::uint64_t>> regions_of = {};
  std::set<std::uint64_t> guards = {};  // MADV_GUARD_INSTALL
  std::uint64_t locked_pages = 0;
  FaultCounts counts = {};

  Region* find(std::uint64_t page);
  [[nodiscard]] bool overlaps(std::uint64_t first, std::uint64_t end) const;
  /// Highest gap of `pages` below the stack.
  [[nodiscard]] Result<std::uint64_t> find_room(std::uint64_t pages) const;
  /// MAP_32BIT: the lowest gap of the second GiB.
  [[nodiscard]] Result<std::uint64_t> find_low_room(std::uint64_t pages) const;
  /// The same for a file's pages from `object_first` on, so that its 2 MiB pieces lie in page tables of their own.
  [[nodiscard]] Result<std::uint64_t> find_aligned_room(std::uint64_t pages, std::uint64_t object_first) const;
  /// Cuts a region in two so that one begins at `page`.
  void split_at(std::uint64_t page);
  void flush_tlb(std::uint64_t first, std::uint64_t pages);
  void charge_unmapping(const std::vector<Frame>& unmapped);

  // --- resolving faults (address_space_fault.cpp) ---
  FaultOutcome anonymous_fault(const Region& region, std::uint64_t page, bool write);
  FaultOutcome object_fault(const Region& region, std::uint64_t page, bool write);
  FaultOutcome write_to_protected(const Region& region, std::uint64_t page, std::uint64_t entry);
  FaultOutcome map_page(std::uint64_t page, Frame frame, std::uint64_t bits);
  FaultOutcome map_folio(const Region& region, std::uint64_t page, const Folio& folio, std::uint64_t bits);
  bool fault_around(const Region& region, std::uint64_t page);
  Result<void> map_missing(const Region& region, Span span, const Folio& folio, std::uint64_t bits);
  bool map_large(const Region& region, std::uint64_t page, const Folio& folio, std::uint64_t bits);
  void forget_large(std::uint64_t page);
  void charge_mapping(std::uint64_t pages);
  [[nodiscard]] Span window_around(const Region& region, std::uint64_t page) const;
  [[nodiscard]] static std::optional<Span> span_of(const Region& region, const Folio& folio);
  Result<Frame> zeroed_page();
  Result<Frame> private_copy(Frame from);
  [[nodiscard]] static std::uint64_t bits_of(const Region& region, bool writable);
};

}  // namespace sluice::mm
