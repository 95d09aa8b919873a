// SPDX-License-Identifier: Apache-2.0
// An epoll instance (fs/eventpoll.c): files that it watches, and the list of those that may be ready.
//
//   file's wait queue ── notify(events) ──► Watch ──► ready list ──► take(): poll each, in the list's order
//                                                        ▲                  │ level-triggered and still ready
//                                                        └──────────────────┘
// - A file comes onto the list when it is added or changed while ready, and when its wait queue tells of an event that
//   is watched for. Whether it really is ready is asked when the list is taken.
// - A watch belongs to an open file description under a number: a copy of the descriptor keeps it alive.
// - Nested instances are files as others; no chain is longer than five.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "kernel_sim/fs/file.h"

namespace sluice::fs {

class EventPoll final : public File, public std::enable_shared_from_this<EventPoll> {
 public:
  using Event = kernel_sim::EpollEvent;
  explicit EventPoll(sched::Scheduler& scheduler);
  ~EventPoll() override;

  /// EEXIST, EINVAL for EPOLLEXCLUSIVE with what it does not go with, ELOOP.
  Result<void> add(const std::shared_ptr<File>& file, int fd, Event event);
  /// ENOENT, EINVAL for EPOLLEXCLUSIVE, old or new.
  Result<void> modify(const std::shared_ptr<File>& file, int fd, Event event);
  /// ENOENT.
  Result<void> remove(const std::shared_ptr<File>& file, int fd);

  /// Whether take may find something.
  [[nodiscard]] bool maybe_ready() const { return !m_ready.empty(); }
  /// At most so many events of files that are ready.
  std::vector<Event> take(std::size_t most);
  /// Woken, one at a time, when maybe_ready begins to hold.
  sched::WaitQueue& waiters() { return m_waiters; }

  Result<std::uint64_t> seek(std::int64_t, int) override { return 0; }  // noop_llseek
  Result<kernel_sim::FileStatus> status() override;
  Result<std::uint64_t> waiting_bytes() override { return refuse(EINVAL); }  // it has requests of its own
  [[nodiscard]] std::int16_t poll() const override;
  sched::WaitQueue* poll_queue() override { return &m_poll_queue; }
  [[nodiscard]] bool takes_pages() const override { return false; }
  [[nodiscard]] bool has_read() const override { return false; }
  [[nodiscard]] bool has_write() const override { return false; }

 private:
  class Watch;
  using Key = std::pair<const File*, int>;

  Watch* find(const std::shared_ptr<File>& file, int fd);
  void link(Watch& watch);
  void unlink(Watch& watch);
  void wake();
  void forget_gone_files();
  [[nodiscard]] bool too_deep(const EventPoll& child) const;
  [[nodiscard]] unsigned depth_below(const EventPoll& looked_for, unsigned depth) const;
  [[nodiscard]] unsigned depth_above() const;

  sched::Scheduler& m_scheduler;
  std::map<Key, std::unique_ptr<Watch>> m_watches;
  std::size_t m_look_for_gone_at = 64;  ///< as soon as there are so many watches
  mutable std::list<Watch*> m_ready;
  std::vector<const EventPoll*> m_parents;  ///< that watch this one
  sched::WaitQueue m_waiters;
  sched::WaitQueue m_poll_queue;
};

}  // namespace sluice::fs
