// SPDX-License-Identifier: Apache-2.0
// Soft interrupts, and when ksoftirqd takes them over.
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "tests/kernel_sim/sched/rig.h"

namespace sluice::sched {
namespace {

TEST(Scheduler, SoftInterruptsRunAfterTheHandlerAndNotWhileBottomHalvesAreOff) {
  Rig rig;
  rig.machine.interrupts.set_handler(1, 0, rig.scheduler.interrupt_handler([&] {
    rig.scheduler.raise_softirq([&] { rig.log += "soft "; });
    rig.log += "hard ";
  }));
  rig.scheduler.spawn("task", [&] {
    {
      const BottomHalvesOff outer{rig.scheduler};
      {
        const BottomHalvesOff inner{rig.scheduler};
        rig.fake.raise_interrupt(1);
        rig.machine.cpu.execute(1_us, hal::Work::Program);
      }
      rig.log += "still off ";
    }
    rig.log += "on ";
    rig.fake.raise_interrupt(1);
    rig.machine.cpu.execute(1_us, hal::Work::Program);
  });
  rig.fake.run_all();
  EXPECT_EQ(rig.log, "hard still off soft on hard soft ");
}

TEST(Scheduler, AfterTenRoundsKsoftirqdGoesOnAsATask) {
  Rig rig;
  int rounds = 0;
  std::string whose;
  std::function<void()> again = [&] {
    whose = rig.scheduler.current()->name();
    if (++rounds < 25) rig.scheduler.raise_softirq(again);
    if (rounds == 10) rig.log += whose + " ";
    if (rounds == 11) rig.log += whose;
  };
  rig.scheduler.spawn("task", [&] { rig.scheduler.raise_softirq(again); });
  rig.fake.run_all(1);
  EXPECT_EQ(rounds, 25);
  EXPECT_EQ(rig.log, "task ksoftirqd/0");
  EXPECT_TRUE(rig.scheduler.unfinished().empty());
}

TEST(Scheduler, KsoftirqdGoesOnAlsoWhenTheInterruptedTaskShallGiveWay) {
  Rig rig;
  WaitQueue queue;
  int rounds = 0;
  int inline_rounds = 0;
  std::function<void()> again = [&] {
    if (rig.scheduler.current()->name() == "task") ++inline_rounds;
    if (++rounds == 2) rig.scheduler.wake_one(queue);
    if (rounds < 5) rig.scheduler.raise_softirq(again);
  };
  rig.scheduler.spawn("task", [&] {
    rig.machine.cpu.execute(5_ms, hal::Work::Program);  // so that the sleeper is owed time
    rig.scheduler.return_to_user();
    rig.scheduler.raise_softirq(again);
  });
  rig.scheduler.spawn("sleeper", [&] { rig.scheduler.wait(queue, "a wake-up"); });
  rig.fake.run_all(1);
  EXPECT_EQ(rounds, 5);
  EXPECT_EQ(inline_rounds, 2);
}

TEST(Scheduler, KsoftirqdGoesOnWhenTheTimeOfSoftInterruptsIsOver) {
  Rig rig;
  int inline_rounds = 0;
  Picoseconds until;
  std::function<void()> again = [&] {
    if (rig.scheduler.current()->name() != "task") return;
    ++inline_rounds;
    rig.machine.cpu.execute(1_ms, hal::Work::Program);
    until = rig.machine.cpu.now();
    rig.scheduler.raise_softirq(again);
  };
  rig.scheduler.spawn("task", [&] { rig.scheduler.raise_softirq(again); });
  rig.fake.run_all(1);
  EXPECT_EQ(inline_rounds, 4) << "2 ms are a tick of 4 ms";
  EXPECT_GE(until, 4_ms);
}

TEST(Scheduler, KsoftirqdsTimeIsItsOwn) {
  Rig rig;
  int rounds = 0;
  std::function<void()> again = [&] {
    rig.machine.cpu.execute(10_us, hal::Work::Program);
    if (++rounds < 15) rig.scheduler.raise_softirq(again);
  };
  const Task& task = rig.scheduler.spawn("task", [&] { rig.scheduler.raise_softirq(again); });
  rig.fake.run_all(1);
  const auto tasks = rig.scheduler.tasks();
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_EQ(tasks[1]->name(), "ksoftirqd/0");
  const Picoseconds change = rig.config.context_switch.at(rig.machine.cpu.frequency());
  EXPECT_EQ(task.cpu_time(), 100_us + change);
  EXPECT_EQ(tasks[1]->cpu_time(), 50_us + change);
}

}  // namespace
}  // namespace sluice::sched
