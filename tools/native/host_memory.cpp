// SPDX-License-Identifier: Apache-2.0
// Mappings, and the program's own accesses to memory.
#include <cstring>
#include <utility>
#include <vector>

#include <sys/syscall.h>

#include "tools/native/host_call.h"

namespace sluice::native {

using kernel_sim::UserAddress;
using syscalls::Call;
using Value = SystemCalls::Value;

Value HostSystemCalls::mmap(UserAddress hint, std::uint64_t size, int protection, int flags, int fd,
                            std::int64_t offset) {
  return call(Call::Mmap, [&] { return raw(SYS_mmap, hint, size, protection, flags, fd, offset); });
}

Value HostSystemCalls::munmap(UserAddress address, std::uint64_t size) {
  return call(Call::Munmap, [&] { return raw(SYS_munmap, address, size); });
}

Value HostSystemCalls::mprotect(UserAddress address, std::uint64_t size, int protection) {
  return call(Call::Mprotect, [&] { return raw(SYS_mprotect, address, size, protection); });
}

Value HostSystemCalls::mincore(UserAddress address, std::uint64_t size, std::vector<std::uint8_t>& residency) {
  const std::uint64_t pages = size / 4096 + (size % 4096 != 0 ? 1 : 0);
  // Without room the kernel says what else is wrong first.
  std::vector<std::uint8_t> found(pages <= kernel_sim::kMostResidency ? pages : 0);
  const Value value = call(Call::Mincore, [&] {
    return raw(SYS_mincore, address, size, pages <= kernel_sim::kMostResidency ? found.data() : nullptr);
  });
  for (auto& page : found) page &= 1;  // the other bits mean nothing
  if (value == 0) residency = std::move(found);
  return value;
}

Value HostSystemCalls::mremap(UserAddress old_address, std::uint64_t old_size, std::uint64_t new_size, int flags,
                              UserAddress new_address) {
  return call(Call::Mremap, [&] { return raw(SYS_mremap, old_address, old_size, new_size, flags, new_address); });
}

Value HostSystemCalls::brk(UserAddress end) {
  return call(Call::Brk, [&] { return raw(SYS_brk, end); });
}

Value HostSystemCalls::madvise(UserAddress address, std::uint64_t size, int advice) {
  return call(Call::Madvise, [&] { return raw(SYS_madvise, address, size, advice); });
}

// The address is the program's: a bad one must reach the processor and fault there, so the sanitizers, which would
// report it as an error of this code, look away. Their memcpy does not: with them, the processor moves the bytes
// itself.
namespace {

void move_bytes(void* to, const void* from, std::size_t size) {
#ifdef __SANITIZE_ADDRESS__
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
#else
  std::memcpy(to, from, size);
#endif
}

void set_bytes(void* to, int value, std::size_t size) {
#ifdef __SANITIZE_ADDRESS__
  asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
#else
  std::memset(to, value, size);
#endif
}

}  // namespace

__attribute__((no_sanitize("undefined", "address"))) void HostSystemCalls::load(UserAddress from,
                                                                                std::span<std::byte> to) {
  if (!to.empty()) move_bytes(to.data(), reinterpret_cast<const void*>(from), to.size());
}

__attribute__((no_sanitize("undefined", "address"))) void HostSystemCalls::store(UserAddress to,
                                                                                 std::span<const std::byte> from) {
  if (!from.empty()) move_bytes(reinterpret_cast<void*>(to), from.data(), from.size());
}

__attribute__((no_sanitize("undefined", "address"))) void HostSystemCalls::fill(UserAddress to, std::byte value,
                                                                                std::uint64_t size) {
  if (size > 0) set_bytes(reinterpret_cast<void*>(to), std::to_integer<int>(value), size);
}

}  // namespace sluice::native
