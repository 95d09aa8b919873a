// SPDX-License-Identifier: Apache-2.0
// Physical frames: allocation, reference counts, per-core LIFO lists, reclaim. One record per frame (struct page).
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/mm_config.h"
#include "models/base/ledger.h"
#include "models/base/result.h"

namespace sluice::mm {

/// Bytes within one allocation (a page, or a block of 2^order pages), held by reference. The holder owns one reference
/// on the allocation and gives it back with FrameAllocator::put(fragment).
struct Fragment {
  PhysAddr address;
  std::uint32_t size = 0;
};

/// - allocate charges the page-allocation cost, tells the ledger the place and returns one reference.
/// - Frames come from the running core's list first, last freed first used, as Linux's per-CPU page lists.
/// - When memory is low the reclaimer is asked to free pages (page cache) before ENOMEM; not from interrupts.
/// - A double free, or a reference to a free frame, is a breach that the shutdown check reports.
/// - Calls change their state before or after they consume time, never around it.
class FrameAllocator {
 public:
  /// Frees up to `wanted` frames and returns how many it freed.
  using Reclaimer = std::function<std::uint64_t(std::uint64_t wanted)>;
  static constexpr unsigned kMaxOrder = 9;

  FrameAllocator(hal::Machine& machine, base::Ledger& ledger, const MmConfig& config, Frame first, std::uint32_t count);

  /// 2^order contiguous frames, naturally aligned; contents are whatever was there. Order 0 to 9.
  Result<Frame> allocate(Place place, unsigned order = 0);
  /// As allocate, but gives up (ENOMEM) where allocate would reclaim: for who can do with a smaller block
  /// (__GFP_NORETRY).
  Result<Frame> try_allocate(Place place, unsigned order);
  /// As allocate, without time: for boot and for preloading. Frames come in ascending order while memory is fresh.
  Result<Frame> allocate_at_boot(Place place, unsigned order = 0);
  /// One reference on the page of zeroes that all private memory shares which was never written (ZERO_PAGE). It exists
  /// as long as anybody holds it.
  Result<Frame> zero_page();
  [[nodiscard]] bool is_zero_page(Frame frame) const { return m_zero_page == frame; }
  /// `count` more references on the allocation that contains the frame.
  void get(Frame frame, std::uint32_t count = 1);
  /// `count` references less; the last one frees the allocation.
  void put(Frame frame, std::uint32_t count = 1);
  /// As put, without time and callable when nothing runs: for shutdown.
  void put_at_shutdown(Frame frame);
  /// Makes two allocations of one (split_folio), each with one reference per frame. Only when it has exactly one
  /// reference per frame, which the caller owns; false otherwise: somebody else holds a part of it.
  bool halve(Frame frame);
  void get(const Fragment& fragment) { get(Frame::of(fragment.address)); }
  void put(const Fragment& fragment) { put(Frame::of(fragment.address)); }
  [[nodiscard]] std::uint32_t references(Frame frame) const;
  /// First frame of the allocation that contains `frame`.
  [[nodiscard]] Frame head_of(Frame frame) const;
  /// Frames of the allocation that contains `frame`.
  [[nodiscard]] std::uint32_t size_of(Frame frame) const;

  /// Several may be there; they are asked in their order until there is enough. `owner` names one for its removal.
  void add_reclaimer(const void* owner, Reclaimer reclaimer) { m_reclaimers.emplace_back(owner, std::move(reclaimer)); }
  void remove_reclaimer(const void* owner) {
    std::erase_if(m_reclaimers, [&](const auto& entry) { return entry.first == owner; });
  }
  [[nodiscard]] std::uint64_t free_frames() const { return m_free_count; }
  [[nodiscard]] std::uint64_t total_frames() const { return m_count; }
  /// What a frame was allocated for, as long as it is.
  [[nodiscard]] Place place_of(Frame frame) const;
  /// Frames that are allocated now for a place: at shutdown, what somebody still holds.
  [[nodiscard]] std::uint64_t held_frames(Place place) const { return m_held[static_cast<std::size_t>(place)]; }
  /// Below this many free frames the reclaimer is called.
  [[nodiscard]] std::uint64_t low_watermark() const { return m_low_watermark; }
  /// One sentence per breach (double free, reference to a free frame).
  [[nodiscard]] const std::vector<std::string>& breaches() const { return m_breaches; }

 private:
  static constexpr unsigned kMaxCoreListOrder = 3;
  enum class State : std::uint8_t { Untouched, Interior, FreeHead, CoreListHead, Allocated };
  /// All zero at first, so that the table of a large machine costs memory only where it was used.
  struct Page {
    std::uint32_t references;  // of the head; interior frames keep 0
    std::uint32_t next;        // in a free list: frame index + 1, 0 = end
    std::uint32_t previous;
    std::uint16_t head_distance;
    std::uint8_t order;
    State state : 4;
    Place place : 4;
  };
  static_assert(sizeof(Page) == 16 && kPlaces <= 16);
  struct Release {
    void operator()(Page* pages) const { std::free(pages); }
  };

  [[nodiscard]] bool contains(Frame frame) const;
  [[nodiscard]] Page* allocated_head(Frame frame, const char* what);
  void breach(const char* what, Frame frame);
  std::optional<std::uint32_t> drop_references(Frame frame, std::uint32_t count);
  std::optional<std::uint32_t> take(unsigned order, std::optional<unsigned> core);
  std::optional<std::uint32_t> take_from_core_list(unsigned order, unsigned core);
  std::optional<std::uint32_t> take_from_buddies(unsigned order);
  bool use_fresh_block();
  void mark_allocated(std::uint32_t index, unsigned order, Place place);
  void release(std::uint32_t index, std::optional<unsigned> core);
  void give_to_buddies(std::uint32_t index, unsigned order);
  void drain_core_lists();
  void push_free(std::uint32_t index, unsigned order);
  void remove_free(std::uint32_t index);
  void reclaim_if_low(std::uint64_t needed);
  std::uint64_t reclaim(std::uint64_t wanted);
  std::vector<std::uint32_t>& core_list(unsigned core, unsigned order);

  hal::Machine& m_machine;
  base::Ledger& m_ledger;
  const MmConfig& m_config;
  std::uint32_t m_first;
  std::uint32_t m_count;
  std::unique_ptr<Page[], Release> m_pages;
  std::optional<Frame> m_zero_page;
  std::vector<std::vector<std::uint32_t>> m_core_lists;        // frame indices, LIFO, by core and order
  std::array<std::uint32_t, kMaxOrder + 1> m_free_by_order{};  // list heads
  std::uint32_t m_frontier = 0;                                // frames from here on were never handed out
  std::uint64_t m_free_count = 0;
  std::uint64_t m_low_watermark = 0;
  unsigned m_reclaim_pause = 0;
  bool m_reclaiming = false;
  std::array<std::uint64_t, kPlaces> m_held{};
  std::vector<std::pair<const void*, Reclaimer>> m_reclaimers;
  std::vector<std::string> m_breaches;
};

}  // namespace sluice::mm
