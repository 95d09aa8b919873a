// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/simulate.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <sys/resource.h>

#include "kernel_sim/fs/make_file_system.h"
#include "kernel_sim/hal/systemc/systemc_machine.h"
#include "kernel_sim/kernel.h"
#include "kernel_sim/programs/program.h"
#include "kernel_sim/programs/receive.h"
#include "models/platform/machine.h"
#include "models/platform/topology.h"
#include "tools/simulate/meter.h"
#include "tools/simulate/receiver.h"

namespace sluice::tool {
namespace {

using Json = RunResult;
using Clock = std::chrono::steady_clock;

std::int64_t nanoseconds(Picoseconds t) { return t.count() / 1000; }

/// Host-side inputs of a run: what each file holds, and the disk that holds the files.
struct Files {
  std::vector<std::string> paths;
  std::shared_ptr<StreamContent> stream;
  std::shared_ptr<disk::DiskImage> image;
};

Files make_files(const RunPlan& plan) {
  const scenario::Workload& workload = plan.configuration.workload;
  std::vector<std::shared_ptr<const base::Content>> contents;
  if (workload.form == scenario::Workload::Form::Path) {
    contents.push_back(base::open_file_content(workload.path));
  } else {
    for (unsigned i = 0; i < workload.count; ++i) {
      contents.push_back(base::make_synthetic_content(workload.size, workload.seed + i));
    }
  }
  Files files;
  std::vector<fs::FileToPlace> to_place;
  for (std::uint32_t i = 0; i < contents.size(); ++i) {
    files.paths.push_back(fmt::format("/file{}", i));
    to_place.push_back({fmt::format("file{}", i), contents[i]->size(), i});
  }
  const Bytes capacity = plan.configuration.machine.disk.capacity;
  const fs::FileSystemImage layout = fs::make_file_system(capacity, to_place);
  files.image = std::make_shared<disk::DiskImage>(capacity);
  for (const auto& block : layout.metadata) files.image->write(block.offset, block.bytes, {});
  for (const auto& placed : layout.files) {
    const base::Content& content = *contents[placed.number];
    if (plan.plain_bytes) {
      std::vector<std::byte> bytes(content.size());
      content.read(0, bytes);
      files.image->write(placed.offset, bytes, {{0, bytes.size(), 0, placed.number, 0}});
    } else {
      files.image->place(placed.offset, contents[placed.number], placed.number);
    }
  }
  files.stream = std::make_shared<StreamContent>(std::move(contents));
  return files;
}

/// One run: the machine, the kernel, the program, the marks, and the verdict.
class Run : private kernel_sim::Measurement {
 public:
  explicit Run(const RunPlan& plan)
      : m_plan(plan),
        m_files(make_files(plan)),
        m_receiver(m_files.stream, plan.received),
        m_wall_began(Clock::now()),
        m_machine(plan.configuration.machine, m_files.image),
        m_hal(m_machine),
        m_kernel(m_hal.machine(), m_machine.ledger, plan.configuration.kernel),
        m_file_began(m_files.stream->file_count()) {
    if (m_machine.peer) {
      m_machine.peer->set_application(m_receiver);
    } else {
      m_kernel.network().observe_receive([this](PhysAddr at, Bytes size) { received_here(at, size); });
    }
    m_receiver.complete = [this](Picoseconds at) {
      m_last_byte.notify(fabric::to_sc_time(at) - sc_core::sc_time_stamp());
    };
    sc_core::sc_spawn_options options;
    options.spawn_method();
    options.dont_initialize();
    options.set_sensitivity(&m_last_byte);
    sc_core::sc_spawn([this] { finish(); }, "last_byte", &options);
    if (plan.strace) m_kernel.set_trace([this](const syscalls::CallRecord& record) { trace(record); });
  }

  Json carry_out() {
    m_kernel.start([this](kernel_sim::Kernel& kernel) { work(kernel); });
    sc_core::sc_start();
    m_kernel.rethrow_failure();
    judge();
    if (m_failures.empty()) m_receiver.keep();
    return result();
  }

 private:
  [[nodiscard]] Bytes payload() const { return m_files.stream->size(); }

