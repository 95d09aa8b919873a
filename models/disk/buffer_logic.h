// SPDX-License-Identifier: Apache-2.0
// Room in the controller's transfer buffer, given back at known instants in the future. No SystemC.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::disk {

class TransferBuffer {
 public:
  explicit TransferBuffer(Bytes size) : m_size(size), m_free(size) {}

  /// Takes `size` bytes: the instant from `now` on at which they are free; none while too much is held whose end is
  /// not known yet.
  std::optional<Picoseconds> take(Bytes size, Picoseconds now) {
    Picoseconds at = now;
    while (!m_releases.empty() && (m_free < size || m_releases.top().first <= now)) {
      const auto [when, released] = m_releases.top();
      m_releases.pop();
      const Bytes wanted = when <= now ? released : std::min(released, size - m_free);
      if (wanted < released) m_releases.emplace(when, released - wanted);
      m_free += wanted;
      at = std::max(at, when);
    }
    if (m_free < size) return std::nullopt;
    m_free -= size;
    return at;
  }
  /// `size` bytes of those taken are free again at `at`.
  void give_back(Bytes size, Picoseconds at) { m_releases.emplace(at, size); }
  void reset() { *this = TransferBuffer{m_size}; }

 private:
  using Release = std::pair<Picoseconds, Bytes>;
  Bytes m_size;
  Bytes m_free;
  std::priority_queue<Release, std::vector<Release>, std::greater<>> m_releases;
};

}  // namespace sluice::disk
