// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/mm/frame_allocator.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <new>

namespace sluice::mm {

namespace {

/// Linux's min_free_kbytes, 4 x sqrt(memory in KiB), times 1.25 for the low mark (mm/page_alloc.c); in frames.
std::uint64_t linux_low_watermark(std::uint64_t frames) {
  const auto kib = frames * (kPageSize / 1024);
  auto root = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(kib * 16)));
  const std::uint64_t minimum = std::clamp<std::uint64_t>(root, 128, 262144) / (kPageSize / 1024);
  return std::min(minimum * 5 / 4, frames / 8);
}

constexpr unsigned kReclaimBatch = 32;       // SWAP_CLUSTER_MAX
constexpr unsigned kPauseAfterNothing = 64;  // allocations before a fruitless reclaimer is asked again
constexpr std::size_t kMaxBreaches = 100;

}  // namespace

FrameAllocator::FrameAllocator(hal::Machine& machine, base::Ledger& ledger, const MmConfig& config, Frame first,
                               std::uint32_t count)
    : m_machine(machine),
      m_ledger(ledger),
      m_config(config),
      m_first(first.number()),
      m_count(count),
      m_pages(static_cast<Page*>(std::calloc(std::max<std::size_t>(count, 1), sizeof(Page)))),
      m_core_lists(std::size_t{machine.contexts.core_count()} * (kMaxCoreListOrder + 1)),
      m_free_count(count),
      m_low_watermark(linux_low_watermark(count)) {
  if (!m_pages) throw std::bad_alloc{};
}

Result<Frame> FrameAllocator::allocate(Place place, unsigned order) {
  base::ensure(order <= kMaxOrder, "an allocation has at most 512 frames");
  m_machine.cpu.execute(m_config.page_allocate, hal::Work::Frames);
  const std::uint64_t needed = std::uint64_t{1} << order;
  reclaim_if_low(needed);
  auto index = take(order, m_machine.contexts.current_core());
  if (!index && reclaim(std::max<std::uint64_t>(needed * 2, kReclaimBatch)) > 0) {
    drain_core_lists();
    index = take(order, m_machine.contexts.current_core());
  }
  if (!index) return refuse(ENOMEM);
  mark_allocated(*index, order, place);
  return Frame{m_first + *index};
}

Result<Frame> FrameAllocator::try_allocate(Place place, unsigned order) {
  base::ensure(order <= kMaxOrder, "an allocation has at most 512 frames");
  m_machine.cpu.execute(m_config.page_allocate, hal::Work::Frames);
  if (m_free_count < m_low_watermark + (std::uint64_t{1} << order)) return refuse(ENOMEM);
  const auto index = take(order, m_machine.contexts.current_core());
  if (!index) return refuse(ENOMEM);
  mark_allocated(*index, order, place);
  return Frame{m_first + *index};
}

Result<Frame> FrameAllocator::allocate_at_boot(Place place, unsigned order) {
  base::ensure(order <= kMaxOrder, "an allocation has at most 512 frames");
  const auto index = take(order, {});
  if (!index) return refuse(ENOMEM);
  mark_allocated(*index, order, place);
  return Frame{m_first + *index};
}

void FrameAllocator::get(Frame frame, std::uint32_t count) {
  if (Page* head = allocated_head(frame, "a reference was taken on a free frame")) head->references += count;
}

void FrameAllocator::put(Frame frame, std::uint32_t count) {
  const auto freed = drop_references(frame, count);
  if (!freed) return;
  release(*freed, m_machine.contexts.current_core());
  m_machine.cpu.execute(m_config.page_free, hal::Work::Frames);
}

void FrameAllocator::put_at_shutdown(Frame frame) {
  if (const auto freed = drop_references(frame, 1)) release(*freed, {});
}

/// The allocation's first frame when those were its last references.
std::optional<std::uint32_t> FrameAllocator::drop_references(Frame frame, std::uint32_t count) {
  constexpr const char* kDoubleFree = "a reference was put on a free frame (double free)";
  Page* head = allocated_head(frame, kDoubleFree);
  if (head == nullptr) return {};
  if (head->references < count) {
    breach(kDoubleFree, frame);
    count = head->references;
  }
  head->references -= count;
  if (head->references > 0) return {};
  if (m_zero_page == frame) m_zero_page.reset();
  return static_cast<std::uint32_t>(head - m_pages.get());
}

