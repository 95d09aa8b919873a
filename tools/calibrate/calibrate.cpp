// SPDX-License-Identifier: Apache-2.0
#include "tools/calibrate/calibrate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

#include <fmt/format.h>

#include "models/base/quantity.h"
#include "models/base/result.h"
#include "tools/calibrate/calibrated_platform.h"
#include "tools/calibrate/simulated_bench.h"
#include "tools/calibrate/solve.h"
#include "tools/native/calibration/host.h"
#include "tools/native/calibration/host_bench.h"
#include "tools/native/calibration/working_sets.h"
#include "tools/native/measured_transfer.h"
#include "tools/scenario/platform_file.h"
#include "tools/simulate/interrupts.h"

namespace sluice::calibrate {
namespace {

using calibration::Primitive;

constexpr Bytes kTestFile = 256_MiB;
constexpr Bytes kLeastTestFile = 128_MiB;
/// Of the written machine: one for the sender and one for the receiver, when workload.cpus says so. Primitives run on
/// one.
constexpr unsigned kCores = 2;
/// With so many lines in flight no latency limits a stream.
constexpr unsigned kEnoughLines = 4096;

/// Chunks for which costs per call and per page hold: from a page to what a pipe can hold.
constexpr Bytes kSmallestChunk = kPageSize;
constexpr Bytes kLargestChunk = 1_MiB;
/// Passes over the table, until what rows do to those before them does not matter.
constexpr unsigned kSweeps = 2;
/// Share of the time on a shared core that a person should know of.
constexpr double kWorthSaying = 0.05;

class Calibration {
 public:
  explicit Calibration(const Options& options)
      : m_options(options), m_shows_progress(options.shows_progress && isatty(STDERR_FILENO)) {
    const calibration::HostIdentity host = calibration::identify_host();
    m_configuration.machine.cpu.cores = kCores;
    m_configuration.machine.remove("nic");  // what sends over the loopback interface needs no network card
    m_configuration.host = {.cpu = host.cpu,
                            .kernel = host.kernel,
                            .date = calibration::today(),
                            .smallest_chunk = kSmallestChunk,
                            .largest_chunk = kLargestChunk};
  }

  /// The text of the platform file.
  std::string carry_out() {
    const std::filesystem::path folder = m_options.folder;
    const calibration::CachedFile file{folder, test_file_size()};
    m_cpu = native::choose_cores(1).front();  // where a transfer runs, for each core has neighbours of its own
    use_facts(folder);
    measure(file);
    const calibration::CacheFit caches = fit_last_level(working_sets(file));
    use_caches(caches);
    const std::vector<Row> rows = all_rows(caches);
    m_configuration.machine.cpu.lines_in_flight = kEnoughLines;  // what is measured is found as cycles
    const std::vector<Finding> findings = solve(
        rows, m_measured, [&](const auto& configuration, const auto& names) { return simulated(configuration, names); },
        m_configuration, kSweeps,
        [&](std::size_t done, std::size_t of) { progress(fmt::format("solving: {} of {}", done, of)); });
    clear_progress();
    for (const Finding& finding : findings) note(finding);
    use_lines_in_flight();
    scenario::Configuration written = m_configuration;
    m_origins["cpu.cores"] = {"choice: one for the sender and one for the receiver", -1, ""};
    return platform_text(written, m_origins);
  }

  /// Measured and simulated time of each primitive, as a table.
  std::string comparison() {
    std::vector<std::string> names;
    for (const auto& [name, timing] : m_measured) names.push_back(name);
    const SimulatedTimes times = simulated(m_configuration, names);
    std::string table =
        fmt::format("{:<28}{:>14}{:>10}{:>14}{:>9}\n", "primitive", "measured ns", "spread", "simulated ns", "error");
    for (const auto& [name, timing] : m_measured) {
      table += fmt::format("{:<28}{:>14.1f}{:>8.1f} %", name, timing.nanoseconds,
                           spread_of(timing.nanoseconds, timing.rounds) * 100);
      if (const auto found = times.find(name); found != times.end()) {
        table += fmt::format("{:>14.1f}{:>7.1f} %\n", found->second, (found->second / timing.nanoseconds - 1) * 100);
      } else {
        table += fmt::format("{:>14}\n", "-");
      }
    }
    return table;
  }

  /// What a person should know: parameters that kept their published values although there is a measurement for them,
  /// and why.
  [[nodiscard]] const std::vector<std::string>& notes() const { return m_notes; }

 private:
  static Bytes test_file_size() {
    const Bytes free = calibration::available_memory();
    Bytes size = kTestFile;
    while (free != 0 && size > kLeastTestFile && size * 4 > free) size /= 2;
    return size;
  }

  void set(const std::string& parameter, const std::string& value, Origin origin) {
    scenario::ParameterIndex index{m_configuration};
    const auto found = index.find(parameter);
    if (!found) return;
    if (const auto done = found->set(value); !done) {
      m_notes.push_back(fmt::format("{}: {} of this host: {}", parameter, value, done.error()));
      return;
    }
    m_origins[parameter] = std::move(origin);
  }

