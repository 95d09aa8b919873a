// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/skb.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

// --- SlotCache -------------------------------------------------------------------------------------------------------

SlotCache::SlotCache(mm::FrameAllocator& frames, Place place, Bytes size)
    : m_frames(frames),
      m_place(place),
      m_size(size),
      m_order(static_cast<unsigned>(std::countr_zero(divide_up(size, kPageSize)))) {}

SlotCache::~SlotCache() {
  for (const Frame block : m_blocks) m_frames.put_at_shutdown(block);
}

Result<PhysAddr> SlotCache::take() {
  if (m_free.empty()) {
    const Result<Frame> block = m_frames.allocate(m_place, m_order);
    if (!block) return tl::unexpected{block.error()};
    m_blocks.push_back(*block);
    for (Bytes at = kPageSize << m_order; at > 0; at -= m_size) m_free.push_back(block->address() + (at - m_size));
  }
  const PhysAddr slot = m_free.back();
  m_free.pop_back();
  return slot;
}

// --- SkbPool ---------------------------------------------------------------------------------------------------------

SkbPool::SkbPool(mm::FrameAllocator& frames, Bytes linear_payload)
    : m_frames(frames),
      m_linear_payload(linear_payload),
      m_header_slots(frames, Place::KernelMemory, kHeaderRoom),
      m_data_slots(frames, Place::SocketBuffer, std::bit_ceil(kHeaderRoom + linear_payload)) {}

SkbPool::~SkbPool() {
  for (Skb& skb : m_all) {
    for (const mm::Fragment& fragment : skb.pieces()) m_frames.put_at_shutdown(Frame::of(fragment.address));
  }
}

Result<Skb*> SkbPool::make_paged() {
  const Result<PhysAddr> slot = m_header_slots.take();
  if (!slot) return tl::unexpected{slot.error()};
  Skb& skb = take();
  skb.header_address = *slot + (kHeaderRoom - nic::kAllHeaders);
  return &skb;
}

Result<Skb*> SkbPool::make_linear() {
  const Result<PhysAddr> slot = m_data_slots.take();
  if (!slot) return tl::unexpected{slot.error()};
  Skb& skb = take();
  skb.linear = true;
  skb.header_address = *slot + (kHeaderRoom - nic::kAllHeaders);
  return &skb;
}

Skb& SkbPool::make_received() { return take(); }

Skb& SkbPool::clone(Skb& skb) {
  base::ensure(!skb.linear, "linear packets are never cloned");
  Skb& copy = take();
  copy.header = skb.header;
  copy.protocol = skb.protocol;
  copy.size = skb.size;
  copy.frames = skb.frames;
  copy.segment = skb.segment;
  copy.segment_limit = skb.segment_limit;
  copy.checksum_by_device = skb.checksum_by_device;
  copy.truesize = skb.truesize;
  copy.zero_copy = skb.zero_copy;
  copy.fragment_count = skb.fragment_count;
  for (unsigned i = 0; i < skb.fragment_count; ++i) {
    copy.fragments[i] = skb.fragments[i];
    m_frames.get(skb.fragments[i]);
  }
  if (skb.twin == nullptr) {
    copy.twin = &skb;
    skb.twin = &copy;
  }
  return copy;
}

Skb& SkbPool::take() {
  if (m_free.empty()) m_free.push_back(&m_all.emplace_back());
  Skb& skb = *m_free.back();
  m_free.pop_back();
  skb.references = 1;
  return skb;
}

unsigned SkbPool::release(Skb& skb) {
  base::ensure(skb.references > 0, "a packet was released more often than held");
  if (--skb.references > 0) return 0;
  Skb* const twin = std::exchange(skb.twin, nullptr);
  if (twin != nullptr) twin->twin = nullptr;
  const bool owns_slot = skb.header_address != PhysAddr{};
  const PhysAddr slot = skb.header_address - (owns_slot ? kHeaderRoom - nic::kAllHeaders : 0);
  if (owns_slot) (skb.linear ? m_data_slots : m_header_slots).give(slot);
  // Putting pages consumes time; the record must be nobody's by then.
  const auto fragments = skb.fragments;
  const unsigned count = skb.fragment_count;
  const auto connection = std::move(skb.connection);
  auto zero_copy = std::move(skb.zero_copy);
  skb.header = {};
  skb.protocol = IPPROTO_TCP;
  skb.header_address = {};
  skb.size = 0;
  skb.frames = 1;
  skb.segment = 0;
  skb.checksum_by_device = skb.linear = skb.syn = skb.fin = skb.push = skb.retransmitted = false;
  skb.fragment_count = 0;
  skb.acknowledged = 0;
  skb.truesize = 0;
  skb.sequence = 0;
  m_free.push_back(&skb);
  for (unsigned i = 0; i < count; ++i) m_frames.put(fragments[i]);
  if (zero_copy != nullptr) TcpConnection::release_pages(std::move(zero_copy), false);
  return twin == nullptr ? count : 0;
}

bool SkbPool::continues(const Skb& skb, PhysAddr address) const {
  return skb.fragment_count > 0 && follows(skb.fragments[skb.fragment_count - 1U], address);
}

