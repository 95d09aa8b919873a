// SPDX-License-Identifier: Apache-2.0
// What is read at the marks of a run: where the senders begin and end their measured region, and when the last byte is
// with its receiver.
//
// - The region begins for all senders at once: when the last of them is ready.
// - Calls, faults and mode switches count between the senders' own marks; time, devices and interrupts run on until the
//   receivers have the last byte.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel_sim/hal/systemc/systemc_machine.h"
#include "kernel_sim/kernel.h"
#include "kernel_sim/system_calls.h"
#include "tools/scenario/expansion.h"
#include "tools/simulate/meter.h"

namespace sluice::simulate {

/// CPU time of the tasks of a transfer over loopback.
using TaskTimes = std::map<std::string, Picoseconds>;

class Marks {
 public:
  /// `failed` says whether a sender has failed: then nobody waits for anybody any more.
  Marks(platform::Machine& machine, hal::SystemcMachine& hal, kernel_sim::Kernel& kernel,
        const scenario::Workload& workload, const scenario::Expansion& expansion, std::function<bool()> failed);

  /// Over loopback: a process that takes bytes.
  void watch_receiver(const syscalls::Process& receiver) { m_receivers.push_back(&receiver); }

  /// What sender number `index` calls.
  kernel_sim::Measurement& of_sender(std::size_t index) { return m_senders[index]; }
  /// A sender has ended with a failure.
  void give_up();
  /// The receivers have the last byte.
  void last_byte();

  /// What one sender did between its marks.
  struct SenderUse {
    kernel_sim::KernelCounts counts;  ///< calls, mode switches and faults
    Picoseconds cpu_time;
    Picoseconds user_time;
    sched::TaskSwitches switches;
  };

  /// All marks were passed. What follows needs that.
  [[nodiscard]] bool complete() const { return m_begin && m_end; }
  [[nodiscard]] const HardwareCounters& at_begin() const { return *m_begin; }
  [[nodiscard]] const HardwareCounters& at_last_byte() const { return *m_end; }
  [[nodiscard]] Picoseconds elapsed() const { return m_end->at - m_begin->at; }
  [[nodiscard]] std::vector<SenderUse> senders() const;
  /// Calls, mode switches and faults of all senders.
  [[nodiscard]] kernel_sim::KernelCounts counts() const;
  /// By transfer: its first call.
  [[nodiscard]] const std::vector<std::optional<Picoseconds>>& transfers_began() const { return m_transfer_began; }
  /// Between begin and last byte; empty with a peer beyond a wire.
  [[nodiscard]] TaskTimes task_times() const;
  /// What the senders slept for between begin and last byte, and how long, all together.
  [[nodiscard]] std::map<std::string, Picoseconds> slept() const;
  /// recv calls of receivers on this machine, to the one that took the last byte.
  [[nodiscard]] std::uint64_t receiver_calls() const { return m_receiver_calls; }

 private:
  /// What is known of a sender at one of its marks.
  struct SenderReading {
    kernel_sim::KernelCounts counts;
    std::map<std::string_view, Picoseconds> slept;
    Picoseconds cpu_time;
    Picoseconds user_time;
    sched::TaskSwitches switches;
  };
  class Sender : public kernel_sim::Measurement {
   public:
    /// `connections`: the numbers of those that it serves.
    Sender(Marks& marks, const std::vector<unsigned>& connections) : m_marks(marks), m_connections(connections) {}
    void begin() override;
    void file_begins(std::uint64_t index) override;
    /// Returns when the receivers have the last byte, so that what the program does at its end costs nothing of the
    /// transfer; at once when a sender has failed.
    void end() override;

    const syscalls::Process* process = nullptr;
    SenderReading at_begin;
    SenderReading at_end;
    Picoseconds ended;

   private:
    [[nodiscard]] SenderReading read() const;
    Marks& m_marks;
    std::vector<unsigned> m_connections;
  };

  void region_begins();
  [[nodiscard]] TaskTimes read_task_times() const;

  platform::Machine& m_machine;
  hal::SystemcMachine& m_hal;
  kernel_sim::Kernel& m_kernel;
  const scenario::Workload& m_workload;
  std::function<bool()> m_failed;
  std::deque<Sender> m_senders;
  std::size_t m_ready = 0;  // senders
  std::size_t m_ended = 0;
  sched::WaitQueue m_begun;
  sched::WaitQueue m_delivered;
  std::vector<const syscalls::Process*> m_receivers;
  std::optional<HardwareCounters> m_begin;
  std::optional<HardwareCounters> m_end;
  TaskTimes m_tasks_at_begin;
  TaskTimes m_tasks_at_end;
  std::uint64_t m_receiver_calls = 0;
  std::vector<std::optional<Picoseconds>> m_transfer_began;
};

}  // namespace sluice::simulate
