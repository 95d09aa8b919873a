// SPDX-License-Identifier: Apache-2.0
// The receiving end of a transfer as a user program: takes one connection to its end and throws the bytes away.
#pragma once

#include <functional>
#include <string>

#include "kernel_sim/system_calls.h"

namespace sluice::kernel_sim {

struct ReceiveRequest {
  Endpoint local{0x7F00'0001, 0};                 ///< port 0: any
  int receive_buffer = 0;                         ///< SO_RCVBUF in bytes; 0 leaves the kernel's default
  std::uint64_t size = std::uint64_t{1} << 20;    ///< bytes asked for per call
  std::function<void(Endpoint where)> listening;  ///< connections can come now
  std::string* failure = nullptr;                 ///< gets "call: error name" when the status is not 0
};

/// recv with MSG_TRUNC, which frees the bytes and copies nothing, until the peer has ended. Returns the exit status.
int receive(SystemCalls& calls, const ReceiveRequest& request);

}  // namespace sluice::kernel_sim
