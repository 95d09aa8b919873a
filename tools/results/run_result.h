// SPDX-License-Identifier: Apache-2.0
// The result of one run, simulated or on a host. This description is the only place that names its keys.
#pragma once

#include "tools/results/description.h"
#include "tools/results/json.h"
#include "tools/results/workload_names.h"

namespace sluice::results {

inline constexpr const char* kResultsSchema = "sluice.results/1";
inline constexpr const char* kSimulated = "simulated";
inline constexpr const char* kHost = "host";

struct WorkloadInfo {
  std::uint64_t files = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t chunk_bytes = 0;
  std::optional<std::uint64_t> rounds = {};
  std::string page_cache = {};
  std::optional<unsigned> cpus = {};
  std::optional<std::string> regime = {};
  std::uint64_t connections = 1;
  std::uint64_t workers = 1;
  std::uint64_t repeat = 1;

  /// Of a file over a connection.
  [[nodiscard]] std::uint64_t transfers() const { return files * connections * repeat; }

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"files", Unit::Count, "sent one after the other"}, &WorkloadInfo::files);
    visit(Field{"file_bytes", Unit::Bytes, "size of each"}, &WorkloadInfo::file_bytes);
    visit(Field{"chunk_bytes", Unit::Bytes, "asked for in one call"}, &WorkloadInfo::chunk_bytes);
    visit(Field{"rounds", Unit::Count, "chunks of all files, as often as they are sent"}, &WorkloadInfo::rounds);
    visit(Field{.key = "page_cache", .help = "at the start", .choices = kPageCacheNames}, &WorkloadInfo::page_cache);
    visit(Field{"cpus", Unit::Count, "cores of sender and receiver together, over loopback"}, &WorkloadInfo::cpus);
    visit(Field{.key = "regime", .choices = kRegimeNames}, &WorkloadInfo::regime);
    visit(Field{kConnections, Unit::Count, "at a time, each with all files"}, &WorkloadInfo::connections);
    visit(Field{kWorkers, Unit::Count, "processes that share the connections"}, &WorkloadInfo::workers);
    visit(Field{kRepeat, Unit::Count, "how often each connection sends all files"}, &WorkloadInfo::repeat);
  }
};

struct Delivered {
  std::uint64_t bytes = 0;
  std::optional<std::string> sha256 = {};
  std::optional<bool> intact = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"bytes", Unit::Bytes, "that the receiver got"}, &Delivered::bytes);
    visit(Field{"sha256", Unit::None, "of what it got, where somebody asked"}, &Delivered::sha256);
    visit(Field{"intact", Unit::None, "complete, and each byte as it was sent", Of::Simulated}, &Delivered::intact);
  }
};

struct Times {
  std::int64_t elapsed_ns = 0;
  std::int64_t cpu_user_ns = 0;
  std::int64_t cpu_kernel_ns = 0;
  std::optional<std::int64_t> cpu_irq_ns = {};
  std::optional<std::int64_t> cpu_idle_ns = {};
  std::optional<std::int64_t> cpu_ns = {};

  /// All CPU time that was not idle.
  [[nodiscard]] std::int64_t busy_ns() const { return cpu_user_ns + cpu_kernel_ns + cpu_irq_ns.value_or(0); }

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"elapsed_ns", Unit::Nanoseconds, "from the first call to the receiver's last byte"},
          &Times::elapsed_ns);
    visit(Field{"cpu_user_ns", Unit::Nanoseconds, "in user mode"}, &Times::cpu_user_ns);
    visit(Field{"cpu_kernel_ns", Unit::Nanoseconds, "in the kernel; of a host without idle time, with interrupts"},
          &Times::cpu_kernel_ns);
    visit(Field{"cpu_irq_ns", Unit::Nanoseconds, "in hard and soft interrupts", Of::Simulated}, &Times::cpu_irq_ns);
    visit(Field{"cpu_idle_ns", Unit::Nanoseconds, "user + kernel + irq + idle = cores x elapsed", Of::Simulated},
          &Times::cpu_idle_ns);
    visit(Field{"cpu_ns", Unit::Nanoseconds,
                "user + kernel of both processes and ksoftirqd; the kernel's tick guesses which of the two", Of::Host},
          &Times::cpu_ns);
  }
};

