// SPDX-License-Identifier: Apache-2.0
// The driver against a device that is a script on its registers, on the fake machine.
#include "kernel_sim/drivers/nic_driver.h"

#include <cstring>
#include <deque>
#include <vector>

#include <gtest/gtest.h>

#include "kernel_sim/net/tcp_connection.h"
#include "models/fabric/memory_map.h"
#include "tests/support/fake_machine.h"

namespace sluice::tests {
namespace {

namespace reg = nic::reg;
using nic::RxDescriptor;
using nic::TxDescriptor;

constexpr unsigned kTransmitVector = 5;
constexpr unsigned kReceiveVector = 6;
const hal::DeviceInfo kDevice{"nic", "nic", fabric::register_window(3), kTransmitVector};

/// The device: reads descriptors when it is told to, checks them, completes packets after a while.
class FakeNic {
 public:
  explicit FakeNic(FakeMachine& fake, std::uint32_t capabilities) : m_fake(fake), m_capabilities(capabilities) {
    fake.map_device(
        kDevice.registers, fabric::kMmioWindow,
        [this](Bytes offset, unsigned) -> std::uint64_t {
          if (offset == reg::kCapabilities.offset) return m_capabilities;
          return offset == reg::kMtu.offset ? 1500U : registers[offset];
        },
        [this](Bytes offset, unsigned, std::uint64_t value) { write(offset, value); });
  }

  struct Packet {
    std::vector<TxDescriptor> descriptors;
    nic::PacketHeader header;
    std::vector<std::byte> payload;
  };

  /// The bus address of a bad place would throw here.
  std::span<std::byte> at(std::uint64_t address, Bytes size) { return m_fake.bytes(PhysAddr{address}, size); }

  void receive(const nic::PacketHeader& header, const std::vector<std::byte>& payload = {}) {
    if (rx_head == registers[reg::kRxTail.offset]) {
      ++rx_dropped;
      return;
    }
    RxDescriptor descriptor;
    const auto slot = at(registers[reg::kRxRingBase.offset] + rx_head * 16, 16);
    std::memcpy(&descriptor, slot.data(), 16);
    const nic::HeaderBytes bytes = nic::encode(header);
    ASSERT_EQ(descriptor.status, 0);
    ASSERT_GE(descriptor.size, bytes.size() + payload.size());
    std::ranges::copy(bytes, at(descriptor.address, bytes.size()).begin());
    std::ranges::copy(payload, at(descriptor.address + bytes.size(), payload.size()).begin());
    descriptor.size = static_cast<std::uint16_t>(bytes.size() + payload.size());
    descriptor.status = nic::kRxDone | nic::kRxChecksumGood;
    std::memcpy(slot.data(), &descriptor, 16);
    rx_head = (rx_head + 1) % registers[reg::kRxRingSize.offset];
    raise(kReceiveVector);
  }

  std::map<Bytes, std::uint64_t> registers;
  std::vector<Packet> packets;
  std::uint64_t rx_head = 0;
  std::uint64_t rx_dropped = 0;
  std::uint64_t doorbells = 0;
  std::uint64_t interrupts = 0;
  Picoseconds completion = 5_us;
  std::function<void(const Packet&)> on_packet;

 private:
  /// Coalesced: a message 100 ns after the first cause, if the causes are not masked by then.
  void raise(unsigned vector) {
    if (std::exchange(m_due, true)) return;
    m_fake.after(100_ns, [this, vector] {
      m_due = false;
      if (registers[reg::kInterruptMask.offset] != 0) {
        m_pending = vector;
        return;
      }
      ++interrupts;
      m_fake.raise_interrupt(vector);
    });
  }

