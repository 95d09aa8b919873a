// SPDX-License-Identifier: Apache-2.0
// The software device behind 127.0.0.1 (drivers/net/loopback.c and the per-core backlog of net/core/dev.c): what is
// sent comes back in as a received packet that shares the pages of the one sent.
//
//   TCP ─ transmit ─► clone ─► backlog of the sending core ─ soft interrupt ─► Stack::receive
//
// No byte is copied: the receiving side refers to the pages that the sender filled or that the page cache holds. But
// pages that a program lent (MSG_ZEROCOPY) are copied when the stack takes the packet.
#pragma once

#include <deque>
#include <vector>

#include "kernel_sim/net/net_config.h"
#include "kernel_sim/net/net_device.h"
#include "kernel_sim/net/stack.h"

namespace sluice::drivers {

struct LoopbackStatistics {
  std::uint64_t packets = 0;
  std::uint64_t polls = 0;
  std::uint64_t dropped = 0;  ///< the backlog of a core was full
};

class Loopback final : public net::NetDevice {
 public:
  /// Attaches itself to the stack.
  Loopback(hal::Machine& machine, sched::Scheduler& scheduler, base::Ledger& ledger, net::Stack& stack,
           const net::NetConfig& config);

  [[nodiscard]] const net::DeviceFeatures& features() const override { return m_features; }
  void transmit(net::Skb& skb, bool more) override;
  [[nodiscard]] bool stopped() const override { return false; }
  [[nodiscard]] const LoopbackStatistics& statistics() const { return m_statistics; }

 private:
  struct Backlog {
    std::deque<net::Skb*> packets;
    bool poll_raised = false;
  };

  void poll(Backlog& backlog);
  void raise_poll(Backlog& backlog);

  hal::Machine& m_machine;
  sched::Scheduler& m_scheduler;
  base::Ledger& m_ledger;
  net::Stack& m_stack;
  const net::NetConfig& m_config;
  net::DeviceFeatures m_features;
  std::vector<Backlog> m_backlogs;  // by core
  LoopbackStatistics m_statistics;
};

}  // namespace sluice::drivers
