// SPDX-License-Identifier: Apache-2.0
// The ledger against a model that remembers every byte.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "models/base/ledger.h"

namespace sluice::base {
namespace {

constexpr unsigned kFrames = 6;
constexpr Bytes kMemory = kFrames * kPageSize;

/// What one byte is.
struct Byte {
  std::uint32_t file;
  std::uint64_t offset;
  std::uint32_t generation;
  bool operator==(const Byte&) const = default;
};
using Run = std::vector<std::optional<Byte>>;

/// Byte by byte, and obviously right.
class NaiveLedger {
 public:
  using Key = std::tuple<Place, Place, Mover>;

  void assign(unsigned frame, Place place) {
    m_places[frame] = place;
    if (place == Place::Free) std::fill_n(m_bytes.begin() + frame * kPageSize, kPageSize, std::nullopt);
  }
  void put(Bytes at, const Run& run) { std::copy(run.begin(), run.end(), m_bytes.begin() + static_cast<long>(at)); }
  Run get(Bytes at, Bytes size) const {
    return {m_bytes.begin() + static_cast<long>(at), m_bytes.begin() + static_cast<long>(at + size)};
  }
  void copy(Bytes from, Bytes to, Bytes size, Mover by) {
    const Run run = get(from, size);
    for (Bytes i = 0; i < size; ++i) count(place(from + i), place(to + i), by, run[i].has_value());
    put(to, run);
  }
  void count(Place from, Place to, Mover by, bool payload) {
    MoveTotal& total = m_totals[{from, to, by}];
    ++(payload ? total.payload : total.overhead);
  }
  Place place(Bytes at) const { return m_places[at / kPageSize]; }
  const std::map<Key, MoveTotal>& totals() const { return m_totals; }

 private:
  std::array<Place, kFrames> m_places{};
  Run m_bytes = Run(kMemory);
  std::map<Key, MoveTotal> m_totals;
};

Run spread(const Shadow& shadow, Bytes size) {
  Run run(size);
  for (const ShadowPiece& piece : shadow) {
    for (std::uint32_t i = 0; i < piece.size; ++i) {
      run.at(piece.at + i) = Byte{piece.file, piece.offset + i, piece.generation};
    }
  }
  return run;
}

/// Pieces are ascending and disjoint, none is empty, and none could be merged with the next.
bool is_canonical(const Shadow& shadow) {
  for (std::size_t i = 0; i < shadow.size(); ++i) {
    if (shadow[i].size == 0) return false;
    if (i == 0) continue;
    const ShadowPiece& a = shadow[i - 1];
    const ShadowPiece& b = shadow[i];
    if (a.at + a.size > b.at) return false;
    if (a.at + a.size == b.at && a.file == b.file && a.generation == b.generation && a.offset + a.size == b.offset) {
      return false;
    }
  }
  return true;
}

class Pair {
 public:
  explicit Pair(unsigned seed) : m_random(seed) {
    m_ledger.record(true);
    for (unsigned frame = 0; frame < kFrames; ++frame) assign(frame);
  }

  void step() {
    const Bytes size = pick_size();
    const Bytes from = pick(kMemory - size + 1);
    const Bytes to = pick(kMemory - size + 1);
    switch (pick(7)) {
      case 0:
      case 1:
      case 2:
        m_ledger.copied(PhysAddr{from}, PhysAddr{to}, size, Mover::Cpu);
        return m_naive.copy(from, to, size, Mover::Cpu);
      case 3: {
        const Shadow shadow = pick_shadow(size);
        m_ledger.declare(PhysAddr{to}, shadow, size);
        return m_naive.put(to, spread(shadow, size));
      }
      case 4:
        m_ledger.stored(PhysAddr{to}, size);
        return m_naive.put(to, Run(size));
      case 5: {
        const Shadow shadow = pick_shadow(size);
        m_ledger.moved(Place::DiskMedia, Place::DiskBuffer, Mover::Device, shadow, size);
        m_ledger.written_by_device(Place::DiskBuffer, shadow, PhysAddr{to}, size, Mover::Dma);
        const Run run = spread(shadow, size);
        m_naive.put(to, run);
        for (Bytes i = 0; i < size; ++i) {
          m_naive.count(Place::DiskMedia, Place::DiskBuffer, Mover::Device, run[i].has_value());
          m_naive.count(Place::DiskBuffer, m_naive.place(to + i), Mover::Dma, run[i].has_value());
        }
        return;
      }
      default: {
        const Shadow shadow = m_ledger.read_by_device(PhysAddr{from}, size, Place::NicFifo, Mover::Dma);
        const Run run = m_naive.get(from, size);
        ASSERT_EQ(spread(shadow, size), run);
        for (Bytes i = 0; i < size; ++i) {
          m_naive.count(m_naive.place(from + i), Place::NicFifo, Mover::Dma, run[i].has_value());
        }
        if (pick(4) == 0) assign(static_cast<unsigned>(pick(kFrames)));
      }
    }
  }

  void compare() {
    const Shadow shadow = m_ledger.shadow_of(PhysAddr{0}, kMemory);
    ASSERT_TRUE(is_canonical(shadow));
    ASSERT_EQ(spread(shadow, kMemory), m_naive.get(0, kMemory));
    std::map<NaiveLedger::Key, MoveTotal> totals;
    for (const Move& move : m_ledger.moves()) totals[{move.from, move.to, move.by}] = move.bytes;
    ASSERT_EQ(totals.size(), m_naive.totals().size());
    for (const auto& [key, total] : m_naive.totals()) {
      ASSERT_EQ(totals[key].payload, total.payload);
      ASSERT_EQ(totals[key].overhead, total.overhead);
    }
  }

 private:
  Bytes pick(Bytes below) { return m_random() % below; }
  Bytes pick_size() {
    switch (pick(4)) {
      case 0:
        return 1 + pick(64);
      case 1:
        return kPageSize;
      case 2:
        return 1 + pick(3 * kPageSize);
      default:
        return 1 + pick(kPageSize);
    }
  }
  Shadow pick_shadow(Bytes size) {
    Shadow shadow;
    Bytes at = pick(2) * pick(size);
    while (at < size && shadow.size() < 4) {
      const Bytes n = 1 + pick(size - at);
      // Few offsets, so that neighbours continue each other now and then.
      append_slice(shadow, static_cast<std::uint32_t>(at),
                   {{0, static_cast<std::uint32_t>(n), at + pick(2) * 7, static_cast<std::uint32_t>(pick(2)),
                     static_cast<std::uint32_t>(pick(2))}},
                   0, static_cast<std::uint32_t>(n));
      at += n + pick(2) * pick(100);
    }
    return shadow;
  }
  void assign(unsigned frame) {
    constexpr std::array kSome{Place::PageCache, Place::UserBuffer, Place::SocketBuffer, Place::Free};
    const Place place = kSome[pick(kSome.size())];
    m_ledger.assign(Frame{frame}, place);
    m_naive.assign(frame, place);
  }

  std::mt19937_64 m_random;
  Ledger m_ledger;
  NaiveLedger m_naive;
};

TEST(LedgerProperty, AgreesWithAByteByByteModel) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Pair pair{seed};
    for (int i = 0; i < 120; ++i) {
      pair.step();
      if (HasFatalFailure()) return;
      if (i % 10 == 9) pair.compare();
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace sluice::base
