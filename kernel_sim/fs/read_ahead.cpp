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

namespace {

void begin_window(ReadAheadState& state, std::uint64_t index, std::uint64_t request, std::uint64_t most) {
  state.start = index;
  state.size = initial_window(request, most);
  state.async_size = state.size > request ? state.size - request : state.size;
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

std::optional<ReadAheadWindow> decide_read_ahead(ReadAheadState& state, PageCache& cache, std::uint64_t index,
                                                 std::uint64_t request, std::uint64_t most_io, bool marker) {
  std::uint64_t most = state.max_pages;
  if (request > most && most_io > most) most = std::min(request, most_io);

  const std::uint64_t previous = static_cast<std::uint64_t>(state.previous_position) >> kPageShift;
  if (index == 0) {  // the start of the file
    begin_window(state, index, request, most);
  } else if (index == state.start + state.size - state.async_size || index == state.start + state.size) {
    // where the running stream was expected: push the window on and let it grow
    state.start += state.size;
    state.size = next_window(state.size, most);
    state.async_size = state.size;
  } else if (marker) {  // a marker of somebody else's stream
    const std::uint64_t start = cache.next_miss(index + 1, most);
    if (start - index > most) return {};
    state.start = start;
    state.size = next_window(start - index + request, most);
    state.async_size = state.size;
  } else if (request > most || index - previous <= 1) {  // a large read, or the page after the last one read
    begin_window(state, index, request, most);
  } else if (!follow_history(state, cache, index, request, most)) {
    return ReadAheadWindow{index, request, 0};  // a small random read: as is, and the state stays
  }

  // Would this very read hit the marker it sets? Then take the next window along at once.
  if (index == state.start && state.size == state.async_size) {
    const std::uint64_t more = next_window(state.size, most);
    if (state.size + more <= most) {
      state.async_size = more;
      state.size += more;
    } else {
      state.size = most;
      state.async_size = most / 2;
    }
  }
  return ReadAheadWindow{state.start, state.size, state.async_size};
}

}  // namespace sluice::fs
