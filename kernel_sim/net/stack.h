// SPDX-License-Identifier: Apache-2.0
// The network stack: one interface, TCP over IPv4 with static neighbours. Sockets above, the interface below, and
// between them the transmit queue with what Linux does there (validate_xmit_skb): software segmentation, linearizing,
// checksums.
//
//   program ─ TcpSocket ─ TcpConnection ─┐                        ┌─ soft interrupt (driver's poll)
//                                        ├─ queue ─ NetDevice     │
//   retransmission and window <──────────┘      Stack::receive <──┘
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "kernel_sim/net/net_config.h"
#include "kernel_sim/net/net_device.h"
#include "kernel_sim/net/skb.h"
#include "kernel_sim/net/tcp_socket.h"
#include "kernel_sim/sched/scheduler.h"

namespace sluice::net {

struct StackStatistics {
  std::uint64_t packets_sent = 0;      ///< handed to the interface
  std::uint64_t frames_sent = 0;       ///< of those, after segmentation by whomever
  std::uint64_t packets_received = 0;  ///< from the interface
  std::uint64_t segments_cut = 0;      ///< by software segmentation
  std::uint64_t retransmissions = 0;   ///< packets sent again
  std::uint64_t bad_packets = 0;       ///< dropped: not decodable, or the checksum is wrong
  std::uint64_t resets_sent = 0;
  std::uint64_t queue_stops = 0;  ///< a packet found the interface stopped
};

class Stack {
 public:
  Stack(hal::Machine& machine, sched::Scheduler& scheduler, mm::FrameAllocator& frames, base::Ledger& ledger,
        const NetConfig& config);
  /// Gives all memory back without consuming time.
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  /// At boot. Without an interface connect is refused with ENETUNREACH.
  void attach(NetDevice& device, std::uint32_t address = kLocalAddress);
  /// An unconnected TCP socket; `flags` are those of the open file (O_RDWR, O_NONBLOCK).
  std::shared_ptr<TcpSocket> create_socket(int flags);
  [[nodiscard]] const StackStatistics& statistics() const { return m_statistics; }
  [[nodiscard]] const NetConfig& config() const { return m_config; }

  /// 10.0.0.1
  static constexpr std::uint32_t kLocalAddress = 0x0A00'0001;

  // --- for drivers ----------------------------------------------------------------------------------------------
  SkbPool& skbs() { return m_skbs; }
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
  friend class TcpSocket;
  class Ports;

  hal::Machine& m_machine;
  sched::Scheduler& m_scheduler;
  mm::FrameAllocator& m_frames;
  base::Ledger& m_ledger;
  const NetConfig& m_config;
  StackStatistics m_statistics;
  SkbPool m_skbs;
};

}  // namespace sluice::net
