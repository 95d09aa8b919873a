// SPDX-License-Identifier: Apache-2.0
// A scheduler on a fake machine.
#pragma once

#include <string>

#include "kernel_sim/sched/scheduler.h"
#include "tests/support/fake_machine.h"

namespace sluice::sched {

struct Rig {
  explicit Rig(unsigned cores = 1) : fake(1_MiB, cores), machine(fake.machine()), scheduler(machine, config) {}
  tests::FakeMachine fake;
  hal::Machine machine;
  SchedConfig config;
  Scheduler scheduler;
  std::string log;
};

}  // namespace sluice::sched
