// SPDX-License-Identifier: Apache-2.0
#include "tools/native/program_run.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tools/native/descriptor.h"
#include "tools/native/file_bytes.h"
#include "tools/native/measured_region.h"
#include "tools/native/process.h"
#include "tools/native/program_calls.h"
#include "tools/native/program_observer.h"
#include "tools/native/sandbox.h"

namespace sluice::native {
namespace {

/// One of the scenario's processes.
struct Started {
  const scenario::ProcessChoice* choice;
  unsigned copy;
  [[nodiscard]] std::string who() const { return choice->name_of(copy); }
};

std::vector<Started> started_of(const scenario::Programs& programs) {
  std::vector<Started> all;
  for (const scenario::ProcessChoice& choice : programs.processes) {
    for (unsigned copy = 0; copy < choice.copies; ++copy) all.push_back({&choice, copy});
  }
  return all;
}

Placement placement_of(const Started& started) {
  const std::vector<unsigned>& cores = started.choice->cores;
  Placement placement{.cpu = {}, .batch = started.choice->scheduling == scenario::SchedulingClass::Batch};
  if (!cores.empty()) placement.cpu = static_cast<int>(cores[started.copy % cores.size()]);
  return placement;
}

enum class Stopped : std::uint8_t { Not, TimeLimit, Disk, Memory };

/// What the first process saw of one that it waited for.
struct Verdict {
  std::int32_t pid = 0;
  std::int32_t status = 0;
  std::int64_t cpu_ns = 0;
  bool at_the_stop = false;  ///< it was alive when the run was stopped
};

/// The first process's own account. No program has it in its memory.
struct Account {
  std::int64_t began_at_ns = 0;
  std::int64_t ended_at_ns = 0;  ///< when the last of the scenario's processes was seen to have ended
  Stopped stopped = Stopped::Not;
  std::uint32_t verdicts = 0;
  std::array<std::int32_t, ProgramMemory::kSlots / 2> started_pids{};
  std::array<Verdict, ProgramMemory::kSlots> of{};
};

/// Share of the machine's memory that must stay available.
constexpr double kLeastMemory = 1.0 / 16;

/// False when memory runs short. `meminfo` is /proc/meminfo.
bool has_memory(int meminfo) {
  std::array<char, 512> text{};
  if (meminfo < 0 || ::pread(meminfo, text.data(), text.size() - 1, 0) <= 0) return true;
  const std::string_view lines{text.data()};
  const auto value = [&](std::string_view name) {
    const std::size_t at = lines.find(name);
    return at == std::string_view::npos ? 0.0 : std::strtod(lines.data() + at + name.size(), nullptr);
  };
  const double total = value("MemTotal:");
  const double available = value("MemAvailable:");
  return total <= 0 || available <= 0 || available >= total * kLeastMemory;
}

/// The first process of the sandbox: starts all others, waits for them, and stops them when they go too far.
class First {
 public:
  First(const std::vector<Started>& started, const ProgramOptions& options, ProgramMemory& memory,
        Shared<Account>& account, ProgramCalls& calls, ProgramObserver& observer)
      : m_started(started),
        m_options(options),
        m_memory(memory),
        m_account(account),
        m_calls(calls),
        m_observer(observer) {}

  int run() {
    sigset_t child_ended;
    sigemptyset(&child_ended);
    sigaddset(&child_ended, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child_ended, nullptr);
    m_least_free = free_space("/") / 2;
    if (!start_all()) return 1;
    const std::int64_t limit = m_account->began_at_ns + std::chrono::nanoseconds{m_options.time_limit}.count();
    while (collect()) {
      if (m_account->stopped == Stopped::Not) {
        m_account->stopped = reason_to_stop(limit);
        if (m_account->stopped != Stopped::Not) ::kill(-1, SIGKILL);
      }
      const timespec pause{0, 20'000'000};
      ::sigtimedwait(&child_ended, nullptr, &pause);
    }
    return 0;
  }

