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
  /// Page of the object at `first`. Private anonymous memory counts as if user space were the object it was mapped
  /// from.
  std::uint64_t object_first = 0;
  int allowed = 0;              ///< what mprotect may make of the protection (VM_MAYREAD and its like)
  bool locked = false;          ///< MAP_LOCKED
  bool grows_down = false;      ///< MAP_GROWSDOWN
  bool droppable = false;       ///< MAP_DROPPABLE: lost when memory is short, which it never is here
  bool dont_fork = false;       ///< MADV_DONTFORK
  bool wipe_on_fork = false;    ///< MADV_WIPEONFORK
  bool no_reserve = false;      ///< MAP_NORESERVE
  bool accounted = false;       ///< VM_ACCOUNT: was private and writable. Regions that differ stay apart
  unsigned hints = 0;           ///< what does nothing here but keep regions apart: MADV_HUGEPAGE and its like
  std::uint64_t anonymous = 0;  ///< which struct anon_vma holds its private pages; 0: it never had any
  bool inherited = false;       ///< `anonymous` goes back to a parent

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
/// Where the heap begins: where it lies for a program that Linux loads at its usual place without randomization.
constexpr std::uint64_t kHeapFirst = 0x5555'5557'9000 >> kPageShift;
/// Region::hints.
constexpr unsigned kHugePages = 1U << 0;
constexpr unsigned kNoHugePages = 1U << 1;
constexpr unsigned kDontDump = 1U << 2;
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
  std::uint64_t last_anonymous = 0;
  VirtAddr heap_end{kHeapFirst << kPageShift};  // brk

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
  /// Joins what lies at both ends of [first, end), and there, with its neighbours where nothing tells them apart.
  void merge_around(std::uint64_t first, std::uint64_t end);
  void join(std::uint64_t boundary);
  /// A private page is about to be mapped there (anon_vma_prepare).
  void note_anonymous(std::uint64_t page);
  void set_protection(Span span, int protection);
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
  [[nodiscard]] static std::uint64_t with_protection(const Region& region, std::uint64_t entry);
};

}  // namespace sluice::mm
