// SPDX-License-Identifier: Apache-2.0
// The bit-parallel caches against the line-by-line reference on random streams. Every outcome and every counter agrees.
#include <random>

#include <gtest/gtest.h>

#include "tests/models/cache/reference_cache.h"

namespace sluice::cache::tests {
namespace {

// Small levels and few pages, so that sets fill, overflow and are fought over.
struct Stream {
  const char* name;
  unsigned cores = 1;
  bool ddio = true;
  bool no_fetch = true;
  unsigned l1_pages = 1;           ///< groups of L1; all levels then have groups as given
  unsigned llc_groups = 3;         ///< not a power of two
  unsigned pages = 40;             ///< pages that are accessed
  unsigned whole_page_share = 50;  ///< per cent of accesses that are whole pages; others are short
  unsigned device_share = 20;      ///< per cent of accesses made by devices
  unsigned operations = 15'000;
};

void PrintTo(const Stream& stream, std::ostream* out) { *out << stream.name; }

CacheConfig config_of(const Stream& stream) {
  CacheConfig config;
  config.l1 = {Bytes{stream.l1_pages} * 4 * kPageSize, 4};
  config.l2 = {Bytes{2} * 8 * kPageSize, 8};
  config.llc = {Bytes{stream.llc_groups} * 7 * kPageSize, 7};
  config.ddio = stream.ddio;
  config.ddio_ways = 2;
  config.no_fetch_full_line_writes = stream.no_fetch;
  config.check();
  return config;
}

class CacheEquivalence : public testing::TestWithParam<Stream> {};

TEST_P(CacheEquivalence, AgreesWithTheReferenceInEveryCounter) {
  const Stream& stream = GetParam();
  for (const unsigned seed : {1U, 2U, 3U}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    const auto below = [&](std::uint64_t n) { return random() % n; };
    CacheHierarchy caches{config_of(stream), stream.cores};
    ReferenceHierarchy reference{config_of(stream), stream.cores};

    for (unsigned i = 0; i < stream.operations; ++i) {
      const PhysAddr page{below(stream.pages) * kPageSize};
      const bool whole = below(100) < stream.whole_page_share;
      const Bytes offset = whole ? 0 : below(kPageSize);
      const Bytes size = whole ? kPageSize : 1 + below(std::min<Bytes>(kPageSize - offset, below(2) == 0 ? 64 : 1500));
      const PhysAddr address = page + offset;
      const LineSpan span = LineSpan::of(address, size);
      if (below(100) < stream.device_share) {
        if (below(2) == 0) {
          ASSERT_EQ(caches.device_read(span), reference.device_read(address, size)) << "operation " << i;
        } else {
          ASSERT_EQ(caches.device_write(span), reference.device_write(address, size)) << "operation " << i;
        }
        continue;
      }
      const auto core = static_cast<unsigned>(below(stream.cores));
      const auto kind = below(2) == 0 ? fabric::AccessKind::Read : fabric::AccessKind::Write;
      ASSERT_EQ(caches.access(core, span, kind), reference.access(core, address, size, kind)) << "operation " << i;
    }

    EXPECT_EQ(caches.counts(), reference.counts);
    EXPECT_EQ(caches.l1_counts(), reference.l1_counts());
    EXPECT_EQ(caches.l2_counts(), reference.l2_counts());
    EXPECT_EQ(caches.llc_counts(), reference.llc_counts());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Streams, CacheEquivalence,
    testing::Values(Stream{.name = "OneCore"}, Stream{.name = "FourCores", .cores = 4},
                    Stream{.name = "FourCoresOverlapping", .cores = 4, .pages = 12},
                    Stream{.name = "WithoutDdio", .cores = 2, .ddio = false},
                    Stream{.name = "EveryMissFetched", .cores = 2, .no_fetch = false},
                    Stream{.name = "WholePages", .cores = 2, .whole_page_share = 100},
                    Stream{.name = "ShortAccessesOnManyPages", .cores = 2, .pages = 400, .whole_page_share = 0},
                    Stream{.name = "MostlyDevices", .cores = 1, .device_share = 80},
                    Stream{.name = "PowerOfTwoGroups", .cores = 2, .l1_pages = 2, .llc_groups = 4}),
    [](const testing::TestParamInfo<Stream>& stream) { return std::string{stream.param.name}; });

/// A single level under streams that fragment it and then heal it, with every operation, compared in contents as well.
TEST(CacheLevelEquivalence, ChangesFormAndBackWithoutATrace) {
  constexpr LevelGeometry kGeometry{2 * 16 * kPageSize, 16};
  constexpr unsigned kPages = 200;
  std::mt19937_64 random{11};
  const auto below = [&](std::uint64_t n) { return random() % n; };
  CacheLevel level{kGeometry, 3};
  ReferenceCacheLevel reference{kGeometry, 3};
  unsigned most_fragmented = 0;

  const auto lines_of = [](Frame frame, LineMask lines, auto&& visit) {
    for (unsigned i = 0; i < kLinesPerPage; ++i) {
      if ((lines >> i & 1) != 0) visit(LineNumber{frame.number()} * kLinesPerPage + i, LineMask{1} << i);
    }
  };
  for (unsigned phase = 0; phase < 6; ++phase) {
    const bool fragmenting = phase % 2 == 0;
    for (unsigned i = 0; i < 15'000; ++i) {
      const Frame frame{static_cast<std::uint32_t>(below(kPages))};
      const LineMask lines = fragmenting ? LineMask{1} << below(64) : kWholePage;
      const auto operation = below(100);
      if (operation < 70) {
        const bool dirty = below(2) == 0;
        const bool by_device = below(4) == 0;
        const LineMask found = level.use(frame, lines, dirty);
        LineMask expected = 0;
        lines_of(frame, lines,
                 [&](LineNumber line, LineMask bit) { expected |= reference.use(line, dirty) ? bit : 0; });
        ASSERT_EQ(found, expected);
        if (found == lines) continue;
        DirtyVictims victims;
        if (by_device) {
          level.fill_by_device(frame, lines & ~found, victims);
        } else {
          level.fill(frame, lines & ~found, dirty, victims);
        }
        unsigned dirty_lines = 0;
        lines_of(frame, lines & ~found, [&](LineNumber line, LineMask) {
          const auto victim = reference.fill(line, dirty || by_device, by_device);
          if (victim && victim->dirty) ++dirty_lines;
        });
        ASSERT_EQ(victims.lines(), dirty_lines);
      } else if (operation < 80) {
        LineMask expected = 0;
        lines_of(frame, lines,
                 [&](LineNumber line, LineMask bit) { expected |= reference.mark_dirty(line) ? bit : 0; });
        ASSERT_EQ(level.mark_dirty(frame, lines), expected);
      } else if (operation < 90) {
        LineMask expected = 0;
        lines_of(frame, lines, [&](LineNumber line, LineMask bit) { expected |= reference.clean(line) ? bit : 0; });
        ASSERT_EQ(level.clean(frame, lines), expected);
      } else {
        Held expected;
        lines_of(frame, lines, [&](LineNumber line, LineMask bit) {
          const auto gone = reference.remove(line);
          if (gone) expected.valid |= bit;
          if (gone && gone->dirty) expected.dirty |= bit;
        });
        ASSERT_EQ(level.remove(frame, lines), expected);
      }
      most_fragmented = std::max(most_fragmented, level.fragmented_groups());
    }
    for (std::uint32_t page = 0; page < kPages; ++page) {
      Held expected;
      lines_of(Frame{page}, kWholePage, [&](LineNumber line, LineMask bit) {
        const auto* held = reference.peek(line);
        if (held != nullptr) expected.valid |= bit;
        if (held != nullptr && held->dirty) expected.dirty |= bit;
      });
      ASSERT_EQ(level.peek(Frame{page}), expected) << "page " << page << " after phase " << phase;
    }
    if (!fragmenting) {
      EXPECT_EQ(level.fragmented_groups(), 0U) << "whole pages bring the fast form back";
    }
  }
  EXPECT_EQ(most_fragmented, 2U) << "single lines of many pages do not fit the fast form";
  EXPECT_EQ(level.counts(), reference.counts);
}

}  // namespace
}  // namespace sluice::cache::tests
