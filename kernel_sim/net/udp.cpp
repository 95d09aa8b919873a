// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/udp.h"

#include <array>
#include <bit>
#include <poll.h>

#include <netinet/in.h>

#include "kernel_sim/net/socket.h"
#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/udp_socket.h"

namespace sluice::net {

namespace {

constexpr Bytes kUdpHeader = 8;

/// What the kernel writes in front of a datagram: Ethernet, IPv4 and UDP headers (RFC 894, 791, 768), big-endian. No
/// checksums: nothing looks at them on this device.
using UdpHeaderBytes = std::array<std::byte, nic::kEthernetHeader + nic::kIpHeader + kUdpHeader>;
UdpHeaderBytes encode_datagram(const Skb& skb) {
  UdpHeaderBytes bytes{};
  const auto put = [&](std::size_t at, std::uint64_t value, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * (size - 1 - i)));
  };
  constexpr std::size_t kIp = nic::kEthernetHeader;
  constexpr std::size_t kUdp = kIp + nic::kIpHeader;
  const Bytes length = kUdpHeader + skb.size;
  put(kIp - 2, 0x0800, 2);
  put(kIp, 0x45, 1);
  put(kIp + 2, nic::kIpHeader + length, 2);
  put(kIp + 8, 64, 1);
  put(kIp + 9, skb.protocol, 1);
  put(kIp + 12, skb.header.source_address, 4);
  put(kIp + 16, skb.header.destination_address, 4);
  put(kUdp, skb.header.source_port, 2);
  put(kUdp + 2, skb.header.destination_port, 2);
  put(kUdp + 4, length, 2);
  return bytes;
}

kernel_sim::Endpoint source_of(const nic::PacketHeader& header) { return {header.source_address, header.source_port}; }
kernel_sim::Endpoint destination_of(const nic::PacketHeader& header) {
  return {header.destination_address, header.destination_port};
}

}  // namespace

UdpEnd::UdpEnd(Stack& stack) : received(stack.m_config.udp_buffer), scheduler(stack.m_scheduler) {}

void UdpEnd::tell(std::uint32_t events) {
  waiters.notify(events);
  scheduler.wake_all(waiters);
}

std::shared_ptr<UdpSocket> Udp::create_socket(int flags) {
  m_stack.spend(m_stack.m_config.socket_create, hal::Work::SocketCall);
  return std::make_shared<UdpSocket>(m_stack, flags);
}

Result<void> Udp::take_port(const std::shared_ptr<UdpEnd>& end, std::uint16_t port) {
  const Result<std::uint16_t> chosen = m_ports.choose(*end, port);
  if (!chosen) return tl::unexpected{chosen.error()};
  end->local.port = *chosen;
  m_ports.add(end);
  return {};
}

void Udp::give_port(UdpEnd& end) {
  if (end.holds_port()) m_ports.remove(end);
  end.local.port = 0;
}

Result<kernel_sim::Endpoint> Udp::route(const UdpEnd& end, kernel_sim::Endpoint destination) const {
  if (destination.address == INADDR_BROADCAST) return refuse(EACCES);
  if (destination.address == 0)
    destination.address = end.local.address != 0 ? end.local.address : Stack::kLoopbackAddress;
  if (!m_stack.is_local(destination.address) || m_stack.m_loopback == nullptr) return refuse(ENETUNREACH);
  return kernel_sim::Endpoint{destination.address, destination.port};
}

/// __ip_append_data, __alloc_skb: a small datagram lies in the head, whose slab object and record count in full; a
/// larger one lies in page fragments, of which its bytes count.
Bytes Udp::truesize_of(Bytes size) const {
  constexpr Bytes kBeforePayload = 59;  // IP and UDP headers, and room for 16 and 15 bytes in front of them
  constexpr Bytes kSmallHead = 576;     // SKB_SMALL_HEAD_CACHE_SIZE
  constexpr Bytes kMostLinear = 16_KiB - kSkbSharedInfo;  // SKB_MAX_ALLOC
  if (size + kBeforePayload >= kMostLinear) return m_stack.m_config.skb_overhead + size;
  const Bytes needed = round_up(size + kBeforePayload, 64) + kSkbSharedInfo;
  return kSkbRecord + (needed <= kSmallHead ? kSmallHead : std::bit_ceil(needed));
}

void Udp::transmit(Skb& skb) {
  ++m_stack.m_statistics.packets_sent;
  m_stack.m_machine.cpu.store(skb.header_address, encode_datagram(skb));
  m_stack.spend(skb.protocol == IPPROTO_ICMP ? m_stack.m_config.acknowledge : m_stack.m_config.tcp_transmit,
                hal::Work::TcpOutput);
  m_stack.to_loopback(skb);
}

void Udp::receive(Skb& skb) {
  m_stack.spend(m_stack.m_config.tcp_receive, hal::Work::TcpInput);
  const nic::PacketHeader header = skb.header;
  if (skb.protocol == IPPROTO_ICMP) {
    learn_unreachable(header);
  } else if (const auto end = m_ports.receiver(destination_of(header), source_of(header))) {
    return deliver(*end, skb);
  } else {
    send_unreachable(header);
  }
  m_stack.skbs().release(skb);
}

void Udp::deliver(UdpEnd& end, Skb& skb) {
  if (end.closed || !end.received.push(skb)) {
    ++m_stack.m_statistics.receive_overflows;
    m_stack.skbs().release(skb);
    return;
  }
  end.tell(kReadableEvents);
}

/// icmp_send(ICMP_DEST_UNREACH, ICMP_PORT_UNREACH). The header tells which datagram it is about.
void Udp::send_unreachable(const nic::PacketHeader& cause) {
  const Result<Skb*> made = m_stack.skbs().make_paged();
  if (!made) return;
  (*made)->protocol = IPPROTO_ICMP;
  (*made)->header = {.source_address = cause.destination_address,
                     .destination_address = cause.source_address,
                     .source_port = cause.destination_port,
                     .destination_port = cause.source_port};
  transmit(**made);
}

/// __udp4_lib_err: only a socket that is connected is told, for nobody else knows where the datagram went.
void Udp::learn_unreachable(const nic::PacketHeader& cause) {
  const auto end = m_ports.receiver(destination_of(cause), source_of(cause));
  if (end == nullptr || !end->connected) return;
  end->error = ECONNREFUSED;
  end->tell(POLLERR);
}

}  // namespace sluice::net
