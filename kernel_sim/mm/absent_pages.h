// SPDX-License-Identifier: Apache-2.0
// What a mapping shows that has no pages: every access is a bus error. Huge pages that nobody reserved, and a TCP
// socket, whose mapping TCP_ZEROCOPY_RECEIVE would fill.
#pragma once

#include "kernel_sim/mm/address_space.h"

namespace sluice::mm {

class AbsentPages final : public MappedObject {
 public:
  [[nodiscard]] std::uint64_t page_count() const override { return 0; }
  Result<Folio> fault_page(const Fault&, bool&) override { return refuse(EFAULT); }
  std::optional<Folio> cached_folio(std::uint64_t) override { return {}; }
  Result<void> page_dirtied(std::uint64_t) override { return {}; }
};

}  // namespace sluice::mm
