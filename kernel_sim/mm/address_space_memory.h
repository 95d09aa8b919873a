// SPDX-License-Identifier: Apache-2.0
// A program's memory over its address space: translate, and on a fault let the address space resolve it and try again.
#pragma once

#include "kernel_sim/mm/address_space.h"
#include "kernel_sim/mm/user_memory.h"

namespace sluice::mm {

/// Copies and small values for the kernel (UserMemory), loads and stores for the program itself.
/// The address space must be the one that is loaded on the running core.
class AddressSpaceMemory final : public UserMemory {
 public:
  AddressSpaceMemory(hal::Machine& machine, FrameAllocator& frames, AddressSpace& space, const MmConfig& config);

  Bytes copy_in(VirtAddr from, PhysAddr to, Bytes size) override;
  Bytes copy_out(PhysAddr from, VirtAddr to, Bytes size) override;
  Result<void> load(VirtAddr from, std::span<std::byte> to) override;
  Result<void> store(VirtAddr to, std::span<const std::byte> from) override;
  Result<std::vector<Fragment>> pin(VirtAddr at, Bytes size, hal::Access access) override;

  // --- the program's own accesses, in user mode; anything but Resolved ends the task -------------------------------
  FaultOutcome program_load(VirtAddr from, std::span<std::byte> to);
  FaultOutcome program_store(VirtAddr to, std::span<const std::byte> from);
  FaultOutcome program_fill(VirtAddr to, std::byte value, Bytes size);

 private:
  /// Where the address is, after resolving faults; what could not be resolved otherwise.
  tl::expected<hal::Translation, FaultOutcome> reach(VirtAddr address, hal::Access access, bool user);
  /// Calls act(physical address, done, size) for each piece that one translation covers; returns the bytes done.
  template <class Act>
  Bytes for_each_piece(VirtAddr at, Bytes size, hal::Access access, bool user, FaultOutcome& outcome, Act&& act);

  void copy_piece(PhysAddr from, PhysAddr to, Bytes size, bool first);

  hal::Machine& m_machine;
  FrameAllocator& m_frames;
  AddressSpace& m_space;
  const MmConfig& m_config;
};

}  // namespace sluice::mm
