// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/read_ahead.h"

#include <algorithm>
#include <bit>

namespace sluice::fs {

std::uint64_t initial_window(std::uint64_t request, std::uint64_t most) {
  const std::uint64_t size = std::bit_ceil(request);
  if (size <= most / 32) return size * 4;
  if (size <= most / 4) return size * 2;
  return most;
}

std::uint64_t next_window(std::uint64_t current, std::uint64_t most) {
  if (current < most / 16) return current * 4;
  if (current <= most / 2) return current * 2;
  return most;
}

unsigned read_ahead_order(std::uint64_t index, std::uint64_t end, unsigned order) {
  if (index != 0) order = std::min(order, static_cast<unsigned>(std::countr_zero(index)));
  while (index + (std::uint64_t{1} << order) > end) --order;
  return order;
}

ReadAheadWindow current_window(ReadAheadState& state, const ReadAheadLimits& limits) {
  const auto largest = static_cast<unsigned>(std::bit_width(state.size) - 1);
  state.order = std::min({state.order, limits.max_order, largest});
  return {state.start, state.size, state.async_size, state.order};
}

namespace {

std::uint64_t most_pages(const ReadAheadState& state, std::uint64_t request, const ReadAheadLimits& limits) {
  if (request > state.max_pages && limits.most_io > state.max_pages) return std::min(request, limits.most_io);
  return state.max_pages;
}

/// A stream that left its pages in the cache but whose state was lost, e.g. two readers through one file.
bool follow_history(ReadAheadState& state, PageCache& cache, std::uint64_t index, std::uint64_t request,
                    std::uint64_t most) {
  std::uint64_t size = cache.history(index, most);
  if (size <= request) return false;  // may be random reads
  if (size >= index) size *= 2;       // from the start of the file: a long stream
  state.start = index;
  state.size = std::min(size + request, most);
  state.async_size = 1;
  return true;
}

}  // namespace

ReadAheadWindow read_ahead_of_missing(ReadAheadState& state, PageCache& cache, std::uint64_t index,
                                      std::uint64_t request, const ReadAheadLimits& limits) {
  const std::uint64_t most = most_pages(state, request, limits);
  const std::uint64_t previous = static_cast<std::uint64_t>(state.previous_position) >> kPageShift;
  // The start of the file, a large read, or the page after the last one read (or that page again).
  if (index == 0 || request > most || index - previous <= 1) {
    state.start = index;
    state.size = initial_window(request, most);
    state.async_size = state.size > request ? state.size - request : state.size / 2;
  } else if (!follow_history(state, cache, index, request, most)) {
    return {index, request, 0, 0};  // a small random read: as is, and the state stays
  }
  state.order = 0;
  return current_window(state, limits);
}

std::optional<ReadAheadWindow> read_ahead_of_marked(ReadAheadState& state, PageCache& cache, std::uint64_t index,
                                                    std::uint64_t folio_pages, std::uint64_t request,
                                                    const ReadAheadLimits& limits) {
  const std::uint64_t most = most_pages(state, request, limits);
  const std::uint64_t expected = (state.start + state.size - state.async_size) / folio_pages * folio_pages;
  if (index == expected) {  // the running stream: push the window on and let it grow
    state.start += state.size;
    state.size = std::max(state.size, next_window(state.size, most));
  } else {  // a marker of somebody else's stream
    const std::uint64_t start = cache.next_miss(index + 1, most);
    if (start - index > most) return {};
    state.start = start;
    state.size = next_window(start - index + request, most);
  }
  if (limits.max_order > 0) {
    // Folios grow with each window, which is cut so that the next one begins on a boundary of such folios.
    state.order += 2;
    const unsigned align = std::min(state.order, static_cast<unsigned>(std::countr_zero(most)));
    const std::uint64_t end = (state.start + state.size) >> align << align;
    if (end > state.start) state.size = end - state.start;
  }
  state.async_size = state.size;
  return current_window(state, limits);
}

}  // namespace sluice::fs