  /// Runs in the kernel's first task, after boot.
  void work(kernel_sim::Kernel& kernel) {
    const Clock::time_point began = Clock::now();
    std::vector<PhysAddr> pages;
    if (m_plan.configuration.workload.warm()) {
      for (const std::string& path : m_files.paths) {
        const auto loaded = kernel.preload(path, [&](PhysAddr page) { pages.push_back(page); });
        if (!loaded)
          throw base::InputError{fmt::format("the file does not fit in the machine's memory, so it cannot be warm")};
      }
    }
    m_machine.caches->clear();
    if (m_plan.configuration.workload.hot()) {
      for (const PhysAddr page : pages) m_machine.caches->touch(0, page, kPageSize);
    }
    m_warming = Clock::now() - began;
    const kernel_sim::ProgramInfo* program = kernel_sim::find_program(m_plan.program);
    ensure(program != nullptr, "a strategy names a program that does not exist");
    const scenario::Workload& workload = m_plan.configuration.workload;
    kernel_sim::TransferRequest request{.paths = m_files.paths, .chunk = workload.chunk, .failure = &m_program_failure};
    syscalls::Process* receiver = nullptr;
    if (!m_machine.peer) {
      receiver = &start_receiver(kernel, request.peer);
      if (workload.controlled()) request.send_buffer = scenario::kControlledSocketBuffer;
    }
    m_exit_status = kernel.wait_for(kernel.start_program(
        m_plan.program, [&](kernel_sim::SystemCalls& calls) { return program->run(calls, request, *this); },
        placement(0)));
    if (receiver != nullptr) m_receiver_status = kernel.wait_for(*receiver);
  }

  /// Over loopback each program has its core for good.
  [[nodiscard]] sched::Placement placement(unsigned core) const {
    if (m_machine.peer) return {};
    return {.core = core, .batch = m_plan.configuration.workload.controlled()};
  }

  /// Over loopback the receiver is a program on this machine. Returns when it listens at `where`.
  syscalls::Process& start_receiver(kernel_sim::Kernel& kernel, kernel_sim::Endpoint& where) {
    m_receive_request.failure = &m_receiver_failure;
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
    m_receiver_process = &receiver;
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
    m_receiver.data({.buffer = buffer,
                     .size = size,
                     .shadow = shadow,
                     .first_frame_arrival = now,
                     .frame_interval = {},
                     .last_frame_arrival = now,
                     .first_frame_bytes = size});
  }

  // --- marks --------------------------------------------------------------------------------------------------------
  void begin() override {
    m_hal.synchronise();
    m_machine.disk->make_medium_cold();  // mounting and opening have read around the file
    m_machine.ledger.record(true);
    m_sender = m_kernel.current_process();
    m_calls_at_begin = m_kernel.counts_of(*m_sender);
    if (!m_machine.peer) m_tasks_at_begin = task_times();
    m_begin = read_counters(m_machine, m_kernel);
  }
  void file_begins(std::uint64_t index) override { m_file_began.at(index) = m_hal.time(); }
  void end() override {
    m_hal.synchronise();
    m_calls_at_end = m_kernel.counts_of(*m_sender);
    if (payload() == 0) finish();
  }
  /// The peer has the last byte.
  void finish() {
    m_end = read_counters(m_machine, m_kernel);
    if (!m_machine.peer) {
      m_tasks_at_end = task_times();
      m_receiver_calls = m_receiver_process->counts.calls[static_cast<std::size_t>(syscalls::Call::Recv)];
    }
    m_machine.ledger.record(false);
    m_wall_ended = Clock::now();
  }

  /// CPU time by task, and what no task was charged with.
  [[nodiscard]] std::map<std::string, Picoseconds> task_times() {
    Picoseconds softirqs;
    for (const sched::Task* task : m_kernel.scheduler().tasks()) {
      if (task->name().starts_with("ksoftirqd/")) softirqs += task->cpu_time();
    }
    return {{"sender", m_sender->task->cpu_time()},
            {"receiver", m_receiver_process->task->cpu_time()},
            {"ksoftirqd", softirqs}};
  }

