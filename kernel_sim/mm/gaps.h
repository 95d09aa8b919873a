// SPDX-License-Identifier: Apache-2.0
// The free pages of user space that mmap chooses from. Finding, taking and giving back take logarithmic time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

namespace sluice::mm {

class Gaps {
 public:
  /// Pages [first, end) are free. What lies outside is not looked at.
  Gaps(std::uint64_t first, std::uint64_t end) : m_first(first), m_end(end) { add(first, end); }

  void occupy(std::uint64_t first, std::uint64_t end);
  /// Pages that were occupied.
  void release(std::uint64_t first, std::uint64_t end);

  /// The first of the highest `pages` free pages.
  [[nodiscard]] std::optional<std::uint64_t> highest(std::uint64_t pages) const;
  /// The first of the lowest `pages` free pages of [from, to).
  [[nodiscard]] std::optional<std::uint64_t> lowest(std::uint64_t pages, std::uint64_t from, std::uint64_t to) const;

 private:
  void add(std::uint64_t first, std::uint64_t end);
  void remove(std::map<std::uint64_t, std::uint64_t>::iterator gap);

  std::uint64_t m_first;
  std::uint64_t m_end;
  std::map<std::uint64_t, std::uint64_t> m_ends;               // of each gap, by its first page
  std::map<std::uint64_t, std::set<std::uint64_t>> m_by_size;  // first pages of the gaps of one size
};

}  // namespace sluice::mm