  void hold_meminfo(int meminfo) { m_meminfo = meminfo; }

 private:
  /// All begin together: they wait until the other end of a pipe closes.
  bool start_all() {
    std::array<int, 2> gate{};
    if (::pipe2(gate.data(), O_CLOEXEC) != 0) return false;
    for (std::size_t i = 0; i < m_started.size(); ++i) {
      const std::uint32_t slot = m_memory.claim(std::int64_t{1} << 32);
      m_memory.slot(slot).started_as = static_cast<std::uint32_t>(i);
      const pid_t pid = ::fork();
      if (pid == 0) {
        ::close(gate[1]);
        be_program(m_started[i], slot, gate[0]);
      }
      if (pid < 0) return false;  // this process ends, and so do those that it has started
      m_memory.slot(slot).pid = pid;
      m_account->started_pids[i] = pid;
    }
    m_left = m_started.size();
    m_memory.began_at_ns() = m_account->began_at_ns = monotonic_ns();
    ::close(gate[1]);
    ::close(gate[0]);
    return true;
  }

  [[noreturn]] void be_program(const Started& started, std::uint32_t slot, int gate) {
    become_program(placement_of(started));
    m_account.forget();
    char none = 0;
    while (::read(gate, &none, 1) < 0 && errno == EINTR) {
    }
    ::close_range(0, ~0U, 0);
    const std::int64_t start = m_memory.began_at_ns() + started.choice->start.count() / 1000;
    const timespec at{start / 1'000'000'000, start % 1'000'000'000};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr) == EINTR) {
    }
    m_calls.become(slot);
    const std::vector<lua::Value> values{m_options.arguments, {std::int64_t{started.copy}}};
    m_calls.leave(started.choice->program->run(m_calls, m_observer, started.choice->function, values));
  }

  /// Takes all that have ended. False when none is left.
  bool collect() {
    while (true) {
      int status = 0;
      rusage use{};
      const pid_t pid = ::wait4(-1, &status, WNOHANG, &use);
      if (pid == 0) return true;
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0) return false;
      note(pid, status, use);
    }
  }

  void note(pid_t pid, int status, const rusage& use) {
    const auto nanoseconds = [](const timeval& t) { return (std::int64_t{t.tv_sec} * 1'000'000 + t.tv_usec) * 1000; };
    m_memory.one_less_alive();
    if (m_account->verdicts < m_account->of.size()) {
      m_account->of[m_account->verdicts++] = {pid, status, nanoseconds(use.ru_utime) + nanoseconds(use.ru_stime),
                                              m_account->stopped != Stopped::Not};
    }
    const auto& pids = m_account->started_pids;
    const auto end = pids.begin() + static_cast<std::ptrdiff_t>(m_started.size());
    if (m_left > 0 && std::find(pids.begin(), end, pid) != end && --m_left == 0) {
      m_account->ended_at_ns = monotonic_ns();
    }
  }

  [[nodiscard]] Stopped reason_to_stop(std::int64_t limit) const {
    if (monotonic_ns() >= limit) return Stopped::TimeLimit;
    if (free_space("/") < m_least_free) return Stopped::Disk;
    if (!has_memory(m_meminfo)) return Stopped::Memory;
    return Stopped::Not;
  }

  const std::vector<Started>& m_started;
  const ProgramOptions& m_options;
  ProgramMemory& m_memory;
  Shared<Account>& m_account;
  ProgramCalls& m_calls;
  ProgramObserver& m_observer;
  std::size_t m_left = 0;
  std::uint64_t m_least_free = 0;
  int m_meminfo = -1;
};

/// Reads what is left when all processes are gone.
class Findings {
 public:
  Findings(const std::vector<Started>& started, const ProgramMemory& memory, const Account& account,
           const ProgramCalls& calls)
      : m_started(started), m_memory(memory), m_account(account), m_calls(calls) {}

