// SPDX-License-Identifier: Apache-2.0
#include "tools/native/measured_transfer.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <sched.h>

#include <fmt/format.h>
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

class MeasuredTransfer {
 public:
  MeasuredTransfer(const TestFiles& files, const TransferOptions& options)
      : m_files(files),
        m_options(options),
        m_cores(cores_of(options)),
        m_counters(m_cores),
        m_calls({.root = TestFiles::root(), .congestion_control = options.congestion_control}),
        m_region(
            m_calls, [this] { at_begin(); }, [this] { m_counters.sender_ends(); }) {
    for (const int core : m_cores) m_softirq.emplace_back(core);
  }

  TransferSample carry_out() {
    Receiver receiver{receiver_options()};
    m_receiver = receiver.process();
    const int status = run_sender(receiver.endpoint());
    TransferSample sample;
    if (status != 0 || !m_region.complete()) {
      sample.failure = fmt::format("the program {}{}{}", status_text(status), m_failure->text[0] != 0 ? ": " : "",
                                   m_failure->text.data());
      return sample;
    }
    fill(sample, receiver.finish(m_options.time_limit));
    return sample;
  }

 private:
  /// Clocks that this process has no mark at: read by the others, at the begin and at the last byte.
  struct Clocks {
    std::int64_t receiver_at_begin = 0;
    std::int64_t softirq_at_begin = 0;
    std::int64_t softirq_at_last_byte = 0;
    bool softirq_known = true;
  };

  static std::vector<int> cores_of(const TransferOptions& options) {
    std::vector<int> cores{options.sender_cpu};
    if (options.receiver_cpu != options.sender_cpu) cores.push_back(options.receiver_cpu);
    return cores;
  }

  ReceiverOptions receiver_options() {
    std::vector<int> descriptors = m_counters.descriptors();
    for (const SoftirqThread& thread : m_softirq) {
      if (thread.readable()) descriptors.push_back(thread.descriptor());
    }
    return {.mode = m_options.verify ? ReceiverMode::Hash : ReceiverMode::Discard,
            .receive_buffer = m_options.socket_buffer,
            .placement = {m_options.receiver_cpu, m_options.batch},
            .expected = m_files.bytes(),
            .at_last_byte = [this] { at_last_byte(); },
            .probe_core = true,
            .descriptors = std::move(descriptors)};
  }

  int run_sender(kernel_sim::Endpoint peer) {
    const auto program = [&](SystemCalls& calls) {
      m_counters.attach_to_sender();
      std::string failure;
      const kernel_sim::TransferRequest request{.paths = m_files.paths(),
                                                .peer = peer,
                                                .chunk = m_options.chunk,
                                                .send_buffer = m_options.socket_buffer,
                                                .failure = &failure};
      const int status = m_options.strategy->run(calls, request, m_region);
      m_failure->set(failure);
      return status;
    };
    return run_as_process(m_calls, program,
                          {.placement = {m_options.sender_cpu, m_options.batch}, .time_limit = m_options.time_limit});
  }

  void at_begin() {
    m_clocks->receiver_at_begin = cpu_clock_of(m_receiver);
    m_clocks->softirq_at_begin = softirq_cpu_ns();
    m_counters.sender_begins();
  }
  void at_last_byte() {
    m_counters.last_byte();
    m_clocks->softirq_at_last_byte = softirq_cpu_ns();
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

  void fill(TransferSample& sample, const ReceiverReport& report) {
    const bool nothing_sent = m_files.bytes() == 0;
    const std::int64_t end = nothing_sent ? m_region.ended_at_ns() : report.last_byte_at_ns;
    sample.elapsed_ns = end - m_region.began_at_ns();
    sample.sender = m_region.used();
    if (!nothing_sent) {
      sample.receiver = report.used;
      sample.receiver.cpu_ns = report.cpu_clock_ns - m_clocks->receiver_at_begin;
      if (m_clocks->softirq_known) {
        sample.softirq_cpu_ns = m_clocks->softirq_at_last_byte - m_clocks->softirq_at_begin;
      }
      // The probes are no part of what is measured.
      sample.receiver.cpu_ns -= report.probing_ns;
      if (m_cores.size() == 1) sample.elapsed_ns -= report.probing_ns;
    }
    sample.probes = report.probes;
    sample.calls = m_region.counts();
    sample.receiver_calls = report.calls;
    sample.received = report.bytes;
    sample.sha256 = report.sha256;
    sample.kernel_counts = m_counters.counts();
    if (report.bytes != m_files.bytes()) {
      sample.failure = fmt::format("the receiver got {} of {} bytes", report.bytes, m_files.bytes());
    }
  }

  const TestFiles& m_files;
  const TransferOptions& m_options;
  std::vector<int> m_cores;
  KernelCounters m_counters;
  std::vector<SoftirqThread> m_softirq;
  HostSystemCalls m_calls;
  MeasuredRegion m_region;
  Shared<Clocks> m_clocks;
  Shared<Message> m_failure;
  pid_t m_receiver = -1;
};

}  // namespace

TransferSample measure_transfer(const TestFiles& files, const TransferOptions& options) {
  return MeasuredTransfer{files, options}.carry_out();
}

std::pair<int, int> choose_cores(unsigned count) {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) throw_host_error("sched_getaffinity", errno);
  std::vector<int> cores;
  for (int core = CPU_SETSIZE - 1; core >= 0 && cores.size() < count; --core) {
    if (CPU_ISSET(static_cast<std::size_t>(core), &allowed)) cores.push_back(core);
  }
  if (cores.size() < count) {
    throw base::InputError{
        fmt::format("native: workload.cpus is {}, and this process may use {} only", count, cores.size())};
  }
  return {cores.front(), cores.back()};
}

}  // namespace sluice::native
