// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/stack.h"

#include <algorithm>
#include <utility>

#include "kernel_sim/net/tcp_connection.h"
#include "models/base/result.h"

namespace sluice::net {

namespace {
// net.ipv4.ip_local_port_range; as Linux's connect, every second port.
constexpr std::uint16_t kFirstPort = 32768;
constexpr std::uint16_t kLastPort = 60999;
constexpr Picoseconds kTimeWait = Picoseconds{kPicosecondsPerSecond} * 60;  // TCP_TIMEWAIT_LEN
/// The first connection's numbers pass 2^32 after 1 MiB, so that every longer transfer tests wrapping.
constexpr std::uint64_t kFirstSequence = 0xFFF0'0000;
constexpr Bytes kStandardMtu = 1500;
constexpr std::uint64_t kSequenceStep = 0x0101'0000;

std::uint64_t key_of(kernel_sim::Endpoint peer, std::uint16_t local_port) {
  return (std::uint64_t{peer.address} << 32) | (std::uint64_t{peer.port} << 16) | local_port;
}
}  // namespace

Stack::Stack(hal::Machine& machine, sched::Scheduler& scheduler, mm::FrameAllocator& frames, base::Ledger& ledger,
             const NetConfig& config)
    : m_machine(machine),
      m_scheduler(scheduler),
      m_frames(frames),
      m_ledger(ledger),
      m_config(config),
      m_next_port(kFirstPort),
      m_next_sequence(kFirstSequence) {}

Stack::~Stack() = default;

void Stack::attach(NetDevice& device, std::uint32_t address) {
  const Bytes segment = nic::segment_size(device.features().mtu);
  if (m_skbs == nullptr) m_skbs = std::make_unique<SkbPool>(m_frames, segment);
  if (segment > m_skbs->linear_payload()) {
    throw base::InputError{"a further network card has a larger MTU than the first one"};
  }
  m_cards.push_back({&device, address, std::make_unique<TransmitQueue>(m_machine, m_config, *m_skbs, device)});
}

void Stack::attach_loopback(NetDevice& device) {
  m_loopback = &device;
  // No packet for it is linear, so the size of linear packets is the card's affair if there is one.
  if (m_skbs == nullptr) m_skbs = std::make_unique<SkbPool>(m_frames, nic::segment_size(kStandardMtu));
}

const Stack::Card* Stack::card_for(std::uint32_t destination) const {
  for (const Card& card : m_cards) {
    if (card.address >> 8 == destination >> 8) return &card;
  }
  return m_cards.empty() ? nullptr : &m_cards.front();
}

NetDevice* Stack::route(std::uint32_t destination) const {
  if (is_local(destination)) return m_loopback;
  const Card* card = card_for(destination);
  return card != nullptr ? card->device : nullptr;
}

bool Stack::is_local(std::uint32_t address) const {
  return (address >> 24) == (kLoopbackAddress >> 24) ||
         std::any_of(m_cards.begin(), m_cards.end(), [&](const Card& card) { return card.address == address; });
}

std::uint32_t Stack::source_address(std::uint32_t destination) const {
  if ((destination >> 24) == (kLoopbackAddress >> 24)) return kLoopbackAddress;
  const Card* card = card_for(destination);
  return card != nullptr ? card->address : kLocalAddress;
}

std::shared_ptr<TcpSocket> Stack::create_socket(int flags) {
  spend(m_config.socket_create, hal::Work::SocketCall);
  return std::make_shared<TcpSocket>(*this, flags);
}

std::uint32_t Stack::timestamp() const {
  return static_cast<std::uint32_t>(m_machine.cpu.now().count() / Picoseconds{1_ms}.count());
}

// --- connections -----------------------------------------------------------------------------------------------------

void Stack::advance_port() {
  const unsigned next = m_next_port + 2U;
  m_next_port = static_cast<std::uint16_t>(next <= kLastPort ? next : kFirstPort + 1U - next % 2);
}

bool Stack::free_port(const TcpConnection& connection, std::uint16_t port) const {
  if (m_connections.contains(key_of(connection.m_peer, port))) return false;
  const auto waiting = m_time_wait.find(port);
  return waiting == m_time_wait.end() || waiting->second <= m_machine.cpu.now();
}

Result<void> Stack::enter(const std::shared_ptr<TcpConnection>& connection) {
  TcpConnection& tcp = *connection;
  if (tcp.m_local.port == 0) {
    for (unsigned tries = 0; tries <= unsigned{kLastPort} - kFirstPort && tcp.m_local.port == 0; ++tries) {
      if (!m_bound_ports.contains(m_next_port) && free_port(tcp, m_next_port)) tcp.m_local.port = m_next_port;
      advance_port();
    }
    if (tcp.m_local.port == 0) return refuse(EADDRNOTAVAIL);
  } else if (!free_port(tcp, tcp.m_local.port)) {
    return refuse(EADDRNOTAVAIL);
  }
  m_time_wait.erase(tcp.m_local.port);
  m_connections.emplace(key_of(tcp.m_peer, tcp.m_local.port), connection);
  tcp.m_entered = true;

  const DeviceFeatures& device = route(tcp.m_peer.address)->features();
  tcp.m_mss = tcp.m_device_mss = static_cast<std::uint32_t>(nic::segment_size(device.mtu));
  tcp.m_linear = !device.gather && !m_config.gso;
  tcp.m_large = m_config.gso || (device.gather && device.segmentation && device.checksum);
  tcp.m_initial = tcp.m_una = tcp.m_next = tcp.m_highest = m_next_sequence;
  tcp.m_write = tcp.m_pushed = m_next_sequence + 1;
  m_next_sequence += kSequenceStep;
  return {};
}

Result<std::uint16_t> Stack::take_port(const TcpConnection& connection, std::uint16_t port) {
  if (port == 0) {
    for (unsigned tries = 0; tries <= unsigned{kLastPort} - kFirstPort && port == 0; ++tries) {
      if (!m_bound_ports.contains(m_next_port) && free_port(connection, m_next_port)) port = m_next_port;
      advance_port();
    }
    if (port == 0) return refuse(EADDRINUSE);
  }
  if (!m_bound_ports.insert(port).second) return refuse(EADDRINUSE);
  return port;
}

void Stack::give_port(const TcpConnection& connection) { m_bound_ports.erase(connection.m_local.port); }

Result<void> Stack::add_listener(const std::shared_ptr<TcpConnection>& connection) {
  if (!m_listeners.try_emplace(connection->m_local.port, connection).second) return refuse(EADDRINUSE);
  return {};
}

void Stack::remove_listener(const TcpConnection& connection) { m_listeners.erase(connection.m_local.port); }

void Stack::leave(TcpConnection& connection) {
  if (connection.state() == TcpConnection::State::TimeWait) {
    m_time_wait[connection.m_local.port] = m_machine.cpu.now() + kTimeWait;
  }
  m_connections.erase(key_of(connection.m_peer, connection.m_local.port));
}

void Stack::close_later(std::shared_ptr<TcpConnection> connection) {
  m_scheduler.start_timer(Picoseconds{}, [this, connection = std::move(connection)] {
    m_scheduler.raise_softirq([connection] { connection->close_from_interrupt(); });
  });
}

// --- packets ---------------------------------------------------------------------------------------------------------

void Stack::transmit(Skb& skb) {
  ++m_statistics.packets_sent;
  m_machine.cpu.store(skb.header_address, nic::encode(skb.header));
  spend(skb.size > 0 ? m_config.tcp_transmit : m_config.acknowledge, hal::Work::TcpOutput);
  if (route(skb.header.destination_address) == m_loopback) {
    // No queueing discipline, but what is too large for the device is cut here as well.
    if (m_loopback_queue == nullptr) {
      m_loopback_queue = std::make_unique<TransmitQueue>(m_machine, m_config, *m_skbs, *m_loopback);
    }
    m_loopback_queue->add(skb);
  } else {
    spend(m_config.queue_transmit, hal::Work::TcpOutput);
    card_for(skb.header.destination_address)->queue->add(skb);
  }
}

void Stack::receive(Skb& skb) {
  ++m_statistics.packets_received;
  if (!skb.checksum_by_device && !checksum_holds(skb)) {
    ++m_statistics.bad_packets;
    m_skbs->release(skb);
    return;
  }
  const kernel_sim::Endpoint peer{skb.header.source_address, skb.header.source_port};
  const auto found = m_connections.find(key_of(peer, skb.header.destination_port));
  if (found == m_connections.end()) {
    const bool opens =
        (skb.header.flags & (nic::tcp_flag::kSyn | nic::tcp_flag::kAck | nic::tcp_flag::kReset)) == nic::tcp_flag::kSyn;
    const auto listener = m_listeners.find(skb.header.destination_port);
    if (opens && listener != m_listeners.end()) {
      const std::shared_ptr<TcpConnection> listening = listener->second;
      listening->receive_syn(skb);
      return;
    }
    spend(m_config.tcp_receive, hal::Work::TcpInput);
    if ((skb.header.flags & nic::tcp_flag::kReset) == 0) send_reset(skb.header);
    m_skbs->release(skb);
    return;
  }
  const std::shared_ptr<TcpConnection> connection = found->second;  // it may leave the stack by this packet
  connection->receive(skb);
}

bool Stack::checksum_holds(const Skb& skb) {
  const std::uint32_t header_sum = nic::checksum_fold(nic::tcp_header_sum(skb.header));
  const std::uint32_t sum = payload_sum(m_machine.cpu, skb, 0, skb.size, header_sum + skb.header.checksum);
  return nic::checksum_fold(sum) == 0xFFFF;
}

void Stack::transmitted(Skb& skb) {
  const std::shared_ptr<TcpConnection> connection = skb.connection;
  if (connection) {
    TcpConnection::packet_left(skb);
    if (connection->m_throttled) {
      connection->m_throttled = false;
      m_throttled.push_back(connection);
    }
  }
  m_skbs->release(skb);
}

void Stack::device_ready(const NetDevice& device) {
  for (const Card& card : m_cards) {
    if (card.device == &device) card.queue->run();
  }
}

void Stack::poll_finished() {
  while (!m_throttled.empty()) {
    for (const auto& connection : std::exchange(m_throttled, {})) connection->resume_output();
  }
}

/// RFC 9293, 3.10.7.1: what answers a segment that belongs to no connection.
void Stack::send_reset(const nic::PacketHeader& cause) {
  const Result<Skb*> made = m_skbs->make_paged();
  if (!made) return;
  ++m_statistics.resets_sent;
  const bool acknowledges = (cause.flags & nic::tcp_flag::kAck) != 0;
  const std::uint32_t length = cause.payload_size + ((cause.flags & nic::tcp_flag::kSyn) != 0 ? 1U : 0U) +
                               ((cause.flags & nic::tcp_flag::kFin) != 0 ? 1U : 0U);
  (*made)->header = {
      .source_address = cause.destination_address,
      .destination_address = cause.source_address,
      .source_port = cause.destination_port,
      .destination_port = cause.source_port,
      .sequence = acknowledges ? cause.acknowledgment : 0,
      .acknowledgment = acknowledges ? 0 : cause.sequence + length,
      .window = 0,
      .flags = static_cast<std::uint8_t>(nic::tcp_flag::kReset | (acknowledges ? 0 : nic::tcp_flag::kAck)),
      .timestamp = timestamp(),
      .timestamp_echo = cause.timestamp,
      .payload_size = 0,
      .checksum = 0};
  transmit(**made);
}

}  // namespace sluice::net
