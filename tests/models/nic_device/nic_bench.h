// SPDX-License-Identifier: Apache-2.0
// A controller on a bench: a memory with a latency and a rate instead of the machine, a small driver, and a peer that
// notes what arrives.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "models/base/ledger.h"
#include "models/fabric/dma.h"
#include "models/fabric/memory_map.h"
#include "models/fabric/timeline.h"
#include "models/nic/nic.h"
#include "models/nic/nic_registers.h"
#include "models/nic/peer.h"
#include "tests/support/simulation.h"

namespace sluice::nic {

inline Picoseconds simulated_now() { return fabric::to_picoseconds(sc_core::sc_time_stamp()); }

/// 16 MiB of memory behind a port: reads take `latency`, then bytes come at `rate`; writes are there at once.
class BenchMemory : public sc_core::sc_module {
 public:
  struct Message {
    Picoseconds at;
    unsigned vector;
    bool operator==(const Message&) const = default;
  };
  struct Read {
    Picoseconds done;
    Bytes size;
    Place to;
  };
  BenchMemory(sc_core::sc_module_name name, base::Ledger& ledger)
      : sc_module(name), bus("bus"), bytes(16_MiB), m_ledger(ledger) {
    bus.register_b_transport(this, &BenchMemory::b_transport);
  }

  tlm_utils::simple_target_socket<BenchMemory> bus;
  std::vector<std::byte> bytes;
  Picoseconds latency;
  ByteRate rate;  ///< 0: no limit
  std::vector<Message> messages;
  std::vector<Read> reads;

  template <class T>
  T load(std::uint64_t at) const {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    return value;
  }
  template <class T>
  void store(std::uint64_t at, const T& value) {
    std::memcpy(bytes.data() + at, &value, sizeof(T));
  }

 private:
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    const std::uint64_t address = payload.get_address();
    const Bytes size = payload.get_data_length();
    const Picoseconds asked = simulated_now() + fabric::to_picoseconds(delay);
    if (address >= fabric::kMsiBase && address < fabric::kMsiBase + fabric::kMsiSize) {
      unsigned vector = 0;
      std::memcpy(&vector, payload.get_data_ptr(), 4);
      EXPECT_EQ(fabric::msi_address(vector), BusAddr{address});
      messages.push_back({asked, vector});
      payload.set_response_status(tlm::TLM_OK_RESPONSE);
      return;
    }
    if (address + size > bytes.size()) {
      payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    auto* extension = payload.get_extension<fabric::DmaExtension>();
    if (payload.is_read()) {
      std::memcpy(payload.get_data_ptr(), bytes.data() + address, size);
      auto shadow = m_ledger.read_by_device(PhysAddr{address}, size, extension->device_place, base::Mover::Dma);
      if (extension->shadow != nullptr) *extension->shadow = std::move(shadow);
      const auto done = m_link.reserve(asked + latency, rate == ByteRate{} ? 0_ps : transfer_time(size, rate)).end;
      reads.push_back({done, size, extension->device_place});
      delay = fabric::to_sc_time(done - simulated_now());
    } else {
      std::memcpy(bytes.data() + address, payload.get_data_ptr(), size);
      m_ledger.written_by_device(extension->device_place,
                                 extension->shadow != nullptr ? *extension->shadow : base::Shadow{}, PhysAddr{address},
                                 size, base::Mover::Dma);
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  }

  base::Ledger& m_ledger;
  fabric::Timeline m_link;
};

/// Whoever writes registers.
class BenchCore : public sc_core::sc_module {
 public:
  explicit BenchCore(sc_core::sc_module_name name) : sc_module(name), registers("registers") {}
  tlm_utils::simple_initiator_socket<BenchCore> registers;
};

/// Notes what the peer's application is given.
class NotingApplication : public PeerApplication {
 public:
  struct Piece {
    Picoseconds called;
    Picoseconds first;
    Picoseconds last;
    Bytes size;
  };
  void connected(ConnectionId, std::uint16_t port, Picoseconds) override { ports.push_back(port); }
  void data(const Arrival& arrival) override {
    bytes.insert(bytes.end(), arrival.bytes().begin(), arrival.bytes().end());
    pieces.push_back({simulated_now(), arrival.arrival_of(0), arrival.arrival_of(arrival.size - 1), arrival.size});
  }
  void finished(ConnectionId, Picoseconds) override { ++finished_connections; }

