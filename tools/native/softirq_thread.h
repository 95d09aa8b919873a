// SPDX-License-Identifier: Apache-2.0
// The CPU time of a core's ksoftirqd: the network work that the kernel did on behalf of no process.
#pragma once

#include <cstdint>
#include <optional>

#include "tools/native/descriptor.h"

namespace sluice::native {

class SoftirqThread {
 public:
  /// Finds the thread in /proc; where it is hidden (a container), nothing can be read.
  explicit SoftirqThread(int cpu);

  [[nodiscard]] bool readable() const { return m_schedstat.is_open(); }
  /// For processes that read it after closing others.
  [[nodiscard]] int descriptor() const { return m_schedstat.get(); }
  /// Nanoseconds since boot, from its schedstat; up to date when the thread is not on the core.
  [[nodiscard]] std::optional<std::int64_t> cpu_ns() const;

 private:
  Descriptor m_schedstat;
};

}  // namespace sluice::native
