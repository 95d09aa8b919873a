// SPDX-License-Identifier: Apache-2.0
// What a run of a program returned, in memory that all of its processes share with the one that compares. It survives
// whatever ends them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/differential/program.h"

namespace sluice::differential {

/// One step that returned, or one look at the state that the program left behind (`step` is then the number of steps).
struct Entry {
  std::uint32_t step = 0;
  int process = 0;
  std::int64_t value = 0;              ///< as the call returned it; process ids count as 1
  std::array<std::int64_t, 2> also{};  ///< what else the call told: offsets, size and mode, poll's bits
  std::uint64_t data_at = 0;           ///< in Transcript::data
  std::uint64_t data_size = 0;         ///< bytes that were read
};

struct Transcript {
  static constexpr std::size_t kMostEntries = 4096;
  static constexpr std::uint64_t kMostData = std::uint64_t{32} << 20;

  std::uint32_t count = 0;
  std::uint64_t data_used = 0;
  std::array<Entry, kMostEntries> entries;
  std::array<std::byte, kMostData> data;

  void clear() {
    count = 0;
    data_used = 0;
  }
  /// Where the bytes of the next entry go; shorter than `size` when there is no more room.
  std::span<std::byte> room(std::uint64_t size) {
    return {data.data() + data_used, size < kMostData - data_used ? size : kMostData - data_used};
  }
  /// Adds an entry with the first `data_size` bytes of the room. What does not fit is left out, on both sides alike.
  void add(Entry entry, std::uint64_t data_size) {
    if (count == kMostEntries) return;
    entry.data_at = data_used;
    entry.data_size = data_size;
    data_used += data_size;
    entries[count++] = entry;
  }
  [[nodiscard]] std::span<const Entry> all() const { return {entries.data(), count}; }
  [[nodiscard]] std::span<const std::byte> data_of(const Entry& entry) const {
    return {data.data() + entry.data_at, entry.data_size};
  }
};

}  // namespace sluice::differential