  void write(Bytes offset, std::uint64_t value) {
    registers[offset] = value;
    if (offset == reg::kInterruptMask.offset && value == 0 && m_pending) raise(*std::exchange(m_pending, {}));
    if (offset != reg::kTxTail.offset) return;
    ++doorbells;
    Packet packet;
    while (m_fetched != value) {
      TxDescriptor descriptor;
      std::memcpy(&descriptor, at(registers[reg::kTxRingBase.offset] + m_fetched * 16, 16).data(), 16);
      m_fetched = (m_fetched + 1) % registers[reg::kTxRingSize.offset];
      const auto bytes = at(descriptor.address, descriptor.size);
      packet.payload.insert(packet.payload.end(), bytes.begin(), bytes.end());
      packet.descriptors.push_back(descriptor);
      if ((descriptor.flags & nic::kTxEndOfPacket) == 0) continue;
      EXPECT_TRUE(nic::decode(packet.payload, packet.header));
      packet.payload.erase(packet.payload.begin(), packet.payload.begin() + nic::kAllHeaders);
      packets.push_back(packet);
      if (on_packet) on_packet(packet);
      packet = {};
    }
    EXPECT_TRUE(packet.descriptors.empty()) << "half a packet behind a doorbell";
    m_fake.after(completion, [this, head = static_cast<std::uint32_t>(value)] {
      std::memcpy(at(registers[reg::kTxHeadWriteback.offset], 4).data(), &head, 4);
      raise(kTransmitVector);
    });
  }

