// SPDX-License-Identifier: Apache-2.0
// The network stack: TCP and UDP over IPv4 with static neighbours, on any number of network cards and the loopback
// device. Sockets above, the interfaces below, and between them a transmit queue for each card. A card leads to the
// addresses that share its first three bytes (10.0.1.1 to 10.0.1.x); the first card leads everywhere else.
//
//   program ─ TcpSocket ─ TcpConnection ── TransmitQueue ── NetDevice of a card
//                             │       └──────────────────── NetDevice of loopback
//                             └──────────── Stack::receive ◄── driver's poll (soft interrupt)
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "kernel_sim/net/net_config.h"
#include "kernel_sim/net/net_device.h"
#include "kernel_sim/net/page_fragment.h"
#include "kernel_sim/net/port_table.h"
#include "kernel_sim/net/skb.h"
#include "kernel_sim/net/tcp_socket.h"
#include "kernel_sim/net/transmit_queue.h"
#include "kernel_sim/net/udp.h"
#include "kernel_sim/net/unix_socket.h"
#include "kernel_sim/sched/scheduler.h"

namespace sluice::net {

struct StackStatistics {
  std::uint64_t packets_sent = 0;      ///< built by TCP
  std::uint64_t packets_received = 0;  ///< from the interface
  std::uint64_t retransmissions = 0;   ///< packets sent again
  std::uint64_t bad_packets = 0;       ///< dropped for a wrong checksum
  std::uint64_t resets_sent = 0;
  std::uint64_t out_of_memory = 0;      ///< dropped, for pages that a program lent could not be copied
  std::uint64_t listen_overflows = 0;   ///< opening packets dropped, for as many waited to be accepted as may
  std::uint64_t receive_overflows = 0;  ///< datagrams dropped, for the receiver's buffer was full
};

class Stack {
 public:
  Stack(hal::Machine& machine, sched::Scheduler& scheduler, mm::FrameAllocator& frames, base::Ledger& ledger,
        const NetConfig& config);
  /// Gives all memory back without consuming time. Every TcpSocket must be gone.
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  /// At boot, by the driver of a card before it takes interrupts; `address` is the machine's on that card. Where no
  /// interface leads connect is refused with ENETUNREACH. InputError when it takes larger packets than the first card.
  void attach(NetDevice& device, std::uint32_t address = kLocalAddress);
  /// The device for 127.0.0.0/8 and for this machine's own addresses. It takes packets at once and never stops.
  void attach_loopback(NetDevice& device);
  /// An unconnected TCP socket; `flags` are those of the open file (O_RDWR, O_NONBLOCK).
  std::shared_ptr<TcpSocket> create_socket(int flags);
  /// A socket of AF_INET; `type`: SOCK_STREAM or SOCK_DGRAM.
  Result<std::shared_ptr<Socket>> create_inet_socket(int type, int flags);
  /// A socket of AF_UNIX that is not connected.
  std::shared_ptr<UnixSocket> create_unix_socket(int flags) { return make_unix_socket(m_unix, flags); }
  /// Where names of AF_UNIX sockets that are paths lead.
  void set_unix_nodes(UnixNodes nodes) { m_unix.names.set_nodes(std::move(nodes)); }
  /// Two connected AF_UNIX sockets.
  std::pair<std::shared_ptr<UnixSocket>, std::shared_ptr<UnixSocket>> create_unix_pair(int flags) {
    return make_unix_pair(m_unix, flags);
  }
  [[nodiscard]] const StackStatistics& statistics() const { return m_statistics; }
  /// Packets thrown away between TCP and the interfaces.
  [[nodiscard]] std::uint64_t dropped() const;
  /// Of the first card; there must be one.
  [[nodiscard]] const TransmitQueue& transmit_queue() const { return *m_cards.front().queue; }
  /// Connections that are not over, closed sockets that still drain among them.
  [[nodiscard]] std::size_t connections() const { return m_connections.size(); }

  /// Called with each piece of payload that a program takes off a receive queue, before its memory is given back.
  using ReceiveObserver = std::function<void(PhysAddr at, Bytes size)>;
  void observe_receive(ReceiveObserver observer) { m_receive_observer = std::move(observer); }

  /// 127.0.0.1
  static constexpr std::uint32_t kLoopbackAddress = 0x7F00'0001;
  /// 10.0.0.1 on the first card, 10.0.1.1 on the second, ...
  static constexpr std::uint32_t kLocalAddress = 0x0A00'0001;
  static constexpr std::uint32_t local_address(unsigned card) { return kLocalAddress + (card << 8); }