bool SkbPool::follows(const mm::Fragment& last, PhysAddr address) const {
  if (last.address + last.size != address) return false;
  if (address.page_offset() != 0) return true;
  const Frame block = m_frames.head_of(Frame::of(address));
  return m_frames.head_of(Frame::of(last.address)) == block && m_frames.place_of(block) == Place::SocketBuffer;
}

bool SkbPool::append(Skb& skb, const mm::Fragment& fragment, unsigned most) {
  if (continues(skb, fragment.address)) {
    skb.fragments[skb.fragment_count - 1U].size += fragment.size;
    skb.size += fragment.size;
    m_frames.put(fragment);
    return true;
  }
  if (skb.fragment_count >= std::min(most, Skb::kMaxFragments)) return false;
  skb.fragments[skb.fragment_count++] = fragment;
  skb.size += fragment.size;
  return true;
}

bool SkbPool::append_lent(Skb& skb, const mm::Fragment& page) {
  if (skb.fragment_count > 0) {
    mm::Fragment& last = skb.fragments[skb.fragment_count - 1U];
    const bool one_allocation = m_frames.head_of(Frame::of(last.address)) == m_frames.head_of(Frame::of(page.address));
    if (last.address + last.size == page.address && one_allocation) {
      last.size += page.size;
      skb.size += page.size;
      m_frames.put(page);
      return true;
    }
  }
  if (skb.fragment_count >= Skb::kMaxFragments) return false;
  skb.fragments[skb.fragment_count++] = page;
  skb.size += page.size;
  return true;
}

void SkbPool::replace_fragments(Skb& skb, std::span<const mm::Fragment> copies) {
  const auto before = skb.fragments;
  const unsigned count = skb.fragment_count;
  std::ranges::copy(copies, skb.fragments.begin());
  skb.fragment_count = static_cast<std::uint8_t>(copies.size());
  if (Skb* const twin = std::exchange(skb.twin, nullptr)) twin->twin = nullptr;
  auto calls = std::move(skb.zero_copy);
  for (unsigned i = 0; i < count; ++i) m_frames.put(before[i]);
  if (calls != nullptr) TcpConnection::release_pages(std::move(calls), true);
}

void SkbPool::share(const Skb& from, Bytes begin, Bytes size, Skb& to) {
  for_each_piece(from, begin, size, [&](PhysAddr address, Bytes piece) {
    const mm::Fragment fragment{address, static_cast<std::uint32_t>(piece)};
    m_frames.get(fragment);
    base::ensure(append(to, fragment, Skb::kMaxFragments), "a part of a packet has no more fragments than the whole");
  });
}

bool SkbPool::shift(Skb& from, Bytes size, Skb& to, unsigned most) {
  if (from.zero_copy != nullptr || to.zero_copy != nullptr) return false;
  unsigned fragments = to.fragment_count;
  bool first = true;
  for_each_piece(from, 0, size, [&](PhysAddr address, Bytes) {
    fragments += std::exchange(first, false) && continues(to, address) ? 0 : 1;
  });
  if (fragments > std::min(most, Skb::kMaxFragments)) return false;
  share(from, 0, size, to);
  drop_front(from, size);
  return true;
}

bool SkbPool::join(Skb& from, Skb& to, unsigned most) {
  const unsigned fragments = unsigned{from.fragment_count} + to.fragment_count;
  if (from.linear || to.linear || to.twin != nullptr || fragments > std::min(most, Skb::kMaxFragments)) return false;
  std::ranges::copy(from.pieces(), to.fragments.begin() + to.fragment_count);
  to.fragment_count = static_cast<std::uint8_t>(fragments);
  to.size += std::exchange(from.size, 0);
  from.fragment_count = 0;
  return true;
}

void SkbPool::drop_front(Skb& skb, Bytes size) {
  skb.size -= static_cast<std::uint32_t>(size);
  unsigned gone = 0;
  while (size > 0) {
    mm::Fragment& front = skb.fragments[gone];
    const auto cut = static_cast<std::uint32_t>(std::min<Bytes>(size, front.size));
    size -= cut;
    if (cut < front.size) {
      front.address += cut;
      front.size -= cut;
    } else {
      m_frames.put(mm::Fragment{front.address, 1});
      ++gone;
    }
  }
  std::copy(skb.fragments.begin() + gone, skb.fragments.begin() + skb.fragment_count, skb.fragments.begin());
  skb.fragment_count = static_cast<std::uint8_t>(skb.fragment_count - gone);
}

void SkbPool::truncate(Skb& skb, std::uint32_t size) {
  std::uint32_t excess = skb.size - size;
  skb.size = size;
  while (excess > 0) {
    mm::Fragment& last = skb.fragments[skb.fragment_count - 1U];
    const std::uint32_t cut = std::min(excess, last.size);
    excess -= cut;
    last.size -= cut;
    if (last.size > 0) return;
    --skb.fragment_count;
    m_frames.put(mm::Fragment{last.address, 1});
  }
}

void copy_payload(hal::Cpu& cpu, const Skb& skb, Bytes size, std::span<const mm::Fragment> pages) {
  Bytes done = 0;
  for_each_piece(skb, 0, size, [&](PhysAddr from, Bytes left) {
    while (left > 0) {
      const Bytes at = done % kPageSize;
      const Bytes part = std::min(left, kPageSize - at);
      cpu.copy(from, pages[done / kPageSize].address + at, part);
      from += part;
      left -= part;
      done += part;
    }
  });
}

}  // namespace sluice::net
