// SPDX-License-Identifier: Apache-2.0
#include "tools/native/measured_transfer.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <ctime>
#include <deque>
#include <limits>
#include <sched.h>
#include <set>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tools/native/process.h"
#include "tools/native/receiver.h"
#include "tools/native/softirq_thread.h"

namespace sluice::native {

namespace {

/// Text that the program's process leaves for this one.
struct Message {
  std::array<char, 256> text{};
  void set(const std::string& from) { from.copy(text.data(), text.size() - 1); }
};

std::string status_text(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was ended by signal {}", sigabbrev_np(WTERMSIG(status)));
  return fmt::format("ended with status {}", WEXITSTATUS(status));
}

/// The CPU time that another process has used; the kernel lets everybody read it.
std::int64_t cpu_clock_of(pid_t process) {
  clockid_t clock{};
  timespec now{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &now) != 0) return 0;
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// Where processes wait until one of them lets all go. The word is one that processes may share, so it is waited for
/// by the call.
struct Gate {
  std::atomic<std::uint32_t> open = 0;

  void wait(const timespec* most = nullptr) {
    while (open == 0) {
      if (::syscall(SYS_futex, &open, FUTEX_WAIT, 0, most, nullptr, 0) != 0 && errno == ETIMEDOUT) return;
    }
  }
  void let_all_go() {
    open = 1;
    ::syscall(SYS_futex, &open, FUTEX_WAKE, std::numeric_limits<int>::max(), nullptr, nullptr, 0);
  }
};

/// Where the senders wait for each other.
struct Start : Gate {
  std::atomic<unsigned> ready = 0;
};

/// Where they wait for the receivers before they end, for that takes the core which a receiver may want. Not for ever:
/// what a strategy leaves in the socket leaves it when it is closed.
struct LastByte : Gate {
  static constexpr timespec kMost{.tv_sec = 0, .tv_nsec = 200'000'000};
  std::atomic<std::size_t> missing = 0;  // receivers
};

/// A sender's process, from the outside.
struct SenderProcess {
  SenderProcess(const HostOptions& host, std::function<void()> at_begin, std::function<void()> at_end)
      : calls(host), region(calls, std::move(at_begin), std::move(at_end)) {}
  ~SenderProcess() {
    if (pid >= 0) kill_process(pid);
  }
  SenderProcess(const SenderProcess&) = delete;
  SenderProcess& operator=(const SenderProcess&) = delete;

  HostSystemCalls calls;
  MeasuredRegion region;
  Shared<Message> failure;
  pid_t pid = -1;
};

class MeasuredTransfer {
 public:
  MeasuredTransfer(const TestFiles& files, const TransferOptions& options)
      : m_files(files), m_options(options), m_cores(cores_of(options)), m_counters(m_cores) {
    for (const int core : m_cores) m_softirq.emplace_back(core);
    const HostOptions host{.root = TestFiles::root(), .congestion_control = options.congestion_control};
    for (std::size_t i = 0; i < options.senders.size(); ++i) {
      m_senders.emplace_back(
          host, [this] { at_begin(); },
          [this] {
            m_counters.sender_ends();
            if (bytes_of_connection() > 0) m_last_byte->wait(&LastByte::kMost);
          });
    }
    m_last_byte->missing = options.receiver_cpus.size();
  }

  TransferSample carry_out() {
    for (const int cpu : m_options.receiver_cpus) m_receivers.emplace_back(receiver_options(cpu));
    for (std::size_t i = 0; i < m_senders.size(); ++i) start(i);
    TransferSample sample;
    sample.failure = wait_for_senders();
    if (sample.failure.empty()) fill(sample);
    return sample;
  }

 private:
  /// Clocks that this process has no mark at: read by the others, at the begin and at the last byte.
  struct Clocks {
    std::int64_t receivers_at_begin = 0;
    std::int64_t softirq_at_begin = 0;
    std::int64_t softirq_at_last_byte = 0;
    bool softirq_known = true;
  };

  static std::vector<int> cores_of(const TransferOptions& options) {
    std::set<int> cores{options.receiver_cpus.begin(), options.receiver_cpus.end()};
    for (const TransferOptions::Sender& sender : options.senders) cores.insert(sender.cpu);
    return {cores.begin(), cores.end()};
  }

