// SPDX-License-Identifier: Apache-2.0
#include "tests/kernel_sim/net/test_bench.h"

#include <algorithm>
#include <utility>

namespace sluice::tests {

namespace {
constexpr unsigned kVector = 3;
constexpr std::uint64_t kUserBase = 40_MiB;
std::byte user_byte(Bytes at) { return static_cast<std::byte>((at * 2654435761U) >> 13); }
}  // namespace

TestBench::TestBench(net::DeviceFeatures features, net::NetConfig net_config)
    : config(net_config),
      stack(machine, scheduler, frames, fake.ledger(), config),
      device(features),
      memory(machine, PhysAddr{kUserBase}, kUserSize) {
  stack.attach(device);
  device.on_transmit = [this](net::Skb& skb, bool) { take(skb); };
  machine.interrupts.set_handler(kVector, 0,
                                 scheduler.interrupt_handler([this] { scheduler.raise_softirq([this] { poll(); }); }));
  const auto bytes = fake.bytes(PhysAddr{kUserBase}, kUserSize);
  for (Bytes i = 0; i < kUserSize; ++i) bytes[i] = user_byte(i);
  for (Bytes at = 0; at < kUserSize; at += kPageSize) {
    const PhysAddr page{kUserBase + at};
    fake.ledger().assign(Frame::of(page), Place::UserBuffer);
    fake.ledger().declare(page, {{0, static_cast<std::uint32_t>(kPageSize), at, 0, 0}}, kPageSize);
  }
  fake.ledger().record(true);
}

void TestBench::run(const std::function<void()>& body) {
  bool returned = false;
  scheduler.spawn("test", [&] {
    body();
    returned = true;
  });
  fake.run_all(64);
  ASSERT_TRUE(returned) << "blocked: "
                        << (scheduler.unfinished().empty() ? "" : scheduler.unfinished()[0]->waits_for());
}

void TestBench::sleep(Picoseconds duration) {
  sched::WaitQueue queue;
  scheduler.wait(queue, "time to pass", duration);
}

std::shared_ptr<net::TcpSocket> TestBench::connect(int flags) {
  auto socket = stack.create_socket(flags);
  const Result<void> connected = socket->connect(kPeer);
  EXPECT_TRUE(connected.has_value()) << connected.error().value;
  return socket;
}

std::vector<mm::Fragment> TestBench::pages(Bytes at, Bytes size, Bytes page_offset) {
  std::vector<mm::Fragment> result;
  while (size > 0) {
    const Frame frame = *frames.allocate_at_boot(Place::PageCache);
    const Bytes piece = std::min(size, kPageSize - page_offset);
    const PhysAddr to = frame.address() + page_offset;
    const auto bytes = fake.bytes(to, piece);
    for (Bytes i = 0; i < piece; ++i) bytes[i] = user_byte(at + i);
    fake.ledger().declare(to, {{0, static_cast<std::uint32_t>(piece), at, 0, 0}}, piece);
    result.push_back({to, static_cast<std::uint32_t>(piece)});
    at += piece;
    size -= piece;
    page_offset = 0;
  }
  return result;
}

// --- the interface ---------------------------------------------------------------------------------------------------

void TestBench::take(net::Skb& skb) {
  SentPacket packet;
  packet.at = fake.time();
  std::array<std::byte, nic::kAllHeaders> bytes{};
  std::ranges::copy(fake.bytes(skb.header_address, nic::kAllHeaders), bytes.begin());
  EXPECT_TRUE(nic::decode(bytes, packet.header));
  net::for_each_piece(skb, 0, skb.size, [&](PhysAddr address, Bytes size) {
    const auto piece = fake.bytes(address, size);
    packet.payload.insert(packet.payload.end(), piece.begin(), piece.end());
  });
  packet.segment = skb.segment;
  packet.checksum_by_device = skb.checksum_by_device;
  packet.linear = skb.linear;
  packet.fragments = skb.fragment_count;
  packet.frames = skb.frames;
  EXPECT_EQ(packet.header.payload_size, packet.payload.size());
  if (!skb.checksum_by_device) {
    std::uint32_t sum = nic::tcp_header_sum(packet.header);
    if (!packet.payload.empty()) sum = nic::checksum_add(packet.payload, sum);
    if (static_cast<std::uint16_t>(~nic::checksum_fold(sum)) != packet.header.checksum) ++bad_checksums;
  }
  sent.push_back(packet);
  m_held.push_back(&skb);
  if (completes) {
    fake.after(completion_delay, [this] { complete_all(); });
  }
  answer(packet);
}

void TestBench::complete_all() {
  m_done.insert(m_done.end(), m_held.begin(), m_held.end());
  m_held.clear();
  fake.raise_interrupt(kVector);
}

void TestBench::poll() {
  for (net::Skb* const skb : std::exchange(m_done, {})) stack.transmitted(*skb);
  while (!m_arrivals.empty()) {
    Arrival arrival = std::move(m_arrivals.front());
    m_arrivals.pop_front();
    net::Skb& skb = stack.skbs().make_received();
    skb.header = arrival.header;
    skb.size = static_cast<std::uint32_t>(arrival.payload.size());
    skb.checksum_by_device = true;
    if (skb.size > 0) {
      const Frame frame = *frames.allocate_at_boot(Place::SocketBuffer);
      std::ranges::copy(arrival.payload, fake.bytes(frame.address(), skb.size).begin());
      skb.fragments[0] = {frame.address(), skb.size};
      skb.fragment_count = 1;
      skb.truesize = 2304;
    }
    stack.receive(skb);
  }
  stack.poll_finished();
}

// --- the peer --------------------------------------------------------------------------------------------------------

void TestBench::from_peer(nic::PacketHeader header, Picoseconds delay, const std::vector<std::byte>& payload) {
  header.source_address = kPeer.address;
  header.source_port = kPeer.port;
  header.destination_address = net::Stack::kLocalAddress;
  header.destination_port = static_cast<std::uint16_t>(local_port);
  if (header.sequence == 0) header.sequence = peer_next;
  header.payload_size = static_cast<std::uint16_t>(payload.size());
  fake.after(delay, [this, header, payload] {
    m_arrivals.push_back({header, payload});
    fake.raise_interrupt(kVector);
  });
}

void TestBench::acknowledge(std::uint64_t stream_bytes, std::uint32_t window_size, Picoseconds delay) {
  from_peer({.acknowledgment = static_cast<std::uint32_t>(first_byte + stream_bytes),
             .window = window_size,
             .flags = nic::tcp_flag::kAck},
            delay);
}

void TestBench::data_from_peer(unsigned count, Bytes size, Picoseconds distance) {
  for (unsigned i = 1; i <= count; ++i) {
    from_peer({.acknowledgment = static_cast<std::uint32_t>(first_byte + stream.size()),
               .window = window(),
               .flags = nic::tcp_flag::kAck},
              distance * i, std::vector<std::byte>(size));
    peer_next += static_cast<std::uint32_t>(size);
  }
}

void TestBench::answer(const SentPacket& packet) {
  namespace flag = nic::tcp_flag;
  const nic::PacketHeader& header = packet.header;
  if ((header.flags & flag::kSyn) != 0) {
    first_byte = header.sequence + 1;
    local_port = header.source_port;
    if (!answers_syn) return;
    const auto flags = static_cast<std::uint8_t>(flag::kAck | (refuses ? flag::kReset : flag::kSyn));
    from_peer({.sequence = kPeerSequence,
               .acknowledgment = first_byte,
               .window = window(),
               .flags = flags,
               .timestamp_echo = echoes_timestamps ? header.timestamp : 0},
              round_trip);
    peer_next = kPeerSequence + 1;
    return;
  }
  const auto in_order = static_cast<std::uint32_t>(first_byte + stream.size());
  const auto known = in_order - header.sequence;            // bytes at the front that the peer has
  const bool probe = known == 1 && packet.payload.empty();  // asks for the window
  if (packet.payload.empty() && (header.flags & flag::kFin) == 0 && !probe) return;
  if (known <= packet.payload.size()) {
    stream.insert(stream.end(), packet.payload.begin() + known, packet.payload.end());
    if ((header.flags & flag::kFin) != 0) peer_saw_fin = true;
  }
  if (acknowledges) acknowledge(stream.size() + (peer_saw_fin ? 1 : 0), window(), round_trip);
}

std::vector<SentPacket> TestBench::data_packets() const {
  std::vector<SentPacket> result;
  std::ranges::copy_if(sent, std::back_inserter(result), [](const SentPacket& p) { return !p.payload.empty(); });
  return result;
}

std::vector<Bytes> TestBench::data_sizes() const {
  std::vector<Bytes> result;
  for (const SentPacket& packet : data_packets()) result.push_back(packet.payload.size());
  return result;
}

bool TestBench::received_user_bytes(Bytes size) const {
  if (stream.size() != size) return false;
  for (Bytes i = 0; i < size; ++i) {
    if (stream[i] != user_byte(i)) return false;
  }
  return true;
}

}  // namespace sluice::tests
