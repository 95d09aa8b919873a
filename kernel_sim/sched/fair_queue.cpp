// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/sched/fair_queue.h"

#include <algorithm>
#include <utility>

namespace sluice::sched {

bool FairQueue::account(Picoseconds now) {
  if (m_running == nullptr || now <= m_running->accounted) return false;
  FairEntity& running = *m_running;
  const Picoseconds passed = now - std::exchange(running.accounted, now);
  running.executed += passed;
  running.run_time += passed;
  bool slice_over = false;
  if (running.run_time >= running.deadline) {  // update_deadline: the next request
    running.deadline = running.run_time + m_slice;
    slice_over = true;
  }
  return size() > 1 && (slice_over || running.run_time >= running.protected_until);
}

void FairQueue::enqueue(FairEntity& entity, Arrival arrival) {
  if (!std::exchange(entity.delayed, false)) {
    place(entity, arrival);
    insert(entity);
    return;
  }
  // requeue_delayed_entity with DELAY_ZERO: it keeps what it owes still, but gains nothing by its delay.
  remember_lag(entity);
  if (entity.lag <= Picoseconds{}) return;
  std::erase(m_waiting, &entity);
  entity.lag = {};
  place(entity, arrival);
  insert(entity);
}

bool FairQueue::dequeue(FairEntity& entity, Departure departure) {
  if (departure == Departure::Sleeps && !entity.delayed && !eligible(entity, run_times())) {
    entity.delayed = true;
    return false;
  }
  remember_lag(entity);
  if (std::exchange(entity.delayed, false)) entity.lag = std::min(entity.lag, Picoseconds{});
  if (departure == Departure::Moves) {
    entity.deadline -= entity.run_time;
    entity.deadline_relative = true;
  }
  if (size() == 1) m_zero = entity.run_time;
  if (&entity == m_running) {
    m_running = nullptr;
  } else {
    std::erase(m_waiting, &entity);
  }
  return true;
}

FairEntity* FairQueue::switch_to_best(Picoseconds now) {
  FairEntity* best = choose();
  while (best != nullptr && best->delayed) {
    dequeue(*best, Departure::Sleeps);
    best = choose();
  }
  if (best == m_running) return best;  // goes on with the protection that it has left
  std::erase(m_waiting, best);
  if (m_running != nullptr) insert(*m_running);
  m_running = best;
  best->protected_until = best->deadline;  // set_protect_slice, where all slices are equal
  best->accounted = now;
  return best;
}

FairQueue::RunTimes FairQueue::run_times() const {
  RunTimes times{.base = m_running != nullptr ? m_running->run_time : m_waiting.front()->run_time, .sum = {}};
  for (const FairEntity* entity : m_waiting) times.sum += entity->run_time - times.base;
  return times;
}

/// V >= v, without the rounding of V.
bool FairQueue::eligible(const FairEntity& entity, const RunTimes& all) const {
  return all.sum >= (entity.run_time - all.base) * size();
}

/// pick_eevdf.
FairEntity* FairQueue::choose() const {
  if (size() == 1) return m_running != nullptr ? m_running : m_waiting.front();
  if (size() == 0) return nullptr;
  const RunTimes all = run_times();
  FairEntity* const running = m_running != nullptr && eligible(*m_running, all) ? m_running : nullptr;
  // RUN_TO_PARITY: who has been chosen keeps the core until its slice is over or it has had its share.
  if (running != nullptr && running->run_time < running->protected_until) return running;
  const auto best = std::ranges::find_if(m_waiting, [&](const FairEntity* entity) { return eligible(*entity, all); });
  if (best == m_waiting.end() || (running != nullptr && running->deadline < (*best)->deadline)) return running;
  return *best;
}

Picoseconds FairQueue::average() const {
  const auto count = static_cast<std::int64_t>(size());
  if (count == 0) return m_zero;
  const RunTimes all = run_times();
  const std::int64_t sum = all.sum.count();
  return all.base + Picoseconds{sum >= 0 ? sum / count : (sum - count + 1) / count};  // rounded down
}

/// place_entity.
void FairQueue::place(FairEntity& entity, Arrival arrival) {
  // Its own coming moves V, so that its lag has to be stretched in order to be what it was.
  const std::size_t others = size();
  Picoseconds lag;
  if (others > 0) lag = Picoseconds{entity.lag.count() * static_cast<std::int64_t>(others + 1)} / others;
  entity.run_time = average() - lag;
  if (std::exchange(entity.deadline_relative, false)) {
    entity.deadline += entity.run_time;
    return;
  }
  // The others are half way through their slices, on average (PLACE_DEADLINE_INITIAL).
  entity.deadline = entity.run_time + (arrival == Arrival::New ? m_slice / 2 : m_slice);
}

/// In the order of deadlines, behind equal ones.
void FairQueue::insert(FairEntity& entity) {
  const auto after = std::upper_bound(m_waiting.begin(), m_waiting.end(), &entity,
                                      [](const auto* a, const auto* b) { return a->deadline < b->deadline; });
  m_waiting.insert(after, &entity);
}

/// update_entity_lag: between -r and r, where r is what an entity can be off by in a steady state.
void FairQueue::remember_lag(FairEntity& entity) const {
  const Picoseconds limit = std::max(m_slice * 2, m_tick);
  entity.lag = std::clamp(average() - entity.run_time, Picoseconds{} - limit, limit);
}

}  // namespace sluice::sched
