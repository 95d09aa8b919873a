// SPDX-License-Identifier: Apache-2.0
// A process's address space: regions (struct vm_area_struct), page tables in simulated memory, demand paging,
// copy-on-write. Layout of user space is x86-64 Linux's: 128 TiB, mmap region grows down from below the stack.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <sys/mman.h>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "models/base/result.h"

namespace sluice::mm {

class AddressSpace;
struct Region;
struct Span;

/// Pages of an object that are neighbours in memory as they are in the object, and one allocation: a folio of the page
/// cache, or a single page.
struct Folio {
  std::uint64_t first = 0;  ///< index of its first page
  std::uint32_t pages = 1;
  Frame frame;  ///< of its first page

  [[nodiscard]] std::uint64_t end() const { return first + pages; }
  [[nodiscard]] Frame frame_of(std::uint64_t index) const {
    return Frame{frame.number() + static_cast<std::uint32_t>(index - first)};
  }
};

/// What a file mapping is backed by; implemented by the page cache.
class MappedObject {
 public:
  virtual ~MappedObject() = default;
  /// How many pages the object has now; an access beyond them gets SIGBUS, and nothing beyond them is mapped.
  [[nodiscard]] virtual std::uint64_t page_count() const = 0;
  /// The folio that holds page `index` of the file, read in if need be, with one reference for the caller.
  /// EFAULT beyond the end of the file (the access gets SIGBUS), EIO when it cannot be read.
  /// `major` is set when the page had to be read from the disk.
  struct Fault {
    std::uint64_t index;
    bool write;
    int advice;  ///< MADV_NORMAL, MADV_SEQUENTIAL or MADV_RANDOM
  };
  virtual Result<Folio> fault_page(const Fault& fault, bool& major) = 0;
  /// The folio that holds the page if it is cached and up to date now (fault-around), without a reference; nothing
  /// otherwise. Takes no time and never waits.
  virtual std::optional<Folio> cached_folio(std::uint64_t index) = 0;
  /// Whether the page is cached and up to date (mincore); unlike for fault-around, whatever else it is.
  virtual bool resident(std::uint64_t index);
  /// So many pages were found by fault-around.
  virtual void mapped_around(std::uint64_t pages);
  /// A shared mapping is about to write to the page. Refused (the access gets SIGBUS) when there is no room for it.
  virtual Result<void> page_dirtied(std::uint64_t index) = 0;
  /// MADV_WILLNEED.
  virtual void will_need(std::uint64_t first_index, std::uint64_t pages);
  /// MADV_REMOVE: the pages read as zeroes from now on, for everybody.
  virtual Result<void> punch_hole(std::uint64_t first_index, std::uint64_t pages);

  /// The address spaces that map this object now (the reverse map), kept by AddressSpace.
  [[nodiscard]] const std::vector<AddressSpace*>& mappers() const { return m_mappers; }

 private:
  friend class AddressSpace;
  std::vector<AddressSpace*> m_mappers;
};

/// How an access ended that the page tables did not allow.
enum class FaultOutcome { Resolved, SegmentationFault, BusError, OutOfMemory };

struct FaultCounts {
  std::uint64_t minor = 0;
  std::uint64_t major = 0;
  std::uint64_t copy_on_write = 0;  ///< pages copied because of a write to a private page; also minor or major
};

class AddressSpace {
 public:
  /// In the context of a task. InputError when there is no memory left for the first page table.
  AddressSpace(hal::Machine& machine, FrameAllocator& frames, base::Ledger& ledger, const MmConfig& config);
  /// Takes no time; a process that exits calls clear first.
  ~AddressSpace();
  AddressSpace(const AddressSpace&) = delete;
  AddressSpace& operator=(const AddressSpace&) = delete;

