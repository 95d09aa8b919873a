// SPDX-License-Identifier: Apache-2.0
// How the kernel reaches a program's memory: through the MMU and the program's page tables, taking faults as they come.
#pragma once

#include <span>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "models/base/result.h"

namespace sluice::mm {

/// The current task's user memory. Calls act on the address space that is loaded on the running core.
/// A copy stops at the first byte whose fault cannot be resolved and returns how many bytes were done (0: EFAULT).
class UserMemory {
 public:
  virtual ~UserMemory() = default;
  virtual Bytes copy_in(VirtAddr from, PhysAddr to, Bytes size) = 0;
  virtual Bytes copy_out(PhysAddr from, VirtAddr to, Bytes size) = 0;
  /// Small kernel values (not payload): structures that a system call reads or writes.
  virtual Result<void> load(VirtAddr from, std::span<std::byte> to) = 0;
  virtual Result<void> store(VirtAddr to, std::span<const std::byte> from) = 0;
  /// Faults the pages in and takes a reference on each: one fragment per page, in order (get_user_pages).
  /// Stops early at an unresolvable page; EFAULT when there is none at all.
  virtual Result<std::vector<Fragment>> pin(VirtAddr at, Bytes size, hal::Access access) = 0;
  /// Touches a byte of each page (fault_in_readable). Returns how many bytes lie before the first that cannot be read.
  virtual Bytes fault_in_readable(VirtAddr from, Bytes size) {
    std::byte touched{};
    for (Bytes done = 0; done < size; done += (from + done).left_in_page()) {
      if (!load(from + done, std::span{&touched, 1})) return done;
    }
    return size;
  }
};

}  // namespace sluice::mm
