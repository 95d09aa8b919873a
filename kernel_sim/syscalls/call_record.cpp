// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/syscalls/call_record.h"

namespace sluice::syscalls {

namespace {
constexpr std::array<std::string_view, kCalls> kNames{
    "open",       "close",         "read",    "write",    "pread",    "pwrite", "lseek",  "fstat",    "ftruncate",
    "fsync",      "posix_fadvise", "fcntl",   "dup",      "sendfile", "splice", "tee",    "vmsplice", "pipe",
    "mmap",       "munmap",        "madvise", "socket",   "connect",  "bind",   "listen", "accept",   "getsockname",
    "setsockopt", "send",          "recv",    "shutdown", "poll",     "fork",   "exit",   "wait"};
static_assert(static_cast<std::size_t>(Call::Wait) + 1 == kCalls);
}  // namespace

std::string_view name_of(Call call) { return kNames[static_cast<std::size_t>(call)]; }

std::map<std::string, std::uint64_t> CallCounts::by_name() const {
  std::map<std::string, std::uint64_t> found;
  for (std::size_t i = 0; i < kCalls; ++i) {
    if (calls[i] > 0) found.emplace(kNames[i], calls[i]);
  }
  return found;
}

}  // namespace sluice::syscalls
