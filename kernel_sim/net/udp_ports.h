// SPDX-License-Identifier: Apache-2.0
// Which UDP sockets have which local port, and to which of them a datagram goes (udp_lib_get_port, __udp4_lib_lookup).
//
// - Two sockets conflict when their addresses overlap and not both allow sharing: SO_REUSEADDR of both, or SO_REUSEPORT
//   of both. What counts are the options as of now.
// - A socket at the very address that a datagram goes to comes before one at every address, then one that is connected
//   to the sender before one that is not, then the one that took the port last. A connected socket gets nothing from
//   others.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "kernel_sim/system_calls.h"
#include "models/base/result.h"
#include "models/base/types.h"

namespace sluice::net {

struct UdpEnd;

class UdpPorts {
 public:
  /// For bind, and for a socket that sends without it (0): a port for `end`. EADDRINUSE. The caller then adds it.
  Result<std::uint16_t> choose(const UdpEnd& end, std::uint16_t port);
  void add(const std::shared_ptr<UdpEnd>& end);
  void remove(const UdpEnd& end);
  /// Null when nobody takes a datagram between these two.
  [[nodiscard]] std::shared_ptr<UdpEnd> receiver(kernel_sim::Endpoint destination, kernel_sim::Endpoint source) const;

 private:
  // net.ipv4.ip_local_port_range
  static constexpr std::uint16_t kFirst = 32768;
  static constexpr std::uint16_t kLast = 60999;

  std::map<std::uint16_t, std::vector<std::shared_ptr<UdpEnd>>> m_ports;
  std::uint16_t m_next = kFirst;
};

}  // namespace sluice::net
