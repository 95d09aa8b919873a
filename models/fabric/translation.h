// SPDX-License-Identifier: Apache-2.0
// A core's address translation as the core sees it. Implemented by the MMU; each core owns one.
#pragma once

#include <cstdint>

#include <tl/expected.hpp>

#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::fabric {

enum class TranslationAccess : std::uint8_t { Read, Write, Execute };

struct Translated {
  PhysAddr address;
  Bytes contiguous = 0;  ///< bytes from `address` that the same translation covers (to the end of its page)
  Picoseconds ready;     ///< instant at which the address is known; the request's `now` when the first level hit
};

/// What the page-fault exception delivers. `present`: the page was there and the permission was not.
struct TranslationFault {
  bool present = false;
  bool write = false;
  bool user = false;
  bool reserved = false;  ///< a reserved bit was set in a table entry
  bool execute = false;
  bool canonical =
      true;           ///< false: general protection instead of a page fault; the other members then say only the access
  Picoseconds ready;  ///< instant at which the fault is known
  /// x86 error code: P, W/R, U/S, RSVD, I/D in bits 0 to 4 (Intel SDM vol. 3A, 4.7).
  [[nodiscard]] constexpr std::uint32_t error_code() const {
    return (present ? 1U : 0U) | (write ? 2U : 0U) | (user ? 4U : 0U) | (reserved ? 8U : 0U) | (execute ? 16U : 0U);
  }
};

/// How a walk reaches the tables in memory: 8 bytes at an aligned physical address, through the core's caches.
/// - `read` stores the entry and returns the instant at which it is there. Where there is no memory it reads as 0.
/// - `write` replaces an entry (accessed and dirty bits) and returns when the core may go on.
class PageTableAccess {
 public:
  virtual ~PageTableAccess() = default;
  virtual Picoseconds read(PhysAddr at, std::uint64_t& entry, Picoseconds now) = 0;
  virtual Picoseconds write(PhysAddr at, std::uint64_t entry, Picoseconds now) = 0;
};

struct TranslationCounts {
  std::uint64_t dtlb_hits = 0;
  std::uint64_t stlb_hits = 0;
  std::uint64_t misses = 0;         ///< walks (a walk to set a dirty bit counts too)
  std::uint64_t walk_accesses = 0;  ///< table entries read from memory
  std::uint64_t faults = 0;
};

class AddressTranslation {
 public:
  virtual ~AddressTranslation() = default;
  /// Writes CR3: other tables, and every cached translation is dropped (no PCID, no global pages).
  virtual void set_root(PhysAddr root) = 0;
  [[nodiscard]] virtual PhysAddr root() const = 0;
  /// Sets accessed and dirty bits in memory as the access asks. `user`: the access runs in user mode.
  virtual tl::expected<Translated, TranslationFault> translate(VirtAddr address, TranslationAccess access, bool user,
                                                               Picoseconds now) = 0;
  virtual void flush() = 0;
  virtual void flush(VirtAddr address, Bytes size) = 0;
  [[nodiscard]] virtual const TranslationCounts& counts() const = 0;
};

}  // namespace sluice::fabric
