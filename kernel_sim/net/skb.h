// SPDX-License-Identifier: Apache-2.0
// A packet of the stack (struct sk_buff): a piece of a TCP stream with its headers, or a datagram. The record is a host
// object; header bytes and payload lie in simulated memory.
//
//   paged:   [ header slot ]    fragments: [page][page] ... up to 17, each holding one reference
//   linear:  [ headers | payload ]    one piece in a data slot, for interfaces that cannot gather
//   clone:   the fragments of another packet, which the loopback device hands to the receiving side
//
// A packet has one reference per holder: the connection's queue, and the interface while its bytes are being sent.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <netinet/in.h>

#include "kernel_sim/mm/frame_allocator.h"
#include "models/base/result.h"
#include "models/nic/packet_format.h"

namespace sluice::net {

class TcpConnection;
struct ZeroCopyCalls;

struct Skb {
  static constexpr unsigned kMaxFragments = 17;  ///< 64 KiB at any alignment, in 4 KiB pages

  // what the interface needs
  nic::PacketHeader header;         ///< as it stands in memory (transmit) or came in (receive)
  PhysAddr header_address;          ///< of the header bytes; of a linear packet the payload follows
  std::uint32_t size = 0;           ///< payload bytes
  std::uint16_t frames = 1;         ///< frames on the wire it stands for
  std::uint16_t segment = 0;        ///< payload bytes per frame when the interface is to cut it (TSO), else 0
  bool checksum_by_device = false;  ///< transmit: to be inserted. Receive: found good
  bool linear = false;
  std::uint8_t fragment_count = 0;
  std::uint8_t protocol = IPPROTO_TCP;
  std::array<mm::Fragment, kMaxFragments> fragments;

  // what TCP needs
  std::uint16_t segment_limit = 0;  ///< of a SYN: what its sender takes in a segment at most; 0 says nothing
  bool syn = false;
  bool fin = false;
  bool push = false;
  bool retransmitted = false;
  std::uint16_t acknowledged = 0;  ///< frames of it that are acknowledged
  std::uint32_t truesize = 0;      ///< memory it is accounted for
  std::uint32_t references = 0;
  std::uint64_t sequence = 0;  ///< of the first byte, counted without wrapping
  Picoseconds sent_at;
  std::shared_ptr<TcpConnection> connection;  ///< accounted for it while the interface has it

  std::shared_ptr<ZeroCopyCalls> zero_copy;  ///< whose pages it refers to, beside others

  struct Links {
    Skb* next = nullptr;
    Skb* previous = nullptr;
  };
  Skb* twin = nullptr;  ///< the clone of a packet, or the packet of a clone, while both live and share fragments
  Links in_connection;  ///< in the queues of TCP
  Links in_transmit;    ///< in the transmit queue at the same time

  [[nodiscard]] std::uint64_t end() const { return sequence + size + (syn ? 1 : 0) + (fin ? 1 : 0); }
  [[nodiscard]] std::span<const mm::Fragment> pieces() const { return {fragments.data(), fragment_count}; }
};

/// A queue of packets through one pair of their own links.
template <Skb::Links Skb::*kLinks>
class LinkedSkbQueue {
 public:
  [[nodiscard]] bool empty() const { return m_front == nullptr; }
  [[nodiscard]] Skb* front() const { return m_front; }
  [[nodiscard]] Skb* back() const { return m_back; }
  [[nodiscard]] static Skb* after(const Skb& skb) { return (skb.*kLinks).next; }
  void push_back(Skb& skb) {
    skb.*kLinks = {nullptr, m_back};
    (m_back == nullptr ? m_front : (m_back->*kLinks).next) = &skb;
    m_back = &skb;
  }
  void push_front(Skb& skb) {
    skb.*kLinks = {m_front, nullptr};
    (m_front == nullptr ? m_back : (m_front->*kLinks).previous) = &skb;
    m_front = &skb;
  }
  Skb* pop_front() {
    Skb* const skb = m_front;
    if (skb != nullptr) remove(*skb);
    return skb;
  }
  void remove(Skb& skb) {
    const Skb::Links links = std::exchange(skb.*kLinks, {});
    (links.previous == nullptr ? m_front : (links.previous->*kLinks).next) = links.next;
    (links.next == nullptr ? m_back : (links.next->*kLinks).previous) = links.previous;
  }

 private:
  Skb* m_front = nullptr;
  Skb* m_back = nullptr;
};
using SkbQueue = LinkedSkbQueue<&Skb::in_connection>;
using TransmitSkbQueue = LinkedSkbQueue<&Skb::in_transmit>;

/// Equal pieces of memory out of whole frames, last freed first used (a slab cache). Frames stay until shutdown.
class SlotCache {
 public:
  /// `size`: bytes per slot, a power of two.
  SlotCache(mm::FrameAllocator& frames, Place place, Bytes size);
  ~SlotCache();
  SlotCache(const SlotCache&) = delete;
  SlotCache& operator=(const SlotCache&) = delete;

