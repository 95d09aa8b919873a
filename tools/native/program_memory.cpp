// SPDX-License-Identifier: Apache-2.0
#include "tools/native/program_memory.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>

#include <sys/resource.h>

namespace sluice::native {
namespace {

/// Stands in front of each record. A process that is killed between taking its place and writing this leaves a gap,
/// which a reader walks over to the next mark.
struct Frame {
  static constexpr std::uint32_t kMark = 0x5EC0'4D51;
  std::uint32_t mark = 0;
  std::uint32_t size = 0;  ///< of frame, record and texts, rounded up
};

constexpr std::size_t kUnit = 16;
constexpr std::size_t kFixed = sizeof(Frame) + sizeof(Record);
constexpr std::size_t kPage = 4096;

constexpr std::size_t up(std::size_t size, std::size_t unit) { return (size + unit - 1) / unit * unit; }

constexpr std::size_t kHeadSize = kPage;
constexpr std::size_t kSlotsSize = up(sizeof(ProcessSlot) * ProgramMemory::kSlots, kPage);
constexpr std::size_t kAll = kHeadSize + kSlotsSize + ProgramMemory::kLogSize;

static_assert(std::is_trivially_copyable_v<Record>);
static_assert(std::is_trivially_copyable_v<ProcessSlot>);

}  // namespace

Usage usage_now() {
  rusage use{};
  ::getrusage(RUSAGE_SELF, &use);
  const auto microseconds = [](const timeval& t) { return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_usec; };
  return {microseconds(use.ru_utime),
          microseconds(use.ru_stime),
          use.ru_minflt,
          use.ru_majflt,
          use.ru_nvcsw,
          use.ru_nivcsw};
}

Usage operator+(const Usage& a, const Usage& b) {
  return {a.user_us + b.user_us,
          a.system_us + b.system_us,
          a.minor_faults + b.minor_faults,
          a.major_faults + b.major_faults,
          a.voluntary_switches + b.voluntary_switches,
          a.involuntary_switches + b.involuntary_switches};
}

Usage operator-(const Usage& a, const Usage& b) {
  return {a.user_us - b.user_us,
          a.system_us - b.system_us,
          a.minor_faults - b.minor_faults,
          a.major_faults - b.major_faults,
          a.voluntary_switches - b.voluntary_switches,
          a.involuntary_switches - b.involuntary_switches};
}

ProgramUse operator-(const ProgramUse& a, const ProgramUse& b) {
  ProgramUse difference{a.usage - b.usage, a.crossings - b.crossings, a.counts};
  for (std::size_t i = 0; i < syscalls::kCalls; ++i) difference.counts.calls[i] -= b.counts.calls[i];
  difference.counts.mode_switches -= b.counts.mode_switches;
  return difference;
}

ProgramMemory::ProgramMemory() {
  void* const at = ::mmap(nullptr, kAll, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) throw_host_error("shared memory", errno);
  m_at = static_cast<std::byte*>(at);
  m_head = new (m_at) Head{};
  m_slots = reinterpret_cast<ProcessSlot*>(m_at + kHeadSize);
  m_log = m_at + kHeadSize + kSlotsSize;
}

ProgramMemory::~ProgramMemory() { ::munmap(m_at, kAll); }

void ProgramMemory::clear() {
  ::madvise(m_at, kAll, MADV_REMOVE);  // the pages are zero when they are touched again
  new (m_at) Head{};
}

std::uint32_t ProgramMemory::claim(std::int64_t most_alive) {
  if (m_head->alive.fetch_add(1) >= most_alive || m_head->claimed.load() >= kSlots) {
    m_head->alive.fetch_sub(1);
    return kNoSlot;
  }
  const std::uint32_t index = m_head->claimed.fetch_add(1);
  if (index >= kSlots) return kNoSlot;
  new (&m_slots[index]) ProcessSlot{};
  return index;
}

std::uint32_t ProgramMemory::claimed() const { return std::min(m_head->claimed.load(), kSlots); }

std::uint32_t ProgramMemory::slot_of(std::int32_t pid) const {
  for (std::uint32_t i = claimed(); i-- > 0;) {
    if (m_slots[i].pid == pid && !m_slots[i].waited_for) return i;
  }
  return kNoSlot;
}

void ProgramMemory::append(const Record& record, std::string_view text, std::string_view second) const {
  const std::size_t size = up(kFixed + text.size() + second.size(), kUnit);
  if (size > kLogSize) {
    m_head->log_end.store(kLogSize + 1);
    return;
  }
  const std::uint64_t begin = m_head->log_end.fetch_add(size);
  if (begin > kLogSize - size) return;
  std::byte* at = m_log + begin;
  Record written = record;
  written.second_size = static_cast<std::uint16_t>(second.size());
  std::memcpy(at + sizeof(Frame), &written, sizeof written);
  if (!text.empty()) std::memcpy(at + kFixed, text.data(), text.size());
  if (!second.empty()) std::memcpy(at + kFixed + text.size(), second.data(), second.size());
  // The texts' size is not rounded, so that their ends are known.
  const Frame frame{Frame::kMark, static_cast<std::uint32_t>(kFixed + text.size() + second.size())};
  std::memcpy(at, &frame, sizeof frame);
}

void ProgramMemory::read(const Reader& reader) const {
  const std::uint64_t end = std::min<std::uint64_t>(m_head->log_end.load(), kLogSize) / kUnit * kUnit;
  for (std::uint64_t at = 0; at + kFixed <= end;) {
    Frame frame;
    std::memcpy(&frame, m_log + at, sizeof frame);
    if (frame.mark != Frame::kMark || frame.size < kFixed || frame.size > end - at) {
      at += kUnit;
      continue;
    }
    Record record;
    std::memcpy(&record, m_log + at + sizeof frame, sizeof record);
    const auto* const texts = reinterpret_cast<const char*>(m_log + at + kFixed);
    const std::size_t size = frame.size - kFixed;
    const std::size_t second = std::min<std::size_t>(record.second_size, size);
    reader(record, {texts, size - second}, {texts + size - second, second});
    at += up(frame.size, kUnit);
  }
}

}  // namespace sluice::native
