// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/simulate.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>

#include <fmt/format.h>
#include <sys/resource.h>

#include "kernel_sim/hal/systemc/systemc_machine.h"
#include "kernel_sim/kernel.h"
#include "kernel_sim/programs/receive.h"
#include "kernel_sim/programs/strategy.h"
#include "models/platform/machine.h"
#include "tools/simulate/inputs.h"
#include "tools/simulate/marks.h"
#include "tools/simulate/observed_result.h"
#include "tools/simulate/program_run.h"
#include "tools/simulate/receiver.h"
#include "tools/simulate/run_heading.h"
#include "tools/simulate/settings_without_effect.h"

namespace sluice::simulate {
namespace {

using Clock = std::chrono::steady_clock;
using results::RunResult;

/// One run: the machine, the kernel, and the programs on it.
class Run {
 public:
  explicit Run(const RunPlan& plan)
      : m_plan(plan),
        m_inputs(make_inputs(plan)),
        m_receiver(m_inputs.stream, plan.received,
                   std::max<std::size_t>(plan.configuration.machine.all("nic").size(), 1)),
        m_machine(plan.configuration.machine, m_inputs.images),
        m_hal(m_machine),
        m_kernel(m_hal.machine(), m_machine.ledger, plan.configuration.kernel),
        m_marks(m_machine, m_hal, m_kernel, m_inputs.paths.size(), m_inputs.stream->size() == 0, m_sending.failure) {
    for (std::size_t i = 0; i < m_machine.nics.size(); ++i) {
      m_machine.nics[i]->peer.set_application(m_receiver.connection(i));
    }
    if (m_machine.nics.empty()) {
      m_kernel.network().observe_receive([this](PhysAddr at, Bytes size) { received_here(at, size); });
    }
    m_receiver.complete = [this](Picoseconds at) {
      m_last_byte.notify(fabric::to_sc_time(at) - sc_core::sc_time_stamp());
    };
    sc_core::sc_spawn_options options;
    options.spawn_method();
    options.dont_initialize();
    options.set_sensitivity(&m_last_byte);
    sc_core::sc_spawn([this] { m_marks.last_byte(); }, "last_byte", &options);
    if (plan.strace) m_kernel.set_trace([this](const syscalls::CallRecord& record) { trace(record); });
  }

  RunResult carry_out() {
    m_kernel.start([this](kernel_sim::Kernel& kernel) { work(kernel); });
    sc_core::sc_start();
    m_kernel.rethrow_failure();
    m_simulated = Clock::now();
    RunResult result = heading_of(m_plan, results::kSimulated);
    const Observation observation{m_plan, m_machine, m_marks, m_receiver, m_inputs.stream->size()};
    add_observed(result, observation);
    result.failures = failures_of(result, observation, {m_sending, m_receiving}, m_kernel);
    if (m_plan.strace) result.strace = std::move(m_strace);
    if (result.failures.empty()) m_receiver.keep();
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    result.simulator = {.wall_s = 0,  // known to whoever waits
                        .phases = phases(),
                        .events = sc_core::sc_delta_count(),
                        .peak_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024};
    return result;
  }

 private:
  /// Runs in the kernel's first task, after boot.
  void work(kernel_sim::Kernel& kernel) {
    prepare(kernel);
    const kernel_sim::Strategy* strategy = kernel_sim::find_strategy(m_plan.strategy);
    ensure(strategy != nullptr, "a plan names a strategy that does not exist");
    const scenario::Workload& workload = m_plan.configuration.workload;
    kernel_sim::TransferRequest request{
        .paths = m_inputs.paths, .chunk = workload.chunk, .failure = &m_sending.failure};
    syscalls::Process* receiver = nullptr;
    for (unsigned i = 1; i < m_machine.nics.size(); ++i) request.more_peers.push_back(peer_on(i));
    if (m_machine.nics.empty()) {
      receiver = &start_receiver(kernel, request.peer);
      if (workload.controlled()) request.send_buffer = scenario::kControlledSocketBuffer;
    }
    m_sending.status = kernel.wait_for(kernel.start_program(
        m_plan.strategy, [&](kernel_sim::SystemCalls& calls) { return strategy->run(calls, request, m_marks); },
        placement(0)));
    if (receiver != nullptr) m_receiving.status = kernel.wait_for(*receiver);
  }

