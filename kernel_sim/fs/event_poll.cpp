// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/event_poll.h"

#include <algorithm>
#include <fcntl.h>
#include <optional>

#include <sys/epoll.h>

namespace sluice::fs {

namespace {

constexpr std::uint32_t kPrivateBits = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;  // EP_PRIVATE_BITS
constexpr std::uint32_t kInOut = EPOLLIN | EPOLLOUT;
constexpr std::uint32_t kGoesWithExclusive = kInOut | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
constexpr std::uint32_t kAlwaysWatched = EPOLLERR | EPOLLHUP;
constexpr unsigned kMostNests = 4;  // EP_MAX_NESTS

}  // namespace

/// struct epitem.
class EventPoll::Watch final : public sched::WaitListener {
 public:
  Watch(EventPoll& owner, const std::shared_ptr<File>& watched, Event wanted)
      : event(wanted), m_owner(owner), m_file(watched) {
    if (auto child = std::dynamic_pointer_cast<EventPoll>(watched)) child->m_parents.push_back(&owner);
  }
  ~Watch() override {
    m_owner.unlink(*this);
    if (const auto child = nested()) {
      auto& parents = child->m_parents;
      parents.erase(std::find(parents.begin(), parents.end(), &m_owner));
    }
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// ep_poll_callback.
  bool happened(std::uint32_t events) override {
    if ((event.events & ~kPrivateBits) == 0) return !exclusive();  // one-shot, and it has been
    if (events != 0 && (events & event.events) == 0) return !exclusive();
    const bool wakes = !exclusive() || (!m_owner.m_waiters.empty() && serves(events & kInOut));
    const auto alive = m_owner.weak_from_this().lock();  // waking takes time, in which others may let go of it
    if (alive == nullptr) return wakes;
    m_owner.link(*this);
    alive->wake();
    return wakes;
  }

  [[nodiscard]] bool gone() const { return m_file.expired(); }
  [[nodiscard]] std::shared_ptr<EventPoll> nested() const {
    return std::dynamic_pointer_cast<EventPoll>(m_file.lock());
  }
  [[nodiscard]] bool exclusive() const { return (event.events & EPOLLEXCLUSIVE) != 0; }
  /// ep_item_poll: what is watched for and there.
  [[nodiscard]] std::uint32_t ready() const {
    const std::shared_ptr<File> file = m_file.lock();
    return file == nullptr ? 0 : static_cast<std::uint16_t>(file->poll()) & event.events;
  }

  Event event;
  std::optional<std::list<Watch*>::iterator> place;  ///< in the ready list

 private:
  [[nodiscard]] bool serves(std::uint32_t in_out) const {
    return in_out == 0 || (in_out != kInOut && (event.events & in_out) != 0);
  }

  EventPoll& m_owner;
  std::weak_ptr<File> m_file;
};

EventPoll::EventPoll(sched::Scheduler& scheduler) : File(O_RDWR), m_scheduler(scheduler) {}
/// Watches take themselves off the ready list.
EventPoll::~EventPoll() { m_watches.clear(); }

EventPoll::Watch* EventPoll::find(const std::shared_ptr<File>& file, int fd) {
  const auto found = m_watches.find({file.get(), fd});
  if (found == m_watches.end()) return nullptr;
  if (!found->second->gone()) return found->second.get();
  m_watches.erase(found);  // another file had this address once
  return nullptr;
}

Result<void> EventPoll::add(const std::shared_ptr<File>& file, int fd, Event event) {
  const auto child = std::dynamic_pointer_cast<EventPoll>(file);
  const bool exclusive = (event.events & EPOLLEXCLUSIVE) != 0;
  if (exclusive && (child != nullptr || (event.events & ~kGoesWithExclusive) != 0)) return refuse(EINVAL);
  if (child != nullptr && too_deep(*child)) return refuse(ELOOP);
  if (find(file, fd) != nullptr) return refuse(EEXIST);
  if (m_watches.size() >= m_look_for_gone_at) forget_gone_files();
  event.events |= kAlwaysWatched;
  auto& watch = m_watches[{file.get(), fd}];
  watch = std::make_unique<Watch>(*this, file, event);
  watch->listen_to(*file->poll_queue(), exclusive);
  if (watch->ready() != 0) {
    link(*watch);
    wake();
  }
  return {};
}

Result<void> EventPoll::modify(const std::shared_ptr<File>& file, int fd, Event event) {
  if ((event.events & EPOLLEXCLUSIVE) != 0) return refuse(EINVAL);
  Watch* const watch = find(file, fd);
  if (watch == nullptr) return refuse(ENOENT);
  if (watch->exclusive()) return refuse(EINVAL);
  event.events |= kAlwaysWatched;
  watch->event = event;
  if (watch->ready() != 0 && !watch->place) {
    link(*watch);
    wake();
  }
  return {};
}

Result<void> EventPoll::remove(const std::shared_ptr<File>& file, int fd) {
  if (find(file, fd) == nullptr) return refuse(ENOENT);
  m_watches.erase({file.get(), fd});
  return {};
}

void EventPoll::link(Watch& watch) {
  if (!watch.place) watch.place = m_ready.insert(m_ready.end(), &watch);
}

void EventPoll::unlink(Watch& watch) {
  if (watch.place) m_ready.erase(*watch.place);
  watch.place.reset();
}

void EventPoll::wake() {
  if (!m_waiters.empty()) m_scheduler.wake_one(m_waiters);
  m_poll_queue.notify(EPOLLIN);
}

/// ep_send_events. No time passes while the list is looked through.
std::vector<EventPoll::Event> EventPoll::take(std::size_t most) {
  std::list<Watch*> looked_at;
  looked_at.swap(m_ready);
  std::vector<Event> events;
  std::vector<Watch*> again;
  while (!looked_at.empty() && events.size() < most) {
    Watch& watch = *looked_at.front();
    looked_at.pop_front();
    watch.place.reset();
    const std::uint32_t ready = watch.ready();
    if (ready == 0) continue;
    events.push_back({ready, watch.event.data});
    if ((watch.event.events & EPOLLONESHOT) != 0) {
      watch.event.events &= kPrivateBits;
    } else if ((watch.event.events & EPOLLET) == 0) {
      again.push_back(&watch);
    }
  }
  m_ready.splice(m_ready.begin(), looked_at);
  for (Watch* const watch : again) link(*watch);
  if (!m_ready.empty() && !m_waiters.empty()) m_scheduler.wake_one(m_waiters);  // the rest is for the next one
  return events;
}

std::int16_t EventPoll::poll() const {
  while (!m_ready.empty()) {
    Watch& first = *m_ready.front();
    if (first.ready() != 0) return EPOLLIN | EPOLLRDNORM;
    m_ready.pop_front();
    first.place.reset();
  }
  return 0;
}

Result<kernel_sim::FileStatus> EventPoll::status() { return anonymous_status(); }

void EventPoll::forget_gone_files() {
  std::erase_if(m_watches, [](const auto& entry) { return entry.second->gone(); });
  m_look_for_gone_at = 2 * m_watches.size() + 64;
}

/// ep_loop_check.
bool EventPoll::too_deep(const EventPoll& child) const {
  const unsigned below = child.depth_below(*this, 0);
  return below > kMostNests || below + 1 + depth_above() > kMostNests;
}

unsigned EventPoll::depth_below(const EventPoll& looked_for, unsigned depth) const {
  unsigned deepest = 0;
  for (const auto& [key, watch] : m_watches) {
    const auto child = watch->nested();
    if (child == nullptr) continue;
    if (child.get() == &looked_for || depth > kMostNests) return kMostNests + 1;
    deepest = std::max(deepest, child->depth_below(looked_for, depth + 1) + 1);
  }
  return deepest;
}

unsigned EventPoll::depth_above() const {
  unsigned highest = 0;
  for (const EventPoll* parent : m_parents) highest = std::max(highest, parent->depth_above() + 1);
  return highest;
}

}  // namespace sluice::fs
