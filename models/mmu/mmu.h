// SPDX-License-Identifier: Apache-2.0
// One core's address translation: two levels of TLB in front of the page walker. No SystemC.
//
//   translate ─► first level (4 KiB | 2 MiB) ─► second level (both) ─► page walker ─► page-structure caches ─► memory
//
// - A TLB hit that does not allow the access, or a write to a page whose dirty bit is not yet set, drops the entry and
//   walks: so a fault always is what the tables in memory say now.
// - set_root and flush drop everything; flush of a range drops its pages and, as INVLPG, the page-structure caches.
#pragma once

#include "models/mmu/page_walker.h"

namespace sluice::mmu {

class Mmu final : public fabric::AddressTranslation {
 public:
  /// Throws InputError when the configuration cannot be built. `tables` is how this core reaches its page tables and
  /// must outlive the MMU; `frequency` is the core's.
  Mmu(const MmuConfig& config, Frequency frequency, fabric::PageTableAccess& tables);

  void set_root(PhysAddr root) override;
  [[nodiscard]] PhysAddr root() const override { return m_root; }
  tl::expected<fabric::Translated, fabric::TranslationFault> translate(VirtAddr address,
                                                                       fabric::TranslationAccess access, bool user,
                                                                       Picoseconds now) override;
  void flush() override;
  void flush(VirtAddr address, Bytes size) override;
  [[nodiscard]] const fabric::TranslationCounts& counts() const override { return m_counts; }

 private:
  using Store = AssociativeStore<Mapping>;
  const Mapping* find_first_level(VirtAddr address);
  const Mapping* find_second_level(VirtAddr address);
  void insert_first_level(const Mapping& mapping);
  void drop_page(VirtAddr address);

  Picoseconds m_second_level_cost;
  PhysAddr m_root;
  Store m_small;   // first level, 4 KiB pages
  Store m_large;   // first level, 2 MiB pages
  Store m_second;  // both, told apart by the highest bit of the key
  PageWalker m_walker;
  fabric::TranslationCounts m_counts;
};

}  // namespace sluice::mmu