  Result<PhysAddr> take();
  void give(PhysAddr slot) { m_free.push_back(slot); }

 private:
  mm::FrameAllocator& m_frames;
  Place m_place;
  Bytes m_size;
  unsigned m_order;
  std::vector<Frame> m_blocks;
  std::vector<PhysAddr> m_free;
};

/// All packets of a stack; recycled, so that a steady state allocates nothing on the host. Charges no time of its own
/// beside that of frames.
class SkbPool {
 public:
  /// `linear_payload`: the most that a linear packet holds.
  SkbPool(mm::FrameAllocator& frames, Bytes linear_payload);
  ~SkbPool();
  SkbPool(const SkbPool&) = delete;
  SkbPool& operator=(const SkbPool&) = delete;

  /// With one reference and room for headers; ENOMEM.
  Result<Skb*> make_paged();
  Result<Skb*> make_linear();
  /// For a frame in a receive buffer: no memory of its own.
  Skb& make_received();
  /// A second packet on the same bytes (skb_clone), with one reference; its header is the first one's, as a record.
  Skb& clone(Skb& skb);
  /// One reference less; the last one gives fragments and memory back. Returns how many fragments the packet let go of,
  /// 0 when somebody else still has the packet or its fragments.
  unsigned release(Skb& skb);

  /// Appends bytes to a paged packet. Takes over one reference, or drops it when they continue the last fragment.
  /// False, and the reference stays with the caller, when there are `most` fragments already.
  bool append(Skb& skb, const mm::Fragment& fragment, unsigned most);
  /// Whether append would need no new fragment (skb_can_coalesce: a fragment names a page, which for a block is its
  /// first).
  [[nodiscard]] bool continues(const Skb& skb, PhysAddr address) const;
  /// As append, for a page that a program lends: it joins the last fragment only within one allocation.
  bool append_lent(Skb& skb, const mm::Fragment& page);
  /// The copies take the place of the fragments of a clone, which is then a packet by itself (skb_copy_ubufs).
  void replace_fragments(Skb& skb, std::span<const mm::Fragment> copies);
  /// Appends references to bytes [begin, begin + size) of the payload of `from`, a paged packet.
  void share(const Skb& from, Bytes begin, Bytes size, Skb& to);
  /// Moves the first `size` bytes of a paged packet to the end of another (skb_shift). False, and nothing moved, when
  /// that would need more than `most` fragments.
  bool shift(Skb& from, Bytes size, Skb& to, unsigned most);
  /// Moves all payload of a received packet to the end of another, in fragments of their own (skb_try_coalesce). False,
  /// and nothing moved, when they would be too many, or while the other one is a clone of a packet that still lives.
  bool join(Skb& from, Skb& to, unsigned most);
  /// Whether the bytes at `address` follow the fragment in its page, or in its block if sockets allocated that.
  [[nodiscard]] bool follows(const mm::Fragment& last, PhysAddr address) const;
  /// Drops payload of a paged packet from `size` on.
  void truncate(Skb& skb, std::uint32_t size);

  [[nodiscard]] Bytes linear_payload() const { return m_linear_payload; }
  /// Packets that somebody holds.
  [[nodiscard]] std::size_t in_use() const { return m_all.size() - m_free.size(); }

 private:
  Skb& take();
  void drop_front(Skb& skb, Bytes size);

  mm::FrameAllocator& m_frames;
  Bytes m_linear_payload;
  SlotCache m_header_slots;
  SlotCache m_data_slots;
  std::deque<Skb> m_all;
  std::vector<Skb*> m_free;
};

/// What Linux keeps of a packet beside its bytes.
inline constexpr Bytes kSkbSharedInfo = 320;  ///< SKB_DATA_ALIGN(sizeof(struct skb_shared_info))
inline constexpr Bytes kSkbRecord = 256;      ///< SKB_DATA_ALIGN(sizeof(struct sk_buff))

/// Headers end here in a slot, so that the payload of a linear packet starts on a cache line.
inline constexpr Bytes kHeaderRoom = 128;
constexpr PhysAddr payload_address(const Skb& skb) { return skb.header_address + nic::kAllHeaders; }

/// Calls `visit(address, size)` for the pieces of bytes [begin, begin + size) of the payload, in order.
template <class Visit>
void for_each_piece(const Skb& skb, Bytes begin, Bytes size, Visit&& visit) {
  if (skb.linear) {
    if (size > 0) visit(payload_address(skb) + begin, size);
    return;
  }
  for (const mm::Fragment& fragment : skb.pieces()) {
    if (size == 0) return;
    if (begin >= fragment.size) {
      begin -= fragment.size;
      continue;
    }
    const Bytes piece = std::min<Bytes>(fragment.size - begin, size);
    visit(fragment.address + begin, piece);
    begin = 0;
    size -= piece;
  }
}

/// The first `size` bytes of the payload, copied by the core into pages of which all but the last are full.
void copy_payload(hal::Cpu& cpu, const Skb& skb, Bytes size, std::span<const mm::Fragment> pages);

}  // namespace sluice::net
