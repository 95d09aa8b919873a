// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernel_sim/sched/task.h"

namespace sluice::sched {

WaitQueue::~WaitQueue() {
  for (WaitListener* listener : m_listeners) listener->m_queue = nullptr;
}

/// As add_wait_queue: the newest first, but behind the others those of whom one is enough.
void WaitListener::listen_to(WaitQueue& queue, bool exclusive) {
  leave();
  m_queue = &queue;
  m_exclusive = exclusive;
  auto& all = queue.m_listeners;
  all.insert(exclusive ? all.end() : all.begin(), this);
}

void WaitListener::leave() {
  if (m_queue != nullptr) std::erase(m_queue->m_listeners, this);
  m_queue = nullptr;
}

void WaitQueue::notify(std::uint32_t events) {
  if (m_listeners.empty()) return;
  // Who is told may wake tasks, and while that takes time others may come and go.
  const std::vector<WaitListener*> told = m_listeners;
  for (WaitListener* listener : told) {
    if (std::ranges::find(m_listeners, listener) == m_listeners.end()) continue;
    const bool enough = listener->m_exclusive && events != 0;
    if (listener->happened(events) && enough) break;
  }
}

}  // namespace sluice::sched
