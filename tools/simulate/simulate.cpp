// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/simulate.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <sys/resource.h>

#include "kernel_sim/hal/systemc/systemc_machine.h"
#include "kernel_sim/kernel.h"
#include "kernel_sim/programs/receive.h"
#include "kernel_sim/programs/strategy.h"
#include "models/platform/machine.h"
#include "tools/scenario/expansion.h"
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
        m_expansion(scenario::expand(plan.configuration)),
        m_inputs(make_inputs(plan)),
        m_receiver(m_inputs.stream, plan.received, streams_of(plan.configuration)),
        m_machine(plan.configuration.machine, m_inputs.images),
        m_hal(m_machine),
        m_kernel(m_hal.machine(), m_machine.ledger, plan.configuration.kernel),
        m_marks(m_machine, m_hal, m_kernel, plan.configuration.workload, m_expansion, [this] { return has_failed(); }) {
    m_machine.ledger.expect_deliveries(static_cast<std::uint32_t>(plan.configuration.workload.deliveries()));
    for (unsigned i = 0; i < m_machine.nics.size(); ++i) {
      m_machine.nics[i]->peer.set_application(m_receiver.station(i));
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
    result.failures = failures_of(result, observation, endings(), m_kernel);
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
    std::vector<Started> processes;
    std::vector<kernel_sim::Receivers> receivers;
    for (unsigned i = 0; i < m_expansion.connections.size(); ++i) {
      receivers.push_back(m_machine.nics.empty() ? start_receiver(kernel, i, processes) : stations_of(i));
    }
    std::deque<kernel_sim::TransferRequest> requests;
    for (unsigned i = 0; i < m_expansion.senders.size(); ++i) {
      kernel_sim::TransferRequest& request = requests.emplace_back(request_of(i, receivers));
      start_sender(kernel, *strategy, i, request, processes);
    }
    // Senders first: that is the order in which they end.
    std::reverse(processes.begin(), processes.end());
    for (const Started& started : processes) started.ending->status = kernel.wait_for(*started.process);
  }

  /// A process, and where it is said how it ended.
  struct Started {
    syscalls::Process* process;
    Ending* ending;
  };

  /// "the program", or "the program 1" of several.
  static Ending& add_ending(std::deque<Ending>& endings, const char* who, std::size_t of) {
    return endings.emplace_back(Ending{of == 1 ? who : fmt::format("{} {}", who, endings.size()), {}, {}});
  }
  [[nodiscard]] std::vector<Ending> endings() const {
    std::vector<Ending> all{m_sending.begin(), m_sending.end()};
    all.insert(all.end(), m_receiving.begin(), m_receiving.end());
    return all;
  }
  [[nodiscard]] bool has_failed() const {
    return std::any_of(m_sending.begin(), m_sending.end(),
                       [](const Ending& ending) { return !ending.failure.empty(); });
  }

  kernel_sim::TransferRequest request_of(unsigned sender, const std::vector<kernel_sim::Receivers>& receivers) const {
    const scenario::Workload& workload = m_plan.configuration.workload;
    kernel_sim::TransferRequest request{
        .paths = m_inputs.paths, .connections = {}, .repeat = workload.repeat, .chunk = workload.chunk};
    for (const unsigned connection : m_expansion.senders[sender].connections) {
      request.connections.push_back(receivers[connection]);
    }
    if (m_machine.nics.empty() && workload.controlled()) request.send_buffer = scenario::kControlledSocketBuffer;
    return request;
  }

  void start_sender(kernel_sim::Kernel& kernel, const kernel_sim::Strategy& strategy, unsigned index,
                    kernel_sim::TransferRequest& request, std::vector<Started>& processes) {
    const std::size_t senders = m_expansion.senders.size();
    Ending& ending = add_ending(m_sending, "the program", senders);
    request.failure = &ending.failure;
    const auto main = [this, &strategy, &request, index](kernel_sim::SystemCalls& calls) {
      const int status = strategy.run(calls, request, m_marks.of_sender(index));
      if (status != 0) m_marks.give_up();
      return status;
    };
    const std::string name = senders == 1 ? m_plan.strategy : fmt::format("{}.{}", m_plan.strategy, index);
    processes.push_back({&kernel.start_program(name, main, placement_of_sender(index)), &ending});
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

  /// The receivers of a connection at the other ends of its cards' wires.
  [[nodiscard]] kernel_sim::Receivers stations_of(unsigned connection) const {
    kernel_sim::Receivers stations;
    for (const unsigned card : m_expansion.connections[connection].cards) {
      const std::uint32_t network = net::Stack::local_address(card) - net::Stack::local_address(0);
      stations.push_back(
          {kernel_sim::kDefaultPeer.address + network, static_cast<std::uint16_t>(Receiver::kFirstPort + connection)});
    }
    return stations;
  }

  /// Over loopback each program has its core for good. So have several senders; one alone goes where there is room.
  [[nodiscard]] sched::Placement placement_of_sender(unsigned index) const {
    if (!m_machine.nics.empty() && m_expansion.senders.size() == 1) return {};
    return placement(m_expansion.senders[index].core);
  }
  [[nodiscard]] sched::Placement placement(unsigned core) const {
    return {.core = core, .batch = m_machine.nics.empty() && m_plan.configuration.workload.controlled()};
  }

  /// Over loopback each connection's receiver is a program on this machine. Returns when it listens, and where.
  kernel_sim::Receivers start_receiver(kernel_sim::Kernel& kernel, unsigned connection,
                                       std::vector<Started>& processes) {
    const std::size_t receivers = m_expansion.connections.size();
    Ending& ending = add_ending(m_receiving, "the receiver", receivers);
    kernel_sim::ReceiveRequest& request = m_receive_requests.emplace_back();
    request.failure = &ending.failure;
    if (m_plan.configuration.workload.controlled()) request.receive_buffer = scenario::kControlledSocketBuffer;
    kernel_sim::Endpoint where;
    bool listens = false;
    sched::WaitQueue listening;
    request.listening = [&](kernel_sim::Endpoint endpoint) {
      where = endpoint;
      listens = true;
      kernel.scheduler().wake_all(listening);
    };
    syscalls::Process& receiver = kernel.start_program(
        receivers == 1 ? "receiver" : fmt::format("receiver.{}", connection),
        [&request](kernel_sim::SystemCalls& calls) { return kernel_sim::receive(calls, request); },
        placement(m_expansion.connections[connection].receiver_core));
    m_connection_of[&receiver] = connection;
    m_marks.watch_receiver(receiver);
    while (!listens && !receiver.ended) kernel.scheduler().wait(listening, "a receiver that listens");
    processes.push_back({&receiver, &ending});
    return {where};
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
    m_receiver.take(m_connection_of.at(m_kernel.current_process()), {.buffer = buffer,
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
  const scenario::Expansion m_expansion;
  Inputs m_inputs;
  Receiver m_receiver;
  platform::Machine m_machine;
  hal::SystemcMachine m_hal;
  kernel_sim::Kernel m_kernel;
  std::deque<Ending> m_sending;  // of each sender
  std::deque<Ending> m_receiving;
  Marks m_marks;
  sc_core::sc_event m_last_byte;

  std::deque<kernel_sim::ReceiveRequest> m_receive_requests;
  std::map<const syscalls::Process*, unsigned> m_connection_of;  // by receiver
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