  ProgramSample take() {
    m_sample.elapsed_ns = elapsed();
    for (std::uint32_t i = 0; i < m_memory.claimed(); ++i) add_process(i);
    m_memory.read([&](const Record& record, std::string_view text, std::string_view second) {
      add_record(record, text, second);
    });
    if (m_memory.overflowed()) m_sample.failures.emplace_back("the programs reported more than there is place for");
    if (m_account.stopped == Stopped::Disk) {
      m_sample.failures.emplace_back("was stopped: it took more than half of the space that the file system had");
    }
    if (m_account.stopped == Stopped::Memory) {
      m_sample.failures.emplace_back("was stopped: this host's memory ran short");
    }
    return std::move(m_sample);
  }

 private:
  struct End {
    bool ended = false;
    int status = 0;
    std::int64_t cpu_ns = 0;
  };

  /// Up to the last end that a process of the scenario told of, where that is believable.
  [[nodiscard]] std::int64_t elapsed() const {
    const std::int64_t end = m_account.ended_at_ns;
    std::int64_t told = 0;
    for (std::uint32_t i = 0; i < m_started.size() && i < m_memory.claimed(); ++i) {
      const std::int64_t at = m_memory.slot(i).ended_at_ns;
      told = std::max(told, at > 0 ? at : end);
    }
    return (told >= m_account.began_at_ns && told <= end ? told : end) - m_account.began_at_ns;
  }

  /// The scenario's processes have the first slots, and only the first process says how they ended.
  [[nodiscard]] End end_of(std::uint32_t index) const {
    const ProcessSlot& slot = m_memory.slot(index);
    const std::int32_t pid = index < m_started.size() ? m_account.started_pids[index] : slot.pid;
    const auto* const begin = m_account.of.data();
    const auto* const end = begin + m_account.verdicts;
    const auto* const found = std::find_if(begin, end, [&](const Verdict& verdict) { return verdict.pid == pid; });
    if (found != end) return {!found->at_the_stop, found->status, found->cpu_ns};
    return {slot.waited_for, slot.status, slot.cpu_ns};
  }

  [[nodiscard]] static std::string how(const End& end, const ProcessSlot& slot) {
    if (end.ended) return results::how_it_ended(end.status);
    if (slot.in_call >= syscalls::kCalls) return "still running";
    return fmt::format("blocked in {}", kernel_sim::name_of(static_cast<syscalls::Call>(slot.in_call)));
  }

  void add_process(std::uint32_t index) {
    const ProcessSlot& slot = m_memory.slot(index);
    const std::uint32_t started_as = index < m_started.size() ? index : slot.started_as;
    if (slot.pid == 0 || started_as >= m_started.size()) return;  // the fork failed
    const bool forked = index >= m_started.size();
    const End end = end_of(index);
    const Usage& usage = slot.used.usage;
    const std::int64_t cpu = m_calls.cpu_ns(slot.used);
    const auto calls = slot.used.counts.by_name();
    const auto number = [](std::int64_t n) { return static_cast<std::uint64_t>(std::max<std::int64_t>(n, 0)); };
    ProgramProcess process{.who = m_started[started_as].who(), .ended = end.ended, .status = end.status, .result = {}};
    process.result.name = m_started[started_as].choice->name + (forked ? "_children" : "");
    process.result.how = how(end, slot);
    process.result.use = {.copies = 1,
                          .ends = {},
                          .cpu_ns = cpu,
                          .interpreter_ns = std::max<std::int64_t>(end.cpu_ns - cpu, 0),
                          .mode_switches = slot.used.counts.mode_switches,
                          .page_faults_minor = number(usage.minor_faults),
                          .page_faults_major = number(usage.major_faults),
                          .voluntary_switches = number(usage.voluntary_switches),
                          .involuntary_switches = number(usage.involuntary_switches),
                          .system_calls = {calls.begin(), calls.end()}};
    const std::int64_t user = std::clamp<std::int64_t>(usage.user_us * 1000, 0, cpu);
    m_sample.cpu_user_ns += user;
    m_sample.cpu_kernel_ns += cpu - user;
    m_sample.processes.push_back(std::move(process));
  }

