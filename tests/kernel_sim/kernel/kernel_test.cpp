// SPDX-License-Identifier: Apache-2.0
// The kernel as a whole: its parameters, machines on which it cannot boot, and what it says about the end of programs.
#include "kernel_sim/kernel.h"

#include <csignal>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "kernel_sim/kernel_config.h"
#include "tests/support/fake_machine.h"

namespace sluice::kernel_sim {
namespace {

TEST(Kernel, EveryParameterHasOneNameHelpAndSourceAndAcceptsItsOwnValue) {
  KernelConfig config;
  const base::ParameterTable table{config};
  std::set<std::string> names;
  for (const base::Parameter& parameter : table.parameters()) {
    EXPECT_TRUE(names.insert(parameter.name()).second) << parameter.name() << " twice";
    EXPECT_FALSE(parameter.help().empty()) << parameter.name();
    EXPECT_FALSE(parameter.source().empty()) << parameter.name();
    EXPECT_TRUE(parameter.set(parameter.get()).has_value()) << parameter.name() << " = " << parameter.get();
  }
  for (const char* name : {"net.gso", "syscall.entry", "sched.time_slice", "pipe.slots", "mm.fault_around",
                           "fs.read_ahead", "block.max_request"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
}

TEST(Kernel, SettingAParameterByNameReachesItsPart) {
  KernelConfig config;
  const base::ParameterTable table{config};
  ASSERT_TRUE(table.find("pipe.slots")->set("32").has_value());
  ASSERT_TRUE(table.find("syscall.entry")->set("300 cycles").has_value());
  EXPECT_EQ(config.pipe.slots, 32U);
  EXPECT_EQ(config.syscall.entry, CpuCost::cycles(300));
}

/// Why the kernel does not boot with these devices, none of which answers.
std::string refusal(std::vector<hal::DeviceInfo> devices) {
  tests::FakeMachine fake{64_MiB};
  fake.devices = std::move(devices);
  Kernel kernel{fake.machine(), fake.ledger(), KernelConfig{}};
  kernel.start([&](Kernel&) { ADD_FAILURE() << "booted"; });
  fake.run_all();
  EXPECT_TRUE(kernel.blocked_tasks().empty());
  std::string why;
  try {
    kernel.rethrow_failure();
  } catch (const base::InputError& error) {
    why = error.what();
  }
  EXPECT_TRUE(kernel.shutdown_check().empty());
  return why;
}

TEST(Kernel, AMachineWithoutADiskDoesNotBootAndSaysWhy) {
  EXPECT_EQ(refusal({}), "the machine has no disk to boot from");
  EXPECT_EQ(refusal({{"nvme0", "disk", PhysAddr{0xF000'0000'0000}, 1}}), "the nvme0 does not answer");
}

TEST(Kernel, ADeviceThatNoDriverKnowsIsLeftAlone) {
  EXPECT_EQ(refusal({{"tpm", "mystery", PhysAddr{0xF000'0000'0000}, 1}}), "the machine has no disk to boot from");
}

TEST(Kernel, AMachineWithTooLittleMemoryIsAnInputError) {
  tests::FakeMachine fake{1_MiB};
  EXPECT_THROW((Kernel{fake.machine(), fake.ledger(), KernelConfig{}}), base::InputError);
}

TEST(Kernel, TheEndOfAProgramIsDescribedForPeople) {
  EXPECT_EQ(Kernel::describe_status(syscalls::exited_status(3)), "exit status 3");
  EXPECT_EQ(Kernel::describe_status(syscalls::killed_status(SIGPIPE)), "SIGPIPE (Broken pipe)");
}

}  // namespace
}  // namespace sluice::kernel_sim
