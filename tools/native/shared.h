// SPDX-License-Identifier: Apache-2.0
// A value in memory that stays common to this process and all that it forks.
#pragma once

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <type_traits>

#include <sys/mman.h>

#include "models/base/result.h"

namespace sluice::native {

/// "what: error name", as one line for the user.
[[noreturn]] inline void throw_host_error(const std::string& what, int error_number) {
  const char* name = strerrorname_np(error_number);
  throw base::InputError{"native: " + what + ": " + (name == nullptr ? "unknown error" : name)};
}

template <class T>
class Shared {
  static_assert(std::is_trivially_destructible_v<T>, "no process could say when it is to be destroyed");

 public:
  Shared() {
    void* at = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw_host_error("shared memory", errno);
    m_value = new (at) T{};
  }
  ~Shared() { forget(); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  /// This process has it no more.
  void forget() {
    if (m_value != nullptr) ::munmap(m_value, sizeof(T));
    m_value = nullptr;
  }

  T& operator*() const { return *m_value; }
  T* operator->() const { return m_value; }

 private:
  T* m_value;
};

}  // namespace sluice::native
