// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/observed_result.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "models/platform/topology.h"

namespace sluice::simulate {
namespace {

using base::Mover;
using results::RunResult;

/// A resource that is busy for a smaller share of the time does not limit: something else does, at times.
constexpr double kLimiting = 0.9;

double seconds(Picoseconds t) { return static_cast<double>(t.count()) / static_cast<double>(kPicosecondsPerSecond); }

/// Turns what the marks have read into the parts of a result.
class Reading {
 public:
  explicit Reading(const Observation& observation)
      : m_plan(observation.plan),
        m_machine(observation.machine),
        m_marks(observation.marks),
        m_receiver(observation.receiver),
        m_payload(observation.payload),
        m_begin(observation.marks.at_begin()),
        m_end(observation.marks.at_last_byte()) {}

  [[nodiscard]] results::Times times() const {
    cpu::CoreTimes sum;
    for (std::size_t i = 0; i < m_end.cores.size(); ++i) {
      const cpu::CoreTimes core = m_end.cores[i] - m_begin.cores[i];
      sum.user += core.user;
      sum.kernel += core.kernel;
      sum.interrupt += core.interrupt;
      sum.idle += core.idle;
    }
    return {.elapsed_ns = nanoseconds(m_marks.elapsed()),
            .cpu_user_ns = nanoseconds(sum.user),
            .cpu_kernel_ns = nanoseconds(sum.kernel),
            .cpu_irq_ns = nanoseconds(sum.interrupt),
            .cpu_idle_ns = nanoseconds(sum.idle),
            .cpu_ns = {}};
  }

  /// Busy time by kind of work; what was not done is left out.
  [[nodiscard]] results::Named<std::int64_t> work() const {
    results::Named<std::int64_t> work;
    for (std::size_t i = 0; i < hal::kWorks; ++i) {
      const Picoseconds spent = m_end.work[i] - m_begin.work[i];
      if (spent > Picoseconds{}) work.emplace_back(name_of(static_cast<hal::Work>(i)), nanoseconds(spent));
    }
    return work;
  }

  [[nodiscard]] double throughput() const {
    return m_payload == 0 ? 0.0 : static_cast<double>(m_payload) / seconds(m_marks.elapsed());
  }

  [[nodiscard]] results::Named<std::uint64_t> system_calls() const { return made_calls(m_marks.counts()); }

  /// What each sender did, when there are several.
  [[nodiscard]] std::optional<results::Named<results::ProcessUse>> senders() const {
    const std::vector<Marks::SenderUse> senders = m_marks.senders();
    if (senders.size() < 2) return {};
    results::Named<results::ProcessUse> processes;
    for (const Marks::SenderUse& use : senders) {
      processes.emplace_back(fmt::format("sender.{}", processes.size()),
                             results::ProcessUse{.copies = 1,
                                                 .ends = "exit 0",
                                                 .cpu_ns = nanoseconds(use.cpu_time),
                                                 .user_ns = nanoseconds(use.user_time),
                                                 .mode_switches = use.counts.mode_switches,
                                                 .page_faults_minor = use.counts.faults.minor,
                                                 .page_faults_major = use.counts.faults.major,
                                                 .voluntary_switches = use.switches.voluntary,
                                                 .involuntary_switches = use.switches.involuntary,
                                                 .system_calls = made_calls(use.counts)});
    }
    return processes;
  }

  [[nodiscard]] results::Counts counts() const {
    const kernel_sim::KernelCounts made = m_marks.counts();
    results::Counts counts{.mode_switches = made.mode_switches,
                           .context_switches = m_end.context_switches - m_begin.context_switches,
                           .interrupts = m_end.interrupts - m_begin.interrupts,
                           .page_faults_minor = made.faults.minor,
                           .page_faults_major = made.faults.major,
                           .tlb_misses = m_end.tlb_misses - m_begin.tlb_misses,
                           .dma_descriptors = m_end.dma_descriptors - m_begin.dma_descriptors,
                           .mmio_accesses = m_end.mmio_accesses - m_begin.mmio_accesses,
                           .wire_frames = {},
                           .retransmissions = m_end.retransmissions - m_begin.retransmissions,
                           .drops = m_end.drops - m_begin.drops};
    if (!m_machine.nics.empty()) counts.wire_frames = m_end.wire_frames - m_begin.wire_frames;
    return counts;
  }

  [[nodiscard]] results::Named<results::OrWhyNot<results::TaskUse>> tasks() const {
    results::Named<results::OrWhyNot<results::TaskUse>> tasks;
    const TaskTimes times = m_marks.task_times();
    for (const char* name : {"sender", "receiver", "ksoftirqd"}) {
      results::TaskUse use{.cpu_ns = nanoseconds(times.at(name))};
      if (name == std::string_view{"receiver"}) use.calls = static_cast<std::int64_t>(m_marks.receiver_calls());
      tasks.emplace_back(name, use);
    }
    return tasks;
  }

