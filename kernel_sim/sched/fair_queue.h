// SPDX-License-Identifier: Apache-2.0
// The fair run queue of one core: EEVDF (earliest eligible virtual deadline first) as Linux 6.18 has it in
// kernel/sched/fair.c, for entities of one weight (nice 0), so that virtual time is time.
//
//   V = average virtual run time of all that compete        lag = V - own virtual run time
//   eligible: lag >= 0      deadline = virtual run time at the last request + slice
//   next: among the eligible, the one with the earliest deadline
//
// The functions are those of fair.c: enqueue_entity and place_entity, dequeue_entity with delayed dequeue, update_curr
// and update_deadline, pick_eevdf with run to parity, set_next_entity. No SystemC, no machine: instants come in.
#pragma once

#include <vector>

#include "models/base/time.h"

namespace sluice::sched {

/// What the queue knows about one task (struct sched_entity).
struct FairEntity {
  Picoseconds executed;         ///< all its time on cores
  Picoseconds run_time;         ///< virtual: grows as `executed`, but is set anew when it is placed in a queue
  Picoseconds deadline;         ///< virtual; relative to run_time while it moves from one queue to another
  Picoseconds lag;              ///< when it left its queue
  Picoseconds protected_until;  ///< virtual: until then the running entity gives way only when it is not eligible
  Picoseconds accounted;        ///< instant up to which it is charged for holding its core
  bool delayed = false;         ///< sleeps, and competes until it has paid for what it had too much
  bool deadline_relative = false;
};

class FairQueue {
 public:
  /// How an entity comes into the queue.
  enum class Arrival { New, WokenOrMoved };
  /// Why it leaves.
  enum class Departure { Sleeps, Moves };

  /// `slice`: what an entity asks for at a time (base_slice_ns). `tick`: the time between timer ticks.
  FairQueue(Picoseconds slice, Picoseconds tick) : m_slice(slice), m_tick(tick) {}

  /// The entities that compete, the running one and delayed ones included.
  [[nodiscard]] std::size_t size() const { return m_waiting.size() + (m_running != nullptr ? 1 : 0); }
  [[nodiscard]] const FairEntity* running() const { return m_running; }
  /// In the order of their deadlines.
  [[nodiscard]] const std::vector<FairEntity*>& waiting() const { return m_waiting; }

  /// Charges the running entity up to `now`. True: it shall give way soon (its slice or protection is over, and there
  /// are others).
  bool account(Picoseconds now);
  /// Lets an entity compete. Call account first. A delayed one is one that had not left.
  void enqueue(FairEntity& entity, Arrival arrival);
  /// Ends an entity's competing. Call account first. False: it sleeps but stays for now, delayed.
  bool dequeue(FairEntity& entity, Departure departure);
  /// Whether `woken` is to preempt the running entity (check_preempt_wakeup_fair). Call account first.
  [[nodiscard]] bool preempts(const FairEntity& woken) const { return choose() == &woken; }
  /// Makes the best entity the running one from `now` on and returns it; null when nobody competes. Delayed entities
  /// that it meets leave for good. Call account first.
  FairEntity* switch_to_best(Picoseconds now);

 private:
  /// Of all that compete: the sum of what each is ahead of `base`.
  struct RunTimes {
    Picoseconds base;
    Picoseconds sum;
  };
  /// At least one competes.
  [[nodiscard]] RunTimes run_times() const;
  [[nodiscard]] bool eligible(const FairEntity& entity, const RunTimes& all) const;
  [[nodiscard]] FairEntity* choose() const;
  [[nodiscard]] Picoseconds average() const;
  void place(FairEntity& entity, Arrival arrival);
  void insert(FairEntity& entity);
  void remember_lag(FairEntity& entity) const;

  Picoseconds m_slice;
  Picoseconds m_tick;
  std::vector<FairEntity*> m_waiting;
  FairEntity* m_running = nullptr;
  Picoseconds m_zero;  // V when the queue was last empty
};

}  // namespace sluice::sched
