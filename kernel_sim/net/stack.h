// SPDX-License-Identifier: Apache-2.0
// The network stack: one interface, TCP over IPv4 with static neighbours. Sockets above, the interface below, and
// between them the transmit queue.
//
//   program ─ TcpSocket ─ TcpConnection ── TransmitQueue ── NetDevice
//                             └──────────── Stack::receive ◄── driver's poll (soft interrupt)
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "kernel_sim/net/net_config.h"
#include "kernel_sim/net/net_device.h"
#include "kernel_sim/net/skb.h"
#include "kernel_sim/net/tcp_socket.h"
#include "kernel_sim/net/transmit_queue.h"
#include "kernel_sim/sched/scheduler.h"

namespace sluice::net {

struct StackStatistics {
  std::uint64_t packets_sent = 0;      ///< built by TCP
  std::uint64_t packets_received = 0;  ///< from the interface
  std::uint64_t retransmissions = 0;   ///< packets sent again
  std::uint64_t bad_packets = 0;       ///< dropped for a wrong checksum
  std::uint64_t resets_sent = 0;
};

class Stack {
 public:
  Stack(hal::Machine& machine, sched::Scheduler& scheduler, mm::FrameAllocator& frames, base::Ledger& ledger,
        const NetConfig& config);
  /// Gives all memory back without consuming time. Every TcpSocket must be gone.
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  /// At boot, by the driver before it takes interrupts. Without an interface connect is refused with ENETUNREACH.
  void attach(NetDevice& device, std::uint32_t address = kLocalAddress);
  /// An unconnected TCP socket; `flags` are those of the open file (O_RDWR, O_NONBLOCK).
  std::shared_ptr<TcpSocket> create_socket(int flags);
  [[nodiscard]] const StackStatistics& statistics() const { return m_statistics; }
  [[nodiscard]] const TransmitQueue& transmit_queue() const { return *m_queue; }
  /// Connections that are not over, closed sockets that still drain among them.
  [[nodiscard]] std::size_t connections() const { return m_connections.size(); }

  /// 10.0.0.1
  static constexpr std::uint32_t kLocalAddress = 0x0A00'0001;

  // --- for drivers ----------------------------------------------------------------------------------------------
  SkbPool& skbs() { return *m_skbs; }
  /// A frame arrived (soft interrupt): header decoded, payload in the fragments. Takes the packet.
  void receive(Skb& skb);
  /// The interface is done with a packet that transmit gave it.
  void transmitted(Skb& skb);
  /// The interface takes packets again after it had stopped.
  void device_ready();
  /// The end of a driver's poll: connections that waited for transmitted packets go on (TSQ).
  void poll_finished();

 private:
  friend class TcpConnection;
  friend class TcpTimer;
  friend class TcpSocket;

  // --- for connections ------------------------------------------------------------------------------------------
  /// Gives the connection its local port and the packets that come from `peer`.
  Result<void> enter(const std::shared_ptr<TcpConnection>& connection);
  void leave(TcpConnection& connection);
  /// Takes over one reference of the packet, whose header is complete but for the checksum.
  void transmit(Skb& skb);
  /// Runs in a soft interrupt soon: what a closed descriptor leaves to be done.
  void close_later(std::shared_ptr<TcpConnection> connection);
  void send_reset(const nic::PacketHeader& cause);
  [[nodiscard]] bool checksum_holds(const Skb& skb);
  void spend(Picoseconds cost) { m_machine.cpu.execute(cost); }
  [[nodiscard]] std::uint32_t timestamp() const;
  [[nodiscard]] bool free_port(const TcpConnection& connection, std::uint16_t port) const;

  hal::Machine& m_machine;
  sched::Scheduler& m_scheduler;
  mm::FrameAllocator& m_frames;
  base::Ledger& m_ledger;
  const NetConfig& m_config;
  NetCosts m_costs;
  StackStatistics m_statistics;
  NetDevice* m_device = nullptr;
  std::uint32_t m_address = kLocalAddress;
  std::unique_ptr<SkbPool> m_skbs;
  std::unique_ptr<TransmitQueue> m_queue;
  std::unordered_map<std::uint64_t, std::shared_ptr<TcpConnection>> m_connections;  // by peer and port; never walked
  std::unordered_map<std::uint16_t, Picoseconds> m_time_wait;                       // local port: until when
  std::vector<std::shared_ptr<TcpConnection>> m_throttled;
  std::uint16_t m_next_port;
  std::uint64_t m_next_sequence;
};

}  // namespace sluice::net