  [[nodiscard]] results::Copies copies() const {
    return {.cpu = per_payload_byte(m_machine.ledger.total_by(Mover::Cpu).payload),
            .dma = per_payload_byte(m_machine.ledger.total_by(Mover::Dma).payload)};
  }

  [[nodiscard]] results::ByteCounts bytes() const {
    const base::MoveTotal cpu = m_machine.ledger.total_by(Mover::Cpu);
    const base::MoveTotal dma = m_machine.ledger.total_by(Mover::Dma);
    return {.cpu = cpu.payload,
            .dma = dma.payload,
            .overhead_cpu = cpu.overhead,
            .overhead_dma = dma.overhead,
            .dram_read = m_end.dram_read - m_begin.dram_read,
            .dram_written = m_end.dram_written - m_begin.dram_written,
            .pcie_payload = m_end.pcie_payload - m_begin.pcie_payload,
            .pcie_wire = m_end.pcie_wire - m_begin.pcie_wire};
  }

  [[nodiscard]] std::vector<results::MoveInfo> moves() const {
    std::vector<results::MoveInfo> moves;
    for (const base::Move& move : m_machine.ledger.moves()) {
      moves.push_back({.from = std::string{name_of(move.from)},
                       .to = std::string{name_of(move.to)},
                       .by = std::string{name_of(move.by)},
                       .bytes = move.bytes.payload,
                       .overhead_bytes = move.bytes.overhead});
    }
    return moves;
  }

  [[nodiscard]] results::Latency latency() const {
    std::vector<std::int64_t> times;
    const auto& began = m_marks.transfers_began();
    for (std::size_t i = 0; i < began.size(); ++i) {
      const std::optional<Picoseconds> arrival = m_receiver.arrivals()[i];
      if (began[i] && arrival) times.push_back(nanoseconds(*arrival - *began[i]));
    }
    std::sort(times.begin(), times.end());
    const auto rank = [&](std::uint64_t per_thousand) {  // nearest rank
      return times.empty() ? 0 : times[std::max<std::uint64_t>(divide_up(times.size() * per_thousand, 1000), 1) - 1];
    };
    return {.p50 = rank(500), .p99 = rank(990), .p999 = rank(999), .max = rank(1000)};
  }

  [[nodiscard]] results::Bound bound() const {
    results::Bound bound;
    const auto [fixed, limited_by] = static_bound();
    if (fixed > 0) {
      bound.static_bytes_per_s = fixed;
      bound.static_limited_by = limited_by;
    }
    const Demand demand = busiest(demands(m_begin, m_end));
    if (m_payload > 0 && demand.busy > Picoseconds{}) {
      bound.demand_bytes_per_s = static_cast<double>(m_payload) / seconds(demand.busy);
      bound.demand_limited_by = demand.resource;
    }
    return bound;
  }

  [[nodiscard]] results::Named<double> utilisation() const {
    results::Named<double> shares;
    for (const Demand& demand : demands(m_begin, m_end)) {
      if (demand.busy > Picoseconds{}) shares.emplace_back(demand.resource, share_of_time(demand.busy));
    }
    return shares;
  }

  [[nodiscard]] results::Named<std::int64_t> waits() const {
    results::Named<std::int64_t> waits;
    for (const auto& [what, time] : m_marks.slept()) waits.emplace_back(what, nanoseconds(time));
    return waits;
  }