  FakeMachine& m_fake;
  std::uint32_t m_capabilities;
  std::uint64_t m_fetched = 0;
  std::optional<unsigned> m_pending;
  bool m_due = false;
};

constexpr std::uint32_t kEverything =
    nic::capability::kGather | nic::capability::kChecksumOffload | nic::capability::kSegmentationOffload;

class Bench {
 public:
  static inline const kernel_sim::Endpoint kPeer{0x0A00'0002, 5001};

  explicit Bench(net::NetConfig net_config = {}, std::uint32_t capabilities = kEverything)
      : config(net_config), nic(fake, capabilities) {
    nic.on_packet = [this](const FakeNic::Packet& packet) { answer(packet); };
  }

  void run(const std::function<void(net::Stack&, drivers::NicDriver&)>& body) {
    bool returned = false;
    scheduler.spawn("test", [&] {
      net::Stack stack{machine, scheduler, frames, fake.ledger(), config};
      drivers::NicDriver driver{machine, kDevice, scheduler, frames, stack, config};
      body(stack, driver);
      sleep(10_ms);
      returned = true;
    });
    fake.run_all(8);
    ASSERT_TRUE(returned);
    EXPECT_TRUE(frames.breaches().empty());
    for (const Place place : {Place::SocketBuffer, Place::KernelMemory, Place::PageCache}) {
      EXPECT_EQ(frames.held_frames(place), 0U) << name_of(place);
    }
  }
  void sleep(Picoseconds duration) {
    sched::WaitQueue queue;
    scheduler.wait(queue, "time to pass", duration);
  }

  /// Splice: `size` bytes of pages, byte i is i * 7.
  struct Pages final : fs::SpliceSource {
    Pages(Bench& bench, Bytes size) : frames(bench.frames) {
      for (Bytes done = 0; done < size; done += kPageSize) {
        const PhysAddr page = frames.allocate_at_boot(Place::PageCache)->address();
        const auto piece = static_cast<std::uint32_t>(std::min(kPageSize, size - done));
        for (Bytes i = 0; i < piece; ++i) bench.fake.bytes(page + i, 1)[0] = static_cast<std::byte>((done + i) * 7);
        waiting.push_back({page, piece});
      }
    }
    [[nodiscard]] unsigned fragments() const override { return static_cast<unsigned>(waiting.size()); }
    [[nodiscard]] mm::Fragment peek(unsigned i) const override { return waiting[i]; }
    void consume(Bytes size) override {
      waiting[0].address += size;
      waiting[0].size -= static_cast<std::uint32_t>(size);
      if (waiting[0].size > 0) return;
      frames.put(mm::Fragment{waiting[0].address - 1, 1});
      waiting.pop_front();
    }
    mm::FrameAllocator& frames;
    std::deque<mm::Fragment> waiting;
  };

  FakeMachine fake;
  hal::Machine machine{fake.machine()};
  sched::SchedConfig sched_config;
  sched::Scheduler scheduler{machine, sched_config};
  mm::MmConfig mm_config;
  mm::FrameAllocator frames{machine, fake.ledger(), mm_config, Frame{1}, (Bytes{48} << 20 >> kPageShift) - 1};
  net::NetConfig config;
  FakeNic nic;
  std::vector<std::byte> stream;
  std::uint32_t peer_sequence = 1000;
  unsigned acknowledgments_per_packet = 1;

 private:
  void answer(const FakeNic::Packet& packet) {
    namespace flag = nic::tcp_flag;
    const bool syn = (packet.header.flags & flag::kSyn) != 0;
    const bool fin = (packet.header.flags & flag::kFin) != 0;
    stream.insert(stream.end(), packet.payload.begin(), packet.payload.end());
    if (packet.payload.empty() && !syn && !fin) return;
    nic::PacketHeader reply{
        .source_address = kPeer.address,
        .destination_address = net::Stack::kLocalAddress,
        .source_port = kPeer.port,
        .destination_port = packet.header.source_port,
        .sequence = peer_sequence,
        .window = 4 << 20,
        .flags = static_cast<std::uint8_t>(flag::kAck | (syn ? flag::kSyn : 0) | (fin ? flag::kFin : 0))};
    const auto length = static_cast<std::uint32_t>(packet.payload.size()) + (syn || fin ? 1U : 0U);
    for (unsigned i = 1; i <= acknowledgments_per_packet; ++i) {
      reply.acknowledgment = packet.header.sequence + (i == acknowledgments_per_packet ? length : 0);
      fake.after(20_us, [this, reply] { nic.receive(reply); });
    }
    if (syn || fin) ++peer_sequence;
  }
};

void expect_stream(const Bench& bench, Bytes size) {
  ASSERT_EQ(bench.stream.size(), size);
  for (Bytes i = 0; i < size; ++i) {
    if (bench.stream[i] != static_cast<std::byte>(i * 7)) FAIL() << "byte " << i;
  }
}

TEST(NicDriver, SaysWhatTheDeviceCanDo) {
  Bench bench{{}, nic::capability::kGather};
  bench.run([&](net::Stack&, drivers::NicDriver& driver) {
    EXPECT_TRUE(driver.features().gather);
    EXPECT_FALSE(driver.features().checksum);
    EXPECT_FALSE(driver.features().segmentation);
    EXPECT_EQ(driver.features().mtu, 1500U);
    EXPECT_EQ(bench.nic.registers[reg::kControl.offset], nic::control::kEnable);
    EXPECT_EQ(bench.nic.registers[reg::kRxTail.offset], 1023U);  // a ring of n holds n - 1
  });
}

TEST(NicDriver, RefusesAMachineWithoutDevice) {
  FakeMachine fake;
  hal::Machine machine = fake.machine();
  const sched::SchedConfig sched_config;
  sched::Scheduler scheduler{machine, sched_config};
  const mm::MmConfig mm_config;
  mm::FrameAllocator frames{machine, fake.ledger(), mm_config, Frame{1}, 1000};
  const net::NetConfig config;
  net::Stack stack{machine, scheduler, frames, fake.ledger(), config};
  EXPECT_THROW((drivers::NicDriver{machine, kDevice, scheduler, frames, stack, config}), base::InputError);
}

TEST(NicDriver, DescribesHeadersAndEachPage) {
  net::NetConfig config;
  config.initial_window = 100;
  Bench bench{config};
  bench.run([&](net::Stack& stack, drivers::NicDriver&) {
    const auto socket = stack.create_socket(2);
    ASSERT_TRUE(socket->connect(Bench::kPeer).has_value());
    bench.nic.packets.clear();
    Bench::Pages pages{bench, 10000};
    EXPECT_EQ(socket->splice_write(pages, 10000, nullptr, 0), 10000U);
    ASSERT_EQ(bench.nic.packets.size(), 1U);
    const auto& descriptors = bench.nic.packets[0].descriptors;
    ASSERT_EQ(descriptors.size(), 4U);
    EXPECT_EQ(descriptors[0].size, nic::kAllHeaders);
    EXPECT_EQ(descriptors[0].header_size, nic::kAllHeaders);
    EXPECT_EQ(descriptors[0].mss, 1448);
    EXPECT_EQ(descriptors[0].flags, nic::kTxSegment | nic::kTxInsertChecksum);
    EXPECT_EQ(descriptors[1].size, 4096);
    EXPECT_EQ(descriptors[2].flags, 0);
    EXPECT_EQ(descriptors[3].size, 1808);
    EXPECT_EQ(descriptors[3].flags, nic::kTxEndOfPacket);
    socket->close();
  });
  expect_stream(bench, 10000);
}

TEST(NicDriver, WithoutGatherEveryPacketIsOneDescriptor) {
  Bench bench{{}, nic::capability::kChecksumOffload};
  bench.run([&](net::Stack& stack, drivers::NicDriver&) {
    const auto socket = stack.create_socket(2);
    ASSERT_TRUE(socket->connect(Bench::kPeer).has_value());
    Bench::Pages pages{bench, 100000};
    EXPECT_EQ(socket->splice_write(pages, 100000, nullptr, 0), 100000U);
    socket->close();
    bench.sleep(20_ms);
  });
  for (const auto& packet : bench.nic.packets) EXPECT_EQ(packet.descriptors.size(), 1U);
  expect_stream(bench, 100000);
}

TEST(NicDriver, RingsWrapAroundManyTimes) {
  net::NetConfig config;
  config.tx_ring = 32;
  config.rx_ring = 8;
  Bench bench{config, nic::capability::kGather | nic::capability::kChecksumOffload};
  bench.run([&](net::Stack& stack, drivers::NicDriver& driver) {
    const auto socket = stack.create_socket(2);
    ASSERT_TRUE(socket->connect(Bench::kPeer).has_value());
    Bench::Pages pages{bench, 1'000'000};
    EXPECT_EQ(socket->splice_write(pages, 1'000'000, nullptr, 0), 1'000'000U);
    socket->close();
    bench.sleep(20'000_ms);
    EXPECT_GT(driver.statistics().tx_descriptors, 1400U);  // 691 segments with one header and at least one page each
    EXPECT_GT(driver.statistics().tx_ring_full, 10U);
    EXPECT_GT(driver.statistics().rx_packets, 64U);
    EXPECT_EQ(stack.connections(), 0U);
  });
  expect_stream(bench, 1'000'000);
}

TEST(NicDriver, OneDoorbellForThePiecesOfALargePacket) {
  net::NetConfig config;
  config.initial_window = 100;
  Bench bench{config, nic::capability::kGather | nic::capability::kChecksumOffload};
  bench.run([&](net::Stack& stack, drivers::NicDriver&) {
    const auto socket = stack.create_socket(2);
    ASSERT_TRUE(socket->connect(Bench::kPeer).has_value());
    const auto before = bench.nic.doorbells;
    const auto packets = bench.nic.packets.size();
    Bench::Pages pages{bench, 14480};
    EXPECT_EQ(socket->splice_write(pages, 14480, nullptr, 0), 14480U);
    EXPECT_EQ(bench.nic.packets.size() - packets, 10U);
    EXPECT_EQ(bench.nic.doorbells - before, 1U);
    socket->close();
  });
}

TEST(NicDriver, OnePollServesManyInterruptCauses) {
  net::NetConfig config;
  config.initial_window = 100;
  config.quick_acks = 0;
  Bench bench{config};
  bench.acknowledgments_per_packet = 200;
  bench.run([&](net::Stack& stack, drivers::NicDriver& driver) {
    const auto socket = stack.create_socket(2);
    bench.acknowledgments_per_packet = 1;
    ASSERT_TRUE(socket->connect(Bench::kPeer).has_value());
    bench.acknowledgments_per_packet = 200;
    bench.sleep(1_ms);
    const auto before = driver.statistics();
    Bench::Pages pages{bench, 1448};
    EXPECT_EQ(socket->splice_write(pages, 1448, nullptr, 0), 1448U);
    bench.sleep(1_ms);
    EXPECT_EQ(driver.statistics().rx_packets - before.rx_packets, 200U);
    // One for the transmitted packet and one for the acknowledgments, polled 64 at a time: 64, 64, 64, 8; a further
    // interrupt for the causes that came while the device was masked.
    EXPECT_LE(driver.statistics().interrupts - before.interrupts, 3U);
    EXPECT_GE(driver.statistics().polls - before.polls, 5U);
    EXPECT_LE(driver.statistics().polls - before.polls, 6U);
    bench.acknowledgments_per_packet = 1;
    socket->close();
  });
}

TEST(NicDriver, AFrameThatIsNoTcpIsCountedAndItsBufferServesAgain) {
  net::NetConfig config;
  config.rx_ring = 8;
  Bench bench{config};
  bench.run([&](net::Stack& stack, drivers::NicDriver& driver) {
    for (int i = 0; i < 100; ++i) {
      bench.fake.after(1_us, [&] {
        RxDescriptor descriptor;
        const auto slot = bench.nic.at(bench.nic.registers[reg::kRxRingBase.offset] + bench.nic.rx_head * 16, 16);
        std::memcpy(&descriptor, slot.data(), 16);
        descriptor.size = 60;
        descriptor.status = nic::kRxDone;
        std::memcpy(slot.data(), &descriptor, 16);
        bench.nic.rx_head = (bench.nic.rx_head + 1) % 8;
        bench.fake.raise_interrupt(kReceiveVector);
      });
      bench.sleep(20_us);
    }
    EXPECT_EQ(driver.statistics().rx_bad, 100U);
    EXPECT_EQ(stack.skbs().in_use(), 0U);
  });
}

TEST(NicDriver, PayloadLeavesItsBufferToTheReader) {
  Bench bench;
  bench.run([&](net::Stack& stack, drivers::NicDriver&) {
    const auto socket = stack.create_socket(2);
    ASSERT_TRUE(socket->connect(Bench::kPeer).has_value());
    const nic::PacketHeader header{.source_address = Bench::kPeer.address,
                                   .destination_address = net::Stack::kLocalAddress,
                                   .source_port = Bench::kPeer.port,
                                   .destination_port = socket->local().port,
                                   .sequence = bench.peer_sequence,
                                   .acknowledgment = bench.nic.packets.back().header.sequence,
                                   .window = 1 << 20,
                                   .flags = nic::tcp_flag::kAck,
                                   .payload_size = 5};
    bench.peer_sequence += 5;
    bench.fake.after(1_us, [&] { bench.nic.receive(header, std::vector<std::byte>(5, std::byte{42})); });
    bench.sleep(10_us);
    struct Sink final : fs::SpliceSink {
      [[nodiscard]] unsigned free_slots() const override { return 16; }
      bool push(const mm::Fragment& fragment, Place) override {
        taken.push_back(fragment);
        return true;
      }
      std::vector<mm::Fragment> taken;
    } sink;
    EXPECT_EQ(socket->splice_read(sink, 100, nullptr, 0), 5U);
    ASSERT_EQ(sink.taken.size(), 1U);
    EXPECT_EQ(bench.fake.bytes(sink.taken[0].address, 5)[4], std::byte{42});
    EXPECT_EQ(bench.frames.references(Frame::of(sink.taken[0].address)), 1U);
    bench.frames.put(sink.taken[0]);
    socket->close();
  });
}

}  // namespace
}  // namespace sluice::tests
