// SPDX-License-Identifier: Apache-2.0
// System calls on the address space, and what the program does with its memory and its time in user mode.
#include <csignal>

#include <sys/mman.h>

#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;
using SystemCallsValue = kernel_sim::SystemCalls::Value;

SystemCallsValue SimulatedSystemCalls::mmap(UserAddress hint, std::uint64_t size, int protection, int flags, int fd,
                                            std::int64_t offset) {
  return call(
      Call::Mmap,
      [&] {
        return format("{}, {}, {}, {}, {}, {:#x}", address(hint), size, map_protection(protection), map_flags(flags),
                      fd, offset);
      },
      [&]() -> Result<Bytes> {
        // 64 bits without a sign to mmap, and so many that no file has such a page.
        const auto from = static_cast<std::uint64_t>(offset);
        if (from % kPageSize != 0) return base::refuse(EINVAL);
        std::shared_ptr<mm::MappedObject> object;
        if ((flags & MAP_ANONYMOUS) == 0) {
          const Result<FilePointer> found = file(fd);
          if (!found) return tl::unexpected{found.error()};
          const auto place = m_process.memory->find_place(address_of(hint), size, flags, from / kPageSize);
          if (!place) return tl::unexpected{place.error()};
          const int sharing = flags & MAP_TYPE;
          if (offset < 0) return base::refuse(EOVERFLOW);
          if (sharing != MAP_PRIVATE && sharing != MAP_SHARED && sharing != MAP_SHARED_VALIDATE)
            return base::refuse(EINVAL);
          const bool writes_to_file = sharing != MAP_PRIVATE && (protection & PROT_WRITE) != 0;
          if (!(*found)->readable() || (writes_to_file && !(*found)->writable())) return base::refuse(EACCES);
          object = (*found)->mapped_object();
          if (object == nullptr) return base::refuse(ENODEV);
        }
        const auto at = m_process.memory->map(address_of(hint), size, protection, flags, std::move(object), from);
        if (!at) return tl::unexpected{at.error()};
        return at->value();
      });
}

SystemCallsValue SimulatedSystemCalls::munmap(UserAddress at, std::uint64_t size) {
  return call(
      Call::Munmap, [&] { return format("{}, {}", address(at), size); },
      [&] { return m_process.memory->unmap(address_of(at), size); });
}

SystemCallsValue SimulatedSystemCalls::madvise(UserAddress at, std::uint64_t size, int advice) {
  return call(
      Call::Madvise, [&] { return format("{}, {}, {}", address(at), size, memory_advice(advice)); },
      [&] { return m_process.memory->advise(address_of(at), size, advice); });
}

void SimulatedSystemCalls::after_access(mm::FaultOutcome outcome) {
  switch (outcome) {
    case mm::FaultOutcome::Resolved:
      return;
    case mm::FaultOutcome::SegmentationFault:
      die(SIGSEGV);
    case mm::FaultOutcome::BusError:
      die(SIGBUS);
    case mm::FaultOutcome::OutOfMemory:
      die(SIGKILL);
  }
}

void SimulatedSystemCalls::load(UserAddress from, std::span<std::byte> to) {
  after_access(m_process.user_memory->program_load(address_of(from), to));
}

void SimulatedSystemCalls::store(UserAddress to, std::span<const std::byte> from) {
  after_access(m_process.user_memory->program_store(address_of(to), from));
}

void SimulatedSystemCalls::fill(UserAddress to, std::byte value, std::uint64_t size) {
  after_access(m_process.user_memory->program_fill(address_of(to), value, size));
}

void SimulatedSystemCalls::compute(std::uint64_t work) {
  services().machine.cpu.execute(m_table.config().compute_unit * work, hal::Work::Program);
}

}  // namespace sluice::syscalls
