// SPDX-License-Identifier: Apache-2.0
// What MAP_SHARED | MAP_ANONYMOUS maps: zero-filled frames that all processes of a family share (shmem without a name).
#pragma once

#include "kernel_sim/mm/address_space.h"

namespace sluice::mm {

class SharedAnonymous final : public MappedObject {
 public:
  SharedAnonymous(hal::Machine& machine, FrameAllocator& frames, std::uint64_t pages);
  ~SharedAnonymous() override;

  [[nodiscard]] std::uint64_t page_count() const override { return m_pages.size(); }
  Result<Folio> fault_page(const Fault& fault, bool& major) override;
  std::optional<Folio> cached_folio(std::uint64_t index) override;
  Result<void> page_dirtied(std::uint64_t) override { return {}; }
  Result<void> punch_hole(std::uint64_t first_index, std::uint64_t pages) override;

 private:
  hal::Machine& m_machine;
  FrameAllocator& m_frames;
  std::vector<std::optional<Frame>> m_pages;
};

}  // namespace sluice::mm
