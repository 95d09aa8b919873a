// SPDX-License-Identifier: Apache-2.0
#include "models/nic/coalescing_logic.h"

#include <algorithm>

namespace sluice::nic {

void Coalescing::add(Picoseconds first, Picoseconds interval, unsigned count) {
  if (count == 0) return;
  if (m_count == 0) m_due = first + m_time;
  if (m_count < m_frames && m_count + count >= m_frames) {
    m_due = std::min(*m_due, first + interval * (m_frames - m_count - 1));
  }
  m_count += count;
}

void Coalescing::clear() {
  m_count = 0;
  m_due.reset();
}

}  // namespace sluice::nic
