// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/socket_options.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

namespace sluice::net {

namespace {

constexpr int kMostSeconds = 32767;  // MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL
constexpr int kMostTimes = 127;      // MAX_TCP_KEEPCNT, MAX_TCP_SYNCNT
constexpr int kLeastMss = 88;        // TCP_MIN_MSS
constexpr int kLargestWindow = 32767;
constexpr Bytes kLeastSendBuffer = 4608;  // SOCK_MIN_SNDBUF
constexpr int kCongestionBits = 3;        // INET_ECN_MASK: a stream's program does not set them

/// What is kept of a value, or why it is refused.
using Take = Result<int> (*)(int value);

Result<int> switched(int value) { return value != 0 ? 1 : 0; }

template <int kLeast, int kMost, int kError = EINVAL>
Result<int> within(int value) {
  if (value < kLeast || value > kMost) return refuse(kError);
  return value;
}

Result<int> anything(int value) { return value; }

Result<int> segment_size(int value) {
  if (value == 0) return 0;
  return within<kLeastMss, kLargestWindow>(value);
}

Result<int> time_to_live(int value) {
  if (value == -1) return SocketOptions{}.time_to_live;
  return within<1, 255>(value);
}

Result<int> linger(int value) {
  if (value == 0) return SocketOptions{}.linger;
  return value < 0 ? -1 : std::min(value, 120);  // TCP_FIN_TIMEOUT_MAX
}

// A SYN-ACK is repeated after 1, 2, 4, ... seconds, 120 at most (secs_to_retrans, retrans_to_secs).
constexpr int kFirstTimeout = 1;
constexpr int kLastTimeout = 120;

int seconds_of(int repetitions) {
  int sum = 0;
  for (int i = 0, timeout = kFirstTimeout; i < repetitions; ++i, timeout = std::min(timeout * 2, kLastTimeout))
    sum += timeout;
  return sum;
}

Result<int> repetitions_of(int seconds) {
  int repetitions = 0;
  while (repetitions < 255 && seconds_of(repetitions) < seconds) ++repetitions;
  return repetitions;
}

/// rt_tos2priority: what two bits of the type of service ask for (low delay, high throughput).
int priority_of(int type_of_service) {
  constexpr std::array kPriorities = {0, 2, 6, 4};  // TC_PRIO_BESTEFFORT, _BULK, _INTERACTIVE, _INTERACTIVE_BULK
  return kPriorities.at(static_cast<unsigned>(type_of_service >> 3) % kPriorities.size());
}

struct Row {
  int level;
  int option;
  const char* name;
  int SocketOptions::*value;  ///< null: an option that the connection keeps itself
  Take take;
};

constexpr std::array kRows = {
    Row{SOL_SOCKET, SO_REUSEADDR, "SO_REUSEADDR", &SocketOptions::reuse_address, switched},
    Row{SOL_SOCKET, SO_REUSEPORT, "SO_REUSEPORT", &SocketOptions::reuse_port, switched},
    Row{SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE", &SocketOptions::keep_alive, switched},
    Row{SOL_SOCKET, SO_PRIORITY, "SO_PRIORITY", &SocketOptions::priority, within<0, 6, EPERM>},
    Row{SOL_SOCKET, SO_BUSY_POLL, "SO_BUSY_POLL", &SocketOptions::busy_poll, within<0, INT_MAX>},
    Row{SOL_SOCKET, SO_SNDBUF, "SO_SNDBUF", nullptr, nullptr},
    Row{SOL_SOCKET, SO_RCVBUF, "SO_RCVBUF", nullptr, nullptr},
    Row{SOL_SOCKET, SO_RCVLOWAT, "SO_RCVLOWAT", nullptr, nullptr},
    Row{SOL_SOCKET, SO_ERROR, "SO_ERROR", nullptr, nullptr},
    Row{SOL_SOCKET, SO_TYPE, "SO_TYPE", nullptr, nullptr},
    Row{SOL_SOCKET, SO_DOMAIN, "SO_DOMAIN", nullptr, nullptr},
    Row{SOL_SOCKET, SO_PROTOCOL, "SO_PROTOCOL", nullptr, nullptr},
    Row{SOL_SOCKET, SO_ACCEPTCONN, "SO_ACCEPTCONN", nullptr, nullptr},
    Row{SOL_SOCKET, SO_ZEROCOPY, "SO_ZEROCOPY", &SocketOptions::zero_copy, within<0, 1>},
    Row{IPPROTO_IP, IP_TOS, "IP_TOS", &SocketOptions::type_of_service,
        [](int value) -> Result<int> { return value & 0xFF & ~kCongestionBits; }},
    Row{IPPROTO_IP, IP_TTL, "IP_TTL", &SocketOptions::time_to_live, time_to_live},
    Row{IPPROTO_TCP, TCP_MAXSEG, "TCP_MAXSEG", &SocketOptions::segment_size, segment_size},
    Row{IPPROTO_TCP, TCP_KEEPIDLE, "TCP_KEEPIDLE", &SocketOptions::keep_idle, within<1, kMostSeconds>},
    Row{IPPROTO_TCP, TCP_KEEPINTVL, "TCP_KEEPINTVL", &SocketOptions::keep_interval, within<1, kMostSeconds>},
    Row{IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT", &SocketOptions::keep_count, within<1, kMostTimes>},
    Row{IPPROTO_TCP, TCP_SYNCNT, "TCP_SYNCNT", &SocketOptions::syn_count, within<1, kMostTimes>},
    Row{IPPROTO_TCP, TCP_LINGER2, "TCP_LINGER2", &SocketOptions::linger, linger},
    Row{IPPROTO_TCP, TCP_DEFER_ACCEPT, "TCP_DEFER_ACCEPT", &SocketOptions::defer_accept, repetitions_of},
    Row{IPPROTO_TCP, TCP_USER_TIMEOUT, "TCP_USER_TIMEOUT", &SocketOptions::user_timeout, within<0, INT_MAX>},
    Row{IPPROTO_TCP, TCP_NOTSENT_LOWAT, "TCP_NOTSENT_LOWAT", &SocketOptions::not_sent_low, anything},
    Row{IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY", nullptr, nullptr},
    Row{IPPROTO_TCP, TCP_CORK, "TCP_CORK", nullptr, nullptr},
    Row{IPPROTO_TCP, TCP_QUICKACK, "TCP_QUICKACK", nullptr, nullptr},
    Row{IPPROTO_TCP, TCP_WINDOW_CLAMP, "TCP_WINDOW_CLAMP", nullptr, nullptr},
    Row{IPPROTO_TCP, TCP_FASTOPEN, "TCP_FASTOPEN", nullptr, nullptr},
    Row{IPPROTO_UDP, UDP_CORK, "UDP_CORK", nullptr, nullptr},
};

const Row* find(int level, int option) {
  const auto* row = std::ranges::find_if(kRows, [&](const Row& r) { return r.level == level && r.option == option; });
  return row == kRows.end() ? nullptr : row;
}

}  // namespace

Result<void> SocketOptions::set(int level, int option, int new_value) {
  const Row* row = find(level, option);
  if (row == nullptr || row->value == nullptr) return refuse(ENOPROTOOPT);
  const Result<int> taken = row->take(new_value);
  if (!taken) return tl::unexpected{taken.error()};
  if (row->value == &SocketOptions::type_of_service) {
    set_type_of_service(*taken);
  } else {
    this->*row->value = *taken;
  }
  return {};
}

void SocketOptions::set_type_of_service(int value) {
  const int kept = value & 0xFF;
  if (kept != type_of_service) priority = priority_of(kept);
  type_of_service = kept;
}

Bytes send_buffer_for(int value, const NetConfig& config) {
  return std::max(2 * std::min<Bytes>(static_cast<unsigned>(value), config.sndbuf_max), kLeastSendBuffer);
}

Bytes receive_buffer_for(int value, const NetConfig& config) {
  return std::max(2 * std::min<Bytes>(static_cast<unsigned>(value), config.rcvbuf_max), kLeastReceiveBuffer);
}

SocketOptions SocketOptions::of_accepted() const {
  SocketOptions copy = *this;
  copy.priority = 0;
  return copy;
}

Result<int> SocketOptions::get(int level, int option) const {
  const Row* row = find(level, option);
  if (row == nullptr || row->value == nullptr) return refuse(ENOPROTOOPT);
  const int kept = this->*row->value;
  return row->option == TCP_DEFER_ACCEPT && level == IPPROTO_TCP ? seconds_of(kept) : kept;
}

std::string socket_option_name(int level, int option) {
  const Row* row = find(level, option);
  if (row == nullptr) return fmt::format("{:#x}, {:#x}", level, option);
  const char* kind = level == SOL_SOCKET    ? "SOL_SOCKET"
                     : level == IPPROTO_TCP ? "SOL_TCP"
                     : level == IPPROTO_UDP ? "SOL_UDP"
                                            : "SOL_IP";
  return fmt::format("{}, {}", kind, row->name);
}

}  // namespace sluice::net