  void add_record(const Record& record, std::string_view text, std::string_view second) {
    if (record.slot >= m_memory.claimed()) return;
    const ProcessSlot& slot = m_memory.slot(record.slot);
    const std::uint32_t started_as = record.slot < m_started.size() ? record.slot : slot.started_as;
    if (started_as >= m_started.size()) return;
    const std::string who = m_started[started_as].who();
    switch (record.kind) {
      case RecordKind::Measure:
        m_sample.report.measured(text, record.slot, measured(record));
        break;
      case RecordKind::Sample:
        m_sample.report.sample(text, record.value);
        break;
      case RecordKind::Count:
        m_sample.report.count(text, record.number);
        break;
      case RecordKind::Check:
        m_sample.report.check(record.number != 0, who, second, text);
        break;
      case RecordKind::Print:
        m_sample.report.print(who, text);
        break;
      case RecordKind::Failed:
        m_sample.report.fail(who, text);
        break;
      case RecordKind::Probe:
        if (record.probe.chain_ns > 0) m_sample.probes.all.push_back(record.probe);
        break;
    }
  }

  [[nodiscard]] results::MeasureUse measured(const Record& record) const {
    const std::int64_t cpu = m_calls.cpu_ns(record.used);
    results::MeasureUse use{.times = 1,
                            .elapsed_ns = record.number,
                            .cpu_ns = cpu,
                            .interpreter_ns = std::max<std::int64_t>(record.process_ns - cpu, 0),
                            .mode_switches = record.used.counts.mode_switches,
                            .page_faults_minor = static_cast<std::uint64_t>(record.used.usage.minor_faults),
                            .page_faults_major = static_cast<std::uint64_t>(record.used.usage.major_faults)};
    for (const auto& [name, made] : record.used.counts.by_name()) {
      if (made > 0) use.system_calls.emplace_back(name, made);
    }
    return use;
  }

  const std::vector<Started>& m_started;
  const ProgramMemory& m_memory;
  const Account& m_account;
  const ProgramCalls& m_calls;
  ProgramSample m_sample;
};

}  // namespace

void check_cores(const scenario::Programs& programs) {
  for (const Started& started : started_of(programs)) check(placement_of(started));
}

ProgramSample run_programs(const scenario::Programs& programs, ProgramFolder& folder, const ProgramOptions& options) {
  check_cores(programs);
  const std::vector<Started> started = started_of(programs);
  folder.prepare(programs.files);
  ProgramMemory memory;
  Shared<Account> account;
  const std::size_t most = started.size() + options.forked;
  if (started.size() > account->started_pids.size()) {
    throw base::InputError{fmt::format("native: at most {} processes", account->started_pids.size())};
  }
  ProgramCalls calls{memory, static_cast<std::int64_t>(most), {.congestion_control = options.congestion_control}};
  ProgramObserver observer{calls};
  First first{started, options, memory, account, calls, observer};
  const Descriptor meminfo{::open("/proc/meminfo", O_RDONLY | O_CLOEXEC)};
  first.hold_meminfo(meminfo.get());
  const pid_t pid = start_sandbox({folder.path(), most + 1}, [&] { return first.run(); });
  const int status = *wait_for_process(pid, std::nullopt);
  if (account->began_at_ns == 0) {
    throw base::InputError{fmt::format("native: {} processes could not be started here ({})", started.size(),
                                       results::how_it_ended(status))};
  }
  ProgramSample sample = Findings{started, memory, *account, calls}.take();
  if (!WIFEXITED(status)) sample.failures.push_back("the first process ended with " + results::how_it_ended(status));
  return sample;
}

}  // namespace sluice::native
