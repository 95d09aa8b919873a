// SPDX-License-Identifier: Apache-2.0
// The transfer strategies as user programs: each sends files over its connections, seen only through SystemCalls, so
// the same text runs on the simulated kernel and on the host's Linux.
//
// - Before the measured region: open, fstat, socket, setsockopt, connect, pipe, fcntl, mmap of the buffer. Inside: only
//   what moves data, with the mapping of the file for mmap_write. After it: munmap, shutdown, close.
// - With several connections each sends all files. They take turns: one chunk of each, in calls that wait for room.
// - Files are sent `repeat` times. A later pass goes back to the file's begin by lseek.
// - Exactly the payload is asked for (by O_DIRECT in whole blocks); no call looks for the end of a file. An empty file
// costs no call and no mapping.
// - Short counts are gone on from, EINTR is tried again, any other error ends the program.
#pragma once

#include <string>
#include <vector>

#include "kernel_sim/system_calls.h"

namespace sluice::kernel_sim {

/// The receiving peer of the simulated network, 10.0.0.2:9000.
inline constexpr std::uint16_t kDefaultPort = 9000;
inline const Endpoint kDefaultPeer{0x0A00'0002, kDefaultPort};

/// The receivers of one connection's files, each over a socket: file i goes to number i modulo their number.
using Receivers = std::vector<Endpoint>;

struct TransferRequest {
  std::vector<std::string> paths;  ///< sent one after the other
  std::vector<Receivers> connections = {{kDefaultPeer}};
  std::uint64_t repeat = 1;        ///< how often each connection sends all files
  std::uint64_t chunk = 65536;     ///< bytes asked for per call, >= 1
  int send_buffer = 0;             ///< SO_SNDBUF in bytes; 0 leaves the kernel's default
  std::string* failure = nullptr;  ///< gets "call: error name" when the status is not 0
};

/// The text of a program. Returns the exit status: 0 when all bytes were handed to the socket.
using Program = int(SystemCalls& calls, const TransferRequest& request, Measurement& measurement);

}  // namespace sluice::kernel_sim
