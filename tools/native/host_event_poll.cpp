// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <vector>

#include <sys/epoll.h>
#include <sys/syscall.h>

#include "tools/native/host_call.h"

namespace sluice::native {

using kernel_sim::EpollEvent;
using syscalls::Call;
using Value = SystemCalls::Value;

Value HostSystemCalls::epoll_create1(int flags) {
  return call(Call::EpollCreate1, [&] { return raw(SYS_epoll_create1, flags); });
}

Value HostSystemCalls::epoll_ctl(int epfd, int operation, int fd, const EpollEvent* event) {
  epoll_event wanted{};
  if (event != nullptr) {
    wanted.events = event->events;
    wanted.data.u64 = event->data;
  }
  epoll_event* const given = event != nullptr ? &wanted : nullptr;
  return call(Call::EpollCtl, [&] { return raw(SYS_epoll_ctl, epfd, operation, fd, given); });
}

Value HostSystemCalls::epoll_wait(int epfd, std::vector<EpollEvent>& events, int most, int timeout_ms) {
  constexpr int kMost = 1 << 16;  // the kernel gives no more than one for each descriptor
  std::vector<epoll_event> found(static_cast<std::size_t>(std::clamp(most, 1, kMost)));
  const Value value =
      call(Call::EpollWait, [&] { return raw(SYS_epoll_pwait, epfd, found.data(), most, timeout_ms, nullptr, 0); });
  events.clear();
  for (Value i = 0; i < value; ++i) {
    const epoll_event& event = found[static_cast<std::size_t>(i)];
    events.push_back({event.events, event.data.u64});
  }
  return value;
}

}  // namespace sluice::native
