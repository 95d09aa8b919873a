// SPDX-License-Identifier: Apache-2.0
#include "tools/native/measured_region.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <sys/resource.h>

namespace sluice::native {

namespace {

std::int64_t read_clock(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::int64_t monotonic_ns() { return read_clock(CLOCK_MONOTONIC); }

double clock_reading_ns() {
  constexpr std::int64_t kTogether = 16;  // a reading takes about as long as the clock is fine
  std::array<std::int64_t, 101> readings{};
  for (std::int64_t& reading : readings) {
    const std::int64_t begin = monotonic_ns();
    for (std::int64_t i = 1; i < kTogether; ++i) static_cast<void>(monotonic_ns());
    reading = monotonic_ns() - begin;
  }
  std::ranges::nth_element(readings, readings.begin() + readings.size() / 2);
  return static_cast<double>(readings[readings.size() / 2]) / static_cast<double>(kTogether);
}

ResourceUse resource_use() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  const auto nanoseconds = [](const timeval& t) { return (std::int64_t{t.tv_sec} * 1'000'000 + t.tv_usec) * 1000; };
  return {.cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID),
          .user_ns = nanoseconds(use.ru_utime),
          .system_ns = nanoseconds(use.ru_stime),
          .minor_faults = use.ru_minflt,
          .major_faults = use.ru_majflt,
          .voluntary_switches = use.ru_nvcsw,
          .involuntary_switches = use.ru_nivcsw};
}

ResourceUse operator-(const ResourceUse& a, const ResourceUse& b) {
  return {.cpu_ns = a.cpu_ns - b.cpu_ns,
          .user_ns = a.user_ns - b.user_ns,
          .system_ns = a.system_ns - b.system_ns,
          .minor_faults = a.minor_faults - b.minor_faults,
          .major_faults = a.major_faults - b.major_faults,
          .voluntary_switches = a.voluntary_switches - b.voluntary_switches,
          .involuntary_switches = a.involuntary_switches - b.involuntary_switches};
}

ResourceUse operator+(const ResourceUse& a, const ResourceUse& b) {
  return {.cpu_ns = a.cpu_ns + b.cpu_ns,
          .user_ns = a.user_ns + b.user_ns,
          .system_ns = a.system_ns + b.system_ns,
          .minor_faults = a.minor_faults + b.minor_faults,
          .major_faults = a.major_faults + b.major_faults,
          .voluntary_switches = a.voluntary_switches + b.voluntary_switches,
          .involuntary_switches = a.involuntary_switches + b.involuntary_switches};
}

// The clock is read last at the begin and first at the end, so that reading the rest is not measured. The marks' pages
// are written before, for their first touch is a fault that is not the program's.

void MeasuredRegion::begin() {
  std::fill(m_marks->file_began_at_ns.begin(), m_marks->file_began_at_ns.end(), 0);
  m_marks->ended = false;
  m_marks->files = 0;
  if (m_at_begin) m_at_begin();
  m_marks->counts_at_begin = m_calls.counts();
  m_marks->use_at_begin = resource_use();
  m_marks->began_at_ns = monotonic_ns();
}

void MeasuredRegion::file_begins(std::uint64_t index) {
  if (index >= kMaxFiles) return;
  m_marks->file_began_at_ns[index] = monotonic_ns();
  m_marks->files = index + 1;
}

void MeasuredRegion::end() {
  m_marks->ended_at_ns = monotonic_ns();
  m_marks->use_at_end = resource_use();
  m_marks->counts_at_end = m_calls.counts();
  if (m_at_end) m_at_end();
  m_marks->closing_cpu_ns = read_clock(CLOCK_PROCESS_CPUTIME_ID) - m_marks->use_at_end.cpu_ns;
  m_marks->ended = true;
}

std::vector<std::int64_t> MeasuredRegion::files_began_at_ns() const {
  const auto begin = m_marks->file_began_at_ns.begin();
  return {begin, begin + static_cast<std::ptrdiff_t>(m_marks->files)};
}

syscalls::CallCounts MeasuredRegion::counts() const {
  syscalls::CallCounts within = m_marks->counts_at_end;
  for (std::size_t i = 0; i < syscalls::kCalls; ++i) within.calls[i] -= m_marks->counts_at_begin.calls[i];
  within.mode_switches -= m_marks->counts_at_begin.mode_switches;
  return within;
}

}  // namespace sluice::native
