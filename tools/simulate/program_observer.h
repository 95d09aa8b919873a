// SPDX-License-Identifier: Apache-2.0
// What Lua programs on the simulated kernel report, and what they did meanwhile.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "kernel_sim/hal/systemc/systemc_machine.h"
#include "kernel_sim/kernel.h"
#include "kernel_sim/programs/lua/observer.h"
#include "models/platform/machine.h"
#include "tools/results/program_results.h"

namespace sluice::simulate {

class ProgramObserver : public lua::Observer {
 public:
  ProgramObserver(platform::Machine& machine, hal::SystemcMachine& hal, kernel_sim::Kernel& kernel)
      : m_machine(machine), m_hal(hal), m_kernel(kernel) {}

  /// The programs' clocks start.
  void begin() { m_began = m_hal.time(); }

  std::int64_t clock_ns() override { return (m_hal.time() - m_began).count() / 1000; }
  void measure_begins(std::string_view name) override;
  void measure_ends(std::string_view name) override;
  void sample(std::string_view name, double value) override { m_report.sample(name, value); }
  void count(std::string_view name, std::int64_t n) override { m_report.count(name, n); }
  void check(bool holds, std::string_view where, std::string_view text) override;
  void print(std::string_view line) override { m_report.print(who(), line); }
  void failed(std::string_view message) override { m_report.fail(who(), message); }

  [[nodiscard]] const results::ProgramReport& report() const { return m_report; }

 private:
  [[nodiscard]] results::MeasureUse read();
  [[nodiscard]] std::string who() const { return m_kernel.current_process()->name; }

  platform::Machine& m_machine;
  hal::SystemcMachine& m_hal;
  kernel_sim::Kernel& m_kernel;
  Picoseconds m_began;
  results::ProgramReport m_report;
  /// By process: measures that have begun, the innermost last.
  std::map<const syscalls::Process*, std::vector<results::MeasureUse>> m_open;
};

}  // namespace sluice::simulate
