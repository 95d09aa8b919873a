// SPDX-License-Identifier: Apache-2.0
// The options of a socket that are a number with a range: what setsockopt takes, what getsockopt gives back, and what
// each is called. Options that act on a connection at once (buffers, Nagle, window clamp) are the connection's.
#pragma once

#include <cstdint>
#include <string>

#include "kernel_sim/net/net_config.h"
#include "models/base/result.h"
#include "models/base/time.h"

namespace sluice::net {

struct SocketOptions {
  // SOL_SOCKET
  int reuse_address = 0;
  int reuse_port = 0;
  int keep_alive = 0;
  int priority = 0;
  int busy_poll = 0;
  int zero_copy = 0;
  // IPPROTO_IP
  int type_of_service = 0;
  int time_to_live = 64;
  // IPPROTO_TCP; times in seconds but for the user time-out's milliseconds
  int segment_size = 0;  ///< TCP_MAXSEG, 0: as the interface has it
  int keep_idle = 7200;
  int keep_interval = 75;
  int keep_count = 9;
  int syn_count = 0;  ///< 0: the kernel's own number
  int linger = 60;
  int defer_accept = 0;  ///< repetitions of a SYN-ACK, as the kernel keeps it
  int user_timeout = 0;
  int not_sent_low = 0;  ///< 0: no limit

  /// ENOPROTOOPT when it is none of these, and EINVAL or EPERM as Linux for a value out of range.
  Result<void> set(int level, int option, int value);
  /// As getsockopt, on a level that there is; ENOPROTOOPT.
  [[nodiscard]] Result<int> get(int level, int option) const;

  /// IP_TOS of a socket that keeps all bits of `value`, which a stream does not. The priority follows.
  void set_type_of_service(int value);

  /// What a connection has from its listener (sk_clone_lock): all but the priority.
  [[nodiscard]] SocketOptions of_accepted() const;

  [[nodiscard]] Picoseconds user_timeout_time() const { return 1_ms * static_cast<std::uint64_t>(user_timeout); }
  [[nodiscard]] std::uint32_t most_not_sent() const {
    return not_sent_low == 0 ? UINT32_MAX : static_cast<std::uint32_t>(not_sent_low);
  }
};

inline constexpr Bytes kLeastReceiveBuffer = 2304;  ///< SOCK_MIN_RCVBUF
/// What SO_SNDBUF and SO_RCVBUF make of a value: the kernel takes it for unsigned and doubles it for its own overhead.
Bytes send_buffer_for(int value, const NetConfig& config);
Bytes receive_buffer_for(int value, const NetConfig& config);

/// "SOL_TCP, TCP_NODELAY", for every option of any kind that the kernel knows; else numbers.
std::string socket_option_name(int level, int option);

}  // namespace sluice::net
