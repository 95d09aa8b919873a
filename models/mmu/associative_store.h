// SPDX-License-Identifier: Apache-2.0
// A set-associative table of recently used values with true-LRU replacement: TLBs and page-structure caches.
#pragma once

#include <cstdint>
#include <vector>

namespace sluice::mmu {

/// Keys are any numbers; key modulo sets selects the set. With 0 entries it never holds anything.
template <class Value>
class AssociativeStore {
 public:
  /// `entries` is a multiple of `ways`.
  AssociativeStore(unsigned entries, unsigned ways) : m_ways(ways), m_sets(entries / ways), m_slots(entries) {}

  /// The value, which becomes the most recently used of its set; null when it is not here. Valid until the next insert.
  Value* find(std::uint64_t key) {
    Slot* const slot = slot_of(key);
    if (slot == nullptr) return nullptr;
    slot->used = ++m_clock;
    return &slot->value;
  }
  /// Replaces the value with the same key, else a free slot, else the least recently used of the set.
  void insert(std::uint64_t key, const Value& value) {
    if (m_sets == 0) return;
    Slot* place = slot_of(key);
    if (place == nullptr) place = victim(key);
    *place = {key, m_generation, ++m_clock, value};
  }
  void erase(std::uint64_t key) {
    if (Slot* const slot = slot_of(key)) slot->generation = 0;
  }
  template <class Condition>
  void erase_if(Condition&& condition) {
    for (Slot& slot : m_slots) {
      if (slot.generation == m_generation && condition(slot.value)) slot.generation = 0;
    }
  }
  /// Drops everything, in constant time.
  void clear() { ++m_generation; }

 private:
  struct Slot {
    std::uint64_t key = 0;
    std::uint64_t generation = 0;  // holds a value when it is the store's
    std::uint64_t used = 0;
    Value value{};
  };
  Slot* set_of(std::uint64_t key) {
    const std::uint64_t set = (m_sets & (m_sets - 1)) == 0 ? key & (m_sets - 1) : key % m_sets;
    return &m_slots[static_cast<std::size_t>(set) * m_ways];
  }
  Slot* slot_of(std::uint64_t key) {
    if (m_sets == 0) return nullptr;
    Slot* const set = set_of(key);
    for (unsigned way = 0; way < m_ways; ++way) {
      if (set[way].key == key && set[way].generation == m_generation) return &set[way];
    }
    return nullptr;
  }
  Slot* victim(std::uint64_t key) {
    Slot* const set = set_of(key);
    Slot* oldest = set;
    for (unsigned way = 0; way < m_ways; ++way) {
      if (set[way].generation != m_generation) return &set[way];
      if (set[way].used < oldest->used) oldest = &set[way];
    }
    return oldest;
  }

  unsigned m_ways;
  std::uint64_t m_sets;
  std::uint64_t m_clock = 0;
  std::uint64_t m_generation = 1;
  std::vector<Slot> m_slots;
};

}  // namespace sluice::mmu