Result<Frame> FrameAllocator::zero_page() {
  if (!m_zero_page) {
    const auto fresh = allocate(Place::UserBuffer);
    if (!fresh) return fresh;
    m_machine.cpu.zero(fresh->address(), kPageSize);
    if (!m_zero_page) {
      m_zero_page = *fresh;
      return *fresh;
    }
    put(*fresh);  // somebody was faster
  }
  get(*m_zero_page);
  return *m_zero_page;
}

bool FrameAllocator::halve(Frame frame) {
  Page* head = allocated_head(frame, "a free frame was split");
  if (head == nullptr || head->order == 0 || head->references != 1U << head->order) return false;
  const unsigned order = head->order - 1U;
  const std::uint32_t size = 1U << order;
  for (std::uint32_t i = 0; i < 2 * size; ++i) {
    head[i].order = static_cast<std::uint8_t>(order);
    head[i].head_distance = static_cast<std::uint16_t>(i % size);
  }
  head[0].references = size;
  head[size].references = size;
  return true;
}

std::uint32_t FrameAllocator::references(Frame frame) const {
  if (!contains(frame)) return 0;
  const Page& page = m_pages[frame.number() - m_first];
  if (page.state != State::Allocated) return 0;
  return m_pages[frame.number() - m_first - page.head_distance].references;
}

Frame FrameAllocator::head_of(Frame frame) const {
  if (!contains(frame)) return frame;
  return Frame{frame.number() - m_pages[frame.number() - m_first].head_distance};
}

Place FrameAllocator::place_of(Frame frame) const {
  return contains(frame) ? m_pages[frame.number() - m_first].place : Place::Free;
}

std::uint32_t FrameAllocator::size_of(Frame frame) const {
  return contains(frame) ? 1U << m_pages[frame.number() - m_first].order : 1U;
}

bool FrameAllocator::contains(Frame frame) const {
  return frame.number() >= m_first && frame.number() - m_first < m_count;
}

FrameAllocator::Page* FrameAllocator::allocated_head(Frame frame, const char* what) {
  if (contains(frame)) {
    Page* page = &m_pages[frame.number() - m_first];
    if (page->state == State::Allocated) return page - page->head_distance;
  }
  breach(what, frame);
  return nullptr;
}

void FrameAllocator::breach(const char* what, Frame frame) {
  if (m_breaches.size() < kMaxBreaches) m_breaches.push_back("frame " + std::to_string(frame.number()) + ": " + what);
}

// --- taking ----------------------------------------------------------------------------------------------------------

std::optional<std::uint32_t> FrameAllocator::take(unsigned order, std::optional<unsigned> core) {
  if (core && order <= kMaxCoreListOrder && m_config.core_list_pages > 0) {
    if (const auto index = take_from_core_list(order, *core)) return index;
  } else if (const auto index = take_from_buddies(order)) {
    return index;
  }
  drain_core_lists();
  return take_from_buddies(order);
}

std::optional<std::uint32_t> FrameAllocator::take_from_core_list(unsigned order, unsigned core) {
  auto& list = core_list(core, order);
  if (list.empty()) {
    const unsigned batch = std::max(1U, m_config.core_list_batch >> order);
    for (unsigned i = 0; i < batch; ++i) {
      const auto index = take_from_buddies(order);
      if (!index) break;
      m_pages[*index].state = State::CoreListHead;
      m_pages[*index].order = static_cast<std::uint8_t>(order);
      list.push_back(*index);
    }
    std::reverse(list.begin(), list.end());  // the lowest address of the batch goes first
  }
  if (list.empty()) return {};
  const auto index = list.back();
  list.pop_back();
  return index;
}

std::optional<std::uint32_t> FrameAllocator::take_from_buddies(unsigned order) {
  for (;;) {
    for (unsigned from = order; from <= kMaxOrder; ++from) {
      if (m_free_by_order[from] == 0) continue;
      const std::uint32_t index = m_free_by_order[from] - 1;
      remove_free(index);
      for (unsigned half = from; half > order; --half) push_free(index + (1U << (half - 1)), half - 1);
      return index;
    }
    if (!use_fresh_block()) return {};
  }
}

bool FrameAllocator::use_fresh_block() {
  if (m_frontier == m_count) return false;
  const std::uint32_t number = m_first + m_frontier;
  unsigned order =
      number == 0 ? kMaxOrder : std::min<unsigned>(kMaxOrder, static_cast<unsigned>(std::countr_zero(number)));
  while ((1U << order) > m_count - m_frontier) --order;
  const std::uint32_t index = m_frontier;
  m_frontier += 1U << order;
  give_to_buddies(index, order);
  return true;
}

