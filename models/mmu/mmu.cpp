// SPDX-License-Identifier: Apache-2.0
#include "models/mmu/mmu.h"

namespace sluice::mmu {
namespace {

using fabric::TranslationAccess;

// Beyond this many pages a range is dropped by looking at every entry.
constexpr Bytes kPageByPage = 64 * kPageSize;
constexpr unsigned kLargeShift = 21;

const MmuConfig& checked(const MmuConfig& config) {
  config.check();
  return config;
}

std::uint64_t small_key(VirtAddr address) { return address.value() >> kPageShift; }
std::uint64_t large_key(VirtAddr address) { return address.value() >> kLargeShift; }
// In the second level, where both sizes meet. The mark is above all address bits, so that it does not select the set.
std::uint64_t large_key_among_both(VirtAddr address) { return large_key(address) | std::uint64_t{1} << 63; }

bool allows(const Mapping& mapping, TranslationAccess access, bool user) {
  return mapping.rights.allow(access, user) && (access != TranslationAccess::Write || mapping.dirty);
}

fabric::Translated translated(const Mapping& mapping, VirtAddr address, Picoseconds ready) {
  const Bytes offset = address - mapping.page;
  return {mapping.frame + offset, mapping.size - offset, ready};
}

}  // namespace

Mmu::Mmu(const MmuConfig& config, Frequency frequency, fabric::PageTableAccess& tables)
    : m_second_level_cost(config.stlb_hit.at(frequency)),
      m_small(checked(config).dtlb_entries, config.dtlb_ways),
      m_large(config.dtlb_large_entries, config.dtlb_large_ways),
      m_second(config.stlb_entries, config.stlb_ways),
      m_walker(config, config.walk_start.at(frequency), tables) {}

tl::expected<fabric::Translated, fabric::TranslationFault> Mmu::translate(VirtAddr address, TranslationAccess access,
                                                                          bool user, Picoseconds now) {
  if (const Mapping* found = find_first_level(address); found != nullptr && allows(*found, access, user)) [[likely]] {
    ++m_counts.dtlb_hits;
    return translated(*found, address, now);
  }
  if (!is_canonical(address)) {
    ++m_counts.faults;
    fabric::TranslationFault fault;
    fault.write = access == TranslationAccess::Write;
    fault.user = user;
    fault.execute = access == TranslationAccess::Execute;
    fault.canonical = false;
    fault.ready = now;
    return tl::unexpected{fault};
  }
  now += m_second_level_cost;
  if (const Mapping* found = find_second_level(address); found != nullptr && allows(*found, access, user)) {
    ++m_counts.stlb_hits;
    insert_first_level(*found);
    return translated(*found, address, now);
  }

  drop_page(address);
  ++m_counts.misses;
  const PageWalker::Result walk = m_walker.walk(m_root, address, access, user, now);
  m_counts.walk_accesses += walk.accesses;
  if (!walk.mapping) {
    ++m_counts.faults;
    return tl::unexpected{walk.mapping.error()};
  }
  insert_first_level(*walk.mapping);
  const bool large = walk.mapping->size == kLargePageSize;
  m_second.insert(large ? large_key_among_both(address) : small_key(address), *walk.mapping);
  return translated(*walk.mapping, address, walk.ready);
}

const Mapping* Mmu::find_first_level(VirtAddr address) {
  if (const Mapping* found = m_small.find(small_key(address))) return found;
  return m_large.find(large_key(address));
}

const Mapping* Mmu::find_second_level(VirtAddr address) {
  if (const Mapping* found = m_second.find(small_key(address))) return found;
  return m_second.find(large_key_among_both(address));
}

void Mmu::insert_first_level(const Mapping& mapping) {
  if (mapping.size == kLargePageSize) {
    m_large.insert(large_key(mapping.page), mapping);
  } else {
    m_small.insert(small_key(mapping.page), mapping);
  }
}

void Mmu::drop_page(VirtAddr address) {
  m_small.erase(small_key(address));
  m_large.erase(large_key(address));
  m_second.erase(small_key(address));
  m_second.erase(large_key_among_both(address));
}

void Mmu::set_root(PhysAddr root) {
  m_root = root.page_base();
  flush();
}

void Mmu::flush() {
  m_small.clear();
  m_large.clear();
  m_second.clear();
  m_walker.flush();
}

void Mmu::flush(VirtAddr address, Bytes size) {
  if (size == 0) return;
  m_walker.flush();
  const Bytes covered = size + address.page_offset();
  if (covered <= kPageByPage) {
    for (Bytes done = 0; done < covered; done += kPageSize) drop_page(address.page_base() + done);
    return;
  }
  const auto inside = [&](const Mapping& mapping) {
    // Written so that a range up to the end of the address space does not overflow.
    return mapping.page >= address ? mapping.page - address < size : address - mapping.page < mapping.size;
  };
  m_small.erase_if(inside);
  m_large.erase_if(inside);
  m_second.erase_if(inside);
}

}  // namespace sluice::mmu
