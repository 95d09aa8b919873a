// SPDX-License-Identifier: Apache-2.0
// The block that a task copies bytes for its sockets into, piece after piece (struct page_frag). Each packet with a
// piece of the block holds a reference on it.
#pragma once

#include <utility>

#include "kernel_sim/mm/frame_allocator.h"

namespace sluice::net {

class PageFragment {
 public:
  explicit PageFragment(mm::FrameAllocator& frames) : m_frames(frames) {}
  ~PageFragment() {
    if (m_block.size > 0) m_frames.put_at_shutdown(Frame::of(m_block.address));
  }
  PageFragment(const PageFragment&) = delete;
  PageFragment& operator=(const PageFragment&) = delete;

  /// sk_page_frag_refill: afterwards there is room. A block is used again from its start when no packet refers to it
  /// any more. False without memory.
  bool refill() {
    if (m_block.size > 0) {
      if (m_frames.references(Frame::of(m_block.address)) == 1) m_used = 0;
      if (m_used + kLeastRoom <= m_block.size) return true;
      give_back();
    }
    for (const unsigned order : {kOrder, 0U}) {
      if (const Result<Frame> block = m_frames.allocate(Place::SocketBuffer, order)) {
        m_block = {block->address(), static_cast<std::uint32_t>(kPageSize << order)};
        m_used = 0;
        return true;
      }
    }
    return false;
  }
  [[nodiscard]] PhysAddr next() const { return m_block.address + m_used; }
  [[nodiscard]] Bytes room() const { return m_block.size - m_used; }
  /// The next `size` bytes, which have been filled, with a reference of their own.
  mm::Fragment take(Bytes size) {
    const mm::Fragment piece{next(), static_cast<std::uint32_t>(size)};
    m_frames.get(piece);
    m_used += piece.size;
    return piece;
  }
  void give_back() {
    if (m_block.size > 0) m_frames.put(std::exchange(m_block, {}));
  }

 private:
  static constexpr unsigned kOrder = 3;  // SKB_FRAG_PAGE_ORDER: 32 KiB
  static constexpr Bytes kLeastRoom = 32;

  mm::FrameAllocator& m_frames;
  mm::Fragment m_block;  // size 0: none
  std::uint32_t m_used = 0;
};

}  // namespace sluice::net