  [[nodiscard]] std::uint64_t bytes_of_connection() const { return m_files.bytes() * m_options.repeat; }

  ReceiverOptions receiver_options(int cpu) {
    std::vector<int> descriptors = m_counters.descriptors();
    for (const SoftirqThread& thread : m_softirq) {
      if (thread.readable()) descriptors.push_back(thread.descriptor());
    }
    return {.mode = m_options.verify ? ReceiverMode::Hash : ReceiverMode::Discard,
            .receive_buffer = m_options.socket_buffer,
            .placement = {cpu, m_options.batch},
            .expected = bytes_of_connection(),
            .at_last_byte = [this] { at_last_byte_of_one(); },
            .probe_core = true,
            .descriptors = std::move(descriptors)};
  }

  void start(std::size_t index) {
    const TransferOptions::Sender& options = m_options.senders[index];
    SenderProcess& sender = m_senders[index];
    kernel_sim::TransferRequest request{.paths = m_files.paths(),
                                        .connections = {},
                                        .repeat = m_options.repeat,
                                        .chunk = m_options.chunk,
                                        .send_buffer = m_options.socket_buffer};
    for (const unsigned connection : options.connections) {
      request.connections.push_back({m_receivers[connection].endpoint()});
    }
    const auto main = [&] {
      m_counters.attach_to_sender();
      std::string failure;
      request.failure = &failure;
      const int status = m_options.strategy->run(sender.calls, request, sender.region);
      sender.failure->set(failure);
      if (status != 0) m_start->let_all_go();
      return status;
    };
    sender.pid = start_process(main, {options.cpu, m_options.batch});
  }

  /// Why there is no result; empty when all have ended well. The first that fails ends the others.
  std::string wait_for_senders() {
    const auto end = std::chrono::steady_clock::now() + m_options.time_limit;
    for (;;) {
      std::vector<pid_t> running;
      std::vector<SenderProcess*> senders;
      for (SenderProcess& sender : m_senders) {
        if (sender.pid < 0) continue;
        running.push_back(sender.pid);
        senders.push_back(&sender);
      }
      if (running.empty()) return "";
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      const auto ended = wait_for_any(running, std::max(left, std::chrono::milliseconds{0}));
      SenderProcess& sender = *senders[ended.value_or(0)];
      const pid_t pid = std::exchange(sender.pid, -1);
      const int status = ended ? *wait_for_process(pid, std::nullopt) : kill_process(pid);
      if (status == 0 && sender.region.complete()) continue;
      const char* said = sender.failure->text.data();
      return fmt::format("the program {}{}{}", status_text(status), *said != 0 ? ": " : "", said);
    }
  }

  /// In a sender's process. The last that is ready begins for all. All read the clocks, so that what reading them
  /// brings into a process (pages of code) is there for each before it begins.
  void at_begin() {
    std::int64_t receivers = 0;
    for (const Receiver& receiver : m_receivers) receivers += cpu_clock_of(receiver.process());
    const std::int64_t softirq = softirq_cpu_ns();
    if (m_start->ready.fetch_add(1) + 1 == m_senders.size()) {
      m_clocks->receivers_at_begin = receivers;
      m_clocks->softirq_at_begin = softirq;
      m_counters.sender_begins();
      if (m_senders.size() > 1) m_start->let_all_go();
    } else {
      m_start->wait();
      m_counters.sender_begins();
    }
  }
  /// In a receiver's process.
  void at_last_byte_of_one() {
    if (m_last_byte->missing.fetch_sub(1) > 1) return;
    m_counters.last_byte();
    m_clocks->softirq_at_last_byte = softirq_cpu_ns();
    m_last_byte->let_all_go();
  }
  std::int64_t softirq_cpu_ns() {
    std::int64_t sum = 0;
    for (const SoftirqThread& thread : m_softirq) {
      const auto ns = thread.cpu_ns();
      if (!ns) m_clocks->softirq_known = false;
      sum += ns.value_or(0);
    }
    return sum;
  }