struct Counts {
  std::uint64_t mode_switches = 0;
  std::uint64_t context_switches = 0;
  std::optional<std::uint64_t> interrupts = {};
  std::uint64_t page_faults_minor = 0;
  std::uint64_t page_faults_major = 0;
  std::optional<std::uint64_t> tlb_misses = {};
  std::optional<std::uint64_t> dma_descriptors = {};
  std::optional<std::uint64_t> mmio_accesses = {};
  std::optional<std::uint64_t> wire_frames = {};
  std::optional<std::uint64_t> retransmissions = {};
  std::optional<std::uint64_t> drops = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"mode_switches", Unit::Count, "two per system call of the sender"}, &Counts::mode_switches);
    visit(Field{"context_switches", Unit::Count, "a core changed its task; of a host, of both processes"},
          &Counts::context_switches);
    visit(Field{"interrupts", Unit::Count, "", Of::Simulated}, &Counts::interrupts);
    visit(Field{"page_faults_minor", Unit::Count, "of the sender, without a read"}, &Counts::page_faults_minor);
    visit(Field{"page_faults_major", Unit::Count, "of the sender, with a read"}, &Counts::page_faults_major);
    visit(Field{"tlb_misses", Unit::Count, "", Of::Simulated}, &Counts::tlb_misses);
    visit(Field{"dma_descriptors", Unit::Count, "that devices fetched", Of::Simulated}, &Counts::dma_descriptors);
    visit(Field{"mmio_accesses", Unit::Count, "of device registers", Of::Simulated}, &Counts::mmio_accesses);
    visit(Field{"wire_frames", Unit::Count, "to the peer; absent over loopback"}, &Counts::wire_frames);
    visit(Field{"retransmissions", Unit::Count, "packets that TCP sent again", Of::Simulated},
          &Counts::retransmissions);
    visit(Field{"drops", Unit::Count, "packets and frames that kernel, devices or peer threw away", Of::Simulated},
          &Counts::drops);
  }
};

/// Of one task of a run over loopback, or of a process of a host.
struct TaskUse {
  std::int64_t cpu_ns = 0;
  std::optional<std::int64_t> user_ns = {};
  std::optional<std::int64_t> system_ns = {};
  std::optional<std::int64_t> page_faults_minor = {};
  std::optional<std::int64_t> page_faults_major = {};
  std::optional<std::int64_t> voluntary_switches = {};
  std::optional<std::int64_t> involuntary_switches = {};
  std::optional<std::int64_t> calls = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"cpu_ns", Unit::Nanoseconds}, &TaskUse::cpu_ns);
    visit(Field{"user_ns", Unit::Nanoseconds}, &TaskUse::user_ns);
    visit(Field{"system_ns", Unit::Nanoseconds}, &TaskUse::system_ns);
    visit(Field{"page_faults_minor", Unit::Count}, &TaskUse::page_faults_minor);
    visit(Field{"page_faults_major", Unit::Count}, &TaskUse::page_faults_major);
    visit(Field{"voluntary_switches", Unit::Count}, &TaskUse::voluntary_switches);
    visit(Field{"involuntary_switches", Unit::Count}, &TaskUse::involuntary_switches);
    visit(Field{"calls", Unit::Count, "recv calls of a receiver, to the one that took the last byte"}, &TaskUse::calls);
  }
};

/// What a host's repetitions gave of one quantity.
struct Samples {
  std::int64_t min = 0;
  std::int64_t median = 0;
  std::int64_t max = 0;
  double spread = 0;
  std::vector<std::int64_t> values = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"min", Unit::Nanoseconds}, &Samples::min);
    visit(Field{"median", Unit::Nanoseconds}, &Samples::median);
    visit(Field{"max", Unit::Nanoseconds}, &Samples::max);
    visit(Field{"spread", Unit::Share, "distance of the quartiles, divided by the median"}, &Samples::spread);
    visit(Field{"values", Unit::Nanoseconds}, &Samples::values);
  }
};

