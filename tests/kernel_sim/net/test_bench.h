// SPDX-License-Identifier: Apache-2.0
// A stack on a fake machine, an interface that records what it is given, and a peer that answers by a script.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/tcp_connection.h"
#include "tests/support/fake_machine.h"

namespace sluice::tests {

/// What the interface was given in one transmit call.
struct SentPacket {
  Picoseconds at;
  nic::PacketHeader header;
  std::vector<std::byte> payload;
  std::uint16_t segment = 0;
  bool checksum_by_device = false;
  bool linear = false;
  unsigned fragments = 0;
  unsigned frames = 1;
};

class RecordingDevice final : public net::NetDevice {
 public:
  explicit RecordingDevice(net::DeviceFeatures features) : m_features(features) {}
  [[nodiscard]] const net::DeviceFeatures& features() const override { return m_features; }
  /// For connections made from now on.
  void set_mtu(Bytes mtu) { m_features.mtu = mtu; }
  void transmit(net::Skb& skb, bool more) override { on_transmit(skb, more); }
  [[nodiscard]] bool stopped() const override { return is_stopped; }

  bool is_stopped = false;
  std::function<void(net::Skb&, bool)> on_transmit;

 private:
  net::DeviceFeatures m_features;
};

/// User memory that is physical memory at a fixed distance; accesses beyond `limit` fault.
class FlatUserMemory final : public mm::UserMemory {
 public:
  Bytes limit;

  FlatUserMemory(hal::Machine machine, PhysAddr base, Bytes size) : limit(size), m_machine(machine), m_base(base) {}
  Bytes copy_in(VirtAddr from, PhysAddr to, Bytes size) override {
    size = within(from, size);
    if (size > 0) m_machine.cpu.copy(m_base + from.value(), to, size);
    return size;
  }
  Bytes copy_out(PhysAddr from, VirtAddr to, Bytes size) override {
    size = within(to, size);
    if (size > 0) m_machine.cpu.copy(from, m_base + to.value(), size);
    return size;
  }
  Result<void> load(VirtAddr, std::span<std::byte>) override { return refuse(EFAULT); }
  Result<void> store(VirtAddr, std::span<const std::byte>) override { return refuse(EFAULT); }
  Result<std::vector<mm::Fragment>> pin(VirtAddr, Bytes, hal::Access) override { return refuse(EFAULT); }

 private:
  [[nodiscard]] Bytes within(VirtAddr at, Bytes size) const {
    return at.value() >= limit ? 0 : std::min<Bytes>(size, limit - at.value());
  }
  hal::Machine m_machine;
  PhysAddr m_base;
};

/// User memory that is a list of pages of the allocator, from address 0 on.
class PagedUserMemory final : public mm::UserMemory {
 public:
  PagedUserMemory(hal::Machine machine, mm::FrameAllocator& frames, std::vector<mm::Fragment> pages)
      : m_machine(machine), m_frames(frames), m_pages(std::move(pages)) {}
  ~PagedUserMemory() override {
    for (const mm::Fragment& page : m_pages) m_frames.put_at_shutdown(Frame::of(page.address));
  }
  Bytes copy_in(VirtAddr from, PhysAddr to, Bytes size) override {
    Bytes done = 0;
    for (const mm::Fragment& piece : pieces(from, size)) {
      m_machine.cpu.copy(piece.address, to + done, piece.size);
      done += piece.size;
    }
    return done;
  }
  Bytes copy_out(PhysAddr from, VirtAddr to, Bytes size) override {
    Bytes done = 0;
    for (const mm::Fragment& piece : pieces(to, size)) {
      m_machine.cpu.copy(from + done, piece.address, piece.size);
      done += piece.size;
    }
    return done;
  }
  Result<void> load(VirtAddr, std::span<std::byte>) override { return refuse(EFAULT); }
  Result<void> store(VirtAddr, std::span<const std::byte>) override { return refuse(EFAULT); }
  Result<std::vector<mm::Fragment>> pin(VirtAddr at, Bytes size, hal::Access) override {
    const std::vector<mm::Fragment> found = pieces(at, size);
    if (found.empty()) return refuse(EFAULT);
    for (const mm::Fragment& piece : found) m_frames.get(piece);
    return found;
  }
  /// Nobody but this memory refers to a page.
  [[nodiscard]] bool all_free() const {
    return std::ranges::all_of(
        m_pages, [&](const mm::Fragment& page) { return m_frames.references(Frame::of(page.address)) == 1; });
  }

