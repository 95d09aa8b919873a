// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/stack.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "kernel_sim/net/tcp_connection.h"
#include "kernel_sim/net/udp_socket.h"
#include "models/base/result.h"

namespace sluice::net {

namespace {
constexpr Picoseconds kTimeWait = Picoseconds{kPicosecondsPerSecond} * 60;  // TCP_TIMEWAIT_LEN
/// The first connection's numbers pass 2^32 after 1 MiB, so that every longer transfer tests wrapping.
constexpr std::uint64_t kFirstSequence = 0xFFF0'0000;
constexpr Bytes kStandardMtu = 1500;
constexpr std::uint16_t kFirstUnprivilegedPort =
    1024;  // net.ipv4.ip_unprivileged_port_start; programs are nobody special
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
      m_unix(machine, scheduler, frames, ledger, config),
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

Result<std::shared_ptr<Socket>> Stack::create_inet_socket(int type, int flags) {
  if (type == SOCK_DGRAM) return m_udp.create_socket(flags);
  return create_socket(flags);
}

Result<void> Stack::check_local(kernel_sim::Endpoint local) const {
  if (local.address != 0 && !is_local(local.address)) return refuse(EADDRNOTAVAIL);
  if (local.port != 0 && local.port < kFirstUnprivilegedPort) return refuse(EACCES);
  return {};
}

PageFragment& Stack::page_fragment() {
  std::shared_ptr<void>& memory = m_scheduler.current()->socket_memory;
  if (memory == nullptr) memory = std::make_shared<PageFragment>(m_frames);
  return *static_cast<PageFragment*>(memory.get());
}

std::uint32_t Stack::timestamp() const {
  return static_cast<std::uint32_t>(m_machine.cpu.now().count() / Picoseconds{1_ms}.count());
}

// --- connections -----------------------------------------------------------------------------------------------------

Result<void> Stack::enter(const std::shared_ptr<TcpConnection>& connection) {
  TcpConnection& tcp = *connection;
  const Picoseconds now = m_machine.cpu.now();
  const auto is_free = [&](std::uint16_t port) { return !m_connections.contains(key_of(tcp.m_peer, port)); };
  const bool came_in = tcp.m_listener.lock() != nullptr;
  if (tcp.m_local.port == 0) {
    const Result<std::uint16_t> port = m_ports.choose_for_connection(tcp.m_peer, now, is_free);
    if (!port) return tl::unexpected{port.error()};
    tcp.m_local.port = *port;
  } else if (!is_free(tcp.m_local.port) || (!came_in && m_ports.waits(tcp.m_local.port, tcp.m_peer, now))) {
    return refuse(EADDRNOTAVAIL);
  }
  if (!std::exchange(tcp.m_holds_port, true)) m_ports.add(tcp, tcp.m_local.port, !came_in);
  m_connections.emplace(key_of(tcp.m_peer, tcp.m_local.port), connection);
  tcp.m_entered = true;

  const DeviceFeatures& device = route(tcp.m_peer.address)->features();
  tcp.m_mss = tcp.m_device_mss = static_cast<std::uint32_t>(nic::segment_size(device.mtu));
  tcp.limit_segments(static_cast<std::uint32_t>(tcp.m_options.segment_size));
  tcp.m_linear = !device.gather && !m_config.gso;
  tcp.m_large = m_config.gso || (device.gather && device.segmentation && device.checksum);
  tcp.m_initial = tcp.m_una = tcp.m_next = tcp.m_highest = m_next_sequence;
  tcp.m_write = tcp.m_pushed = m_next_sequence + 1;
  m_next_sequence += kSequenceStep;
  return {};
}

Result<void> Stack::take_port(TcpConnection& connection, std::uint16_t port) {
  const Result<std::uint16_t> chosen = m_ports.choose(connection, port, m_machine.cpu.now());
  if (!chosen) return tl::unexpected{chosen.error()};
  m_ports.add(connection, *chosen, false);
  connection.m_local.port = *chosen;
  connection.m_holds_port = true;
  return {};
}

void Stack::give_port(TcpConnection& connection) {
  if (std::exchange(connection.m_holds_port, false)) m_ports.remove(connection, connection.m_local.port);
}

void Stack::add_listener(const std::shared_ptr<TcpConnection>& connection) {
  m_listeners[connection->m_local.port].push_back(connection);
}

void Stack::remove_listener(const TcpConnection& connection) {
  const auto found = m_listeners.find(connection.m_local.port);
  std::erase_if(found->second, [&](const auto& listener) { return listener.get() == &connection; });
  if (found->second.empty()) m_listeners.erase(found);
}

/// inet_lookup_listener: who listens at this very address goes before who listens everywhere; several with SO_REUSEPORT
/// share by the peer's port.
std::shared_ptr<TcpConnection> Stack::listener_for(const nic::PacketHeader& syn) const {
  const auto found = m_listeners.find(syn.destination_port);
  if (found == m_listeners.end()) return nullptr;
  for (const std::uint32_t address : {syn.destination_address, std::uint32_t{0}}) {
    std::vector<std::shared_ptr<TcpConnection>> here;
    std::ranges::copy_if(found->second, std::back_inserter(here),
                         [&](const auto& listener) { return listener->m_local.address == address; });
    if (!here.empty()) return here[syn.source_port / 2 % here.size()];
  }
  return nullptr;
}

std::uint64_t Stack::dropped() const {
  std::uint64_t sum = m_statistics.bad_packets + m_statistics.listen_overflows + m_statistics.receive_overflows +
                      m_statistics.out_of_memory;
  for (const Card& card : m_cards) sum += card.queue->statistics().out_of_memory;
  if (m_loopback_queue) sum += m_loopback_queue->statistics().out_of_memory;
  return sum;
}

void Stack::leave(TcpConnection& connection) {
  if (connection.state() == TcpConnection::State::TimeWait) {
    m_ports.wait(connection.m_local.port, connection.m_peer, connection.claim(), m_machine.cpu.now() + kTimeWait);
  }
  m_connections.erase(key_of(connection.m_peer, connection.m_local.port));
}

void Stack::close_later(std::shared_ptr<TcpConnection> connection) {
  TcpConnection* const closing = connection.get();
  m_closing.push_back(std::move(connection));
  m_scheduler.start_timer(Picoseconds{}, [this, closing] {
    m_scheduler.raise_softirq([this, closing] {
      closing->close_from_interrupt();
      m_closing.erase(std::ranges::find(m_closing, closing, &std::shared_ptr<TcpConnection>::get));
    });
  });
}

// --- packets ---------------------------------------------------------------------------------------------------------

void Stack::transmit(Skb& skb) {
  ++m_statistics.packets_sent;
  m_machine.cpu.store(skb.header_address, nic::encode(skb.header));
  spend(skb.size > 0 ? m_config.tcp_transmit : m_config.acknowledge, hal::Work::TcpOutput);
  if (route(skb.header.destination_address) == m_loopback) {
    to_loopback(skb);
  } else {
    spend(m_config.queue_transmit, hal::Work::TcpOutput);
    card_for(skb.header.destination_address)->queue->add(skb);
  }
}

/// No queueing discipline, but what is too large for the device is cut here as well.
void Stack::to_loopback(Skb& skb) {
  if (m_loopback_queue == nullptr) {
    m_loopback_queue = std::make_unique<TransmitQueue>(m_machine, m_config, *m_skbs, *m_loopback);
  }
  m_loopback_queue->add(skb);
}

void Stack::receive(Skb& skb) {
  ++m_statistics.packets_received;
  if (skb.protocol != IPPROTO_TCP) {
    m_udp.receive(skb);
    return;
  }
  if (skb.zero_copy != nullptr && !copy_lent_pages(skb)) {
    ++m_statistics.out_of_memory;
    m_skbs->release(skb);
    return;
  }
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
    if (const auto listener = opens ? listener_for(skb.header) : nullptr) {
      listener->receive_syn(skb);
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

/// skb_orphan_frags_rx, skb_copy_ubufs: a receiver on this machine might hold the pages for as long as it likes, so it
/// gets copies.
bool Stack::copy_lent_pages(Skb& skb) {
  std::vector<mm::Fragment> copies;
  for (Bytes left = skb.size; left > 0; left -= copies.back().size) {
    const Result<Frame> page = m_frames.allocate(Place::ReceiverSocketBuffer);
    if (!page) {
      for (const mm::Fragment& copy : copies) m_frames.put(copy);
      return false;
    }
    copies.push_back({page->address(), static_cast<std::uint32_t>(std::min(left, kPageSize))});
  }
  copy_payload(m_machine.cpu, skb, skb.size, copies);
  m_skbs->replace_fragments(skb, copies);
  return true;
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
