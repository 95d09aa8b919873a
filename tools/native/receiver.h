// SPDX-License-Identifier: Apache-2.0
// The far end of a native run: a process on 127.0.0.1 that takes one connection to its end.
//
//   Receiver receiver{{.mode = ReceiverMode::Hash}};
//   request.peer = receiver.endpoint();
//   ... run the sender ...
//   receiver.finish().sha256
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <openssl/types.h>
#include <sys/types.h>

#include "kernel_sim/system_calls.h"
#include "tools/native/core_probe.h"
#include "tools/native/measured_region.h"
#include "tools/native/process.h"

namespace sluice::native {

enum class ReceiverMode {
  Discard,  ///< recv with MSG_TRUNC: the kernel frees the bytes and copies nothing
  Hash,     ///< reads and hashes
  Keep,     ///< reads, hashes and keeps all bytes
};

struct ReceiverOptions {
  ReceiverMode mode = ReceiverMode::Discard;
  int receive_buffer = 0;  ///< SO_RCVBUF in bytes; 0 leaves the kernel's default and its autotuning
  Placement placement = {};
  /// Bytes that will come, when known: what the process used is then read when it has the last of them.
  std::uint64_t expected = 0;
  /// Called in the receiver's process when it has the last expected byte.
  std::function<void()> at_last_byte = {};
  /// Asks every 50 us, between calls, what the core is worth (core_probe.h). For a program that is timed.
  bool probe_core = false;
  /// Stay open in the receiver's process, for `at_last_byte`; all others but the first three are closed.
  std::vector<int> descriptors = {};
};

struct ReceiverReport {
  std::uint64_t bytes = 0;
  std::uint64_t calls = 0;           ///< of recv, with the one that found the end
  std::int64_t last_byte_at_ns = 0;  ///< CLOCK_MONOTONIC; 0 when there was none
  ResourceUse used;                  ///< from the connection to the last expected byte, else to its end
  std::int64_t cpu_clock_ns = 0;     ///< the process's CPU clock then
  std::string sha256;                ///< lower-case hexadecimal; empty when discarding
  Probes probes;                     ///< of the core, in the order in which they were made; work is in bytes
  std::int64_t probing_ns = 0;       ///< what they took
};

class Receiver {
 public:
  /// Bytes asked for per call.
  static constexpr std::uint64_t kReceiveSize = std::uint64_t{1} << 20;

  /// Listens on a free port. InputError when there is none, or no process.
  explicit Receiver(const ReceiverOptions& options = {});
  /// Ends the process if it has not ended.
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  [[nodiscard]] kernel_sim::Endpoint endpoint() const { return m_endpoint; }
  [[nodiscard]] pid_t process() const { return m_process; }
  /// Waits until the connection is at its end. InputError when it is not within `limit`, or broke.
  ReceiverReport finish(std::chrono::milliseconds limit = std::chrono::seconds{60});
  /// After finish: what ReceiverMode::Keep kept.
  [[nodiscard]] std::vector<std::byte> received() const;

 private:
  static constexpr std::uint32_t kMostProbes = 8192;
  static constexpr std::int64_t kBetweenProbes = 50'000;  // ns, 25 times as long as a probe takes

  struct Probe {
    CoreProbe core;
    std::int64_t began_at_ns = 0;
    std::int64_t ended_at_ns = 0;
    std::uint64_t bytes = 0;  // that had come
  };

  struct State {
    int error = 0;  ///< what broke the connection
    std::uint64_t bytes = 0;
    std::uint64_t calls = 0;
    std::int64_t last_byte_at_ns = 0;
    ResourceUse used;
    std::int64_t cpu_clock_ns = 0;
    std::uint32_t probe_count = 0;
    std::array<Probe, kMostProbes> probes;
    std::array<unsigned char, 32> digest{};
  };

  int serve(int listener, const ReceiverOptions& options);
  void receive(int connection, std::span<std::byte> buffer, EVP_MD_CTX* digest, const ReceiverOptions& options);
  void note_use(const ResourceUse& before);
  void probe();
  [[nodiscard]] std::span<const Probe> probes() const { return std::span{m_state->probes}.first(m_state->probe_count); }

  kernel_sim::Endpoint m_endpoint;
  ReceiverMode m_mode;
  Shared<State> m_state;
  int m_kept = -1;  ///< a file without a name, common to both processes
  pid_t m_process = -1;
};

}  // namespace sluice::native
