// SPDX-License-Identifier: Apache-2.0
// Physical frames: allocation, reference counts, per-core LIFO lists, reclaim. One record per frame (struct page).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
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
/// - When memory is low the reclaimer is asked to free pages (page cache) before ENOMEM.
/// - A double free, or a reference to a free frame, is a breach that the shutdown check reports.
class FrameAllocator {
 public:
  /// Frees up to `wanted` frames and returns how many it freed.
  using Reclaimer = std::function<std::uint64_t(std::uint64_t wanted)>;

  FrameAllocator(hal::Machine& machine, base::Ledger& ledger, const MmConfig& config, Frame first, std::uint32_t count);

  /// 2^order contiguous frames, naturally aligned; contents are whatever was there. Order 0 to 9.
  Result<Frame> allocate(Place place, unsigned order = 0);
  /// As allocate, without time: for boot and for preloading.
  Result<Frame> allocate_at_boot(Place place, unsigned order = 0);
  /// One more reference on the allocation that contains the frame.
  void get(Frame frame);
  /// One reference less; the last one frees the allocation.
  void put(Frame frame);
  void get(const Fragment& fragment) { get(Frame::of(fragment.address)); }
  void put(const Fragment& fragment) { put(Frame::of(fragment.address)); }
  [[nodiscard]] std::uint32_t references(Frame frame) const;
  /// First frame of the allocation that contains `frame`.
  [[nodiscard]] Frame head_of(Frame frame) const;

  void set_reclaimer(Reclaimer reclaimer) { m_reclaimer = std::move(reclaimer); }
  [[nodiscard]] std::uint64_t free_frames() const { return m_free_count; }
  [[nodiscard]] std::uint64_t total_frames() const { return m_pages.size(); }
  /// One sentence per breach (double free, reference to a free frame).
  [[nodiscard]] const std::vector<std::string>& breaches() const { return m_breaches; }

 private:
  struct Page {
    std::uint32_t references = 0;  // of the head; tails keep 0
    std::uint16_t head_distance = 0;
    std::uint8_t order = 0;
    bool allocated = false;
  };
  Page& page(Frame frame);
  [[nodiscard]] const Page& page(Frame frame) const;
  std::optional<Frame> take(unsigned order);
  void release(Frame head);

  hal::Machine& m_machine;
  base::Ledger& m_ledger;
  const MmConfig& m_config;
  Frame m_first;
  std::vector<Page> m_pages;
  std::vector<std::vector<Frame>> m_core_lists;     // order 0, per core, LIFO
  std::vector<std::vector<Frame>> m_free_by_order;  // buddies, order 0 to 9
  std::uint32_t m_never_used = 0;                   // frames above this were never handed out
  std::uint64_t m_free_count = 0;
  Reclaimer m_reclaimer;
  std::vector<std::string> m_breaches;
};

}  // namespace sluice::mm
