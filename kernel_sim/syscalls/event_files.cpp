// SPDX-License-Identifier: Apache-2.0
// Files that tell of events: counters.
#include <fcntl.h>

#include <sys/eventfd.h>

#include "kernel_sim/fs/event_counter.h"
#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;

kernel_sim::SystemCalls::Value SimulatedSystemCalls::eventfd(unsigned initial, int flags) {
  return call(
      Call::Eventfd, [&] { return format("{}, {}", initial, eventfd_flags(flags)); },
      [&]() -> Result<Value> {
        if ((flags & ~(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK)) != 0) return base::refuse(EINVAL);
        const auto kind =
            (flags & EFD_SEMAPHORE) != 0 ? fs::EventCounter::Kind::Semaphore : fs::EventCounter::Kind::Sum;
        auto counter =
            std::make_shared<fs::EventCounter>(services().scheduler, initial, kind, O_RDWR | (flags & EFD_NONBLOCK));
        return install(std::move(counter), (flags & EFD_CLOEXEC) != 0);
      });
}

}  // namespace sluice::syscalls