void FrameAllocator::mark_allocated(std::uint32_t index, unsigned order, Place place) {
  const std::uint32_t size = 1U << order;
  for (std::uint32_t i = 0; i < size; ++i) {
    Page& page = m_pages[index + i];
    page.references = i == 0 ? 1 : 0;
    page.head_distance = static_cast<std::uint16_t>(i);
    page.order = static_cast<std::uint8_t>(order);
    page.state = State::Allocated;
    page.place = place;
    m_ledger.assign(Frame{m_first + index + i}, place);
  }
  m_free_count -= size;
  m_held[static_cast<std::size_t>(place)] += size;
}

// --- giving back -----------------------------------------------------------------------------------------------------

void FrameAllocator::release(std::uint32_t index, std::optional<unsigned> core) {
  const unsigned order = m_pages[index].order;
  const std::uint32_t size = 1U << order;
  m_free_count += size;
  m_held[static_cast<std::size_t>(m_pages[index].place)] -= size;
  for (std::uint32_t i = 0; i < size; ++i) {
    m_pages[index + i].state = State::Interior;
    m_pages[index + i].head_distance = 0;
    m_ledger.assign(Frame{m_first + index + i}, Place::Free);
  }
  if (!core || order > kMaxCoreListOrder || m_config.core_list_pages == 0) return give_to_buddies(index, order);

  m_pages[index].state = State::CoreListHead;
  auto& list = core_list(*core, order);
  list.push_back(index);
  if (list.size() <= std::max(1U, m_config.core_list_pages >> order)) return;
  const auto batch = std::min<std::size_t>(list.size(), std::max(1U, m_config.core_list_batch >> order));
  for (std::size_t i = 0; i < batch; ++i) give_to_buddies(list[i], order);  // the coldest
  list.erase(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(batch));
}

void FrameAllocator::give_to_buddies(std::uint32_t index, unsigned order) {
  for (; order < kMaxOrder; ++order) {
    const std::uint32_t buddy_number = (m_first + index) ^ (1U << order);
    if (buddy_number < m_first || buddy_number - m_first >= m_frontier) break;
    const std::uint32_t buddy = buddy_number - m_first;
    if (m_pages[buddy].state != State::FreeHead || m_pages[buddy].order != order) break;
    remove_free(buddy);
    m_pages[std::max(buddy, index)].state = State::Interior;
    index = std::min(buddy, index);
  }
  push_free(index, order);
}

void FrameAllocator::drain_core_lists() {
  for (std::size_t i = 0; i < m_core_lists.size(); ++i) {
    for (const auto index : m_core_lists[i]) give_to_buddies(index, static_cast<unsigned>(i % (kMaxCoreListOrder + 1)));
    m_core_lists[i].clear();
  }
}

void FrameAllocator::push_free(std::uint32_t index, unsigned order) {
  Page& page = m_pages[index];
  page.state = State::FreeHead;
  page.order = static_cast<std::uint8_t>(order);
  page.previous = 0;
  page.next = m_free_by_order[order];
  if (page.next != 0) m_pages[page.next - 1].previous = index + 1;
  m_free_by_order[order] = index + 1;
}

void FrameAllocator::remove_free(std::uint32_t index) {
  Page& page = m_pages[index];
  if (page.next != 0) m_pages[page.next - 1].previous = page.previous;
  if (page.previous != 0) {
    m_pages[page.previous - 1].next = page.next;
  } else {
    m_free_by_order[page.order] = page.next;
  }
  page.state = State::Interior;
}

// --- reclaim ---------------------------------------------------------------------------------------------------------

void FrameAllocator::reclaim_if_low(std::uint64_t needed) {
  if (m_free_count >= m_low_watermark + needed) return;
  if (m_reclaim_pause > 0) {
    --m_reclaim_pause;
    return;
  }
  reclaim(std::max<std::uint64_t>(needed, kReclaimBatch));
}

std::uint64_t FrameAllocator::reclaim(std::uint64_t wanted) {
  // Reclaim itself may allocate (a request to write a page back): it then lives on what is left.
  if (m_reclaimers.empty() || m_reclaiming || m_machine.contexts.in_interrupt()) return 0;
  m_reclaiming = true;
  std::uint64_t freed = 0;
  for (const auto& [owner, reclaimer] : m_reclaimers) {
    if (freed < wanted) freed += reclaimer(wanted - freed);
  }
  m_reclaiming = false;
  m_reclaim_pause = freed == 0 ? kPauseAfterNothing : 0;
  return freed;
}

std::vector<std::uint32_t>& FrameAllocator::core_list(unsigned core, unsigned order) {
  return m_core_lists[std::size_t{core} * (kMaxCoreListOrder + 1) + order];
}

}  // namespace sluice::mm