struct Repetitions {
  std::uint64_t count = 0;
  std::uint64_t warm_up = 0;
  std::optional<std::uint64_t> set_aside = {};
  std::optional<double> on_shared_core = {};
  Samples elapsed_ns = {};
  Samples cpu_ns = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"count", Unit::Count, "that were measured"}, &Repetitions::count);
    visit(Field{"warm_up", Unit::Count, "before them"}, &Repetitions::warm_up);
    visit(Field{"set_aside", Unit::Count, "more, during which something else had a part of the core: counts alone"},
          &Repetitions::set_aside);
    visit(Field{"on_shared_core", Unit::Share, "share of the time during which something else had a part of the core"},
          &Repetitions::on_shared_core);
    visit(Field{"elapsed_ns", Unit::Nanoseconds}, &Repetitions::elapsed_ns);
    visit(Field{"cpu_ns", Unit::Nanoseconds}, &Repetitions::cpu_ns);
  }
};

struct Copies {
  double cpu = 0;
  double dma = 0;

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"cpu", Unit::PerByte, "payload bytes that the processor moved, per payload byte"}, &Copies::cpu);
    visit(Field{"dma", Unit::PerByte, "payload bytes that devices moved from or to memory, per payload byte"},
          &Copies::dma);
  }
};

struct ByteCounts {
  std::uint64_t cpu = 0;
  std::uint64_t dma = 0;
  std::optional<std::uint64_t> overhead_cpu = {};
  std::optional<std::uint64_t> overhead_dma = {};
  std::uint64_t dram_read = 0;
  std::uint64_t dram_written = 0;
  std::uint64_t pcie_payload = 0;
  std::uint64_t pcie_wire = 0;

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"cpu", Unit::Bytes, "payload that the processor moved"}, &ByteCounts::cpu);
    visit(Field{"dma", Unit::Bytes, "payload that devices moved from or to memory"}, &ByteCounts::dma);
    visit(Field{"overhead_cpu", Unit::Bytes, "headers and the like that the processor moved"},
          &ByteCounts::overhead_cpu);
    visit(Field{"overhead_dma", Unit::Bytes, "headers, descriptors and padding that devices moved"},
          &ByteCounts::overhead_dma);
    visit(Field{"dram_read", Unit::Bytes}, &ByteCounts::dram_read);
    visit(Field{"dram_written", Unit::Bytes}, &ByteCounts::dram_written);
    visit(Field{"pcie_payload", Unit::Bytes, "without headers, both directions of all links"},
          &ByteCounts::pcie_payload);
    visit(Field{"pcie_wire", Unit::Bytes, "with them"}, &ByteCounts::pcie_wire);
  }
};

struct MoveInfo {
  std::string from = {};
  std::string to = {};
  std::string by = {};
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> overhead_bytes = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{.key = "from", .help = "a place: kernel.page_cache"}, &MoveInfo::from);
    visit(Field{.key = "to", .help = "a place"}, &MoveInfo::to);
    visit(Field{.key = "by",
                .help = "a reference is a page that was passed on: it copies nothing",
                .choices = {"cpu", "dma", "device", "reference"}},
          &MoveInfo::by);
    visit(Field{"bytes", Unit::Bytes, "of payload"}, &MoveInfo::bytes);
    visit(Field{"overhead_bytes", Unit::Bytes, "headers and the like"}, &MoveInfo::overhead_bytes);
  }
};

struct Latency {
  std::int64_t p50 = 0;
  std::int64_t p99 = 0;
  std::int64_t p999 = 0;
  std::int64_t max = 0;

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"p50", Unit::Nanoseconds}, &Latency::p50);
    visit(Field{"p99", Unit::Nanoseconds}, &Latency::p99);
    visit(Field{"p999", Unit::Nanoseconds}, &Latency::p999);
    visit(Field{"max", Unit::Nanoseconds}, &Latency::max);
  }
};

