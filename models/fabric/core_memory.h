// SPDX-License-Identifier: Apache-2.0
// What a core sees of the memory system: one call per run of bytes, never per line.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "models/base/named_bytes.h"
#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::fabric {

/// Where a line was found. `Peer` is another core's cache that held it dirty.
enum class HitLevel : std::uint8_t { L1, L2, Llc, Peer, Memory };
inline constexpr std::size_t kHitLevels = 5;

enum class AccessKind : std::uint8_t { Read, Write };

struct AccessOutcome {
  std::array<std::uint32_t, kHitLevels> lines{};  ///< lines by where they were found
  Picoseconds memory_ready;                       ///< instant at which DRAM has served its share (0 when it had none)
};

/// Timing and coherence of a core's accesses. Implemented by the cache hierarchy.
/// - Called by the core that makes the access, at the core's own time `now`, which may be ahead of SystemC time.
/// - `size` bytes from `address`, not crossing a 4 KiB page. A write of part of a line reads the line first.
/// - Moves no bytes: those lie in PhysicalMemory and are moved by the caller.
class CoreMemory {
 public:
  virtual ~CoreMemory() = default;
  virtual AccessOutcome access(unsigned core, PhysAddr address, Bytes size, AccessKind kind, Picoseconds now) = 0;
};

/// The bytes of the machine's memory. Untimed: whoever uses it has accounted for the time.
/// - A range must lie inside memory (see `contains`).
/// - Memory may keep bytes by name (models/base/named_bytes.h). `at` makes them, so it is always right. Whoever moves
///   payload and does not look at it uses `named`, `put` and `copy`.
/// - A span holds the bytes until the next `put` or `copy` to its range.
class PhysicalMemory {
 public:
  virtual ~PhysicalMemory() = default;
  [[nodiscard]] virtual Bytes size() const = 0;
  /// To read, and to write.
  [[nodiscard]] virtual std::span<std::byte> at(PhysAddr address, Bytes size) = 0;
  /// To write all of it; what is there need not be made.
  [[nodiscard]] virtual std::span<std::byte> to_overwrite(PhysAddr address, Bytes size) { return at(address, size); }
  /// Sets `run` to the names of the bytes. False, and an empty run, when not all of them are kept by name.
  virtual bool named(PhysAddr /*address*/, Bytes /*size*/, base::NamedBytes& run) const {
    run.clear();
    return false;
  }
  /// Stores `size` bytes that come by name.
  virtual void put(PhysAddr address, Bytes size, const base::NamedBytes& bytes) {
    const std::span<std::byte> to = to_overwrite(address, size);
    for (const base::ShadowPiece& piece : bytes.pieces) bytes.contents->make(piece, to.data() + piece.at);
  }
  /// As memmove.
  virtual void copy(PhysAddr from, PhysAddr to, Bytes size) {
    const std::byte* source = at(from, size).data();
    std::memmove(to_overwrite(to, size).data(), source, size);
  }
  [[nodiscard]] bool contains(PhysAddr address, Bytes n) const {
    return address.value() <= size() && n <= size() - address.value();
  }
};

}  // namespace sluice::fabric
