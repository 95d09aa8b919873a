// SPDX-License-Identifier: Apache-2.0
// One native run: a program sends the test files over loopback to a receiver, and everything that can be measured of
// it is.
//
//   begin mark (sender)                      end mark (sender)        last byte (receiver)
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
  int sender_cpu = 0;
  int receiver_cpu = 0;                 ///< may be the sender's
  bool batch = false;                   ///< SCHED_BATCH for both
  int socket_buffer = 0;                ///< SO_SNDBUF and SO_RCVBUF in bytes; 0 leaves them to the kernel
  std::string congestion_control = {};  ///< of the sender, e.g. "reno"; empty: the host's default
  bool verify = false;                  ///< the receiver reads and hashes instead of discarding
  std::chrono::milliseconds time_limit{600'000};
};

struct TransferSample {
  std::string failure;  ///< why there is no result; the rest is then without meaning
  std::int64_t elapsed_ns = 0;
  ResourceUse sender;
  ResourceUse receiver;
  std::optional<std::int64_t> softirq_cpu_ns;  ///< of the cores' ksoftirqd; nothing where it cannot be read
  syscalls::CallCounts calls;                  ///< the sender's
  std::uint64_t receiver_calls = 0;            ///< of recv, with the one that finds the end
  std::uint64_t received = 0;                  ///< bytes
  std::vector<CoreProbe> probes;               ///< of the receiver's core, from begin to end
  std::string sha256;                          ///< when verified
  std::vector<KernelCount> kernel_counts;

  /// Both processes and ksoftirqd.
  [[nodiscard]] std::int64_t cpu_ns() const { return sender.cpu_ns + receiver.cpu_ns + softirq_cpu_ns.value_or(0); }
};

/// What goes wrong in the program is in `failure`; what the host refuses to the measurement is an InputError.
TransferSample measure_transfer(const TestFiles& files, const TransferOptions& options);

/// The cores for a transfer on `count` (1 or 2) of those that this process may use: sender's, receiver's. InputError
/// when there are fewer. The highest numbers are taken, since interrupts of devices tend to be served by the lowest.
std::pair<int, int> choose_cores(unsigned count);

}  // namespace sluice::native