struct Bound {
  std::optional<double> static_bytes_per_s = {};
  std::optional<std::string> static_limited_by = {};
  std::optional<double> demand_bytes_per_s = {};
  std::optional<std::string> demand_limited_by = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"static_bytes_per_s", Unit::BytesPerSecond,
                "what the machine's links carry at best; absent when no byte has to cross one"},
          &Bound::static_bytes_per_s);
    visit(Field{"static_limited_by", Unit::None, "the link that carries least"}, &Bound::static_limited_by);
    visit(Field{"demand_bytes_per_s", Unit::BytesPerSecond, "payload / busy time of the busiest resource"},
          &Bound::demand_bytes_per_s);
    visit(Field{"demand_limited_by", Unit::None, "the busiest resource"}, &Bound::demand_limited_by);
  }
};

struct CallInfo {
  std::string task = {};
  std::int64_t pid = 0;
  std::string call = {};
  std::string arguments = {};
  std::int64_t result = 0;
  std::int64_t at_ns = 0;
  std::int64_t took_ns = 0;

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"task"}, &CallInfo::task);
    visit(Field{"pid"}, &CallInfo::pid);
    visit(Field{"call"}, &CallInfo::call);
    visit(Field{"arguments"}, &CallInfo::arguments);
    visit(Field{"result", Unit::None, "as Linux returns it: >= 0 or -errno"}, &CallInfo::result);
    visit(Field{"at_ns", Unit::Nanoseconds}, &CallInfo::at_ns);
    visit(Field{"took_ns", Unit::Nanoseconds}, &CallInfo::took_ns);
  }
};

/// What a scenario expected of this run, and what came of it.
struct Expected {
  std::string what = {};
  std::optional<Json> want = {};
  std::optional<double> min = {};
  std::optional<double> max = {};
  std::optional<Json> got = {};
  bool holds = false;
  std::optional<std::string> differs_because = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"what", Unit::None, "path of a value"}, &Expected::what);
    visit(Field{"want"}, &Expected::want);
    visit(Field{"min"}, &Expected::min);
    visit(Field{"max"}, &Expected::max);
    visit(Field{"got", Unit::None, "absent: the run has no such value"}, &Expected::got);
    visit(Field{"holds"}, &Expected::holds);
    visit(Field{"differs_because", Unit::None,
                "what was set on the command line: the run is not the one that the scenario speaks of, so this is no "
                "failure"},
          &Expected::differs_because);
  }
};

/// Where the host's time of a run went.
struct Phases {
  double set_up_s = 0;
  double warming_s = 0;
  double simulation_s = 0;
  double verification_s = 0;

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"set_up_s", Unit::Seconds, "inputs, machine and boot"}, &Phases::set_up_s);
    visit(Field{"warming_s", Unit::Seconds, "of the page cache, in no simulated time"}, &Phases::warming_s);
    visit(Field{"simulation_s", Unit::Seconds}, &Phases::simulation_s);
    visit(Field{"verification_s", Unit::Seconds, "of the received bytes and of the accounts"}, &Phases::verification_s);
  }
};

struct SimulatorUse {
  double wall_s = 0;
  Phases phases = {};
  std::uint64_t events = 0;
  std::uint64_t peak_rss_bytes = 0;

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"wall_s", Unit::Seconds, "the whole run as the user waits, from fork to result"},
          &SimulatorUse::wall_s);
    visit(Field{"phases", Unit::None, "where that time went, but for fork and end"}, &SimulatorUse::phases);
    visit(Field{"events", Unit::Count}, &SimulatorUse::events);
    visit(Field{"peak_rss_bytes", Unit::Bytes}, &SimulatorUse::peak_rss_bytes);
  }
};