  void fill(TransferSample& sample) {
    std::int64_t began = std::numeric_limits<std::int64_t>::max();
    std::int64_t ended = 0;
    for (const SenderProcess& sender : m_senders) {
      began = std::min(began, sender.region.began_at_ns());
      ended = std::max(ended, sender.region.ended_at_ns());
      sample.senders.push_back({sender.region.used(), sender.region.counts()});
      const TransferSample::SenderUse& use = sample.senders.back();
      sample.sender = sample.sender + use.used;
      for (std::size_t i = 0; i < syscalls::kCalls; ++i) sample.calls.calls[i] += use.calls.calls[i];
      sample.calls.mode_switches += use.calls.mode_switches;
    }
    const bool nothing_sent = bytes_of_connection() == 0;
    std::int64_t last_byte = 0;
    std::int64_t probing_ns = 0;
    for (Receiver& receiver : m_receivers) {
      const ReceiverReport report = receiver.finish(m_options.time_limit);
      add(sample, report);
      probing_ns += report.probing_ns;
      last_byte = std::max(last_byte, report.last_byte_at_ns);
    }
    sample.elapsed_ns = (nothing_sent ? ended : last_byte) - began;
    if (nothing_sent) {
      sample.receiver = {};
    } else {
      if (m_clocks->softirq_known) {
        sample.softirq_cpu_ns = m_clocks->softirq_at_last_byte - m_clocks->softirq_at_begin;
      }
      // Neither the probes are part of what is measured, nor what a sender read of itself before the last byte came.
      sample.receiver.cpu_ns -= m_clocks->receivers_at_begin + probing_ns;
      if (m_cores.size() == 1) {
        sample.elapsed_ns -= probing_ns;
        for (const SenderProcess& sender : m_senders) {
          if (sender.region.ended_at_ns() < last_byte) sample.elapsed_ns -= sender.region.closing_cpu_ns();
        }
      }
    }
    keep_busy_windows(sample);
    sample.kernel_counts = m_counters.counts();
  }

  /// A window tells what work takes when the core had nothing else to do, and was not idle. One behind the end also has
  /// what the sender did then.
  void keep_busy_windows(TransferSample& sample) const {
    constexpr double kBusy = 0.9;
    const bool busy = static_cast<double>(sample.cpu_ns()) >= kBusy * static_cast<double>(sample.elapsed_ns);
    const std::int64_t end = m_senders.front().region.ended_at_ns();
    std::erase_if(sample.probes.windows, [&](const ProbedWindow& window) { return !busy || window.ended_at_ns > end; });
  }

  void add(TransferSample& sample, const ReceiverReport& report) const {
    ResourceUse use = report.used;
    use.cpu_ns = report.cpu_clock_ns;  // since the process was made
    sample.receiver = sample.receiver + use;
    sample.probes.all.insert(sample.probes.all.end(), report.probes.all.begin(), report.probes.all.end());
    if (m_cores.size() == 1 && m_senders.size() == 1 && m_receivers.size() == 1) {
      sample.probes.windows = report.probes.windows;
    }
    sample.receiver_calls += report.calls;
    sample.received += report.bytes;
    if (report.bytes != bytes_of_connection()) {
      sample.failure = fmt::format("the receiver got {} of {} bytes", report.bytes, bytes_of_connection());
    }
    if (sample.sha256.empty()) sample.sha256 = report.sha256;
    if (report.sha256 != sample.sha256) sample.failure = "two receivers got different bytes";
  }

  const TestFiles& m_files;
  const TransferOptions& m_options;
  std::vector<int> m_cores;
  KernelCounters m_counters;
  std::vector<SoftirqThread> m_softirq;
  Shared<Clocks> m_clocks;
  Shared<Start> m_start;
  Shared<LastByte> m_last_byte;
  std::deque<SenderProcess> m_senders;
  std::deque<Receiver> m_receivers;  // by connection
};

}  // namespace

TransferSample measure_transfer(const TestFiles& files, const TransferOptions& options) {
  return MeasuredTransfer{files, options}.carry_out();
}

std::vector<int> choose_cores(unsigned count) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) throw_host_error("sched_getaffinity", errno);
  std::vector<int> cores;
  for (int core = CPU_SETSIZE - 1; core >= 0 && cores.size() < count; --core) {
    if (CPU_ISSET(static_cast<std::size_t>(core), &allowed)) cores.push_back(core);
  }
  if (cores.size() < count) {
    throw base::InputError{
        fmt::format("native: workload.cpus and workload.workers ask for {} cores, and this process may use {} only",
                    count, cores.size())};
  }
  return cores;
}

}  // namespace sluice::native
