// SPDX-License-Identifier: Apache-2.0
// UDP over IPv4 on the loopback device (net/ipv4/udp.c), beside TCP in the same stack.
//
//   UdpSocket ── Udp::transmit ──► loopback ── soft interrupt ──► Udp::receive ── DatagramQueue ──► UdpSocket
//                                                                      └─ nobody there ──► error for the sender
//
// - A datagram is one packet of up to 65,507 bytes; nothing is cut or checked, for the device does both.
// - A datagram for a port that nobody has comes back as an ICMP packet. A sender that is connected learns of it.
#pragma once

#include <memory>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/net/datagram_queue.h"
#include "kernel_sim/net/socket_options.h"
#include "kernel_sim/net/udp_ports.h"
#include "kernel_sim/sched/scheduler.h"

namespace sluice::net {

class Stack;
class UdpSocket;

/// A socket as the stack knows it. It outlives its file while a packet is being put into it.
struct UdpEnd {
  explicit UdpEnd(Stack& stack);

  kernel_sim::Endpoint local;
  kernel_sim::Endpoint peer;
  bool connected = false;
  bool bound_address = false;  ///< by bind, so that the end of a connection leaves it
  bool bound_port = false;
  bool closed = false;
  DatagramQueue received;
  int error = 0;
  bool send_shutdown = false;
  bool receive_shutdown = false;
  SocketOptions options;
  sched::Scheduler& scheduler;
  sched::WaitQueue waiters;

  [[nodiscard]] bool holds_port() const { return local.port != 0; }
  int take_error() { return std::exchange(error, 0); }
  void tell(std::uint32_t events);
};

class Udp {
 public:
  explicit Udp(Stack& stack) : m_stack(stack) {}

  std::shared_ptr<UdpSocket> create_socket(int flags);

  // --- for sockets ------------------------------------------------------------------------------------------------
  /// Gives the socket `port`, or any for 0. EADDRINUSE.
  Result<void> take_port(const std::shared_ptr<UdpEnd>& end, std::uint16_t port);
  void give_port(UdpEnd& end);
  /// Where a datagram to `destination` goes: 0.0.0.0 is this machine. EACCES for a broadcast, ENETUNREACH for what is
  /// not on this machine.
  Result<kernel_sim::Endpoint> route(const UdpEnd& end, kernel_sim::Endpoint destination) const;
  /// Takes over one reference of the packet, whose header is complete.
  void transmit(Skb& skb);
  /// How much memory a datagram of one piece is accounted for, or the first piece of one.
  [[nodiscard]] Bytes truesize_of(Bytes size) const;

  // --- for the stack ----------------------------------------------------------------------------------------------
  /// A packet of this protocol, or an ICMP packet about one, came (soft interrupt). Takes the packet.
  void receive(Skb& skb);

 private:
  void deliver(UdpEnd& end, Skb& skb);
  void send_unreachable(const nic::PacketHeader& cause);
  void learn_unreachable(const nic::PacketHeader& cause);

  Stack& m_stack;
  UdpPorts m_ports;
};

}  // namespace sluice::net