/// What the processes of one name did, all copies together; or those that they forked.
struct ProcessUse {
  std::uint64_t copies = 0;
  std::string ends = {};
  std::int64_t cpu_ns = 0;
  std::optional<std::int64_t> user_ns = {};
  std::optional<std::int64_t> interpreter_ns = {};
  std::uint64_t mode_switches = 0;
  std::uint64_t page_faults_minor = 0;
  std::uint64_t page_faults_major = 0;
  std::uint64_t voluntary_switches = 0;
  std::uint64_t involuntary_switches = 0;
  Named<std::uint64_t> system_calls = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"copies", Unit::Count, "processes"}, &ProcessUse::copies);
    visit(Field{"ends", Unit::None, "\"exit 0\", \"SIGBUS\", \"blocked in recv\"; how often each when they differ"},
          &ProcessUse::ends);
    visit(Field{"cpu_ns", Unit::Nanoseconds, "user and kernel mode; on a host without the interpreter's own time"},
          &ProcessUse::cpu_ns);
    visit(Field{"user_ns", Unit::Nanoseconds, "of a simulated machine: what of it was in user mode"},
          &ProcessUse::user_ns);
    visit(Field{"interpreter_ns", Unit::Nanoseconds,
                "of a host: the rest of its CPU time, which is the interpreter's and that of counting"},
          &ProcessUse::interpreter_ns);
    visit(Field{"mode_switches", Unit::Count}, &ProcessUse::mode_switches);
    visit(Field{"page_faults_minor", Unit::Count}, &ProcessUse::page_faults_minor);
    visit(Field{"page_faults_major", Unit::Count}, &ProcessUse::page_faults_major);
    visit(Field{"voluntary_switches", Unit::Count, "it slept"}, &ProcessUse::voluntary_switches);
    visit(Field{"involuntary_switches", Unit::Count, "another was to run"}, &ProcessUse::involuntary_switches);
    visit(Field{"system_calls", Unit::Count, "by name"}, &ProcessUse::system_calls);
  }
};

/// What was done under a name of `measure`, by all processes.
struct MeasureUse {
  std::uint64_t times = 0;
  std::int64_t elapsed_ns = 0;
  std::int64_t cpu_ns = 0;
  std::optional<std::int64_t> user_ns = {};
  std::optional<std::int64_t> interpreter_ns = {};
  std::uint64_t mode_switches = 0;
  std::uint64_t page_faults_minor = 0;
  std::uint64_t page_faults_major = 0;
  std::optional<std::uint64_t> bytes_copied = {};
  std::optional<std::uint64_t> bytes_dma = {};
  std::optional<double> elapsed_spread = {};
  std::optional<double> cpu_spread = {};
  Named<std::uint64_t> system_calls = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"times", Unit::Count, "how often it was measured"}, &MeasureUse::times);
    visit(Field{"elapsed_ns", Unit::Nanoseconds, "added up over the times; of several processes the longest"},
          &MeasureUse::elapsed_ns);
    visit(Field{"cpu_ns", Unit::Nanoseconds, "of the processes that measured; on a host without the interpreter's own"},
          &MeasureUse::cpu_ns);
    visit(Field{"user_ns", Unit::Nanoseconds, "of a simulated machine: what of it was in user mode"},
          &MeasureUse::user_ns);
    visit(Field{"interpreter_ns", Unit::Nanoseconds,
                "of a host: the rest of its CPU time, which is the interpreter's and that of counting"},
          &MeasureUse::interpreter_ns);
    visit(Field{"mode_switches", Unit::Count}, &MeasureUse::mode_switches);
    visit(Field{"page_faults_minor", Unit::Count}, &MeasureUse::page_faults_minor);
    visit(Field{"page_faults_major", Unit::Count}, &MeasureUse::page_faults_major);
    visit(Field{"bytes_copied", Unit::Bytes, "by all cores meanwhile"}, &MeasureUse::bytes_copied);
    visit(Field{"bytes_dma", Unit::Bytes, "by devices meanwhile"}, &MeasureUse::bytes_dma);
    visit(Field{"elapsed_spread", Unit::Share,
                "of a host's repetitions: distance of the quartiles, divided by the median"},
          &MeasureUse::elapsed_spread);
    visit(Field{"cpu_spread", Unit::Share, "likewise"}, &MeasureUse::cpu_spread);
    visit(Field{"system_calls", Unit::Count, "by name"}, &MeasureUse::system_calls);
  }
};

/// The values of one name of `sample`.
struct SampleUse {
  std::uint64_t count = 0;
  double min = 0;
  double mean = 0;
  double p50 = 0;
  double p90 = 0;
  double p99 = 0;
  double p999 = 0;
  double max = 0;

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"count", Unit::Count}, &SampleUse::count);
    visit(Field{"min"}, &SampleUse::min);
    visit(Field{"mean"}, &SampleUse::mean);
    visit(Field{"p50"}, &SampleUse::p50);
    visit(Field{"p90"}, &SampleUse::p90);
    visit(Field{"p99"}, &SampleUse::p99);
    visit(Field{"p999"}, &SampleUse::p999);
    visit(Field{"max"}, &SampleUse::max);
  }
};