  [[nodiscard]] std::string limited_by() const {
    const Demand demand = busiest(demands(m_begin, m_end));
    if (share_of_time(demand.busy) >= kLimiting) return demand.resource;
    const auto waits = m_marks.slept();
    const auto longest =
        std::max_element(waits.begin(), waits.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    if (longest == waits.end()) return "latency";
    const double senders = m_plan.configuration.workload.workers;
    return fmt::format("latency: {:.0f} % waiting for {}", 100 * share_of_time(longest->second) / senders,
                       longest->first);
  }

 private:
  static results::Named<std::uint64_t> made_calls(const kernel_sim::KernelCounts& counts) {
    results::Named<std::uint64_t> calls;
    for (const auto& [name, count] : counts.system_calls) {
      if (count > 0) calls.emplace_back(name, count);
    }
    return calls;
  }
  /// What the machine's links carry at best, and the link that carries least. A file that is delivered several times
  /// need cross what lies before memory once only, and may be read from the caches then.
  [[nodiscard]] std::pair<double, std::string> static_bound() const {
    const scenario::Workload& workload = m_plan.configuration.workload;
    const platform::MachineDescription& machine = m_plan.configuration.machine;
    const auto bound_of = [&](bool warm, bool in_caches) {
      const platform::Bound bound = platform::Topology{machine, warm, in_caches}.static_bound();
      return std::pair{static_cast<double>(bound.bytes_per_s), bound.limited_by};
    };
    const std::uint64_t deliveries = workload.deliveries();
    if (deliveries == 1) return bound_of(workload.warm(), workload.hot());
    auto from_memory = bound_of(true, true);
    if (workload.warm()) return from_memory;
    auto from_disk = bound_of(false, false);
    from_disk.first *= static_cast<double>(deliveries);
    return from_memory.first > 0 && from_memory.first < from_disk.first ? from_memory : from_disk;
  }
  /// Of the elapsed time; 0 when there was none.
  [[nodiscard]] double share_of_time(Picoseconds part) const {
    const Picoseconds elapsed = m_marks.elapsed();
    return elapsed > Picoseconds{} ? seconds(part) / seconds(elapsed) : 0.0;
  }
  [[nodiscard]] double per_payload_byte(Bytes n) const {
    return m_payload == 0 ? 0.0 : static_cast<double>(n) / static_cast<double>(m_payload);
  }

  const scenario::RunPlan& m_plan;
  const platform::Machine& m_machine;
  const Marks& m_marks;
  const Receiver& m_receiver;
  const Bytes m_payload;
  const HardwareCounters& m_begin;
  const HardwareCounters& m_end;
};

using Failures = std::vector<std::string>;

void check_delivery(const Observation& observation, Failures& failures) {
  const Receiver& receiver = observation.receiver;
  if (!receiver.matches()) {
    failures.push_back(fmt::format("byte {} at the peer is not the file's", *receiver.first_difference()));
  } else if (receiver.bytes() != observation.payload) {
    failures.push_back(fmt::format("the peer received {} of {} bytes", receiver.bytes(), observation.payload));
  }
  const base::Ledger& ledger = observation.machine.ledger;
  if (ledger.delivered_bytes() != observation.payload) {
    failures.push_back(
        fmt::format("the ledger saw {} of {} payload bytes delivered", ledger.delivered_bytes(), observation.payload));
  }
  for (std::string& breach : ledger.breaches()) failures.push_back(std::move(breach));
}

void check_accounts(const Marks& marks, Failures& failures) {
  const HardwareCounters& begin = marks.at_begin();
  const HardwareCounters& end = marks.at_last_byte();
  Picoseconds busy;
  for (std::size_t i = 0; i < end.cores.size(); ++i) {
    const cpu::CoreTimes core = end.cores[i] - begin.cores[i];
    busy += core.busy();
    if (core.total() == marks.elapsed()) continue;
    failures.push_back(fmt::format("the accounts of cpu{} do not add up to the elapsed time", i));
  }
  Picoseconds named;
  for (std::size_t i = 0; i < hal::kWorks; ++i) named += end.work[i] - begin.work[i];
  if (named != busy) failures.push_back("the cores' kinds of work do not add up to their busy time");
}

void check_bounds(const RunResult& result, Failures& failures) {
  const auto check = [&](const char* kind, const std::optional<double>& limit) {
    if (!limit || *result.throughput_bytes_per_s <= *limit * (1 + 1e-9)) return;
    failures.push_back(fmt::format("throughput {:.0f} B/s is above its bound {} of {:.0f} B/s",
                                   *result.throughput_bytes_per_s, kind, *limit));
  };
  check("static_bytes_per_s", result.bound->static_bytes_per_s);
  check("demand_bytes_per_s", result.bound->demand_bytes_per_s);
}

}  // namespace

void add_observed(RunResult& result, const Observation& observation) {
  Receiver& receiver = observation.receiver;
  result.payload_bytes = observation.payload;
  const bool intact = receiver.matches() && receiver.bytes() == observation.payload;
  result.delivered = {.bytes = receiver.bytes(), .sha256 = {}, .intact = intact};
  if (!intact) result.delivered->sha256 = receiver.sha256();
  if (!observation.marks.complete()) return;
  const Reading reading{observation};
  result.time = reading.times();
  result.work_ns = reading.work();
  result.throughput_bytes_per_s = reading.throughput();
  result.system_calls = reading.system_calls();
  result.counts = reading.counts();
  if (observation.machine.nics.empty()) result.tasks = reading.tasks();
  result.copies = reading.copies();
  result.bytes = reading.bytes();
  result.moves = reading.moves();
  result.latency_ns = reading.latency();
  result.bound = reading.bound();
  result.utilisation = reading.utilisation();
  result.waits_ns = reading.waits();
  result.limited_by = reading.limited_by();
  result.processes = reading.senders();
}

Failures failures_of(const RunResult& result, const Observation& observation, const std::vector<Ending>& endings,
                     kernel_sim::Kernel& kernel) {
  Failures failures;
  for (const std::string& task : kernel.blocked_tasks()) {
    failures.push_back("nothing is left to happen, but " + task);
  }
  for (const Ending& ending : endings) {
    if (ending.status.value_or(0) == 0) continue;
    failures.push_back(fmt::format("{} ended with {}{}{}", ending.who,
                                   kernel_sim::Kernel::describe_status(*ending.status),
                                   ending.failure.empty() ? "" : ": ", ending.failure));
  }
  check_delivery(observation, failures);
  for (std::string& breach : kernel.shutdown_check()) failures.push_back(std::move(breach));
  if (observation.marks.complete()) {
    check_accounts(observation.marks, failures);
    check_bounds(result, failures);
  }
  return failures;
}

}  // namespace sluice::simulate