  /// The page cache and the CPU caches as the workload says.
  void prepare(kernel_sim::Kernel& kernel) {
    m_booted = Clock::now();
    const scenario::Workload& workload = m_plan.configuration.workload;
    std::vector<PhysAddr> pages;
    if (workload.warm()) {
      for (const std::string& path : m_inputs.paths) {
        if (!kernel.preload(path, [&](PhysAddr page) { pages.push_back(page); })) {
          throw base::InputError{"the file does not fit in the machine's memory, so it cannot be warm"};
        }
      }
    }
    m_machine.caches->clear();
    if (workload.hot()) {
      for (const PhysAddr page : pages) m_machine.caches->touch(0, page, kPageSize);
    }
    m_warmed = Clock::now();
  }

  /// The receiver at the other end of a card's wire.
  static kernel_sim::Endpoint peer_on(unsigned card) {
    kernel_sim::Endpoint peer = kernel_sim::kDefaultPeer;
    peer.address += net::Stack::local_address(card) - net::Stack::local_address(0);
    return peer;
  }

  /// Over loopback each program has its core for good.
  [[nodiscard]] sched::Placement placement(unsigned core) const {
    if (!m_machine.nics.empty()) return {};
    return {.core = core, .batch = m_plan.configuration.workload.controlled()};
  }

  /// Over loopback the receiver is a program on this machine. Returns when it listens at `where`.
  syscalls::Process& start_receiver(kernel_sim::Kernel& kernel, kernel_sim::Endpoint& where) {
    m_receive_request.failure = &m_receiving.failure;
    const scenario::Workload& workload = m_plan.configuration.workload;
    if (workload.controlled()) {
      m_receive_request.receive_buffer = scenario::kControlledSocketBuffer;
    }
    bool listens = false;
    sched::WaitQueue listening;
    m_receive_request.listening = [&](kernel_sim::Endpoint endpoint) {
      where = endpoint;
      listens = true;
      kernel.scheduler().wake_all(listening);
    };
    syscalls::Process& receiver = kernel.start_program(
        "receiver", [this](kernel_sim::SystemCalls& calls) { return kernel_sim::receive(calls, m_receive_request); },
        placement(workload.cpus - 1));
    m_marks.watch_receiver(receiver);
    while (!listens && !receiver.ended) kernel.scheduler().wait(listening, "a receiver that listens");
    return receiver;
  }

  /// The receiver took these bytes off its socket: they have arrived. It looks at none of them, so they are checked
  /// here.
  void received_here(PhysAddr at, Bytes size) {
    const Picoseconds now = m_hal.time();
    const base::Shadow shadow = m_machine.ledger.shadow_of(at, size);
    m_machine.ledger.delivered(shadow);
    nic::Buffer buffer = nic::Buffer::of_size(size);
    if (!m_machine.memory->named(at, size, buffer.named)) {
      std::memcpy(buffer.bytes.get(), m_machine.memory->at(at, size).data(), size);
    }
    m_receiver.connection(0).data({.buffer = buffer,
                                   .size = size,
                                   .shadow = shadow,
                                   .first_frame_arrival = now,
                                   .frame_interval = {},
                                   .last_frame_arrival = now,
                                   .first_frame_bytes = size});
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

  /// A run that ended before a phase has its time in the one before.
  [[nodiscard]] results::Phases phases() const {
    const auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
    const Clock::time_point booted = std::min(m_booted, m_simulated);
    const Clock::time_point warmed = std::clamp(m_warmed, booted, m_simulated);
    return {.set_up_s = seconds(booted - m_began),
            .warming_s = seconds(warmed - booted),
            .simulation_s = seconds(m_simulated - warmed - m_receiver.time_to_check()),
            .verification_s = seconds(Clock::now() - m_simulated + m_receiver.time_to_check())};
  }

  const Clock::time_point m_began = Clock::now();
  Clock::time_point m_booted = Clock::time_point::max();
  Clock::time_point m_warmed = Clock::time_point::max();  // the page cache, in no simulated time
  Clock::time_point m_simulated;
  const RunPlan& m_plan;
  Inputs m_inputs;
  Receiver m_receiver;
  platform::Machine m_machine;
  hal::SystemcMachine m_hal;
  kernel_sim::Kernel m_kernel;
  Ending m_sending{"the program", {}, {}};
  Ending m_receiving{"the receiver", {}, {}};
  Marks m_marks;
  sc_core::sc_event m_last_byte;

  kernel_sim::ReceiveRequest m_receive_request;
  std::vector<results::CallInfo> m_strace;
};

}  // namespace

RunResult run(const RunPlan& plan) {
  RunPlan watched = plan;
  const WatchedCosts costs{watched};
  RunResult result = watched.configuration.programs.any() ? run_programs(watched) : Run{watched}.carry_out();
  if (const auto unused = costs.unused(); !unused.empty()) result.unused_settings = unused;
  return result;
}

}  // namespace sluice::simulate
