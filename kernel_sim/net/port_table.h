// SPDX-License-Identifier: Apache-2.0
// Which local ports are taken, by whom, and who may share one (inet_bind_hashbucket, inet_csk_get_port).
//
// - Every socket with a local port holds it, however it came by it: bind, listen, connect or a listener's connection.
// - Two sockets conflict when their addresses overlap and not both allow sharing: SO_REUSEADDR of both while the other
//   does not listen, or SO_REUSEPORT of both.
// - A connection in TIME_WAIT goes on holding its port.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "kernel_sim/system_calls.h"
#include "models/base/result.h"
#include "models/base/time.h"

namespace sluice::net {

/// A socket with a local port, or one that wants it.
class PortHolder {
 public:
  struct Claim {
    std::uint32_t address = 0;  ///< 0: every local address
    bool reuse_address = false;
    bool reuse_port = false;
    bool listens = false;
  };
  /// As of now: options and state may change while the port is held.
  [[nodiscard]] virtual Claim claim() const = 0;

 protected:
  ~PortHolder() = default;
};

class PortTable {
 public:
  /// bind, and listen for a port it chooses itself (0). EADDRINUSE. The caller then adds the holder.
  Result<std::uint16_t> choose(const PortHolder& holder, std::uint16_t port, Picoseconds now);
  /// For a connection to `peer`: a port that nobody bound, and from which `is_free` says that nobody goes to that peer.
  /// EADDRNOTAVAIL.
  template <class IsFree>
  Result<std::uint16_t> choose_for_connection(kernel_sim::Endpoint peer, Picoseconds now, IsFree is_free) {
    for (unsigned tries = 0; tries <= unsigned{kLast} - kFirst; ++tries) {
      const std::uint16_t port = m_next;
      advance();
      if (!bound(port) && !waits(port, peer, now) && is_free(port)) return port;
    }
    return refuse(EADDRNOTAVAIL);
  }

  /// `by_connect`: other connections may use it, too.
  void add(const PortHolder& holder, std::uint16_t port, bool by_connect);
  void remove(const PortHolder& holder, std::uint16_t port);
  /// A connection that held the port with this claim is in TIME_WAIT.
  void wait(std::uint16_t port, kernel_sim::Endpoint peer, PortHolder::Claim claim, Picoseconds until);
  /// Whether a former connection to this peer still waits.
  [[nodiscard]] bool waits(std::uint16_t port, kernel_sim::Endpoint peer, Picoseconds now) const;

 private:
  // net.ipv4.ip_local_port_range; as Linux's connect, every second port.
  static constexpr std::uint16_t kFirst = 32768;
  static constexpr std::uint16_t kLast = 60999;

  struct Waiting {
    kernel_sim::Endpoint peer;
    PortHolder::Claim claim;
    Picoseconds until;
  };
  struct Port {
    std::vector<const PortHolder*> holders;
    std::vector<Waiting> waiting;
    bool by_connect = false;     // nobody has bound it
    bool all_may_reuse = false;  // every holder allowed it when it came (tb->fastreuse)
  };

  [[nodiscard]] bool conflicts(const PortHolder& holder, const Port& port, Picoseconds now) const;
  [[nodiscard]] bool bound(std::uint16_t port) const;
  void advance();

  std::map<std::uint16_t, Port> m_ports;
  std::uint16_t m_next = kFirst;
};

}  // namespace sluice::net