  void use_facts(const std::filesystem::path& folder) {
    for (const calibration::Fact& fact : calibration::read_facts(folder, m_cpu)) {
      set(fact.parameter, fact.value, {.source = fact.source, .spread = -1, .note = ""});
    }
  }

  void measure(const calibration::CachedFile& file) {
    std::vector<Primitive> list = calibration::primitives();
    for (const Bytes set : working_sets(file)) {
      list.push_back(keep(calibration::read_run(set, calibration::kRun)));
      if (set > calibration::kRun) list.push_back(keep(calibration::read_run(calibration::kRun, set)));
      list.push_back(keep(calibration::send_run(set)));
    }
    const calibration::BenchResult result = calibration::measure_on_host(
        list, file, {.cpu = m_cpu, .other_cpu = other_cpu(), .progress = [&](unsigned round, const std::string& name) {
                       progress(fmt::format("round {}: {}", round, name));
                     }});
    if (result.sharing.share > kWorthSaying) {
      m_notes.push_back(fmt::format(
          "something else worked on this core {:.0f} % of the time; system calls then take {:.2f} times as long. The "
          "values are those of a core of one's own",
          result.sharing.share * 100, result.sharing.ratio));
    }
    const double longer = std::clamp(result.sharing.ratio - 1, 0.0, 1.0);
    m_configuration.host->shared_core = base::Fraction{static_cast<std::uint64_t>(std::llround(longer * 1e6))};
    m_configuration.host->own_core = {static_cast<std::uint64_t>(std::llround(result.core.own_ratio * 1e6)), 1'000'000};
    use_clock(result.core);
    for (const calibration::Measurement& one : result.measurements) {
      if (one.usable()) {
        m_measured[one.name] = {one.value, one.rounds};
      } else {
        m_notes.push_back(fmt::format("primitive {}: {}", one.name, one.failure));
      }
    }
  }

  void use_clock(const calibration::Core& core) {
#if defined(__x86_64__)
    const std::string clock = fmt::format("{:.0f} MHz", native::CoreProbe{core.chain_ns, 0}.clock() / 1e6);
    set("cpu.frequency", clock,
        {"measured: a chain of multiplications, 3 cycles each", -1, "all times are for this clock"});
    set("kernel.reference_frequency", clock, {"measured: cpu.frequency, at which the costs were measured", -1, ""});
#else
    static_cast<void>(core);  // nobody has written down how long a multiplication takes
#endif
  }

  /// -1 when there is none.
  static int other_cpu() {
    try {
      return native::choose_cores(2).back();
    } catch (const base::InputError&) {
      return -1;
    }
  }

  static std::vector<Bytes> working_sets(const calibration::CachedFile& file) {
    return calibration::working_sets(calibration::kRun, file.size() - calibration::Session::kLargeFolios);
  }

  /// A primitive that is not in the list of fixed ones.
  const Primitive& keep(Primitive primitive) {
    const std::string name = primitive.name;
    return m_more[name] = std::move(primitive);
  }

  calibration::CacheFit fit_last_level(const std::vector<Bytes>& sets) {
    std::vector<calibration::SweepPoint> source;
    std::vector<calibration::SweepPoint> destination;
    for (const Bytes set : sets) {
      source.push_back({set, m_measured[calibration::read_run(set, calibration::kRun).name].nanoseconds});
      destination.push_back({set, m_measured[calibration::read_run(calibration::kRun, set).name].nanoseconds});
    }
    return calibration::fit_last_level(source, destination, own_cache(2));
  }

  /// On one clock nothing tells cycles from latency over lines in flight: what was measured stands as cycles, and of
  /// the lines in flight the fewest are taken that explain it with the latency.
  void use_lines_in_flight() {
    const cpu::CpuConfig& cpu = m_configuration.machine.cpu;
    const auto time = [&](const CpuCost& cost) { return cost.at(cpu.frequency); };
    const Picoseconds latency = time(cpu.latency_llc) + m_configuration.machine.memory.latency;
    const Picoseconds line = std::max(std::min(time(cpu.read.memory), time(cpu.write.memory)), 1_ps);
    const std::int64_t lines = (latency.count() + line.count() - 1) / line.count();
    set("cpu.lines_in_flight", std::to_string(std::clamp<std::int64_t>(lines, 1, kEnoughLines)),
        {"latency of DRAM over the measured time of a line", -1, "the fewest that explain copies from DRAM"});
  }

  /// Size of a cache that is a core's own; as published when the host does not say.
  Bytes own_cache(unsigned level) const {
    for (const calibration::CacheGeometry& cache : calibration::read_caches(m_cpu)) {
      if (cache.level == level) return cache.size;
    }
    return level == 1 ? m_configuration.machine.cache.l1.size : m_configuration.machine.cache.l2.size;
  }

