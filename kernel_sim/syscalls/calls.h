// SPDX-License-Identifier: Apache-2.0
// Private to this folder: the frame of every system call, and small helpers.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "kernel_sim/syscalls/simulated_system_calls.h"
#include "kernel_sim/syscalls/trace_format.h"
#include "models/mmu/page_table_format.h"

namespace sluice::syscalls {

/// INT_MAX & PAGE_MASK: the most that one call moves; more is cut silently.
inline constexpr Bytes kMaxReadWrite = 0x7fff'f000;

inline VirtAddr address_of(kernel_sim::UserAddress address) { return VirtAddr{static_cast<std::uint64_t>(address)}; }
inline kernel_sim::SystemCalls::Value to_value(Bytes n) { return static_cast<kernel_sim::SystemCalls::Value>(n); }
inline kernel_sim::SystemCalls::Value to_value(kernel_sim::SystemCalls::Value n) { return n; }
inline kernel_sim::SystemCalls::Value to_value(int n) { return n; }

/// access_ok: the buffer lies within user space, though perhaps nothing is mapped there. EFAULT.
inline Result<void> check_buffer(kernel_sim::UserAddress buffer, std::uint64_t size) {
  const VirtAddr at = address_of(buffer);
  if (at.value() > mmu::kUserEnd || size > mmu::kUserEnd - at.value()) return base::refuse(EFAULT);
  return {};
}

template <class T>
kernel_sim::SystemCalls::Value value_or_error(const Result<T>& result) {
  if (!result) return result.error().value == fs::kQuietBrokenPipe ? -EPIPE : -result.error().value;
  if constexpr (std::is_void_v<T>) {
    return 0;
  } else {
    return to_value(*result);
  }
}

template <class Arguments, class Work>
SimulatedSystemCalls::Value SimulatedSystemCalls::call(Call which, Arguments&& arguments, Work&& work) {
  const Picoseconds begin = services().machine.cpu.now();
  enter(which);
  services().machine.cpu.execute(m_table.config().file_call, hal::Work::SystemCall);
  Value value = value_or_error(work());
  if (value == -EINTR && starts_again(which) && m_process.signals.restarts()) [[unlikely]]
    value = kRestart;
  leave();
  if (m_table.trace) [[unlikely]]
    trace(which, arguments(), value, begin);
  return value;
}

}  // namespace sluice::syscalls
