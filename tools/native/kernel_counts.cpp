// SPDX-License-Identifier: Apache-2.0
#include "tools/native/kernel_counts.h"

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <thread>

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

namespace sluice::native {

namespace {

/// Where the kernel lists its events, if it shows them: the file system may not be mounted, or root's alone.
std::optional<std::filesystem::path> events_directory() {
  for (const char* path : {"/sys/kernel/tracing/events", "/sys/kernel/debug/tracing/events"}) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) return path;
  }
  return {};
}

/// The number by which perf_event_open knows a tracepoint, or a negated error number.
std::int64_t id_of(const char* name) {
  const auto events = events_directory();
  if (!events) return -EACCES;
  std::string path{name};
  path.replace(path.find(':'), 1, "/");
  std::error_code ignored;
  if (!std::filesystem::exists(*events / path, ignored)) return -ENOENT;
  std::int64_t id = -EACCES;
  std::ifstream{*events / path / "id"} >> id;
  return id;
}

/// A counter that stands still until it is enabled; a negated error number when there can be none.
int open_counter(const char* name, pid_t process, int core) {
  const std::int64_t id = id_of(name);
  if (id < 0) return static_cast<int>(id);
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.size = sizeof attributes;
  attributes.config = static_cast<std::uint64_t>(id);
  attributes.disabled = 1;
  const long fd = ::syscall(SYS_perf_event_open, &attributes, process, core, -1, PERF_FLAG_FD_CLOEXEC);
  return fd < 0 ? -errno : static_cast<int>(fd);
}

std::uint64_t value_of(const Descriptor& counter) {
  std::uint64_t value = 0;
  return ::read(counter.get(), &value, sizeof value) == sizeof value ? value : 0;
}

std::vector<int> all_cores() {
  std::vector<int> cores(std::thread::hardware_concurrency());
  std::iota(cores.begin(), cores.end(), 0);
  return cores;
}

}  // namespace

KernelCounters::KernelCounters(std::span<const int> cores) {
  const std::vector<int> machine = all_cores();
  for (std::size_t i = 0; i < kTracepoints.size(); ++i) {
    const auto& [name, scope] = kTracepoints[i];
    if (scope == Tracepoint::Scope::Sender) continue;
    for (const int core : scope == Tracepoint::Scope::Cores ? cores : std::span<const int>{machine}) {
      const int fd = open_counter(name, -1, core);
      if (fd < 0) m_errors[i] = -fd;
      if (fd >= 0) m_shared.push_back({i, Descriptor{fd}});
    }
  }
}

void KernelCounters::attach_to_sender() {
  for (std::size_t i = 0; i < kTracepoints.size(); ++i) {
    const auto& [name, scope] = kTracepoints[i];
    if (scope != Tracepoint::Scope::Sender) continue;
    const int fd = open_counter(name, 0, -1);
    m_sender->errors[i] = fd < 0 ? -fd : 0;
    if (fd >= 0) m_own.push_back({i, Descriptor{fd}});
  }
}

void KernelCounters::sender_begins() const {
  for (const auto* counters : {&m_shared, &m_own}) {
    for (const Counter& counter : *counters) ::ioctl(counter.descriptor.get(), PERF_EVENT_IOC_ENABLE, 0);
  }
}

void KernelCounters::sender_ends() {
  for (const Counter& counter : m_own) ::ioctl(counter.descriptor.get(), PERF_EVENT_IOC_DISABLE, 0);
  for (const Counter& counter : m_own) {
    std::atomic_ref{m_sender->values[counter.tracepoint]} += value_of(counter.descriptor);
  }
}

void KernelCounters::last_byte() const {
  for (const Counter& counter : m_shared) ::ioctl(counter.descriptor.get(), PERF_EVENT_IOC_DISABLE, 0);
}

std::vector<int> KernelCounters::descriptors() const {
  std::vector<int> all;
  for (const Counter& counter : m_shared) all.push_back(counter.descriptor.get());
  return all;
}

std::vector<KernelCount> KernelCounters::counts() const {
  std::vector<KernelCount> all;
  for (std::size_t i = 0; i < kTracepoints.size(); ++i) {
    const bool of_sender = kTracepoints[i].scope == Tracepoint::Scope::Sender;
    const int error = of_sender ? m_sender->errors[i] : m_errors[i];
    KernelCount& count = all.emplace_back();
    count.event = kTracepoints[i].name;
    count.known = error == 0;
    if (error != 0) count.why_not = error == ENOENT ? "not in this kernel" : "not permitted here";
    count.count = m_sender->values[i];
    for (const Counter& counter : m_shared) {
      if (counter.tracepoint == i) count.count += value_of(counter.descriptor);
    }
  }
  return all;
}

}  // namespace sluice::native
