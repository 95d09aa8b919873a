// SPDX-License-Identifier: Apache-2.0
// Cache lines of one page as bits of one word: bit i is line i of the page. Every operation of the caches takes a page
// frame and such a mask, so a whole page costs about as much as one line.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "models/base/types.h"

namespace sluice::cache {

using LineMask = std::uint64_t;
inline constexpr LineMask kWholePage = ~LineMask{0};

constexpr unsigned count_lines(LineMask lines) { return static_cast<unsigned>(std::popcount(lines)); }

/// The lines that [offset, offset + size) of a page touches. 0 < size, offset + size <= 4096.
constexpr LineMask lines_touched(Bytes offset, Bytes size) {
  const auto first = static_cast<unsigned>(offset / kLineSize);
  const auto last = static_cast<unsigned>((offset + size - 1) / kLineSize);
  return (kWholePage >> (63 - last)) & (kWholePage << first);
}
/// The lines that it covers from end to end.
constexpr LineMask lines_covered(Bytes offset, Bytes size) {
  LineMask lines = lines_touched(offset, size);
  if (offset % kLineSize != 0) lines &= ~(LineMask{1} << (offset / kLineSize));
  if ((offset + size) % kLineSize != 0) lines &= ~(LineMask{1} << ((offset + size) / kLineSize));
  return lines;
}

/// What a cache holds of some lines. `dirty` is a subset of `valid`.
struct Held {
  LineMask valid = 0;
  LineMask dirty = 0;
  bool operator==(const Held&) const = default;
};

/// Dirty lines that a fill pushed out, by page. A fill evicts at most one line per line position, so 64 runs suffice.
class DirtyVictims {
 public:
  struct Run {
    Frame frame;
    LineMask lines;
  };
  void add(Frame frame, LineMask lines) {
    if (lines != 0) m_runs[m_count++] = {frame, lines};
  }
  [[nodiscard]] const Run* begin() const { return m_runs.data(); }
  [[nodiscard]] const Run* end() const { return m_runs.data() + m_count; }
  [[nodiscard]] unsigned lines() const {
    unsigned n = 0;
    for (const Run& run : *this) n += count_lines(run.lines);
    return n;
  }

 private:
  unsigned m_count = 0;
  std::array<Run, kLinesPerPage> m_runs;  // only the first m_count are meaningful; not initialised on the hot path
};

}  // namespace sluice::cache
