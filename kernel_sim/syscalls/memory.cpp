// SPDX-License-Identifier: Apache-2.0
// System calls on the address space, and what the program does with its memory and its time in user mode.
#include <csignal>

#include <sys/mman.h>

#include "kernel_sim/mm/absent_pages.h"
#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;
using SystemCallsValue = kernel_sim::SystemCalls::Value;

namespace {

/// What MAP_SHARED_VALIDATE knows but MAP_SYNC: LEGACY_MAP_MASK (include/linux/mman.h).
constexpr int kLegacyMapFlags = MAP_SHARED_VALIDATE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | 0x80 /* MAP_ABOVE4G */ |
                                MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE |
                                MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |
                                static_cast<int>(0x3FU << MAP_HUGE_SHIFT);

/// hstate_sizelog: the machine has huge pages of 2 MiB and 1 GiB; 0 means the smaller ones.
bool known_huge_page_size(int flags) {
  const unsigned log = static_cast<unsigned>(flags) >> MAP_HUGE_SHIFT & 0x3FU;
  return log == 0 || log == 21 || log == 30;
}

/// file_mmap_ok.
Result<void> check_offsets(const fs::File& file, Bytes size, std::uint64_t offset) {
  const std::uint64_t end = file.mappable_end();
  if (size > end || offset / kPageSize > (end - size) / kPageSize) return base::refuse(EOVERFLOW);
  return {};
}

/// do_mmap: whether a file opened like this may be mapped like that.
Result<void> check_mode(const fs::File& file, int protection, int flags) {
  const int sharing = flags & MAP_TYPE;
  if (sharing != MAP_PRIVATE && sharing != MAP_SHARED && sharing != MAP_SHARED_VALIDATE) return base::refuse(EINVAL);
  if (sharing == MAP_SHARED_VALIDATE && (flags & ~(kLegacyMapFlags | MAP_SYNC)) != 0) return base::refuse(EOPNOTSUPP);
  const bool writes_to_file = sharing != MAP_PRIVATE && (protection & PROT_WRITE) != 0;
  if (!file.readable() || (writes_to_file && !file.writable())) return base::refuse(EACCES);
  return {};
}

/// What mprotect may give a mapping of the file: shared writing only where the file was opened for it.
int allowed_protection(const fs::File& file, int flags) {
  const bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
  return file.mappable_protection() & ~(shared && !file.writable() ? PROT_WRITE : 0);
}

}  // namespace

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
        const bool huge = (flags & MAP_HUGETLB) != 0;
        Result<std::shared_ptr<mm::MappedObject>> object;
        int allowed = PROT_READ | PROT_WRITE | PROT_EXEC;
        if ((flags & MAP_ANONYMOUS) == 0) {
          const Result<FilePointer> found = file(fd);
          if (!found) return tl::unexpected{found.error()};
          if (huge) return base::refuse(EINVAL);
          allowed = allowed_protection(**found, flags);
          object = object_to_map(**found, {address_of(hint), size, protection, flags, from});
        } else if (huge) {
          if (!known_huge_page_size(flags)) return base::refuse(EINVAL);
          object = huge_pages_to_map({address_of(hint), round_up(size, kLargePageSize), protection, flags, from});
        }
        if (!object) return tl::unexpected{object.error()};
        const auto at =
            m_process.memory->map(address_of(hint), size, protection, flags, std::move(*object), from, allowed);
        if (!at) return tl::unexpected{at.error()};
        return at->value();
      });
}