  std::vector<std::uint16_t> ports;
  std::vector<std::byte> bytes;
  std::vector<Piece> pieces;
  unsigned finished_connections = 0;
};

/// A controller whose own delays are zero, so that expected instants can be computed by hand.
inline NicConfig instant_nic() {
  NicConfig config;
  config.rate = BitRate{10'000'000'000};
  config.packet_processing = 0_ps;
  config.tx_coalesce_frames = 1;
  config.rx_coalesce_frames = 1;
  return config;
}
/// One acknowledgment per second segment, nothing clever.
inline PeerConfig plain_peer() {
  PeerConfig config;
  config.quick_acks = 0;
  config.acknowledge_push = false;
  config.turnaround = 1_us;
  return config;
}

inline WireConfig wire_of(Picoseconds propagation) {
  WireConfig config;
  config.propagation = propagation;
  return config;
}

struct Bench {
  static constexpr std::uint64_t kTxRing = 0x10000;
  static constexpr std::uint64_t kRxRing = 0x20000;
  static constexpr std::uint64_t kHead = 0x30000;
  static constexpr std::uint64_t kHeaders = 0x40000;    // one 128-byte slot per packet
  static constexpr std::uint64_t kRxBuffers = 0x80000;  // 2 KiB each
  static constexpr std::uint64_t kPayload = 0x400000;
  static constexpr std::uint32_t kTxVector = 2;
  static constexpr std::uint32_t kRxVector = 3;

  explicit Bench(const NicConfig& config = instant_nic(), const PeerConfig& peer_config = plain_peer(),
                 const WireConfig& wire_config = wire_of(0_ps))
      : memory("memory", ledger),
        nic("nic", config, ledger),
        wire(config, wire_config, ledger),
        peer("peer", peer_config, wire, ledger),
        core("core") {
    nic.dma.bus.bind(memory.bus);
    core.registers.bind(nic.registers.bus);
    nic.connect(wire);
    peer.set_application(application);
    ledger.record(true);
    // Payload memory: known bytes, of file 1.
    for (std::uint64_t i = kPayload; i < memory.bytes.size(); ++i) {
      memory.bytes[i] = static_cast<std::byte>((i * 2654435761U) >> 13);
    }
    for (std::uint64_t at = kPayload; at < memory.bytes.size(); at += kPageSize) {
      ledger.assign(Frame::of(PhysAddr{at}), Place::PageCache);
      ledger.declare(PhysAddr{at}, {{0, kPageSize, at - kPayload, 1, 0}}, kPageSize);
    }
    for (std::uint64_t at = 0; at < kPayload; at += kPageSize) {
      ledger.assign(Frame::of(PhysAddr{at}), Place::KernelMemory);
    }
  }

  // --- registers ---
  tlm::tlm_response_status access(tlm::tlm_command command, Bytes offset, unsigned size, std::uint64_t& value) {
    tlm::tlm_generic_payload payload;
    payload.set_command(command);
    payload.set_address(offset);
    payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
    payload.set_data_length(size);
    payload.set_streaming_width(size);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    sc_core::sc_time delay;
    core.registers->b_transport(payload, delay);
    return payload.get_response_status();
  }
  void write(const fabric::Register& r, std::uint64_t value) {
    EXPECT_EQ(access(tlm::TLM_WRITE_COMMAND, r.offset, r.size, value), tlm::TLM_OK_RESPONSE) << r.name;
  }
  std::uint64_t read(const fabric::Register& r) {
    std::uint64_t value = 0;
    EXPECT_EQ(access(tlm::TLM_READ_COMMAND, r.offset, r.size, value), tlm::TLM_OK_RESPONSE) << r.name;
    return value;
  }

  // --- driver ---
  void start(std::uint32_t tx_entries = 256, std::uint32_t rx_entries = 256) {
    tx_size = tx_entries;
    rx_size = rx_entries;
    tx_tail = 0;
    rx_tail = 0;
    write(reg::kTxRingBase, kTxRing);
    write(reg::kTxRingSize, tx_entries);
    write(reg::kTxHeadWriteback, kHead);
    write(reg::kTxVector, kTxVector);
    write(reg::kRxRingBase, kRxRing);
    write(reg::kRxRingSize, rx_entries);
    write(reg::kRxVector, kRxVector);
    write(reg::kControl, control::kEnable);
  }
  void put_descriptor(const TxDescriptor& descriptor) {
    memory.store(kTxRing + tx_tail * sizeof descriptor, descriptor);
    tx_tail = (tx_tail + 1) % tx_size;
  }
  void doorbell() { write(reg::kTxTail, tx_tail); }

  struct Fragment {
    std::uint64_t address;
    std::uint16_t size;
  };
  struct Packet {
    std::vector<Fragment> fragments;
    std::uint8_t flags = kTxSegment | kTxInsertChecksum;
    std::uint16_t mss = 1448;
    std::uint8_t tcp = tcp_flag::kAck;
    bool break_checksum = false;
  };
  /// Writes headers and descriptors of the connection's next packet.
  void put_packet(const Packet& packet) {
    PacketHeader header;
    header.source_address = 0x0A000001;
    header.destination_address = 0x0A000002;
    header.source_port = 40000;
    header.destination_port = 80;
    header.sequence = sequence;
    header.window = 1_MiB;
    header.flags = packet.tcp;
    Bytes payload = 0;
    std::vector<std::byte> gathered;
    for (const Fragment& fragment : packet.fragments) {
      payload += fragment.size;
      const auto from = memory.bytes.begin() + static_cast<std::ptrdiff_t>(fragment.address);
      gathered.insert(gathered.end(), from, from + fragment.size);
    }
    header.payload_size = static_cast<std::uint16_t>(payload);
    if ((packet.flags & (kTxSegment | kTxInsertChecksum)) == 0) {
      header.checksum = static_cast<std::uint16_t>(~checksum_fold(checksum_add(gathered, tcp_header_sum(header))) ^
                                                   (packet.break_checksum ? 0x0100 : 0));
    }
    sent.insert(sent.end(), gathered.begin(), gathered.end());
    sequence += static_cast<std::uint32_t>(payload) + ((packet.tcp & (tcp_flag::kSyn | tcp_flag::kFin)) != 0 ? 1 : 0);

    const std::uint64_t at = kHeaders + header_slot++ % 2048 * 128;
    memory.store(at, encode(header));
    put_descriptor({at, kAllHeaders, packet.flags, kAllHeaders, packet.mss, 0});
    for (const Fragment& fragment : packet.fragments) put_descriptor({fragment.address, fragment.size, 0, 0, 0, 0});
    const std::uint64_t last = kTxRing + (tx_tail + tx_size - 1) % tx_size * sizeof(TxDescriptor);
    auto descriptor = memory.load<TxDescriptor>(last);
    descriptor.flags |= kTxEndOfPacket;
    memory.store(last, descriptor);
  }
  void put_packet(std::uint64_t at, std::uint16_t size) { put_packet({.fragments = {{at, size}}}); }
  /// Opens the connection with a SYN and waits until it is over.
  void connect() {
    put_packet({.fragments = {}, .flags = kTxInsertChecksum, .tcp = tcp_flag::kSyn});
    doorbell();
    sc_core::wait(100, sc_core::SC_US);
  }
  void post_buffers(std::uint32_t count, std::uint16_t size = 2048) {
    for (std::uint32_t i = 0; i < count; ++i) {
      memory.store(kRxRing + rx_tail * sizeof(RxDescriptor), RxDescriptor{kRxBuffers + rx_tail * 2048, size, 0, {}});
      rx_tail = (rx_tail + 1) % rx_size;
    }
    write(reg::kRxTail, rx_tail);
  }
  [[nodiscard]] RxDescriptor rx_descriptor(std::uint32_t index) const {
    return memory.load<RxDescriptor>(kRxRing + index * sizeof(RxDescriptor));
  }
  [[nodiscard]] PacketHeader rx_header(std::uint32_t index) const {
    PacketHeader header;
    EXPECT_TRUE(decode(std::span{memory.bytes}.subspan(kRxBuffers + index * 2048, 2048), header));
    return header;
  }
  [[nodiscard]] std::vector<Picoseconds> messages(std::uint32_t vector) const {
    std::vector<Picoseconds> instants;
    for (const auto& message : memory.messages) {
      if (message.vector == vector) instants.push_back(message.at);
    }
    return instants;
  }
  void expect_everything_delivered() const {
    EXPECT_EQ(application.bytes.size(), sent.size());
    EXPECT_TRUE(application.bytes == sent) << "the peer got other bytes";
    for (const Place place : {Place::NicFifo, Place::Wire}) EXPECT_EQ(ledger.held_in(place), 0);
    EXPECT_TRUE(ledger.breaches().empty()) << ledger.breaches().front();
  }

  base::Ledger ledger;
  BenchMemory memory;
  Nic nic;
  Wire wire;
  Peer peer;
  BenchCore core;
  NotingApplication application;
  std::uint32_t tx_size = 0, rx_size = 0, tx_tail = 0, rx_tail = 0;
  std::uint32_t sequence = 1000;
  std::uint64_t header_slot = 0;
  std::vector<std::byte> sent;
};

}  // namespace sluice::nic
