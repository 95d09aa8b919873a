// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/mm/address_space_memory.h"

#include <algorithm>
#include <array>

#include "models/mmu/page_table_format.h"

namespace sluice::mm {

namespace {

/// The machine has 47 bits of user space; a kernel address in a system call is a bad address, not a kernel access.
bool is_user_range(VirtAddr at, Bytes size) {
  return at.value() <= mmu::kUserEnd && size <= mmu::kUserEnd - at.value();
}

}  // namespace

AddressSpaceMemory::AddressSpaceMemory(hal::Machine& machine, FrameAllocator& frames, AddressSpace& space,
                                       const MmConfig& config)
    : m_machine(machine), m_frames(frames), m_space(space), m_config(config) {}

tl::expected<hal::Translation, FaultOutcome> AddressSpaceMemory::reach(VirtAddr address, hal::Access access,
                                                                       bool user) {
  for (;;) {
    const auto translation = m_machine.cpu.translate(address, access, user);
    if (translation) return *translation;
    const auto mode = m_machine.cpu.mode();
    if (mode == hal::Mode::User) m_machine.cpu.set_mode(hal::Mode::Kernel);
    const auto outcome = m_space.handle_fault(translation.error());
    if (mode == hal::Mode::User) m_machine.cpu.set_mode(mode);
    if (outcome != FaultOutcome::Resolved) return tl::unexpected{outcome};
  }
}

template <class Act>
Bytes AddressSpaceMemory::for_each_piece(VirtAddr at, Bytes size, hal::Access access, bool user, FaultOutcome& outcome,
                                         Act&& act) {
  Bytes done = 0;
  if (user && size == 0) return 0;  // an instruction that touches nothing
  if (!is_user_range(at, size)) {
    outcome = FaultOutcome::SegmentationFault;
    return 0;
  }
  while (done < size) {
    const auto translation = reach(at + done, access, user);
    if (!translation) {
      outcome = translation.error();
      break;
    }
    const Bytes piece = std::min(translation->contiguous, size - done);
    act(translation->address, done, piece);
    done += piece;
  }
  return done;
}

/// One `rep movsb` over all pages, wherever they lie (copy_user_generic).
void AddressSpaceMemory::copy_piece(PhysAddr from, PhysAddr to, Bytes size, bool first) {
  first ? m_machine.cpu.copy(from, to, size) : m_machine.cpu.continue_copy(from, to, size);
}

Bytes AddressSpaceMemory::copy_in(VirtAddr from, PhysAddr to, Bytes size) {
  m_machine.cpu.execute(m_config.user_copy, hal::Work::Copy);
  FaultOutcome outcome = FaultOutcome::Resolved;
  return for_each_piece(from, size, hal::Access::Read, false, outcome,
                        [&](PhysAddr at, Bytes done, Bytes piece) { copy_piece(at, to + done, piece, done == 0); });
}

Bytes AddressSpaceMemory::copy_out(PhysAddr from, VirtAddr to, Bytes size) {
  m_machine.cpu.execute(m_config.user_copy, hal::Work::Copy);
  FaultOutcome outcome = FaultOutcome::Resolved;
  return for_each_piece(to, size, hal::Access::Write, false, outcome,
                        [&](PhysAddr at, Bytes done, Bytes piece) { copy_piece(from + done, at, piece, done == 0); });
}

Result<void> AddressSpaceMemory::load(VirtAddr from, std::span<std::byte> to) {
  FaultOutcome outcome = FaultOutcome::Resolved;
  for_each_piece(from, to.size(), hal::Access::Read, false, outcome,
                 [&](PhysAddr at, Bytes done, Bytes piece) { m_machine.cpu.load(at, to.subspan(done, piece)); });
  if (outcome != FaultOutcome::Resolved) return refuse(EFAULT);
  return {};
}

Result<void> AddressSpaceMemory::store(VirtAddr to, std::span<const std::byte> from) {
  FaultOutcome outcome = FaultOutcome::Resolved;
  for_each_piece(to, from.size(), hal::Access::Write, false, outcome,
                 [&](PhysAddr at, Bytes done, Bytes piece) { m_machine.cpu.store(at, from.subspan(done, piece)); });
  if (outcome != FaultOutcome::Resolved) return refuse(EFAULT);
  return {};
}

Result<std::vector<Fragment>> AddressSpaceMemory::pin(VirtAddr at, Bytes size, hal::Access access) {
  std::vector<Fragment> pinned;
  if (!is_user_range(at, size)) return refuse(EFAULT);
  pinned.reserve(divide_up(at.page_offset() + size, kPageSize));
  for (Bytes done = 0; done < size;) {
    if (access == hal::Access::Read && !m_space.may_pin_to_read(at + done)) break;
    const auto translation = reach(at + done, access, false);
    if (!translation) break;
    const Bytes piece = std::min((at + done).left_in_page(), size - done);
    m_frames.get(Frame::of(translation->address));
    pinned.push_back({translation->address, static_cast<std::uint32_t>(piece)});
    done += piece;
  }
  m_machine.cpu.execute(m_config.pin_page * pinned.size(), hal::Work::Mapping);
  if (pinned.empty() && size > 0) return refuse(EFAULT);
  return pinned;
}

FaultOutcome AddressSpaceMemory::program_load(VirtAddr from, std::span<std::byte> to) {
  FaultOutcome outcome = FaultOutcome::Resolved;
  for_each_piece(from, to.size(), hal::Access::Read, true, outcome,
                 [&](PhysAddr at, Bytes done, Bytes piece) { m_machine.cpu.load(at, to.subspan(done, piece)); });
  return outcome;
}

FaultOutcome AddressSpaceMemory::program_store(VirtAddr to, std::span<const std::byte> from) {
  FaultOutcome outcome = FaultOutcome::Resolved;
  for_each_piece(to, from.size(), hal::Access::Write, true, outcome,
                 [&](PhysAddr at, Bytes done, Bytes piece) { m_machine.cpu.store(at, from.subspan(done, piece)); });
  return outcome;
}

FaultOutcome AddressSpaceMemory::program_fill(VirtAddr to, std::byte value, Bytes size) {
  std::array<std::byte, kPageSize> pattern;
  pattern.fill(value);
  FaultOutcome outcome = FaultOutcome::Resolved;
  for_each_piece(to, size, hal::Access::Write, true, outcome, [&](PhysAddr at, Bytes, Bytes piece) {
    for (Bytes done = 0; done < piece; done += kPageSize) {
      const Bytes part = std::min(kPageSize, piece - done);
      if (value == std::byte{0}) {
        m_machine.cpu.zero(at + done, part);
      } else {
        m_machine.cpu.store(at + done, std::span{pattern}.first(part));
      }
    }
  });
  return outcome;
}

}  // namespace sluice::mm