/// What a mapping of the file is backed by, in the order in which Linux finds what is wrong.
Result<std::shared_ptr<mm::MappedObject>> SimulatedSystemCalls::object_to_map(fs::File& file,
                                                                              const MapArguments& a) const {
  const auto place = m_process.memory->find_place(a.hint, a.size, a.flags, a.offset / kPageSize);
  if (!place) return tl::unexpected{place.error()};
  if (const auto checked = check_offsets(file, a.size, a.offset); !checked) return tl::unexpected{checked.error()};
  if (const auto checked = check_mode(file, a.protection, a.flags); !checked) return tl::unexpected{checked.error()};
  auto object = file.mapped_object();
  // It has an mmap, which refuses when what was there is gone.
  const bool socket = dynamic_cast<net::Socket*>(&file) != nullptr;
  if (object == nullptr && !(socket && (a.flags & MAP_GROWSDOWN) != 0)) {
    if (socket && (a.flags & MAP_FIXED) != 0) static_cast<void>(m_process.memory->unmap(a.hint, a.size));
    return base::refuse(ENODEV);
  }
  if ((a.flags & MAP_GROWSDOWN) != 0) return base::refuse(EINVAL);
  if ((a.protection & (PROT_READ | PROT_WRITE | PROT_EXEC) & ~file.mappable_protection()) != 0)
    return base::refuse(EPERM);
  if ((a.flags & MAP_SYNC) != 0) return base::refuse(EOPNOTSUPP);  // no file lies in persistent memory
  return object;
}

Result<std::shared_ptr<mm::MappedObject>> SimulatedSystemCalls::huge_pages_to_map(const MapArguments& a) const {
  if ((a.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0 && a.hint.value() % kLargePageSize != 0)
    return base::refuse(EINVAL);
  const auto place = m_process.memory->find_place(a.hint, a.size, a.flags, {});
  if (!place) return tl::unexpected{place.error()};
  const int sharing = a.flags & MAP_TYPE;
  if (sharing != MAP_PRIVATE && sharing != MAP_SHARED && sharing != MAP_SHARED_VALIDATE) return base::refuse(EINVAL);
  if ((a.flags & MAP_NORESERVE) == 0) return base::refuse(ENOMEM);
  return std::make_shared<mm::AbsentPages>();
}

SystemCallsValue SimulatedSystemCalls::munmap(UserAddress at, std::uint64_t size) {
  return call(
      Call::Munmap, [&] { return format("{}, {}", address(at), size); },
      [&] { return m_process.memory->unmap(address_of(at), size); });
}

SystemCallsValue SimulatedSystemCalls::mprotect(UserAddress at, std::uint64_t size, int protection) {
  return call(
      Call::Mprotect, [&] { return format("{}, {}, {}", address(at), size, map_protection(protection)); },
      [&] { return m_process.memory->protect(address_of(at), size, protection); });
}

SystemCallsValue SimulatedSystemCalls::mincore(UserAddress at, std::uint64_t size,
                                               std::vector<std::uint8_t>& residency) {
  return call(
      Call::Mincore, [&] { return format("{}, {}, [{}]", address(at), size, residency_text(residency)); },
      [&]() -> Result<void> {
        auto found = m_process.memory->residency(address_of(at), size, kernel_sim::kMostResidency);
        if (!found) return tl::unexpected{found.error()};
        residency = std::move(*found);
        return {};
      });
}

SystemCallsValue SimulatedSystemCalls::mremap(UserAddress old_address, std::uint64_t old_size, std::uint64_t new_size,
                                              int flags, UserAddress new_address) {
  return call(
      Call::Mremap,
      [&] {
        return format("{}, {}, {}, {}, {}", address(old_address), old_size, new_size, remap_flags(flags),
                      address(new_address));
      },
      [&]() -> Result<Bytes> {
        const auto at =
            m_process.memory->remap(address_of(old_address), old_size, new_size, flags, address_of(new_address));
        if (!at) return tl::unexpected{at.error()};
        return at->value();
      });
}

SystemCallsValue SimulatedSystemCalls::brk(UserAddress end) {
  return call(
      Call::Brk, [&] { return address(end); },
      [&]() -> Result<Bytes> { return m_process.memory->set_break(address_of(end)).value(); });
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
  end_if_killed();
}

}  // namespace sluice::syscalls
