// SPDX-License-Identifier: Apache-2.0
// What is read at the marks of a run: where the sending program begins and ends its measured region, and when the last
// byte is with the receiver.
//
// Calls, faults and mode switches count between the program's marks; time, devices and interrupts run on until the
// receiver has the last byte.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel_sim/hal/systemc/systemc_machine.h"
#include "kernel_sim/kernel.h"
#include "kernel_sim/system_calls.h"
#include "tools/simulate/meter.h"

namespace sluice::simulate {

/// CPU time of the tasks of a transfer over loopback.
using TaskTimes = std::map<std::string, Picoseconds>;

class Marks : public kernel_sim::Measurement {
 public:
  /// `failure` holds a sentence once the sending program has failed.
  Marks(platform::Machine& machine, hal::SystemcMachine& hal, kernel_sim::Kernel& kernel, std::size_t files,
        bool nothing_to_send, const std::string& failure);

  /// Over loopback: the process that takes the bytes.
  void watch_receiver(const syscalls::Process& receiver) { m_receiver = &receiver; }

  // Called by the sending program.
  void begin() override;
  void file_begins(std::uint64_t index) override { m_file_began.at(index) = m_hal.time(); }
  /// Returns when the receiver has the last byte, so that what the program does at its end costs nothing of the
  /// transfer; at once when the program has failed.
  void end() override;
  /// The receiver has the last byte.
  void last_byte();

  /// All marks were passed. What follows needs that.
  [[nodiscard]] bool complete() const { return m_begin && m_end; }
  [[nodiscard]] const HardwareCounters& at_begin() const { return *m_begin; }
  [[nodiscard]] const HardwareCounters& at_last_byte() const { return *m_end; }
  [[nodiscard]] Picoseconds elapsed() const { return m_end->at - m_begin->at; }
  [[nodiscard]] const kernel_sim::KernelCounts& calls_at_begin() const { return m_calls_at_begin; }
  [[nodiscard]] const kernel_sim::KernelCounts& calls_at_end() const { return m_calls_at_end; }
  /// By file: its first call.
  [[nodiscard]] const std::vector<std::optional<Picoseconds>>& file_began() const { return m_file_began; }
  /// Between begin and last byte; empty with a peer beyond a wire.
  [[nodiscard]] TaskTimes task_times() const;
  /// What the sender slept for between begin and last byte, and how long.
  [[nodiscard]] std::map<std::string, Picoseconds> slept() const;
  /// recv calls of a receiver on this machine, to the one that took the last byte.
  [[nodiscard]] std::uint64_t receiver_calls() const { return m_receiver_calls; }

 private:
  [[nodiscard]] TaskTimes read_task_times() const;

  platform::Machine& m_machine;
  hal::SystemcMachine& m_hal;
  kernel_sim::Kernel& m_kernel;
  const bool m_nothing_to_send;
  const std::string& m_failure;
  sched::WaitQueue m_delivered;
  Picoseconds m_ended;
  std::map<std::string_view, Picoseconds> m_slept_at_begin;
  std::map<std::string_view, Picoseconds> m_slept_at_end;
  const syscalls::Process* m_sender = nullptr;
  const syscalls::Process* m_receiver = nullptr;
  std::optional<HardwareCounters> m_begin;
  std::optional<HardwareCounters> m_end;
  kernel_sim::KernelCounts m_calls_at_begin;
  kernel_sim::KernelCounts m_calls_at_end;
  TaskTimes m_tasks_at_begin;
  TaskTimes m_tasks_at_end;
  std::uint64_t m_receiver_calls = 0;
  std::vector<std::optional<Picoseconds>> m_file_began;
};

}  // namespace sluice::simulate