  void use_caches(const calibration::CacheFit& fit) {
    const cache::CacheConfig caches = m_configuration.machine.cache;
    const auto set_size = [&](const char* level, const cache::LevelGeometry& config, Bytes size, Origin origin) {
      const Bytes unit = Bytes{config.ways} * kPageSize;  // the model's sets hold whole pages
      const Bytes whole = std::max((size + unit / 2) / unit, Bytes{1}) * unit;
      set(fmt::format("cache.{}_size", level), base::to_text(whole), std::move(origin));
    };
    set_size("l1", caches.l1, own_cache(1), {"sysfs", -1, ""});
    set_size("l2", caches.l2, own_cache(2), {"sysfs", -1, ""});
    set_size("llc", caches.llc, fit.last_level_size,
             {"measured", -1, "where copies over a growing working set become slower"});
  }

  /// The rows of the table with, behind those of what is in L1, those for the other levels, whose working sets follow
  /// from what was found.
  static std::vector<Row> all_rows(const calibration::CacheFit& fit) {
    using calibration::kRun;
    using calibration::read_run;
    const auto add_mean = [](Target& target, double weight, const std::vector<Bytes>& sets, const auto& primitive_of) {
      for (const Bytes set : sets)
        target.push_back({weight / static_cast<double>(sets.size()), primitive_of(set).name});
    };
    const auto from = [](Bytes set) { return read_run(set, kRun); };
    const auto to = [](Bytes set) { return read_run(kRun, set); };
    const auto sent = [](Bytes set) { return calibration::send_run(set); };
    const auto sets_text = [](const std::vector<Bytes>& sets) {
      return base::to_text(sets.front()) + " to " + base::to_text(sets.back());
    };
    Row of_l2{{{"cpu.read_l2", 0.5}, {"cpu.write_l2", 0.5}},
              {{-1, "read.4096_bytes"}},
              "pread of 96 KiB in L2 instead of a page in L1; nothing tells the two sides apart"};
    add_mean(of_l2.target, 0.5, fit.in_l2, from);
    add_mean(of_l2.target, 0.5, fit.in_l2, to);
    std::vector<Row> levels{of_l2};
    // What lies in a level, against what lies in L2.
    const auto add_level = [&](const std::string& parameter, const std::string& what, const std::vector<Bytes>& sets,
                               const auto& primitive_of) {
      Row row{{{parameter}}, {}, fmt::format("{} of {}, against one in L2", what, sets_text(sets))};
      add_mean(row.target, 1, sets, primitive_of);
      add_mean(row.target, -1, fit.in_l2, primitive_of);
      levels.push_back(std::move(row));
    };
    const auto add = [&](const std::string& level, const char* latency, const std::vector<Bytes>& sets) {
      add_level("cpu.read_" + level, "send of 64 KiB, source working set", sets, sent);
      // Of each page that pread copies the first line is waited for.
      add_level(latency, "pread of 96 KiB, source working set", sets, from);
      add_level("cpu.write_" + level, "pread of 96 KiB, destination working set", sets, to);
    };
    add("llc", "cpu.latency_llc", fit.in_last_level);
    add("memory", "memory.latency", fit.in_memory);
    std::vector<Row> rows = calibration_table();
    rows.insert(rows.begin() + kRowsInL1, levels.begin(), levels.end());
    return rows;
  }

  SimulatedTimes simulated(const scenario::Configuration& configuration, const std::vector<std::string>& names) {
    std::vector<const Primitive*> list;
    for (const std::string& name : names) {
      const auto found = m_more.find(name);
      const Primitive* primitive = found != m_more.end() ? &found->second : calibration::find_primitive(name);
      if (primitive != nullptr) list.push_back(primitive);
    }
    return time_simulated(configuration, list);
  }

  void note(const Finding& finding) {
    if (finding.measured) {
      m_origins[finding.parameter] = {"measured", finding.spread, finding.note};
    } else {
      m_notes.push_back(finding.parameter + " keeps its published value: " + finding.note);
    }
  }

  void progress(const std::string& text) {
    simulate::stop_if_interrupted();
    if (m_shows_progress) std::fprintf(stderr, "\r\033[K%s", text.c_str());
  }
  void clear_progress() const {
    if (m_shows_progress) std::fputs("\r\033[K", stderr);
  }

  const Options& m_options;
  bool m_shows_progress;
  int m_cpu = 0;
  scenario::Configuration m_configuration;
  Timings m_measured;
  std::map<std::string, Primitive> m_more;
  std::map<std::string, Origin> m_origins;
  std::vector<std::string> m_notes;
};

}  // namespace

Calibrated run(const Options& options) {
  Calibration calibration{options};
  Calibrated result{.platform = calibration.carry_out(), .comparison = {}, .notes = {}};
  // What is written must be read.
  scenario::Configuration read_back;
  scenario::read_platform(scenario::parse_yaml(result.platform, options.name), read_back);
  if (options.compares) result.comparison = calibration.comparison();
  result.notes = calibration.notes();
  return result;
}

}  // namespace sluice::calibrate
