// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/mm/shared_anonymous.h"

#include <algorithm>
#include <utility>

namespace sluice::mm {

SharedAnonymous::SharedAnonymous(hal::Machine& machine, FrameAllocator& frames, std::uint64_t pages)
    : m_machine(machine), m_frames(frames), m_pages(pages) {}

SharedAnonymous::~SharedAnonymous() {
  for (const auto& frame : m_pages) {
    if (frame) m_frames.put_at_shutdown(*frame);
  }
}

Result<Folio> SharedAnonymous::fault_page(const Fault& fault, bool&) {
  if (fault.index >= m_pages.size()) return refuse(EFAULT);
  if (!m_pages[fault.index]) {
    const auto frame = m_frames.allocate(Place::UserBuffer);
    if (!frame) return refuse(frame.error().value);
    m_machine.cpu.zero(frame->address(), kPageSize);
    // Zeroing took time: another process may have been first.
    if (m_pages[fault.index]) {
      m_frames.put(*frame);
    } else {
      m_pages[fault.index] = *frame;
    }
  }
  m_frames.get(*m_pages[fault.index]);
  return Folio{fault.index, 1, *m_pages[fault.index]};
}

std::optional<Folio> SharedAnonymous::cached_folio(std::uint64_t index) {
  if (index >= m_pages.size() || !m_pages[index]) return {};
  return Folio{index, 1, *m_pages[index]};
}

Result<void> SharedAnonymous::punch_hole(std::uint64_t first_index, std::uint64_t pages) {
  const auto spaces = mappers();
  for (AddressSpace* space : spaces) space->zap(*this, first_index, pages);
  for (std::uint64_t i = first_index; i < std::min<std::uint64_t>(first_index + pages, m_pages.size()); ++i) {
    if (const auto frame = std::exchange(m_pages[i], std::nullopt)) m_frames.put(*frame);
  }
  return {};
}

}  // namespace sluice::mm