 private:
  [[nodiscard]] std::vector<mm::Fragment> pieces(VirtAddr at, Bytes size) const {
    std::vector<mm::Fragment> found;
    while (size > 0 && at.page_number() < m_pages.size()) {
      const Bytes piece = std::min(size, at.left_in_page());
      found.push_back({m_pages[at.page_number()].address + at.page_offset(), static_cast<std::uint32_t>(piece)});
      at += piece;
      size -= piece;
    }
    return found;
  }
  hal::Machine m_machine;
  mm::FrameAllocator& m_frames;
  std::vector<mm::Fragment> m_pages;
};

/// Pages offered to splice.
class PageSource final : public fs::SpliceSource {
 public:
  PageSource(mm::FrameAllocator& frames, std::vector<mm::Fragment> pages) : m_frames(frames) {
    for (const auto& page : pages) m_pages.push_back(page);
  }
  [[nodiscard]] unsigned fragments() const override { return static_cast<unsigned>(m_pages.size()); }
  [[nodiscard]] mm::Fragment peek(unsigned i) const override { return m_pages[i]; }
  void consume(Bytes size) override {
    while (size > 0) {
      mm::Fragment& front = m_pages.front();
      const auto part = static_cast<std::uint32_t>(std::min<Bytes>(size, front.size));
      size -= part;
      if (part == front.size) {
        m_frames.put(front);
        m_pages.pop_front();
      } else {
        front.address += part;
        front.size -= part;
      }
    }
  }

 private:
  mm::FrameAllocator& m_frames;
  std::deque<mm::Fragment> m_pages;
};

class TestBench {
 public:
  static inline const kernel_sim::Endpoint kPeer{0x0A00'0002, 5001};
  static constexpr Bytes kUserSize = 8_MiB;
  static constexpr std::uint32_t kPeerSequence = 7'000'000;

  explicit TestBench(net::DeviceFeatures features = {true, true, true, 1500}, net::NetConfig net_config = {});

  /// Runs `body` as a task until it returns; fails the test when it stays blocked.
  void run(const std::function<void()>& body);
  void sleep(Picoseconds duration);
  /// A connected socket.
  std::shared_ptr<net::TcpSocket> connect(int flags = 2);
  /// Sends user bytes [at, at + size).
  Result<Bytes> send(net::TcpSocket& socket, Bytes at, Bytes size, int flags = 0) {
    return socket.send(memory, VirtAddr{at}, size, flags);
  }
  /// `count` page-cache pages whose contents are user bytes from `at` on.
  std::vector<mm::Fragment> pages(Bytes at, Bytes size, Bytes page_offset = 0);

  // --- the peer -------------------------------------------------------------------------------------------------
  /// A frame from the peer arrives after `delay`. Header fields that a test does not set are filled in.
  void from_peer(nic::PacketHeader header, Picoseconds delay = 1_us, const std::vector<std::byte>& payload = {});
  void acknowledge(std::uint64_t stream_bytes, std::uint32_t window, Picoseconds delay = 1_us);
  /// `count` frames from the peer with `size` bytes in order each, the first after `distance`, and so on.
  void data_from_peer(unsigned count, Bytes size, Picoseconds distance = 1_us);
  /// Stream offset (first payload byte is 0) of a packet that was sent.
  [[nodiscard]] std::uint32_t offset_of(const SentPacket& packet) const { return packet.header.sequence - first_byte; }
  /// Packets with payload, since the start.
  [[nodiscard]] std::vector<SentPacket> data_packets() const;
  [[nodiscard]] std::vector<Bytes> data_sizes() const;
  /// The user bytes that were sent reached the peer, in order, `size` of them.
  [[nodiscard]] bool received_user_bytes(Bytes size) const;

  FakeMachine fake{Bytes{64} << 20};
  hal::Machine machine{fake.machine()};
  sched::SchedConfig sched_config;
  sched::Scheduler scheduler{machine, sched_config};
  mm::MmConfig mm_config;
  mm::FrameAllocator frames{machine, fake.ledger(), mm_config, Frame{1}, (32_MiB >> kPageShift) - 1};
  net::NetConfig config;
  net::Stack stack;
  RecordingDevice device;
  FlatUserMemory memory;

  // the peer's script
  bool answers_syn = true;
  bool refuses = false;
  bool echoes_timestamps = true;
  bool acknowledges = true;  ///< every packet at once
  std::function<std::uint32_t()> window = [] { return 4U << 20; };
  Picoseconds round_trip = 20_us;
  Picoseconds completion_delay = 2_us;  ///< until the interface gives a packet back
  bool completes = true;

  std::vector<SentPacket> sent;
  std::vector<std::byte> stream;  ///< what the peer has, in order
  std::uint32_t first_byte = 0;   ///< sequence number of the stream's first byte
  std::uint32_t local_port = 0;
  std::uint32_t peer_next = kPeerSequence;  ///< the peer's next sequence number
  bool peer_saw_fin = false;
  std::uint64_t bad_checksums = 0;
  void complete_all();  ///< gives back what completes=false kept

 private:
  void take(net::Skb& skb);
  void answer(const SentPacket& packet);
  void poll();

  std::vector<net::Skb*> m_held;
  std::vector<net::Skb*> m_done;
  struct Arrival {
    nic::PacketHeader header;
    std::vector<std::byte> payload;
  };
  std::deque<Arrival> m_arrivals;
};

}  // namespace sluice::tests