/// A run of programs instead of a strategy (tools/scenario/programs.h).
inline constexpr const char* kPrograms = "programs";

struct RunResult {
  std::string strategy = {};
  std::string kernel = kSimulated;
  Named<std::string> settings = {};
  std::optional<Named<std::string>> point = {};
  std::optional<Named<std::string>> features = {};
  std::optional<WorkloadInfo> workload = {};
  std::optional<std::uint64_t> payload_bytes = {};
  std::optional<Delivered> delivered = {};
  std::optional<Times> time = {};
  std::optional<Named<std::int64_t>> work_ns = {};
  std::optional<double> throughput_bytes_per_s = {};
  std::optional<Named<std::uint64_t>> system_calls = {};
  std::optional<Counts> counts = {};
  std::optional<Named<OrWhyNot<TaskUse>>> tasks = {};
  std::optional<Named<OrWhyNot<std::int64_t>>> kernel_counts = {};
  std::optional<Repetitions> repetitions = {};
  std::optional<Copies> copies = {};
  std::optional<ByteCounts> bytes = {};
  std::optional<std::vector<MoveInfo>> moves = {};
  std::optional<Latency> latency_ns = {};
  std::optional<Bound> bound = {};
  std::optional<Named<double>> utilisation = {};
  std::optional<Named<std::int64_t>> waits_ns = {};
  std::optional<std::string> limited_by = {};
  std::optional<Named<ProcessUse>> processes = {};
  std::optional<Named<MeasureUse>> measures = {};
  std::optional<Named<SampleUse>> samples = {};
  std::optional<Named<std::int64_t>> counted = {};
  std::optional<std::uint64_t> checks = {};
  std::optional<Named<std::vector<std::string>>> output = {};
  std::optional<std::vector<std::string>> differs = {};
  std::optional<std::vector<CallInfo>> strace = {};
  std::optional<std::vector<std::string>> unused_settings = {};
  std::vector<std::string> failures = {};
  std::optional<SimulatorUse> simulator = {};
  std::optional<std::vector<Expected>> expectations = {};