  void trace(const syscalls::CallRecord& record) {
    m_strace.push_back({{"task", record.task},
                        {"pid", record.pid},
                        {"call", record.name},
                        {"arguments", record.arguments},
                        {"result", record.result},
                        {"at_ns", nanoseconds(record.begin)},
                        {"took_ns", nanoseconds(record.duration)}});
  }

  // --- verdict
  // --------------------------------------------------------------------------------------------------------
  void judge() {
    for (const std::string& task : m_kernel.blocked_tasks())
      m_failures.push_back("nothing is left to happen, but " + task);
    if (m_exit_status.value_or(0) != 0) {
      m_failures.push_back(fmt::format("the program ended with {}{}{}",
                                       kernel_sim::Kernel::describe_status(*m_exit_status),
                                       m_program_failure.empty() ? "" : ": ", m_program_failure));
    }
    if (m_receiver_status.value_or(0) != 0) {
      m_failures.push_back(fmt::format("the receiver ended with {}{}{}",
                                       kernel_sim::Kernel::describe_status(*m_receiver_status),
                                       m_receiver_failure.empty() ? "" : ": ", m_receiver_failure));
    }
    if (!m_receiver.matches()) {
      m_failures.push_back(fmt::format("byte {} at the peer is not the file's", *m_receiver.first_difference()));
    } else if (m_receiver.bytes() != payload()) {
      m_failures.push_back(fmt::format("the peer received {} of {} bytes", m_receiver.bytes(), payload()));
    }
    if (m_machine.ledger.delivered_bytes() != payload()) {
      m_failures.push_back(fmt::format("the ledger saw {} of {} payload bytes delivered",
                                       m_machine.ledger.delivered_bytes(), payload()));
    }
    for (std::string& breach : m_machine.ledger.breaches()) m_failures.push_back(std::move(breach));
    for (std::string& breach : m_kernel.shutdown_check()) m_failures.push_back(std::move(breach));
    if (m_begin && m_end) check_accounts();
  }

  void check_accounts() {
    const Picoseconds elapsed = m_end->at - m_begin->at;
    for (std::size_t i = 0; i < m_end->cores.size(); ++i) {
      if ((m_end->cores[i] - m_begin->cores[i]).total() != elapsed) {
        m_failures.push_back(fmt::format("the accounts of cpu{} do not add up to the elapsed time", i));
      }
    }
    Picoseconds busy;
    for (std::size_t i = 0; i < m_end->cores.size(); ++i) busy += (m_end->cores[i] - m_begin->cores[i]).busy();
    Picoseconds named;
    for (std::size_t i = 0; i < hal::kWorks; ++i) named += m_end->work[i] - m_begin->work[i];
    if (named != busy) m_failures.push_back("the cores' kinds of work do not add up to their busy time");
    const double throughput = throughput_bytes_per_s();
    const auto bounds = bound();
    for (const char* kind : {"static_bytes_per_s", "demand_bytes_per_s"}) {
      const double limit = bounds[kind].get<double>();
      if (limit > 0 && throughput > limit * (1 + 1e-9)) {
        m_failures.push_back(
            fmt::format("throughput {:.0f} B/s is above its bound {} of {:.0f} B/s", throughput, kind, limit));
      }
    }
  }

  // --- the result ---------------------------------------------------------------------------------------------------
  [[nodiscard]] double seconds() const {
    return static_cast<double>((m_end->at - m_begin->at).count()) / static_cast<double>(kPicosecondsPerSecond);
  }
  [[nodiscard]] double throughput_bytes_per_s() const {
    return payload() == 0 ? 0.0 : static_cast<double>(payload()) / seconds();
  }
  [[nodiscard]] double per_payload(Bytes n) const {
    return payload() == 0 ? 0.0 : static_cast<double>(n) / static_cast<double>(payload());
  }

