// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/mm/page_table.h"

#include <cstring>

namespace sluice::mm {

using namespace mmu;

namespace {

constexpr std::uint64_t kTableEntry = pte::kPresent | pte::kWritable | pte::kUser;

VirtAddr address_of(std::uint64_t page) { return VirtAddr{page << kPageShift}; }

/// What the entry of a page within a large one would be.
std::uint64_t part_of(std::uint64_t large, std::uint64_t page) {
  return large + ((page % PageTable::kSpan) << kPageShift);
}

}  // namespace

Result<std::unique_ptr<PageTable>> PageTable::create(hal::Machine& machine, FrameAllocator& frames) {
  const auto root = frames.allocate(Place::KernelMemory);
  if (!root) return refuse(root.error().value);
  machine.cpu.zero(root->address(), kPageSize);
  return std::unique_ptr<PageTable>{new PageTable{machine, frames, *root}};
}

PageTable::PageTable(hal::Machine& machine, FrameAllocator& frames, Frame root)
    : m_machine(machine), m_frames(frames), m_root(root) {}

PageTable::~PageTable() {
  for (const auto& [key, leaf] : m_leaves) {
    if (leaf.large) {
      std::uint64_t value = 0;
      std::memcpy(&value, m_machine.back_door.memory(leaf.slot, sizeof value).data(), sizeof value);
      m_frames.put_at_shutdown(Frame::of(entry_target(value)));
      continue;
    }
    if (leaf.mapped > 0) {
      std::array<std::uint64_t, kSpan> entries{};
      std::memcpy(entries.data(), m_machine.back_door.memory(leaf.table.address(), kPageSize).data(), kPageSize);
      for (const auto value : entries) {
        if (maps_page(value)) m_frames.put_at_shutdown(Frame::of(entry_target(value)));
      }
    }
    m_frames.put_at_shutdown(leaf.table);
  }
  for (const auto table : m_upper) m_frames.put_at_shutdown(table);
  m_frames.put_at_shutdown(m_root);
}

std::uint64_t PageTable::entry(std::uint64_t page) {
  Leaf* leaf = find_leaf(page);
  if (leaf == nullptr) return 0;
  if (leaf->large) return part_of(m_machine.cpu.load<std::uint64_t>(leaf->slot), page);
  return m_machine.cpu.load<std::uint64_t>(entry_address(leaf->table.address(), address_of(page), 0));
}

Result<void> PageTable::set(std::uint64_t page, std::uint64_t entry) { return write(page, std::span{&entry, 1}); }

void PageTable::read(std::uint64_t page, std::span<std::uint64_t> entries) {
  Leaf* leaf = find_leaf(page);
  if (leaf == nullptr) {
    std::fill(entries.begin(), entries.end(), 0);
    return;
  }
  if (leaf->large) {
    const auto value = m_machine.cpu.load<std::uint64_t>(leaf->slot);
    for (auto& entry : entries) entry = part_of(value, page++);
    return;
  }
  m_machine.cpu.load(entry_address(leaf->table.address(), address_of(page), 0), std::as_writable_bytes(entries));
}

Result<void> PageTable::write(std::uint64_t page, std::span<const std::uint64_t> entries) {
  const auto leaf = leaf_of(page);
  if (!leaf) return refuse(leaf.error().value);
  const PhysAddr at = entry_address((*leaf)->table.address(), address_of(page), 0);
  std::array<std::uint64_t, kSpan> before;
  const auto old = std::span{before}.first(entries.size());
  m_machine.cpu.load(at, std::as_writable_bytes(old));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    (*leaf)->mapped += maps_page(entries[i]) ? 1U : 0U;
    (*leaf)->mapped -= maps_page(old[i]) ? 1U : 0U;
  }
  m_machine.cpu.store(at, std::as_bytes(entries));
  return {};
}

bool PageTable::none_mapped(std::uint64_t page, std::uint64_t count) {
  std::array<std::uint64_t, kSpan> buffer;
  const auto entries = std::span{buffer}.first(count);
  read(page, entries);
  return std::none_of(entries.begin(), entries.end(), maps_page);
}

void PageTable::unlink_empty(std::uint64_t first, std::uint64_t end, std::vector<Frame>& unlinked) {
  for (auto leaf = m_leaves.lower_bound(first / kSpan); leaf != m_leaves.end() && leaf->first * kSpan < end;) {
    const std::uint64_t key = leaf->first;
    if (leaf->second.mapped == 0) {
      const PhysAddr slot = leaf->second.slot;
      unlinked.push_back(leaf->second.table);
      m_leaves.erase(leaf);
      m_machine.cpu.store(slot, std::uint64_t{0});
    }
    leaf = m_leaves.upper_bound(key);
  }
}

Result<Frame> PageTable::new_table() {
  const auto table = m_frames.allocate(Place::KernelMemory);
  if (table) m_machine.cpu.zero(table->address(), kPageSize);
  return table;
}

PageTable::Leaf* PageTable::find_leaf(std::uint64_t page) {
  const auto found = m_leaves.find(page / kSpan);
  return found == m_leaves.end() ? nullptr : &found->second;
}

/// Where level 1 has its entry for the page; makes the tables down to there.
Result<PhysAddr> PageTable::slot_of(std::uint64_t page) {
  const VirtAddr address = address_of(page);
  PhysAddr table = root();
  for (unsigned level = kLevels - 1; level > 1; --level) {
    const PhysAddr at = entry_address(table, address, level);
    const auto value = m_machine.cpu.load<std::uint64_t>(at);
    if ((value & pte::kPresent) != 0) {
      table = entry_target(value);
      continue;
    }
    const auto fresh = new_table();
    if (!fresh) return refuse(fresh.error().value);
    // The table is zeroed in memory before an entry points to it: a walker may follow at once.
    m_machine.cpu.store(at, fresh->address().value() | kTableEntry);
    table = fresh->address();
    m_upper.push_back(*fresh);
  }
  return entry_address(table, address, 1);
}

Result<PageTable::Leaf*> PageTable::leaf_of(std::uint64_t page) {
  if (Leaf* leaf = find_leaf(page)) {
    base::ensure(!leaf->large, "a large page is forgotten before a page of it is mapped by itself");
    return leaf;
  }
  const auto slot = slot_of(page);
  if (!slot) return refuse(slot.error().value);
  const auto fresh = new_table();
  if (!fresh) return refuse(fresh.error().value);
  m_machine.cpu.store(*slot, fresh->address().value() | kTableEntry);
  m_leaves[page / kSpan] = Leaf{*slot, *fresh, 0, false};
  return find_leaf(page);
}

Result<void> PageTable::set_large(std::uint64_t page, std::uint64_t entry) {
  base::ensure(page % kSpan == 0 && !has_table(page), "a large page takes the place of a table that is not there");
  const auto slot = slot_of(page);
  if (!slot) return refuse(slot.error().value);
  m_leaves[page / kSpan] = Leaf{*slot, Frame{}, 1, true};
  m_machine.cpu.store(*slot, entry | pte::kLargePage);
  return {};
}

}  // namespace sluice::mm
