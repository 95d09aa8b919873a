// SPDX-License-Identifier: Apache-2.0
// The rules of EEVDF, one by one, without a machine: who is eligible, who is protected, what a sleeper brings back.
#include "kernel_sim/sched/fair_queue.h"

#include <gtest/gtest.h>

namespace sluice::sched {
namespace {

constexpr Picoseconds kSlice = 3_ms;
constexpr Picoseconds kTick = 4_ms;
using Arrival = FairQueue::Arrival;
using Departure = FairQueue::Departure;

/// A queue whose time the test moves: `run` lets the running entity run.
struct Fixture : public testing::Test {
  bool run(Picoseconds duration) {
    now += duration;
    return queue.account(now);
  }
  FairEntity* next() { return queue.switch_to_best(now); }
  /// `a` has been chosen, `b` waits, both with a full slice from 0.
  void two() {
    queue.enqueue(a, Arrival::WokenOrMoved);
    EXPECT_EQ(next(), &a);
    queue.enqueue(b, Arrival::WokenOrMoved);
  }
  FairQueue queue{kSlice, kTick};
  FairEntity a;
  FairEntity b;
  Picoseconds now;
};
using FairQueueTest = Fixture;

TEST_F(FairQueueTest, ALoneEntityRunsOnWhateverItsSlice) {
  queue.enqueue(a, Arrival::New);
  EXPECT_EQ(next(), &a);
  EXPECT_FALSE(run(1_us * 100'000));
  EXPECT_EQ(next(), &a);
  EXPECT_EQ(a.executed, 1_us * 100'000);
}

TEST_F(FairQueueTest, TheRunningEntityShallGiveWayWhenItsSliceIsOver) {
  two();
  EXPECT_FALSE(run(kSlice - 1_ns));
  EXPECT_TRUE(run(1_ns));
  EXPECT_EQ(next(), &b);
  EXPECT_FALSE(run(kSlice - 1_ns));
  EXPECT_TRUE(run(1_ns));
  EXPECT_EQ(next(), &a);
}

TEST_F(FairQueueTest, WhoHasHadMoreThanItsShareIsNotEligibleThoughProtected) {
  two();
  run(1_ms);
  EXPECT_EQ(next(), &b) << "a's lag is -0.5 ms";
}

TEST_F(FairQueueTest, ANewEntityIsPlacedAtTheAverageWithHalfASlice) {
  queue.enqueue(a, Arrival::WokenOrMoved);
  next();
  run(2_ms);
  queue.enqueue(b, Arrival::New);
  EXPECT_EQ(b.run_time, 2_ms);
  EXPECT_EQ(b.deadline, 2_ms + kSlice / 2);
  EXPECT_FALSE(queue.preempts(b)) << "a is eligible and protected until its deadline at 3 ms";
}

TEST_F(FairQueueTest, ASleeperWithoutLagDoesNotPreempt) {
  two();
  ASSERT_TRUE(queue.dequeue(b, Departure::Sleeps));
  b.lag = {};
  run(1_ms);
  queue.enqueue(b, Arrival::WokenOrMoved);
  EXPECT_FALSE(queue.preempts(b));
}

TEST_F(FairQueueTest, ASleeperThatWasOwedTimePreemptsAndIsOwedAsMuch) {
  two();
  run(2_ms);
  EXPECT_EQ(next(), &b);
  run(500_us);  // V is 1.25 ms, b has had 0.5 ms
  ASSERT_TRUE(queue.dequeue(b, Departure::Sleeps));
  EXPECT_EQ(b.lag, 750_us);
  EXPECT_EQ(next(), &a);
  run(100_us);
  queue.enqueue(b, Arrival::WokenOrMoved);
  // Its coming moves V from 2.1 ms down to 1.35 ms, where its lag is 0.75 ms again.
  EXPECT_EQ(b.run_time, 600_us);
  EXPECT_TRUE(queue.preempts(b));
}

TEST_F(FairQueueTest, WhoSleepsOwingTimeStaysUntilItHasPaid) {
  two();
  run(1_ms);
  EXPECT_FALSE(queue.dequeue(a, Departure::Sleeps));
  EXPECT_TRUE(a.delayed);
  EXPECT_EQ(queue.size(), 2U);
  EXPECT_EQ(next(), &b);
  run(3_ms);  // now a would be the best
  EXPECT_EQ(next(), &b) << "a delayed entity is not run";
  EXPECT_FALSE(a.delayed);
  EXPECT_EQ(queue.size(), 1U);
  EXPECT_EQ(a.lag, 0_ms) << "DELAY_ZERO: it has gained nothing by waiting";
}

TEST_F(FairQueueTest, WhoIsWokenWhileDelayedKeepsWhatItOwes) {
  two();
  run(1_ms);
  queue.dequeue(a, Departure::Sleeps);
  next();
  run(400_us);
  queue.enqueue(a, Arrival::WokenOrMoved);
  EXPECT_FALSE(a.delayed);
  EXPECT_EQ(a.run_time, 1_ms);
  EXPECT_FALSE(queue.preempts(a));
  run(700_us);  // b has had 1.1 ms by now
  EXPECT_TRUE(queue.preempts(a)) << "b is not eligible any more";
}

TEST_F(FairQueueTest, LagIsLimitedToTwoSlices) {
  two();
  run(1_us * 40'000);
  queue.dequeue(b, Departure::Sleeps);
  EXPECT_EQ(b.lag, kSlice * 2);
}

TEST_F(FairQueueTest, WhoMovesToAnotherQueueTakesTheRestOfItsRequestAlong) {
  two();
  run(1_ms);
  FairQueue other{kSlice, kTick};
  FairEntity c;
  other.enqueue(c, Arrival::WokenOrMoved);
  other.switch_to_best(now);
  queue.dequeue(b, Departure::Moves);
  other.enqueue(b, Arrival::WokenOrMoved);
  EXPECT_EQ(b.run_time, Picoseconds{} - 1_ms) << "0.5 ms of lag, stretched for two";
  EXPECT_EQ(b.deadline, b.run_time + kSlice);
}

TEST_F(FairQueueTest, AnUnprotectedEntityThatGoesOnIsAskedAgainAtEveryAccount) {
  queue.enqueue(a, Arrival::WokenOrMoved);
  next();
  run(kSlice * 2);  // alone, it has outlived its protection
  run(1_ms);
  queue.enqueue(b, Arrival::WokenOrMoved);
  EXPECT_FALSE(queue.preempts(b)) << "its deadline is not before a's";
  EXPECT_TRUE(run(1_us));
}

TEST_F(FairQueueTest, ThreeThatAlwaysWantTheCoreShareItEqually) {
  FairEntity c;
  two();
  queue.enqueue(c, Arrival::New);
  for (int i = 0; i < 3'000; ++i) {
    if (run(kTick)) next();
  }
  for (const FairEntity* entity : {&a, &b, &c}) {
    EXPECT_GE(entity->executed, kTick * 999);
    EXPECT_LE(entity->executed, kTick * 1001);
  }
}

}  // namespace
}  // namespace sluice::sched
