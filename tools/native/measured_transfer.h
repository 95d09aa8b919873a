// SPDX-License-Identifier: Apache-2.0
// One native run: senders, each a program in a process of its own, send the test files over loopback, each connection
// to a receiver of its own, and everything that can be measured of it is.
//
//   begin mark (when all are ready)          end mark (sender)        last byte (of all receivers)
//   ├─ sender: calls, CPU time, faults ──────┤                        │
//   ├─ elapsed, receiver's and ksoftirqd's CPU time, counts of cores ─┤
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "kernel_sim/programs/strategy.h"
#include "tools/native/core_probe.h"
#include "tools/native/kernel_counts.h"
#include "tools/native/measured_region.h"
#include "tools/native/test_files.h"

namespace sluice::native {

struct TransferOptions {
  const kernel_sim::Strategy* strategy = nullptr;
  std::uint64_t chunk = 65536;
  struct Sender {
    int cpu = 0;
    std::vector<unsigned> connections = {0};  ///< by number
  };
  std::vector<Sender> senders = {{}};
  std::vector<int> receiver_cpus = {0};  ///< by connection; may be the sender's
  std::uint64_t repeat = 1;              ///< how often each connection sends all files
  bool batch = false;                    ///< SCHED_BATCH for all
  int socket_buffer = 0;                 ///< SO_SNDBUF and SO_RCVBUF in bytes; 0 leaves them to the kernel
  std::string congestion_control = {};   ///< of the sender, e.g. "reno"; empty: the host's default
  bool verify = false;                   ///< the receiver reads and hashes instead of discarding
  std::chrono::milliseconds time_limit{600'000};
};

struct TransferSample {
  std::string failure;  ///< why there is no result; the rest is then without meaning
  std::int64_t elapsed_ns = 0;
  ResourceUse sender;                          ///< of all senders
  ResourceUse receiver;                        ///< of all receivers
  std::optional<std::int64_t> softirq_cpu_ns;  ///< of the cores' ksoftirqd; nothing where it cannot be read
  syscalls::CallCounts calls;                  ///< the senders'
  struct SenderUse {
    ResourceUse used;
    syscalls::CallCounts calls;
  };
  std::vector<SenderUse> senders;
  std::uint64_t receiver_calls = 0;  ///< of recv, with the one that finds the end
  std::uint64_t received = 0;        ///< bytes
  Probes probes;       ///< of the receivers' cores, from begin to end; windows when one core does all, and always
  std::string sha256;  ///< of what each receiver got, when verified
  std::vector<KernelCount> kernel_counts;

  /// All processes and ksoftirqd.
  [[nodiscard]] std::int64_t cpu_ns() const { return sender.cpu_ns + receiver.cpu_ns + softirq_cpu_ns.value_or(0); }
};

/// What goes wrong in the program is in `failure`; what the host refuses to the measurement is an InputError.
TransferSample measure_transfer(const TestFiles& files, const TransferOptions& options);

/// The cores for a transfer on `count` of those that this process may use. InputError when there are fewer. The highest
/// numbers are taken, the highest first, since interrupts of devices tend to be served by the lowest.
std::vector<int> choose_cores(unsigned count);

}  // namespace sluice::native
