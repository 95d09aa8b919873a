// SPDX-License-Identifier: Apache-2.0
// The memory that the processes of a run of programs share with the one that watches them: what each process counted,
// so that it survives the process, and a log of what it reported.
//
// A program can write anywhere in its memory, so in here too. Who reads this takes every number for a claim: indices
// are checked, texts have ends, and how a process ended is not written here.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "kernel_sim/syscalls/call_record.h"
#include "tools/native/core_probe.h"
#include "tools/native/shared.h"

namespace sluice::native {

/// Of a process, up to one moment.
struct Usage {
  std::int64_t user_us = 0;  ///< the kernel's tick guesses how much of the CPU time is the user's
  std::int64_t system_us = 0;
  std::int64_t minor_faults = 0;
  std::int64_t major_faults = 0;
  std::int64_t voluntary_switches = 0;
  std::int64_t involuntary_switches = 0;

  [[nodiscard]] std::int64_t cpu_ns() const { return (user_us + system_us) * 1000; }
};
/// Of the calling process.
Usage usage_now();
Usage operator+(const Usage& a, const Usage& b);
Usage operator-(const Usage& a, const Usage& b);

/// What the program's own part of a process did: in calls, in touching its memory, in computing. Between those it is
/// the interpreter that runs.
struct ProgramUse {
  Usage usage;
  std::uint64_t crossings = 0;  ///< how often it was looked at, which takes time itself
  syscalls::CallCounts counts;
};
ProgramUse operator-(const ProgramUse& a, const ProgramUse& b);

inline constexpr std::uint32_t kNoSlot = ~std::uint32_t{0};

struct ProcessSlot {
  static constexpr std::uint8_t kInNoCall = 255;

  std::int32_t pid = 0;
  std::uint32_t started_as = 0;  ///< which of the scenario's processes it is, or descends from
  bool forked = false;           ///< by another one
  std::uint8_t in_call = kInNoCall;
  ProgramUse used;
  std::int64_t ended_at_ns = 0;  ///< CLOCK_MONOTONIC; 0: it did not end by itself
  // Told by the process that waited for it.
  bool waited_for = false;
  std::int32_t status = 0;
  std::int64_t cpu_ns = 0;  ///< all of its CPU time
};

enum class RecordKind : std::uint16_t { Measure, Sample, Count, Check, Print, Failed, Probe };

/// One thing that a process reported. Only the fields of its kind mean something.
struct Record {
  RecordKind kind = RecordKind::Print;
  std::uint16_t second_size = 0;  ///< bytes of the second text, which follows the first
  std::uint32_t slot = 0;
  std::int64_t number = 0;      ///< count: how many; check: whether it holds; measure: elapsed nanoseconds
  double value = 0;             ///< sample
  CoreProbe probe = {};         ///< probe
  std::int64_t process_ns = 0;  ///< measure: CPU time of the process
  ProgramUse used;              ///< measure
};

class ProgramMemory {
 public:
  static constexpr std::uint32_t kSlots = 16384;                 ///< processes of a run, one after the other
  static constexpr std::uint32_t kMostProbes = 16384;            ///< of a run
  static constexpr std::size_t kLogSize = std::size_t{1} << 28;  ///< bytes; memory is taken for what is written

  ProgramMemory();
  ~ProgramMemory();
  ProgramMemory(const ProgramMemory&) = delete;
  ProgramMemory& operator=(const ProgramMemory&) = delete;

  /// Nothing has been claimed or written.
  void clear();
  /// A slot that nobody had, or kNoSlot when there are no more, or `most_alive` processes live already.
  std::uint32_t claim(std::int64_t most_alive);
  /// A process that had a slot has ended.
  void one_less_alive() { m_head->alive.fetch_sub(1); }
  [[nodiscard]] std::uint32_t claimed() const;
  [[nodiscard]] ProcessSlot& slot(std::uint32_t index) const { return m_slots[index % kSlots]; }
  /// The slot of a process that nobody has waited for.
  [[nodiscard]] std::uint32_t slot_of(std::int32_t pid) const;

  /// When the programs' clocks started, CLOCK_MONOTONIC.
  [[nodiscard]] std::int64_t& began_at_ns() const { return m_head->began_at_ns; }

  void append(const Record& record, std::string_view text, std::string_view second = {}) const;
  using Reader = std::function<void(const Record&, std::string_view text, std::string_view second)>;
  /// Every record that is whole.
  void read(const Reader& reader) const;
  /// Whether there is room for one more probe of a core; it is then taken.
  [[nodiscard]] bool takes_a_probe() const {
    return m_head->probes.load() < kMostProbes && m_head->probes++ < kMostProbes;
  }
  /// Whether something was reported that found no place.
  [[nodiscard]] bool overflowed() const { return m_head->log_end.load() > kLogSize; }

 private:
  struct Head {
    std::atomic<std::uint32_t> claimed{0};
    std::atomic<std::int64_t> alive{0};
    std::atomic<std::uint64_t> log_end{0};
    std::atomic<std::uint32_t> probes{0};
    std::int64_t began_at_ns = 0;
  };

  std::byte* m_at;
  Head* m_head;
  ProcessSlot* m_slots;
  std::byte* m_log;
};

}  // namespace sluice::native