  /// Top page table, for set_page_table.
  [[nodiscard]] PhysAddr root() const;
  /// Where a mapping would go: EINVAL, ENOMEM, EPERM, EEXIST. Linux finds the place before it looks at the file, of
  /// which `file_page` is mapped first.
  [[nodiscard]] Result<VirtAddr> find_place(VirtAddr hint, Bytes size, int flags,
                                            std::optional<std::uint64_t> file_page) const;
  /// Linux's mmap on the current address space. `object` is null for anonymous memory. `offset` is in bytes. Whether
  /// the file's open mode allows the protection (EACCES) is the caller's to check; `allowed` is what it allows at all.
  Result<VirtAddr> map(VirtAddr hint, Bytes size, int protection, int flags, std::shared_ptr<MappedObject> object,
                       std::uint64_t offset, int allowed = PROT_READ | PROT_WRITE | PROT_EXEC);
  Result<void> unmap(VirtAddr at, Bytes size);
  Result<void> advise(VirtAddr at, Bytes size, int advice);
  /// mprotect: what lies before a gap, or before what may not have the protection, is changed all the same.
  Result<void> protect(VirtAddr at, Bytes size, int protection);
  /// mincore: for each page of the range whether an access finds it in memory (1) or not (0).
  /// EFAULT for more than `most` pages, which is as many as the caller has room for.
  Result<std::vector<std::uint8_t>> residency(VirtAddr at, Bytes size, std::uint64_t most);
  /// mremap. Pages go to their new place as they are: what changes is where the tables name them.
  Result<VirtAddr> remap(VirtAddr at, Bytes old_size, Bytes new_size, int flags, VirtAddr to);
  /// brk as the kernel answers it: where the heap ends now, which is `end` unless that was refused.
  VirtAddr set_break(VirtAddr end);
  FaultOutcome handle_fault(const hal::PageFault& fault);
  /// fork: same regions; private pages are shared and write-protected in both.
  Result<std::unique_ptr<AddressSpace>> fork();
  /// exit: unmaps everything.
  void clear();
  /// Drops the mappings of pages of `object` from `first_index` on (truncate), so that a later access faults.
  /// Private copies go too unless `private_copies` is false.
  void zap(const MappedObject& object, std::uint64_t first_index, std::uint64_t pages = ~std::uint64_t{0},
           bool private_copies = true);
  /// Makes shared mappings of the pages read-only, so that the next write is seen (write-back).
  void write_protect(const MappedObject& object, std::uint64_t first_index, std::uint64_t pages);

  /// Whether the kernel may take hold of the page to read from it: not faulting it in where PROT_READ is missing
  /// (mm/gup.c, check_vma_flags), but a page that is there is taken as the hardware allows.
  [[nodiscard]] bool may_pin_to_read(VirtAddr at) const;
  [[nodiscard]] FaultCounts faults() const;

 private:
  struct State;
  explicit AddressSpace(std::unique_ptr<State> state);
  void add_region(Region region);
  std::shared_ptr<MappedObject> remove_region(const Region& region);
  void remove_pages(std::uint64_t first, std::uint64_t end);
  void grow_down_to(std::uint64_t page);
  FaultOutcome populate(std::uint64_t first, std::uint64_t end, hal::Access access);
  Result<void> advise_region(Region& region, Span span, int advice);
  struct Remap;
  Result<std::uint64_t> remap_one(const Remap& remap);
  Result<std::uint64_t> remap_to(Remap remap);
  Result<std::uint64_t> remap_all(const Remap& remap);
  Result<std::uint64_t> expand(const Remap& remap);
  Result<void> shrink(const Remap& remap);
  Result<std::uint64_t> move_region(const Remap& remap, std::uint64_t to);
  Result<void> move_pages(Span span, std::uint64_t to);
  void extend_region(Region& region, std::uint64_t end);
  void drop_pages(Span span);
  FaultOutcome fault_in(std::uint64_t page, hal::Access access);

  std::unique_ptr<State> m_state;
};

}  // namespace sluice::mm
