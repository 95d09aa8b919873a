// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/drivers/loopback.h"

namespace sluice::drivers {

namespace {
/// The device's MTU is 65536, but an IP packet's length has 16 bits (IP_MAX_MTU).
constexpr Bytes kLargestPacket = 65535;
}  // namespace

Loopback::Loopback(hal::Machine& machine, sched::Scheduler& scheduler, base::Ledger& ledger, net::Stack& stack,
                   const net::NetConfig& config)
    : m_machine(machine),
      m_scheduler(scheduler),
      m_ledger(ledger),
      m_stack(stack),
      m_config(config),
      m_features{.gather = true, .checksum = true, .segmentation = true, .mtu = kLargestPacket},
      m_backlogs(machine.contexts.core_count()) {
  stack.attach_loopback(*this);
}

void Loopback::transmit(net::Skb& skb, bool /*more*/) {
  m_machine.cpu.execute(m_config.loopback_transmit, hal::Work::NetDevice);
  Backlog& backlog = m_backlogs[m_machine.contexts.current_core()];
  if (backlog.packets.size() >= m_config.backlog_max) {
    ++m_statistics.dropped;
    m_stack.transmitted(skb);
    return;
  }
  net::Skb& received = m_stack.skbs().clone(skb);
  received.checksum_by_device = true;  // nothing can have changed it on the way
  // Pages that a program lends go no further than to the receiving side's first look, which copies them.
  const auto passed = received.zero_copy == nullptr ? received.pieces() : std::span<const mm::Fragment>{};
  for (const mm::Fragment& fragment : passed) {
    m_ledger.passed_reference(m_ledger.place_of(Frame::of(fragment.address)), base::Place::ReceiverSocketBuffer,
                              fragment.address, fragment.size);
  }
  m_stack.transmitted(skb);  // skb_orphan: the sender's small queue does not wait for the receiver
  ++m_statistics.packets;
  backlog.packets.push_back(&received);
  if (!backlog.poll_raised) raise_poll(backlog);
}

void Loopback::raise_poll(Backlog& backlog) {
  backlog.poll_raised = true;
  m_scheduler.raise_softirq([this, &backlog] { poll(backlog); });
}

/// process_backlog within net_rx_action: until nothing is left, or again later after a budget of packets or of time.
void Loopback::poll(Backlog& backlog) {
  ++m_statistics.polls;
  m_machine.cpu.execute(m_config.backlog_poll, hal::Work::NetDevice);
  const Picoseconds began = m_machine.cpu.now();
  for (unsigned taken = 0; !backlog.packets.empty(); ++taken) {
    if (taken >= m_config.napi_budget || m_machine.cpu.now() - began >= m_config.napi_time) break;
    net::Skb& skb = *backlog.packets.front();
    backlog.packets.pop_front();
    m_machine.cpu.execute(m_config.loopback_receive, hal::Work::NetDevice);
    m_stack.receive(skb);
  }
  backlog.poll_raised = false;
  if (!backlog.packets.empty()) raise_poll(backlog);
  m_stack.poll_finished();
}

}  // namespace sluice::drivers