  /// It ran to its end, so that everything is known of it. A complete run may have failed.
  [[nodiscard]] bool complete() const { return time.has_value(); }
  [[nodiscard]] bool simulated() const { return kernel == kSimulated; }
  /// No failure, and every expectation holds or is about another run than this one.
  [[nodiscard]] bool succeeded() const;
  /// Rounds of the workload, at least 1.
  [[nodiscard]] double rounds() const;
  /// System calls of all names; those of a complete run.
  [[nodiscard]] std::uint64_t calls() const;

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{"strategy"}, &RunResult::strategy);
    visit(Field{.key = "kernel", .choices = {kSimulated, kHost}}, &RunResult::kernel);
    visit(Field{"settings", Unit::None, "parameters that were set beside the platform, the effective value last"},
          &RunResult::settings);
    visit(Field{"point", Unit::None, "values of the varied parameters; absent without vary"}, &RunResult::point);
    visit(Field{"features", Unit::None, "abilities of machine and kernel that explain the counts"},
          &RunResult::features);
    visit(Field{"workload"}, &RunResult::workload);
    visit(Field{"payload_bytes", Unit::Bytes, "to be delivered", Of::Complete}, &RunResult::payload_bytes);
    visit(Field{"delivered", Unit::None, "a host that does not verify knows the bytes only", Of::Complete},
          &RunResult::delivered);
    visit(Field{"time", Unit::None, "of a host: medians"}, &RunResult::time);
    visit(Field{"work_ns", Unit::Nanoseconds,
                "busy time of all cores by kind of work (kernel_sim/hal/work.h); adds up to user + kernel + irq"},
          &RunResult::work_ns);
    visit(Field{"throughput_bytes_per_s", Unit::BytesPerSecond, "", Of::Complete}, &RunResult::throughput_bytes_per_s);
    visit(Field{"system_calls", Unit::Count, "the sender's, between the marks of the measured region", Of::Complete},
          &RunResult::system_calls);
    visit(Field{"counts", Unit::Count, "", Of::Complete}, &RunResult::counts);
    visit(Field{"tasks", Unit::None, "CPU time by task over loopback; a sentence where nothing is known", Of::Host},
          &RunResult::tasks);
    visit(Field{"kernel_counts", Unit::Count,
                "the host kernel's own counts by tracepoint; a sentence where there is none", Of::Host},
          &RunResult::kernel_counts);
    visit(Field{"repetitions", Unit::None, "of a host: how often it was measured, and what was found each time",
                Of::Host},
          &RunResult::repetitions);
    visit(Field{"copies", Unit::PerByte, "", Of::Simulated}, &RunResult::copies);
    visit(Field{"bytes", Unit::Bytes, "", Of::Simulated}, &RunResult::bytes);
    visit(Field{"moves", Unit::None, "who moved what, in the order of places", Of::Simulated}, &RunResult::moves);
    visit(Field{"latency_ns", Unit::Nanoseconds, "per file, from its first call to its last byte at the peer",
                Of::Simulated},
          &RunResult::latency_ns);
    visit(Field{"bound", Unit::BytesPerSecond, "no throughput is above either", Of::Simulated}, &RunResult::bound);
    visit(Field{"utilisation", Unit::Share, "busy time of each resource, of the elapsed time", Of::Simulated},
          &RunResult::utilisation);
    visit(Field{"waits_ns", Unit::Nanoseconds,
                "what the sender waited for; the rest of its time it had a core or waited for one", Of::Simulated},
          &RunResult::waits_ns);
    visit(Field{"limited_by", Unit::None,
                "the resource that is busy nearly all the time; without one, the longest wait of the sender",
                Of::Simulated},
          &RunResult::limited_by);
    visit(Field{"processes", Unit::None, "of a run of programs, by name; NAME_children are those that they forked"},
          &RunResult::processes);
    visit(Field{"measures", Unit::None, "what programs measured, by name"}, &RunResult::measures);
    visit(Field{"samples", Unit::None, "distributions that programs reported, by name"}, &RunResult::samples);
    visit(Field{"counted", Unit::Count, "what programs counted, by name"}, &RunResult::counted);
    visit(Field{"checks", Unit::Count, "that programs made; one that does not hold fails the run"}, &RunResult::checks);
    visit(Field{"output", Unit::None, "what programs printed, by process"}, &RunResult::output);
    visit(Field{.key = "differs",
                .help = "of a host's programs: what was not the same in all repetitions; the first one's is reported",
                .expectable = false},
          &RunResult::differs);
    visit(Field{.key = "strace", .help = "system calls, where they were asked for", .expectable = false},
          &RunResult::strace);
    visit(Field{.key = "unused_settings",
                .help = "costs that were set and that no part of the run paid",
                .expectable = false},
          &RunResult::unused_settings);
    visit(Field{.key = "failures", .help = "sentences that make this a failed run", .expectable = false},
          &RunResult::failures);
    visit(Field{.key = "simulator",
                .help = "what the run took this host; the only part that differs between two runs",
                .of = Of::Simulated,
                .expectable = false},
          &RunResult::simulator);
    visit(Field{.key = "expectations", .of = Of::Complete, .expectable = false}, &RunResult::expectations);
  }
};

/// What --json writes.
struct Results {
  std::string schema = kResultsSchema;
  std::string scenario = {};
  std::vector<RunResult> runs = {};

  template <class Visitor>
  static void describe(Visitor&& visit) {
    visit(Field{.key = "schema", .choices = {kResultsSchema}}, &Results::schema);
    visit(Field{"scenario", Unit::None, "path of the scenario file as it was given"}, &Results::scenario);
    visit(Field{"runs"}, &Results::runs);
  }
};

/// As --json writes them, ending in a new line.
std::string results_text(const std::string& scenario, const std::vector<RunResult>& runs);

}  // namespace sluice::results
