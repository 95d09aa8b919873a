// SPDX-License-Identifier: Apache-2.0
// Who runs when: waiting, waking, time-outs, time and preemption, on the fake machine.
#include "kernel_sim/sched/scheduler.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "models/base/result.h"
#include "tests/kernel_sim/sched/rig.h"

namespace sluice::sched {
namespace {

TEST(Scheduler, RunsTasksOfOneCoreFirstComeFirstServed) {
  Rig rig;
  for (const char* name : {"a", "b", "c"}) rig.scheduler.spawn(name, [&rig, name] { rig.log += name; });
  rig.fake.run_all();
  EXPECT_EQ(rig.log, "abc");
  EXPECT_EQ(rig.scheduler.context_switches(), 4U);  // idle to a, a to b, b to c, c to idle
  EXPECT_TRUE(rig.scheduler.unfinished().empty());
}

TEST(Scheduler, WaitersAreWokenInTheOrderInWhichTheyCame) {
  Rig rig;
  WaitQueue queue;
  bool go = false;
  for (const char* name : {"a", "b", "c"}) {
    rig.scheduler.spawn(name, [&, name] {
      while (!go) rig.scheduler.wait(queue, "go");
      rig.log += name;
    });
  }
  rig.scheduler.spawn("waker", [&] {
    go = true;
    rig.scheduler.wake_one(queue);
    rig.scheduler.wake_one(queue);
    rig.scheduler.wake_one(queue);
    rig.scheduler.wake_one(queue);  // nobody left
  });
  rig.fake.run_all();
  EXPECT_EQ(rig.log, "abc");
}

TEST(Scheduler, NoWakeUpIsLostWhereverTheInterruptFalls) {
  // An interrupt at every nanosecond around test, wait and switch; each must let the waiter through exactly once.
  for (int delay = 0; delay < 4'000; delay += 7) {
    Rig rig;
    WaitQueue queue;
    bool ready = false;
    rig.machine.interrupts.set_handler(1, 0, rig.scheduler.interrupt_handler([&] {
      ready = true;
      rig.scheduler.wake_all(queue);
    }));
    rig.scheduler.spawn("waiter", [&] {
      rig.fake.raise_interrupt(1, Picoseconds{delay * 1'000});
      rig.machine.cpu.execute(500_ns, hal::Work::Program);
      while (!ready) rig.scheduler.wait(queue, "the interrupt");
      rig.log += "done";
    });
    rig.scheduler.spawn("other", [&] { rig.machine.cpu.execute(300_ns, hal::Work::Program); });
    rig.fake.run_all();
    ASSERT_EQ(rig.log, "done") << "interrupt after " << delay << " ns";
  }
}

TEST(Scheduler, AWaitEndsAtItsTimeoutAndSaysSo) {
  Rig rig;
  WaitQueue queue;
  rig.scheduler.spawn("waiter", [&] {
    const Picoseconds began = rig.machine.cpu.now();
    EXPECT_FALSE(rig.scheduler.wait(queue, "nothing", 10_us));
    EXPECT_GE(rig.machine.cpu.now() - began, 10_us);
    EXPECT_LT(rig.machine.cpu.now() - began, 13_us);
    EXPECT_TRUE(queue.empty());
  });
  rig.fake.run_all();
}

TEST(Scheduler, AWakeUpBeforeTheTimeoutCancelsItsTimer) {
  Rig rig;
  WaitQueue queue;
  rig.scheduler.spawn("waiter", [&] { EXPECT_TRUE(rig.scheduler.wait(queue, "a wake-up", 10_ms)); });
  rig.scheduler.spawn("waker", [&] { rig.scheduler.wake_one(queue); });
  rig.fake.run_all();
  EXPECT_LT(rig.fake.time(), 1_ms);
}

TEST(Scheduler, AWaitOnSeveralQueuesLeavesAllOfThemAtTheFirstWakeUp) {
  Rig rig;
  WaitQueue first;
  WaitQueue second;
  rig.scheduler.spawn("waiter", [&] {
    WaitQueue* const queues[] = {&first, &second};
    EXPECT_TRUE(rig.scheduler.wait_any(queues, "either"));
    EXPECT_TRUE(first.empty());
    EXPECT_TRUE(second.empty());
  });
  rig.scheduler.spawn("waker", [&] { rig.scheduler.wake_one(second); });
  rig.fake.run_all();
}

TEST(Scheduler, ATaskIsPreemptedAtTheTickAfterItsSliceAndOnlyIfAnotherWaits) {
  Rig rig;
  const auto work = [&rig](const char* name, int pieces) -> const Task& {
    return rig.scheduler.spawn(name, [&rig, name, pieces] {
      for (int i = 0; i < pieces; ++i) {
        rig.log += name;
        rig.machine.cpu.execute(1_ms, hal::Work::Program);
        rig.scheduler.return_to_user();
      }
    });
  };
  const Task& a = work("a", 9);
  const Task& b = work("b", 4);
  rig.fake.run_all();
  EXPECT_EQ(rig.log, "aaaabbbbaaaaa");  // the tick is at 4 ms
  EXPECT_EQ(a.switches().involuntary, 1U);
  EXPECT_EQ(a.switches().voluntary, 0U);
  EXPECT_EQ(b.switches().involuntary, 0U) << "at 8 ms it has had a little less than a";
}

/// A sleeper that waits for interrupt 1, and a task in user mode meanwhile. With 4 ms of competition before, the
/// sleeper is owed time.
std::string who_is_first(bool owed, Placement placement) {
  Rig rig;
  WaitQueue queue;
  rig.machine.interrupts.set_handler(1, 0, rig.scheduler.interrupt_handler([&] { rig.scheduler.wake_one(queue); }));
  const auto user = [&] {
    rig.machine.cpu.set_mode(hal::Mode::User);
    rig.fake.raise_interrupt(1, 4'500_us);
    rig.machine.cpu.execute(6_ms, hal::Work::Program);
    rig.log += "user ";
    EXPECT_EQ(rig.machine.cpu.mode(), hal::Mode::User);
  };
  if (owed) rig.scheduler.spawn("user", user);
  rig.scheduler.spawn(
      "sleeper",
      [&] {
        rig.scheduler.wait(queue, "the interrupt");
        rig.log += "sleeper ";
      },
      placement);
  if (!owed) rig.scheduler.spawn("user", user);
  rig.fake.run_all();
  return rig.log;
}

TEST(Scheduler, AnInterruptInUserModePreemptsForWhomItWokeIfThatIsOwedTime) {
  EXPECT_EQ(who_is_first(true, {}), "sleeper user ");
  EXPECT_EQ(who_is_first(false, {}), "user sleeper ");
}

TEST(Scheduler, ABatchTaskThatWakesUpDoesNotPreempt) {
  EXPECT_EQ(who_is_first(true, {.batch = true}), "user sleeper ");
}

TEST(Scheduler, ACoreWithOneTaskHasNoTicks) {
  Rig rig;
  rig.scheduler.spawn("alone", [&] { rig.machine.cpu.execute(100_ms, hal::Work::Program); });
  rig.fake.run_all();
  EXPECT_EQ(rig.fake.time(), 100_ms + rig.config.context_switch.at(rig.machine.cpu.frequency()));
}

/// What a task in the kernel, woken another by, logs at each point until the other runs.
std::string where_it_gives_way(Preemption model) {
  Rig rig;
  rig.config.preemption = model;
  WaitQueue queue;
  rig.scheduler.spawn("kernel", [&] {
    rig.machine.cpu.execute(5_ms, hal::Work::Program);  // so that the sleeper is owed time
    rig.scheduler.cond_resched();
    rig.scheduler.return_to_user();
    {
      const BottomHalvesOff no_preemption{rig.scheduler};
      rig.scheduler.wake_one(queue);
      rig.machine.cpu.execute(1_us, hal::Work::Program);
    }
    rig.log += "enable ";
    rig.machine.cpu.execute(1_us, hal::Work::Program);
    rig.scheduler.might_sleep();
    rig.log += "might_sleep ";
    rig.scheduler.cond_resched();
    rig.log += "cond_resched ";
    rig.machine.cpu.execute(4_ms, hal::Work::Program);
    rig.log += "tick ";
    rig.scheduler.return_to_user();
  });
  rig.scheduler.spawn("sleeper", [&] {
    rig.scheduler.wait(queue, "a wake-up");
    rig.log += "| ";
  });
  rig.fake.run_all();
  return rig.log;
}

TEST(Scheduler, WhereATaskInTheKernelGivesWayIsTheModelsChoice) {
  EXPECT_EQ(where_it_gives_way(Preemption::None), "enable might_sleep | cond_resched tick ");
  EXPECT_EQ(where_it_gives_way(Preemption::Voluntary), "enable | might_sleep cond_resched tick ");
  EXPECT_EQ(where_it_gives_way(Preemption::Full), "| enable might_sleep cond_resched tick ");
  EXPECT_EQ(where_it_gives_way(Preemption::Lazy), "enable might_sleep cond_resched | tick ");
}

TEST(Scheduler, AWakeUpForABusyCorePreemptsThereByAnInterrupt) {
  Rig rig{2};
  WaitQueue queue;
  Picoseconds woken;
  rig.scheduler.spawn("busy",
                      [&] {
                        rig.machine.cpu.set_mode(hal::Mode::User);
                        rig.machine.cpu.execute(20_ms, hal::Work::Program);
                      },
                      {.core = 1});
  rig.scheduler.spawn("sleeper",
                      [&] {
                        rig.scheduler.wait(queue, "the other core");
                        woken = rig.machine.cpu.now();
                      },
                      {.core = 1});
  rig.fake.after(6_ms, [&] { rig.fake.raise_interrupt(1); });
  rig.machine.interrupts.set_handler(1, 0, rig.scheduler.interrupt_handler([&] { rig.scheduler.wake_one(queue); }));
  rig.fake.run_all();
  EXPECT_GT(woken, 6_ms);
  EXPECT_LT(woken, 6_ms + 10_us);
}

TEST(Scheduler, InterruptsAreTheInterruptedTasksTimeUnlessTheyAreAccountedApart) {
  for (const bool apart : {false, true}) {
    Rig rig;
    rig.config.irq_time_accounting = apart;
    rig.machine.interrupts.set_handler(
        1, 0, rig.scheduler.interrupt_handler([&] { rig.machine.cpu.execute(30_us, hal::Work::Program); }));
    const Task& task = rig.scheduler.spawn("task", [&] {
      rig.fake.raise_interrupt(1, 5_us);
      rig.machine.cpu.execute(100_us, hal::Work::Program);
    });
    rig.fake.run_all();
    const auto cost = [&](CpuCost c) { return c.at(rig.machine.cpu.frequency()); };
    const Picoseconds own = 100_us + cost(rig.config.context_switch);
    EXPECT_EQ(task.cpu_time(), apart ? own : own + 30_us + cost(rig.config.interrupt_entry));
  }
}

TEST(Scheduler, AnIdleCoreTakesTheWokenTask) {
  Rig rig{2};
  WaitQueue queue;
  std::vector<unsigned> cores;
  rig.scheduler.spawn("first", [&] {
    cores.push_back(rig.machine.contexts.current_core());
    rig.scheduler.wait(queue, "a wake-up");
    cores.push_back(rig.machine.contexts.current_core());
  });
  rig.scheduler.spawn("second", [&] {
    cores.push_back(rig.machine.contexts.current_core());
    rig.scheduler.wake_one(queue);
    rig.machine.cpu.execute(1_us, hal::Work::Program);
  });
  rig.fake.run_all();
  EXPECT_EQ(cores, (std::vector<unsigned>{0, 1, 0}));
}

/// From the wake-up to the first instruction of the last of `sleepers` tasks on `core`, woken by one on core 0.
Picoseconds time_to_wake(unsigned core, unsigned sleepers, CpuCost send_interrupt, CpuCost interrupt_entry) {
  Rig rig{2};
  rig.config.send_interrupt = send_interrupt;
  rig.config.interrupt_entry = interrupt_entry;
  WaitQueue queue;
  bool awake = false;
  Picoseconds woken_at;
  Picoseconds runs_at;
  for (unsigned i = 0; i < sleepers; ++i) {
    rig.scheduler.spawn("sleeper",
                        [&] {
                          while (!awake) rig.scheduler.wait(queue, "a wake-up");
                          runs_at = rig.machine.cpu.now();
                        },
                        {.core = core});
  }
  rig.scheduler.spawn("waker",
                      [&] {
                        rig.machine.cpu.execute(1_ms, hal::Work::Program);
                        awake = true;
                        woken_at = rig.machine.cpu.now();
                        rig.scheduler.wake_all(queue);
                      },
                      {.core = 0});
  rig.fake.run_all();
  EXPECT_TRUE(rig.scheduler.unfinished().empty());
  return runs_at - woken_at;
}

TEST(Scheduler, WakingAnIdleCoreFromAnotherTakesAnInterruptThere) {
  const CpuCost send = CpuCost::time(7_us);
  const CpuCost enter = CpuCost::time(20_us);
  const Picoseconds here = time_to_wake(0, 1, send, enter);
  EXPECT_LT(here, 7_us) << "on its own core a task is woken without an interrupt";
  EXPECT_EQ(time_to_wake(1, 1, send, enter), here + 27_us);
}

TEST(Scheduler, SeveralWakeUpsOfAnIdleCoreSendItOneInterrupt) {
  const CpuCost none = CpuCost::time(0_ps);
  EXPECT_EQ(time_to_wake(1, 3, CpuCost::time(7_us), none), time_to_wake(1, 3, none, none) + 7_us);
}

TEST(Scheduler, ATaskStaysOnTheCoreThatIsBeingWokenForItThoughItsWakersBecomesIdle) {
  Rig rig{2};
  rig.config.interrupt_entry = CpuCost::time(20_us);
  unsigned core = 0;
  rig.scheduler.spawn("parent", [&] {
    rig.machine.cpu.execute(1_ms, hal::Work::Program);
    rig.scheduler.spawn("child", [&] { core = rig.machine.contexts.current_core(); });
  });
  rig.fake.run_all();
  EXPECT_EQ(core, 1U);
}

TEST(Scheduler, APlacedTaskStaysOnItsCoreThoughAnotherIsIdle) {
  Rig rig{2};
  std::vector<unsigned> cores;
  for (int i = 0; i < 2; ++i) {
    rig.scheduler.spawn("placed",
                        [&] {
                          rig.machine.cpu.execute(1_ms, hal::Work::Program);
                          cores.push_back(rig.machine.contexts.current_core());
                        },
                        {.core = 1});
  }
  rig.fake.run_all();
  EXPECT_EQ(cores, (std::vector<unsigned>{1, 1}));
  EXPECT_THROW(rig.scheduler.spawn("nowhere", [] {}, {.core = 2}), base::InputError);
}

TEST(Scheduler, TheTimesOfTheTasksAndOfTheIdleCoreAddUp) {
  Rig rig;
  WaitQueue queue;
  const Task& sleeper = rig.scheduler.spawn("sleeper", [&] {
    rig.machine.cpu.execute(3_us, hal::Work::Program);
    rig.scheduler.wait(queue, "a while", 1_ms);
    rig.machine.cpu.execute(5_us, hal::Work::Program);
  });
  const Task& worker = rig.scheduler.spawn("worker", [&] {
    rig.machine.cpu.execute(7_us, hal::Work::Program);
    EXPECT_EQ(rig.scheduler.current()->cpu_time(), 7_us + rig.config.context_switch.at(rig.machine.cpu.frequency()));
  });
  rig.fake.run_all();
  const Picoseconds change = rig.config.context_switch.at(rig.machine.cpu.frequency());
  EXPECT_EQ(worker.cpu_time(), 7_us + change);
  EXPECT_EQ(sleeper.cpu_time(), 8_us + change + change);
}

TEST(Scheduler, ATasksUserTimeIsItsOwnThoughAnotherRunsInBetween) {
  Rig rig;
  const auto in_user_mode = [&](Picoseconds time) {
    rig.machine.cpu.set_mode(hal::Mode::User);
    rig.machine.cpu.execute(time, hal::Work::Program);
    rig.machine.cpu.set_mode(hal::Mode::Kernel);
  };
  WaitQueue queue;
  const Task& first = rig.scheduler.spawn("first", [&] {
    in_user_mode(3_us);
    rig.scheduler.wait(queue, "the second");
    EXPECT_EQ(rig.scheduler.current()->user_time(), 3_us);
    in_user_mode(1_us);
    EXPECT_EQ(rig.scheduler.current()->user_time(), 4_us);
  });
  const Task& second = rig.scheduler.spawn("second", [&] {
    in_user_mode(10_us);
    rig.machine.cpu.execute(5_us, hal::Work::Program);
    rig.scheduler.wake_all(queue);
  });
  rig.fake.run_all(2);
  EXPECT_EQ(first.user_time(), 4_us);
  EXPECT_EQ(second.user_time(), 10_us);
}

TEST(Scheduler, ATaskThatWaitsForEverIsNamedWithWhatItWaitsFor) {
  Rig rig;
  WaitQueue queue;
  rig.scheduler.spawn("stuck", [&] { rig.scheduler.wait(queue, "a train"); });
  EXPECT_THROW(rig.fake.run_all(), std::runtime_error);
  ASSERT_EQ(rig.scheduler.unfinished().size(), 1U);
  EXPECT_EQ(rig.scheduler.unfinished()[0]->name(), "stuck");
  EXPECT_EQ(rig.scheduler.unfinished()[0]->waits_for(), "a train");
}

TEST(Scheduler, AMutexLetsOneTaskInAtATime) {
  Rig rig;
  Mutex mutex{rig.scheduler};
  bool inside = false;
  for (int i = 0; i < 5; ++i) {
    rig.scheduler.spawn("task", [&] {
      mutex.lock();
      EXPECT_FALSE(std::exchange(inside, true));
      rig.machine.cpu.execute(4_ms, hal::Work::Program);
      rig.scheduler.return_to_user();
      inside = false;
      rig.log += "x";
      mutex.unlock();
    });
  }
  rig.fake.run_all();
  EXPECT_EQ(rig.log, "xxxxx");
}

}  // namespace
}  // namespace sluice::sched
