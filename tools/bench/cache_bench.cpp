// SPDX-License-Identifier: Apache-2.0
// The cache hierarchy on the streams of the transfer strategies. "runs" are accesses of one page through all levels;
// the target is below 150 ns of host time for each, so that caches take at most half of 1 ns per payload byte.
#include <random>

#include <benchmark/benchmark.h>

#include "models/cache/cache_hierarchy.h"
#include "models/fabric/gap_timeline.h"

namespace sluice::bench {
namespace {

using cache::CacheConfig;
using cache::CacheHierarchy;
using cache::LineSpan;
using fabric::AccessKind;

LineSpan page(std::uint64_t frame) { return LineSpan::of(PhysAddr{frame * kPageSize}, kPageSize); }

void report(benchmark::State& state, double runs_each, double payload_each) {
  const auto iterations = static_cast<double>(state.iterations());
  state.counters["runs"] = benchmark::Counter(iterations * runs_each, benchmark::Counter::kIsRate);
  state.counters["s/run"] =
      benchmark::Counter(iterations * runs_each, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["payload_B/s"] = benchmark::Counter(iterations * payload_each, benchmark::Counter::kIsRate);
}

// Frames: the file's page cache from kFile on, then a 64 KiB user buffer and the socket pages, last freed first used.
constexpr std::uint64_t kFile = 4096;
constexpr std::uint64_t kFilePages = 65'536;
constexpr std::uint64_t kUser = 1024;
constexpr std::uint64_t kSocket = 2048;
constexpr unsigned kChunkPages = 16;

/// One 64 KiB chunk of a warm 256 MiB file: copied out, copied into socket pages, read by the NIC. 5 runs per page.
void read_write(benchmark::State& state) {
  CacheHierarchy caches{CacheConfig{}, 1};
  std::uint64_t at = 0;
  for (auto _ : state) {
    for (unsigned i = 0; i < kChunkPages; ++i) {
      caches.access(0, page(kFile + at + i), AccessKind::Read);
      caches.access(0, page(kUser + i), AccessKind::Write);
    }
    const std::uint64_t socket = kSocket + at / kChunkPages % 8 * kChunkPages;  // 512 KiB in flight
    for (unsigned i = 0; i < kChunkPages; ++i) {
      caches.access(0, page(kUser + i), AccessKind::Read);
      caches.access(0, page(socket + i), AccessKind::Write);
    }
    for (unsigned i = 0; i < kChunkPages; ++i) caches.device_read(page(socket + i));
    at = (at + kChunkPages) % kFilePages;
  }
  report(state, 5.0 * kChunkPages, double{kChunkPages} * kPageSize);
}
BENCHMARK(read_write);

/// The NIC reads the page cache, of which the caches hold other parts.
void sendfile_gather(benchmark::State& state) {
  CacheHierarchy caches{CacheConfig{}, 1};
  for (std::uint64_t i = kFilePages; i < kFilePages + 8192; ++i) caches.access(0, page(kFile + i), AccessKind::Read);
  std::uint64_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(caches.device_read(page(kFile + at)));
    at = (at + 1) % kFilePages;
  }
  report(state, 1, kPageSize);
}
BENCHMARK(sendfile_gather);

/// A cold file: the disk writes pages through DDIO, a core reads them once.
void device_write_then_read(benchmark::State& state) {
  CacheHierarchy caches{CacheConfig{}, 1};
  std::uint64_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(caches.device_write(page(kFile + at)));
    benchmark::DoNotOptimize(caches.access(0, page(kFile + at), AccessKind::Read));
    at = (at + 1) % kFilePages;
  }
  report(state, 2, kPageSize);
}
BENCHMARK(device_write_then_read);

/// A page that stays in L1.
void first_level_hit(benchmark::State& state) {
  CacheHierarchy caches{CacheConfig{}, 1};
  for (auto _ : state) {
    benchmark::DoNotOptimize(caches.access(0, page(kUser), AccessKind::Read));
    benchmark::DoNotOptimize(caches.access(0, page(kUser + 1), AccessKind::Read));
  }
  report(state, 2, 0);
}
BENCHMARK(first_level_hit);

/// Single lines of many pages: the worst for the run form, which gives way to the line-by-line form.
void scattered_lines(benchmark::State& state) {
  CacheHierarchy caches{CacheConfig{}, 1};
  std::mt19937_64 random{1};
  std::vector<PhysAddr> addresses(65'536);
  for (PhysAddr& address : addresses) address = PhysAddr{random() % (64_MiB / kLineSize) * kLineSize};
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(caches.access(0, LineSpan::of(addresses[at], 8), AccessKind::Write));
    at = (at + 1) % addresses.size();
  }
  report(state, 1, 0);
}
BENCHMARK(scattered_lines);

/// DRAM reservations as a core makes them, with DMA reservations dated ahead of it.
void dram_reservations(benchmark::State& state) {
  fabric::GapTimeline channels;
  std::int64_t now = 0;
  for (auto _ : state) {
    now += 400'000;
    benchmark::DoNotOptimize(channels.reserve(Picoseconds{now}, Picoseconds{36'000}));
    benchmark::DoNotOptimize(channels.reserve(Picoseconds{now + 5'000'000}, Picoseconds{36'000}));
  }
  report(state, 2, 0);
}
BENCHMARK(dram_reservations);

}  // namespace
}  // namespace sluice::bench