  [[nodiscard]] Json bound() const {
    const platform::Topology topology{m_plan.configuration.machine, m_plan.configuration.workload.warm(),
                                      m_plan.configuration.workload.hot()};
    const platform::Bound fixed = topology.static_bound();
    const Demand demand = busiest(*m_begin, *m_end);
    const double demand_bound = demand.busy > Picoseconds{}
                                    ? static_cast<double>(payload()) * static_cast<double>(kPicosecondsPerSecond) /
                                          static_cast<double>(demand.busy.count())
                                    : 0.0;
    return {{"static_bytes_per_s", static_cast<double>(fixed.bytes_per_s)},
            {"static_limited_by", fixed.limited_by},
            {"demand_bytes_per_s", payload() == 0 ? 0.0 : demand_bound},
            {"demand_limited_by", demand.resource}};
  }

  [[nodiscard]] Json latency() const {
    std::vector<std::int64_t> times;
    for (std::size_t i = 0; i < m_file_began.size(); ++i) {
      if (m_file_began[i] && m_receiver.arrivals()[i])
        times.push_back(nanoseconds(*m_receiver.arrivals()[i] - *m_file_began[i]));
    }
    std::sort(times.begin(), times.end());
    const auto rank = [&](std::uint64_t per_thousand) {  // nearest rank
      return times.empty() ? 0 : times[std::max<std::uint64_t>(divide_up(times.size() * per_thousand, 1000), 1) - 1];
    };
    return {{"p50", rank(500)}, {"p99", rank(990)}, {"p999", rank(999)}, {"max", rank(1000)}};
  }

  [[nodiscard]] Json times() const {
    cpu::CoreTimes sum;
    for (std::size_t i = 0; i < m_end->cores.size(); ++i) {
      const cpu::CoreTimes core = m_end->cores[i] - m_begin->cores[i];
      sum.user += core.user;
      sum.kernel += core.kernel;
      sum.interrupt += core.interrupt;
      sum.idle += core.idle;
    }
    return {{"elapsed_ns", nanoseconds(m_end->at - m_begin->at)},
            {"cpu_user_ns", nanoseconds(sum.user)},
            {"cpu_kernel_ns", nanoseconds(sum.kernel)},
            {"cpu_irq_ns", nanoseconds(sum.interrupt)},
            {"cpu_idle_ns", nanoseconds(sum.idle)}};
  }

  /// Busy time by kind of work; what was not done is left out.
  [[nodiscard]] Json work() const {
    Json work = Json::object();
    for (std::size_t i = 0; i < hal::kWorks; ++i) {
      const Picoseconds spent = m_end->work[i] - m_begin->work[i];
      if (spent > Picoseconds{}) work[std::string{name_of(static_cast<hal::Work>(i))}] = nanoseconds(spent);
    }
    return work;
  }

  [[nodiscard]] Json counts() const {
    return {{"mode_switches", m_calls_at_end.mode_switches - m_calls_at_begin.mode_switches},
            {"context_switches", m_end->context_switches - m_begin->context_switches},
            {"interrupts", m_end->interrupts - m_begin->interrupts},
            {"page_faults_minor", m_calls_at_end.faults.minor - m_calls_at_begin.faults.minor},
            {"page_faults_major", m_calls_at_end.faults.major - m_calls_at_begin.faults.major},
            {"tlb_misses", m_end->tlb_misses - m_begin->tlb_misses},
            {"dma_descriptors", m_end->dma_descriptors - m_begin->dma_descriptors},
            {"mmio_accesses", m_end->mmio_accesses - m_begin->mmio_accesses},
            {"wire_frames", m_end->wire_frames - m_begin->wire_frames}};
  }

  [[nodiscard]] Json system_calls() const {
    Json calls = Json::object();
    const auto before = m_calls_at_begin.system_calls;
    for (const auto& [name, count] : m_calls_at_end.system_calls) {
      const auto found = before.find(name);
      const std::uint64_t made = count - (found == before.end() ? 0 : found->second);
      if (made > 0) calls[name] = made;
    }
    return calls;
  }

  [[nodiscard]] Json tasks() const {
    Json tasks = Json::object();
    for (const char* name : {"sender", "receiver", "ksoftirqd"}) {
      tasks[name] = {{"cpu_ns", nanoseconds(m_tasks_at_end.at(name) - m_tasks_at_begin.at(name))}};
    }
    tasks["receiver"]["calls"] = m_receiver_calls;
    return tasks;
  }

