// SPDX-License-Identifier: Apache-2.0
// Private to this folder: one system call as the processor makes it.
#pragma once

#include <cerrno>
#include <span>
#include <type_traits>
#include <unistd.h>
#include <vector>

#include <sys/uio.h>

#include "tools/native/host_system_calls.h"

namespace sluice::native {

/// As a register of the calling convention holds it; signed values keep their sign.
template <class T>
long as_register(T value) {
  if constexpr (std::is_null_pointer_v<T>) {
    return 0;
  } else if constexpr (std::is_pointer_v<T>) {
    return reinterpret_cast<long>(value);
  } else {
    return static_cast<long>(value);
  }
}

/// The result >= 0, or -errno. Sanitizers do not see the memory that the kernel writes, and need not.
template <class... Arguments>
SystemCalls::Value raw(long number, Arguments... arguments) {
  const long result = ::syscall(number, as_register(arguments)...);
  return result == -1 ? -errno : result;
}

inline std::vector<iovec> to_host(std::span<const kernel_sim::IoVector> vectors) {
  std::vector<iovec> list;
  for (const auto& [base, size] : vectors) list.push_back({reinterpret_cast<void*>(base), size});
  return list;
}

template <class Work>
SystemCalls::Value HostSystemCalls::call(syscalls::Call which, Work&& work) {
  enter(which);
  Value value = work();
  if (value == -EINTR) value = interrupted(which);
  m_counters->returned.fetch_add(1, std::memory_order_relaxed);
  enters_program();
  return value;
}

}  // namespace sluice::native
