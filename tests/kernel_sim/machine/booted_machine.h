// SPDX-License-Identifier: Apache-2.0
// The kernel booted on the SystemC models: programs run on it as on a real machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel_sim/fs/make_file_system.h"
#include "kernel_sim/hal/systemc/systemc_machine.h"
#include "kernel_sim/kernel.h"
#include "models/platform/machine.h"
#include "tests/support/simulation.h"

namespace sluice::tests {

/// A test fills `description` and `files`, then calls run() once with what the first task does after boot.
class BootedMachine : public Simulation {
 protected:
  platform::MachineDescription description = platform::MachineDescription::standard();
  kernel_sim::KernelConfig config;
  std::vector<std::shared_ptr<const base::Content>> files;  // "/file0", with two disks "/disk1/file1", ...

  void run(std::function<void(kernel_sim::Kernel&)> main) {
    // Files lie on the disks in turn.
    const auto disks = description.all("disk");
    std::vector<std::vector<fs::FileToPlace>> to_place(disks.size());
    for (std::uint32_t i = 0; i < files.size(); ++i) {
      to_place[i % disks.size()].push_back({"file" + std::to_string(i), files[i]->size(), i});
    }
    platform::Images images;
    const auto shared = std::make_shared<base::Contents>();
    for (std::size_t disk = 0; disk < disks.size(); ++disk) {
      const Bytes capacity = disks[disk]->as<disk::DiskConfig>().capacity;
      auto image = images[disks[disk]->name] = std::make_shared<disk::DiskImage>(capacity, shared);
      const auto layout = fs::make_file_system(capacity, to_place[disk]);
      for (const auto& block : layout.metadata) image->write(block.offset, block.bytes, {});
      for (const auto& placed : layout.files) image->place(placed.offset, files[placed.number], placed.number);
    }
    models = std::make_unique<platform::Machine>(description, images);
    hal = std::make_unique<hal::SystemcMachine>(*models);
    kernel = std::make_unique<kernel_sim::Kernel>(hal->machine(), models->ledger, config);
    kernel->start(std::move(main));
    sc_core::sc_start();
    kernel->rethrow_failure();
  }
  /// Runs one program to its end; its result is the exit status.
  int run_program(std::function<int(kernel_sim::SystemCalls&)> program) {
    int status = -1;
    run([&](kernel_sim::Kernel& k) { status = k.run_program("program", program); });
    return status;
  }
  void TearDown() override {
    if (kernel && kernel->blocked_tasks().empty()) {
      for (const std::string& breach : kernel->shutdown_check()) ADD_FAILURE() << breach;
      for (const std::string& breach : models->ledger.breaches()) ADD_FAILURE() << breach;
    }
  }
  /// user + kernel + interrupt + idle = elapsed, on every core.
  void expect_accounts_add_up() {
    for (const auto& core : models->cores) {
      EXPECT_EQ(core->times().total(), fabric::to_picoseconds(sc_core::sc_time_stamp())) << "cpu" << core->index();
    }
  }

  std::unique_ptr<platform::Machine> models;
  std::unique_ptr<hal::SystemcMachine> hal;
  std::unique_ptr<kernel_sim::Kernel> kernel;
};

}  // namespace sluice::tests