  Json result() {
    const base::Ledger& ledger = m_machine.ledger;
    Json json;
    json["payload_bytes"] = payload();
    json["delivered"] = {{"bytes", m_receiver.bytes()},
                         {"sha256", m_receiver.sha256()},
                         {"intact", m_receiver.matches() && m_receiver.bytes() == payload()}};
    if (m_begin && m_end) {
      json["time"] = times();
      json["work_ns"] = work();
      json["throughput_bytes_per_s"] = throughput_bytes_per_s();
      json["system_calls"] = system_calls();
      json["counts"] = counts();
      const Bytes cpu = ledger.total_by(Mover::Cpu).payload;
      const Bytes pio = ledger.total_by(Mover::Pio).payload;
      const Bytes dma = ledger.total_by(Mover::Dma).payload;
      if (!m_machine.peer) json["tasks"] = tasks();
      json["copies"] = {{"cpu", per_payload(cpu + pio)}, {"dma", per_payload(dma)}};
      const auto overhead = [&](Mover mover) { return ledger.total_by(mover).overhead; };
      json["bytes"] = {{"cpu", cpu},
                       {"pio", pio},
                       {"dma", dma},
                       {"overhead_cpu", overhead(Mover::Cpu) + overhead(Mover::Pio)},
                       {"overhead_dma", overhead(Mover::Dma)},
                       {"dram_read", m_end->dram_read - m_begin->dram_read},
                       {"dram_written", m_end->dram_written - m_begin->dram_written},
                       {"pcie_payload", m_end->pcie_payload - m_begin->pcie_payload},
                       {"pcie_wire", m_end->pcie_wire - m_begin->pcie_wire}};
      json["moves"] = Json::array();
      for (const base::Move& move : ledger.moves()) {
        json["moves"].push_back({{"from", name_of(move.from)},
                                 {"to", name_of(move.to)},
                                 {"by", name_of(move.by)},
                                 {"bytes", move.bytes.payload},
                                 {"overhead_bytes", move.bytes.overhead}});
      }
      json["latency_ns"] = latency();
      json["bound"] = bound();
    }
    if (m_plan.strace) json["strace"] = std::move(m_strace);
    json["failures"] = m_failures;
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    json["simulator"] = {{"wall_s", std::chrono::duration<double>(m_wall_ended - m_wall_began - m_warming).count()},
                         {"events", sc_core::sc_delta_count()},
                         {"peak_rss_bytes", static_cast<std::uint64_t>(usage.ru_maxrss) * 1024}};
    return json;
  }

  const RunPlan& m_plan;
  Files m_files;
  Receiver m_receiver;
  Clock::time_point m_wall_began;
  Clock::time_point m_wall_ended = m_wall_began;
  Clock::duration m_warming{};  // of the page cache, in no simulated time
  platform::Machine m_machine;
  hal::SystemcMachine m_hal;
  kernel_sim::Kernel m_kernel;
  sc_core::sc_event m_last_byte;

  std::optional<int> m_exit_status;
  std::string m_program_failure;
  kernel_sim::ReceiveRequest m_receive_request;
  std::optional<int> m_receiver_status;
  syscalls::Process* m_sender = nullptr;
  syscalls::Process* m_receiver_process = nullptr;
  std::uint64_t m_receiver_calls = 0;  // of recv, to the one that took the last byte
  std::map<std::string, Picoseconds> m_tasks_at_begin;
  std::map<std::string, Picoseconds> m_tasks_at_end;
  std::string m_receiver_failure;
  std::optional<HardwareCounters> m_begin;
  std::optional<HardwareCounters> m_end;
  kernel_sim::KernelCounts m_calls_at_begin;
  kernel_sim::KernelCounts m_calls_at_end;
  std::vector<std::optional<Picoseconds>> m_file_began;
  Json m_strace = Json::array();
  std::vector<std::string> m_failures;
};

}  // namespace

RunResult simulate(const RunPlan& plan) { return Run{plan}.carry_out(); }

}  // namespace sluice::tool