  // --- for drivers ----------------------------------------------------------------------------------------------
  SkbPool& skbs() { return *m_skbs; }
  /// A frame arrived (soft interrupt): header decoded, payload in the fragments. Takes the packet.
  void receive(Skb& skb);
  /// The interface is done with a packet that transmit gave it.
  void transmitted(Skb& skb);
  /// The card takes packets again after it had stopped.
  void device_ready(const NetDevice& device);
  /// The end of a driver's poll: connections that waited for transmitted packets go on (TSQ).
  void poll_finished();

 private:
  friend class TcpConnection;
  friend class TcpTimer;
  friend class TcpSocket;
  friend class Udp;
  friend class UdpSocket;
  friend struct UdpEnd;

  struct Card {
    NetDevice* device;
    std::uint32_t address;  // of this machine
    std::unique_ptr<TransmitQueue> queue;
  };
  /// The card that leads to an address that is not local; null on a machine without one.
  [[nodiscard]] const Card* card_for(std::uint32_t destination) const;

  // --- for connections ------------------------------------------------------------------------------------------
  /// Gives the connection its local port and the packets that come from `peer`.
  Result<void> enter(const std::shared_ptr<TcpConnection>& connection);
  /// The interface that leads to an address; null when none does.
  [[nodiscard]] NetDevice* route(std::uint32_t destination) const;
  [[nodiscard]] bool is_local(std::uint32_t address) const;
  [[nodiscard]] std::uint32_t source_address(std::uint32_t destination) const;
  /// Whether a socket may be there: EADDRNOTAVAIL, EACCES.
  Result<void> check_local(kernel_sim::Endpoint local) const;
  /// For bind and listen: the connection holds `port`, or any for 0. EADDRINUSE.
  Result<void> take_port(TcpConnection& connection, std::uint16_t port);
  void give_port(TcpConnection& connection);
  /// Opening packets for the connection's local address and port go to it.
  void add_listener(const std::shared_ptr<TcpConnection>& connection);
  void remove_listener(const TcpConnection& connection);
  [[nodiscard]] std::shared_ptr<TcpConnection> listener_for(const nic::PacketHeader& syn) const;
  void leave(TcpConnection& connection);
  /// Takes over one reference of the packet, whose header is complete but for the checksum.
  void transmit(Skb& skb);
  void to_loopback(Skb& skb);
  Udp& udp() { return m_udp; }
  /// Runs in a soft interrupt soon: what a closed descriptor leaves to be done.
  void close_later(std::shared_ptr<TcpConnection> connection);
  void send_reset(const nic::PacketHeader& cause);
  [[nodiscard]] bool checksum_holds(const Skb& skb);
  [[nodiscard]] bool copy_lent_pages(Skb& skb);
  /// Of the current task (sk_page_frag).
  PageFragment& page_fragment();
  void spend(CpuCost cost, hal::Work work) { m_machine.cpu.execute(cost, work); }
  [[nodiscard]] std::uint32_t timestamp() const;

  hal::Machine& m_machine;
  sched::Scheduler& m_scheduler;
  mm::FrameAllocator& m_frames;
  base::Ledger& m_ledger;
  const NetConfig& m_config;
  UnixSockets m_unix;
  Udp m_udp{*this};
  PortTable m_ports;  // outlives connections, and so the packets that hold them
  StackStatistics m_statistics;
  std::vector<Card> m_cards;
  NetDevice* m_loopback = nullptr;
  std::unique_ptr<SkbPool> m_skbs;
  std::unique_ptr<TransmitQueue> m_loopback_queue;
  std::unordered_map<std::uint64_t, std::shared_ptr<TcpConnection>> m_connections;  // by peer and port; never walked
  std::unordered_map<std::uint16_t, std::vector<std::shared_ptr<TcpConnection>>> m_listeners;  // by local port
  std::vector<std::shared_ptr<TcpConnection>> m_closing;  // until their soft interrupt came, which may be never
  ReceiveObserver m_receive_observer;
  std::vector<std::shared_ptr<TcpConnection>> m_throttled;
  std::uint64_t m_next_sequence;
  std::uint64_t m_locked_pages = 0;  // lent by MSG_ZEROCOPY, as they are accounted
};

}  // namespace sluice::net
