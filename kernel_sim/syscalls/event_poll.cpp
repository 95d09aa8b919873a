// SPDX-License-Identifier: Apache-2.0
// epoll: many files watched by one.
#include "kernel_sim/fs/event_poll.h"

#include <climits>
#include <fcntl.h>

#include <sys/epoll.h>

#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;
using kernel_sim::EpollEvent;
using SystemCallsValue = kernel_sim::SystemCalls::Value;

namespace {

constexpr int kMostEvents = INT_MAX / 12;  // EP_MAX_EVENTS: of a struct epoll_event without padding

}  // namespace

SystemCallsValue SimulatedSystemCalls::epoll_create1(int flags) {
  return call(
      Call::EpollCreate1, [&] { return epoll_create_flags(flags); },
      [&]() -> Result<Value> {
        if ((flags & ~EPOLL_CLOEXEC) != 0) return base::refuse(EINVAL);
        return install(std::make_shared<fs::EventPoll>(services().scheduler), (flags & EPOLL_CLOEXEC) != 0);
      });
}

/// do_epoll_ctl.
SystemCallsValue SimulatedSystemCalls::epoll_ctl(int epfd, int operation, int fd, const EpollEvent* event) {
  return call(
      Call::EpollCtl,
      [&] {
        return format("{}, {}, {}, {}", epfd, epoll_operation(operation), fd,
                      event == nullptr ? "NULL" : epoll_event(*event));
      },
      [&]() -> Result<void> {
        if (operation != EPOLL_CTL_DEL && event == nullptr) return base::refuse(EFAULT);
        const Result<FilePointer> instance = file(epfd);
        if (!instance) return tl::unexpected{instance.error()};
        const Result<FilePointer> target = file(fd);
        if (!target) return tl::unexpected{target.error()};
        if ((*target)->poll_queue() == nullptr) return base::refuse(EPERM);
        const auto epoll = std::dynamic_pointer_cast<fs::EventPoll>(*instance);
        if (epoll == nullptr || *instance == *target) return base::refuse(EINVAL);
        services().machine.cpu.execute(m_table.config().epoll_ctl, hal::Work::SystemCall);
        EpollEvent wanted = event != nullptr ? *event : EpollEvent{};
        wanted.events &= ~std::uint32_t{EPOLLWAKEUP};  // without CAP_BLOCK_SUSPEND it is taken and forgotten
        switch (operation) {
          case EPOLL_CTL_ADD:
            return epoll->add(*target, fd, wanted);
          case EPOLL_CTL_MOD:
            return epoll->modify(*target, fd, wanted);
          case EPOLL_CTL_DEL:
            return epoll->remove(*target, fd);
          default:
            return base::refuse(EINVAL);
        }
      });
}

SystemCallsValue SimulatedSystemCalls::epoll_wait(int epfd, std::vector<EpollEvent>& events, int most, int timeout_ms) {
  return call(
      Call::EpollWait, [&] { return format("{}, {}, {}, {}", epfd, epoll_events(events), most, timeout_ms); },
      [&]() -> Result<Value> {
        events.clear();
        const Result<FilePointer> found = file(epfd);
        if (!found) return tl::unexpected{found.error()};
        if (most <= 0 || most > kMostEvents) return base::refuse(EINVAL);
        const auto epoll = std::dynamic_pointer_cast<fs::EventPoll>(*found);
        if (epoll == nullptr) return base::refuse(EINVAL);
        auto ready = wait_for_events(*epoll, static_cast<std::size_t>(most), timeout_ms);
        if (!ready) return tl::unexpected{ready.error()};
        events = std::move(*ready);
        return to_value(Bytes{events.size()});
      });
}

/// ep_poll. Several waiters are woken one by one, each for what the one before left.
Result<std::vector<EpollEvent>> SimulatedSystemCalls::wait_for_events(fs::EventPoll& epoll, std::size_t most,
                                                                      int timeout_ms) {
  hal::Cpu& cpu = services().machine.cpu;
  sched::Scheduler& scheduler = services().scheduler;
  const Picoseconds end = cpu.now() + 1_ms * static_cast<std::uint64_t>(std::max(timeout_ms, 0));
  for (;;) {
    if (epoll.maybe_ready()) {
      std::vector<EpollEvent> events = epoll.take(most);
      cpu.execute(m_table.config().epoll_event * std::max<std::size_t>(events.size(), 1), hal::Work::SystemCall);
      if (!events.empty()) return events;
      if (timeout_ms != 0 && epoll.maybe_ready()) continue;
    }
    if (timeout_ms != 0 && scheduler.interrupted()) return base::refuse(EINTR);
    if (timeout_ms < 0) {
      scheduler.wait(epoll.waiters(), "one of several files (epoll)");
      continue;
    }
    const Picoseconds now = cpu.now();
    if (now >= end) return std::vector<EpollEvent>{};
    scheduler.wait(epoll.waiters(), "one of several files (epoll)", end - now);
  }
}

}  // namespace sluice::syscalls
