// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/program_run.h"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <sys/resource.h>

#include "kernel_sim/hal/systemc/systemc_machine.h"
#include "kernel_sim/kernel.h"
#include "models/platform/machine.h"
#include "tools/simulate/disk_images.h"
#include "tools/simulate/inputs.h"
#include "tools/simulate/meter.h"
#include "tools/simulate/program_observer.h"
#include "tools/simulate/run_heading.h"

namespace sluice::simulate {
namespace {

using Clock = std::chrono::steady_clock;
using results::RunResult;

std::int64_t nanoseconds(Picoseconds t) { return t.count() / 1000; }

class ProgramRun {
 public:
  explicit ProgramRun(const scenario::RunPlan& plan)
      : m_plan(plan),
        m_programs(plan.configuration.programs),
        m_machine(plan.configuration.machine, images_of(plan)),
        m_hal(m_machine),
        m_kernel(m_hal.machine(), m_machine.ledger, plan.configuration.kernel),
        m_observer(m_machine, m_hal, m_kernel),
        m_arguments(m_programs.arguments.table()) {
    if (plan.strace) m_kernel.set_trace([this](const syscalls::CallRecord& record) { trace(record); });
  }

  RunResult carry_out() {
    m_kernel.start([this](kernel_sim::Kernel& kernel) { work(kernel); });
    sc_core::sc_start();
    m_kernel.rethrow_failure();
    m_simulated = Clock::now();
    RunResult result = heading_of(m_plan, results::kSimulated);
    if (m_begin) add_observed(result);
    m_observer.report().add_to(result);
    add_failures(result);
    if (m_plan.strace) result.strace = std::move(m_strace);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    result.simulator = {.wall_s = 0,
                        .phases = phases(),
                        .events = sc_core::sc_delta_count(),
                        .peak_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
    return result;
  }

 private:
  struct Started {
    const scenario::ProcessChoice* choice;
    const syscalls::Process* process;
  };

  /// Runs in the kernel's first task, after boot.
  void work(kernel_sim::Kernel& kernel) {
    m_booted = Clock::now();
    bind_files(kernel);
    fill_caches(kernel);
    m_hal.synchronise();
    for (disk::DiskController* disk : m_machine.disks) disk->make_medium_cold();
    m_machine.ledger.record(true);
    m_observer.begin();
    m_begin = read_counters(m_machine, kernel);
    for (const scenario::ProcessChoice& choice : m_programs.processes) {
      for (unsigned copy = 0; copy < choice.copies; ++copy) start(kernel, choice, copy);
    }
    for (const Started& started : m_started) kernel.wait_for(const_cast<syscalls::Process&>(*started.process));
    m_end = read_counters(m_machine, kernel);
    m_machine.ledger.record(false);
  }

  /// Programs find every file at the root, on whatever disk it lies.
  void bind_files(kernel_sim::Kernel& kernel) const {
    for (std::size_t i = 0; i < m_programs.files.size(); ++i) {
      const std::string& name = m_programs.files[i].name;
      const std::string path = path_of(m_plan.configuration.machine, name, i);
      if (path != "/" + name) kernel.bind(name, path);
    }
  }

  void fill_caches(kernel_sim::Kernel& kernel) {
    std::vector<PhysAddr> hot;
    for (const scenario::FileChoice& file : m_programs.files) {
      const Bytes size = file.cached.of(file.size);
      if (size == 0) continue;
      const auto loaded = [&](PhysAddr page) {
        if (file.hot) hot.push_back(page);
      };
      if (!kernel.preload("/" + file.name, loaded, size)) {
        throw base::InputError{
            fmt::format("{} does not fit in the machine's memory, so it cannot be cached", file.name)};
      }
    }
    m_machine.caches->clear();
    for (const PhysAddr page : hot) m_machine.caches->touch(0, page, kPageSize);
    m_warmed = Clock::now();
  }

  void start(kernel_sim::Kernel& kernel, const scenario::ProcessChoice& choice, unsigned copy) {
    sched::Placement placement{.batch = choice.scheduling == scenario::SchedulingClass::Batch};
    if (!choice.cores.empty()) placement.core = choice.cores[copy % choice.cores.size()];
    const auto main = [this, &choice, copy, &kernel](kernel_sim::SystemCalls& calls) {
      sched::WaitQueue nobody;
      if (choice.start > Picoseconds{}) kernel.scheduler().wait(nobody, "its start", choice.start);
      const std::vector<lua::Value> values{m_arguments, {std::int64_t{copy}}};
      return choice.program->run(calls, m_observer, choice.function, values);
    };
    m_started.push_back({&choice, &kernel.start_program(choice.name_of(copy), main, placement)});
  }

  /// The scenario's name for a process: that of the one that it descends from.
  [[nodiscard]] std::string name_for_results(const syscalls::Process& process) const {
    const auto found = std::find_if(m_started.begin(), m_started.end(),
                                    [&](const Started& started) { return started.process == &process; });
    if (found != m_started.end()) return found->choice->name;
    const std::string first = process.name.substr(0, process.name.find('.'));
    return first + "_children";
  }

  static std::string how(const syscalls::Process& process) {
    if (process.ended) return results::how_it_ended(process.status);
    if (process.in_call) return fmt::format("blocked in {}", kernel_sim::name_of(*process.in_call));
    return "blocked";
  }

  void add_observed(RunResult& result) {
    const HardwareCounters end = m_end ? *m_end : read_counters(m_machine, m_kernel);
    cpu::CoreTimes sum;
    for (std::size_t i = 0; i < end.cores.size(); ++i) {
      const cpu::CoreTimes core = end.cores[i] - m_begin->cores[i];
      sum.user += core.user;
      sum.kernel += core.kernel;
      sum.interrupt += core.interrupt;
      sum.idle += core.idle;
    }
    result.time = results::Times{.elapsed_ns = nanoseconds(end.at - m_begin->at),
                                 .cpu_user_ns = nanoseconds(sum.user),
                                 .cpu_kernel_ns = nanoseconds(sum.kernel),
                                 .cpu_irq_ns = nanoseconds(sum.interrupt),
                                 .cpu_idle_ns = nanoseconds(sum.idle),
                                 .cpu_ns = {}};
    result.work_ns.emplace();
    for (std::size_t i = 0; i < hal::kWorks; ++i) {
      const Picoseconds spent = end.work[i] - m_begin->work[i];
      if (spent > Picoseconds{}) result.work_ns->emplace_back(name_of(static_cast<hal::Work>(i)), nanoseconds(spent));
    }
    add_processes(result);
    const kernel_sim::KernelCounts counts = m_kernel.counts();
    result.system_calls = {counts.system_calls.begin(), counts.system_calls.end()};
    std::erase_if(*result.system_calls, [](const auto& call) { return call.second == 0; });
    result.counts = results::Counts{.mode_switches = counts.mode_switches,
                                    .context_switches = end.context_switches - m_begin->context_switches,
                                    .interrupts = end.interrupts - m_begin->interrupts,
                                    .page_faults_minor = counts.faults.minor,
                                    .page_faults_major = counts.faults.major,
                                    .tlb_misses = end.tlb_misses - m_begin->tlb_misses,
                                    .dma_descriptors = end.dma_descriptors - m_begin->dma_descriptors,
                                    .mmio_accesses = end.mmio_accesses - m_begin->mmio_accesses,
                                    .wire_frames = {},
                                    .retransmissions = end.retransmissions - m_begin->retransmissions,
                                    .drops = end.drops - m_begin->drops};
    const base::MoveTotal cpu = m_machine.ledger.total_by(base::Mover::Cpu);
    const base::MoveTotal dma = m_machine.ledger.total_by(base::Mover::Dma);
    result.bytes = results::ByteCounts{.cpu = cpu.payload,
                                       .dma = dma.payload,
                                       .overhead_cpu = cpu.overhead,
                                       .overhead_dma = dma.overhead,
                                       .dram_read = end.dram_read - m_begin->dram_read,
                                       .dram_written = end.dram_written - m_begin->dram_written,
                                       .pcie_payload = end.pcie_payload - m_begin->pcie_payload,
                                       .pcie_wire = end.pcie_wire - m_begin->pcie_wire};
    result.moves.emplace();
    for (const base::Move& move : m_machine.ledger.moves()) {
      result.moves->push_back({.from = std::string{name_of(move.from)},
                               .to = std::string{name_of(move.to)},
                               .by = std::string{name_of(move.by)},
                               .bytes = move.bytes.payload,
                               .overhead_bytes = move.bytes.overhead});
    }
  }

  void add_processes(RunResult& result) {
    std::vector<results::EndedProcess> processes;
    for (const syscalls::Process* process : m_kernel.processes()) {
      const mm::FaultCounts faults = process->memory ? process->memory->faults() : process->faults_of_ended;
      const sched::TaskSwitches switches = process->task->switches();
      const auto calls = process->counts.by_name();
      processes.push_back({.name = name_for_results(*process),
                           .how = how(*process),
                           .use = {.copies = 1,
                                   .ends = {},
                                   .cpu_ns = nanoseconds(process->task->cpu_time()),
                                   .user_ns = nanoseconds(process->task->user_time()),
                                   .mode_switches = process->counts.mode_switches,
                                   .page_faults_minor = faults.minor,
                                   .page_faults_major = faults.major,
                                   .voluntary_switches = switches.voluntary,
                                   .involuntary_switches = switches.involuntary,
                                   .system_calls = {calls.begin(), calls.end()}}});
    }
    result.processes = results::by_name(processes);
  }

  void add_failures(RunResult& result) {
    const bool all_ended = m_end.has_value();
    if (!m_begin) {
      for (const std::string& task : m_kernel.blocked_tasks()) {
        result.failures.push_back("nothing is left to happen, but " + task);
      }
    }
    for (const syscalls::Process* process : m_kernel.processes()) {
      const std::string name = name_for_results(*process);
      if (scenario::speak_of_end(m_plan.expectations, name)) continue;
      if (!process->ended) {
        result.failures.push_back(fmt::format("nothing is left to happen, but {} is {}: it waits for {}", process->name,
                                              how(*process), process->task->waits_for()));
      } else if (process->status != 0 && !name.ends_with("_children")) {
        result.failures.push_back(fmt::format("{} ended with {}", process->name, how(*process)));
      }
    }
    if (!all_ended) return;  // what blocked processes hold is no leak
    for (std::string& breach : m_kernel.shutdown_check()) result.failures.push_back(std::move(breach));
  }

  void trace(const syscalls::CallRecord& record) {
    m_strace.push_back({.task = std::string{record.task},
                        .pid = record.pid,
                        .call = std::string{record.name},
                        .arguments = record.arguments,
                        .result = record.result,
                        .at_ns = nanoseconds(record.begin),
                        .took_ns = nanoseconds(record.duration)});
  }

  [[nodiscard]] results::Phases phases() const {
    const auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
    const Clock::time_point booted = std::min(m_booted, m_simulated);
    const Clock::time_point warmed = std::clamp(m_warmed, booted, m_simulated);
    return {.set_up_s = seconds(booted - m_created),
            .warming_s = seconds(warmed - booted),
            .simulation_s = seconds(m_simulated - warmed),
            .verification_s = seconds(Clock::now() - m_simulated)};
  }

  const Clock::time_point m_created = Clock::now();
  Clock::time_point m_booted = Clock::time_point::max();
  Clock::time_point m_warmed = Clock::time_point::max();
  Clock::time_point m_simulated;
  const scenario::RunPlan& m_plan;
  const scenario::Programs& m_programs;
  platform::Machine m_machine;
  hal::SystemcMachine m_hal;
  kernel_sim::Kernel m_kernel;
  ProgramObserver m_observer;
  lua::Value m_arguments;
  std::vector<Started> m_started;
  std::optional<HardwareCounters> m_begin;
  std::optional<HardwareCounters> m_end;
  std::vector<results::CallInfo> m_strace;
};

}  // namespace

RunResult run_programs(const scenario::RunPlan& plan) { return ProgramRun{plan}.carry_out(); }

}  // namespace sluice::simulate
