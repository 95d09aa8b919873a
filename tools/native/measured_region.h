// SPDX-License-Identifier: Apache-2.0
// The measured region of a program that runs in a process of its own, read by the process that started it.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "tools/native/host_system_calls.h"

namespace sluice::native {

/// What the program's process used between the marks.
struct ResourceUse {
  std::int64_t cpu_ns = 0;     ///< CLOCK_PROCESS_CPUTIME_ID
  std::int64_t user_ns = 0;    ///< getrusage: the kernel splits cpu_ns by what its tick happened to meet
  std::int64_t system_ns = 0;  ///< likewise
  std::int64_t minor_faults = 0;
  std::int64_t major_faults = 0;
  std::int64_t voluntary_switches = 0;
  std::int64_t involuntary_switches = 0;
};

/// CLOCK_MONOTONIC: one clock for all processes, so that instants of sender and receiver can be compared.
std::int64_t monotonic_ns();
/// What two readings of that clock add to what is between them: the median of many.
double clock_reading_ns();
/// Of this process, since it started.
ResourceUse resource_use();
ResourceUse operator-(const ResourceUse& a, const ResourceUse& b);
ResourceUse operator+(const ResourceUse& a, const ResourceUse& b);

class MeasuredRegion : public kernel_sim::Measurement {
 public:
  /// Only the first `kMaxFiles` files have a begin of their own.
  static constexpr std::size_t kMaxFiles = 4096;

  /// The hooks run in the program's process, outside of what is measured: just before it begins and after it ended.
  explicit MeasuredRegion(const HostSystemCalls& calls, std::function<void()> at_begin = {},
                          std::function<void()> at_end = {})
      : m_calls(calls), m_at_begin(std::move(at_begin)), m_at_end(std::move(at_end)) {}

  void begin() override;
  void file_begins(std::uint64_t index) override;
  void end() override;

  /// False when the program ended before its region did. The values below are then without meaning.
  [[nodiscard]] bool complete() const { return m_marks->ended; }
  [[nodiscard]] std::int64_t began_at_ns() const { return m_marks->began_at_ns; }
  [[nodiscard]] std::int64_t ended_at_ns() const { return m_marks->ended_at_ns; }
  /// CPU time of all that is read at the end, and of the hook.
  [[nodiscard]] std::int64_t closing_cpu_ns() const { return m_marks->closing_cpu_ns; }
  /// By index, as far as files were begun.
  [[nodiscard]] std::vector<std::int64_t> files_began_at_ns() const;
  /// Calls that entered within the region.
  [[nodiscard]] syscalls::CallCounts counts() const;
  [[nodiscard]] ResourceUse used() const { return m_marks->use_at_end - m_marks->use_at_begin; }

 private:
  struct Marks {
    bool ended = false;
    std::int64_t began_at_ns = 0;
    std::int64_t ended_at_ns = 0;
    std::int64_t closing_cpu_ns = 0;
    syscalls::CallCounts counts_at_begin;
    syscalls::CallCounts counts_at_end;
    ResourceUse use_at_begin;
    ResourceUse use_at_end;
    std::uint64_t files = 0;
    std::array<std::int64_t, kMaxFiles> file_began_at_ns{};
  };

  const HostSystemCalls& m_calls;
  std::function<void()> m_at_begin;
  std::function<void()> m_at_end;
  Shared<Marks> m_marks;
};

}  // namespace sluice::native
