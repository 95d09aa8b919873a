// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/program.h"

#include <algorithm>

namespace sluice::differential {

const Signature& signature_of(Operation operation) {
  using K = Kind;
  static constexpr std::array<Signature, kOperations> kSignatures = {{
      {"open", {K::NewDescriptor, K::Path, K::OpenFlags, K::Mode}},
      {"close", {K::Descriptor}},
      {"read", {K::Descriptor, K::Address, K::Size}},
      {"write", {K::Descriptor, K::Address, K::Size}},
      {"pread", {K::Descriptor, K::Address, K::Size, K::Offset}},
      {"pwrite", {K::Descriptor, K::Address, K::Size, K::Offset}},
      {"readv", {K::Descriptor, K::Address, K::Size, K::Address, K::Size}},
      {"writev", {K::Descriptor, K::Address, K::Size, K::Address, K::Size}},
      {"preadv", {K::Descriptor, K::Address, K::Size, K::Address, K::Size, K::Offset}},
      {"pwritev", {K::Descriptor, K::Address, K::Size, K::Address, K::Size, K::Offset}},
      {"lseek", {K::Descriptor, K::Offset, K::Whence}},
      {"fstat", {K::Descriptor}},
      {"ftruncate", {K::Descriptor, K::Offset}},
      {"fsync", {K::Descriptor}},
      {"posix_fadvise", {K::Descriptor, K::Offset, K::Offset, K::FileAdvice}},
      {"fcntl", {K::Descriptor, K::FcntlCommand, K::FcntlArgument}},
      {"dup", {K::NewDescriptor, K::Descriptor}},
      {"dup_from", {K::NewDescriptor, K::Descriptor, K::FcntlArgument, K::FcntlCommand}},
      {"dup3", {K::Descriptor, K::Descriptor, K::PipeFlags}},
      {"sendfile", {K::Descriptor, K::Descriptor, K::OptionalOffset, K::Size}},
      {"copy_file_range",
       {K::Descriptor, K::OptionalOffset, K::Descriptor, K::OptionalOffset, K::Size, K::SpliceFlags}},
      {"splice", {K::Descriptor, K::OptionalOffset, K::Descriptor, K::OptionalOffset, K::Size, K::SpliceFlags}},
      {"tee", {K::Descriptor, K::Descriptor, K::Size, K::SpliceFlags}},
      {"vmsplice", {K::Descriptor, K::Address, K::Size, K::SpliceFlags}},
      {"pipe2", {K::NewDescriptor, K::NewDescriptor, K::PipeFlags}},
      {"mmap", {K::Address, K::Size, K::Protection, K::MapFlags, K::Descriptor, K::Offset}},
      {"munmap", {K::Address, K::Size}},
      {"mprotect", {K::Address, K::Size, K::Protection}},
      {"mincore", {K::Address, K::Size}},
      {"mremap", {K::Address, K::Size, K::Size, K::RemapFlags, K::Address}},
      {"brk", {K::Size, K::Size}},
      {"madvise", {K::Address, K::Size, K::MemoryAdvice}},
      {"load", {K::Address, K::Size}},
      {"store", {K::Address, K::Size, K::Pattern}},
      {"memset", {K::Address, K::Pattern, K::Size}},
      {"poll", {K::Descriptor, K::PollEvents, K::Descriptor, K::PollEvents}},
      {"epoll_create1", {K::NewDescriptor, K::PipeFlags}},
      {"epoll_ctl", {K::Descriptor, K::EpollOperation, K::Descriptor, K::EpollEvents, K::Pattern}},
      {"epoll_wait", {K::Descriptor, K::Size}},
      {"eventfd", {K::NewDescriptor, K::Size, K::EventFlags}},
      {"timerfd_create", {K::NewDescriptor, K::Clock, K::PipeFlags}},
      {"timerfd_settime", {K::Descriptor, K::TimerFlags, K::Offset, K::Offset}},
      {"timerfd_gettime", {K::Descriptor}},
      {"clock_gettime", {K::Clock}},
      {"getrusage", {K::Status}},
      {"sched_setaffinity", {K::Size, K::Size}},
      {"socketpair", {K::NewDescriptor, K::NewDescriptor, K::PipeFlags}},
      {"tcp_pair", {K::NewDescriptor, K::NewDescriptor}},
      {"socket", {K::NewDescriptor}},
      {"connect", {K::Descriptor}},
      {"bind", {K::Descriptor, K::Target, K::Descriptor}},
      {"connect_to", {K::Descriptor, K::Descriptor}},
      {"setsockopt", {K::Descriptor, K::SocketOption, K::Pattern}},
      {"getsockopt", {K::Descriptor, K::SocketOption}},
      {"talk", {K::Script}},
      {"listen", {K::Descriptor, K::Size}},
      {"accept", {K::NewDescriptor, K::Descriptor}},
      {"send", {K::Descriptor, K::Address, K::Size, K::MessageFlags}},
      {"recv", {K::Descriptor, K::Address, K::Size, K::MessageFlags}},
      {"sendmsg", {K::Descriptor, K::Address, K::Size, K::Address, K::Size, K::MessageFlags}},
      {"recvmsg", {K::Descriptor, K::Address, K::Size, K::Address, K::Size, K::MessageFlags}},
      {"lend", {K::Script}},
      {"shutdown", {K::Descriptor, K::How}},
      {"datagram_socket", {K::NewDescriptor, K::Status}},
      {"sendto", {K::Descriptor, K::Address, K::Size, K::MessageFlags, K::Descriptor}},
      {"recvfrom", {K::Descriptor, K::Address, K::Size, K::MessageFlags}},
      {"getpeername", {K::Descriptor}},
      {"dissolve", {K::Descriptor}},
      {"unix_socket", {K::NewDescriptor}},
      {"bind", {K::Descriptor, K::UnixName}},
      {"connect", {K::Descriptor, K::UnixName}},
      {"ioctl_fionread", {K::Descriptor}},
      {"names", {K::Descriptor}},
      {"unlink", {K::Path}},
      {"fork", {}},
      {"wait", {}},
      {"exit", {K::Status}},
      {"fill_disk", {K::Size}},
      {"sigaction", {K::Signal, K::SignalHandler, K::Pattern}},
      {"raise", {K::Signal}},
      {"kill", {K::WaitsFor, K::Signal, K::SignalHandler}},
      {"stream", {K::StreamSource, K::Size, K::Size, K::Size, K::Size, K::Size}},
  }};
  return kSignatures[static_cast<std::size_t>(operation)];
}

bool fills_disk(const Program& program) {
  return std::ranges::any_of(program.steps, [](const Step& step) { return step.operation == Operation::FillDisk; });
}

bool uses_sockets(const Program& program) {
  return std::ranges::any_of(program.steps, [](const Step& step) {
    return step.operation == Operation::SocketPair || step.operation == Operation::Socket ||
           step.operation == Operation::Talk || step.operation == Operation::Lend ||
           step.operation == Operation::Datagram;
  });
}

std::byte pattern(std::uint64_t seed, std::uint64_t offset) {
  // splitmix64 of the word's number; its bytes in turn.
  std::uint64_t word = seed * 0x9E37'79B9'7F4A'7C15U + offset / 8 * 0xBF58'476D'1CE4'E5B9U + 1;
  word = (word ^ (word >> 30)) * 0xBF58'476D'1CE4'E5B9U;
  word = (word ^ (word >> 27)) * 0x94D0'49BB'1331'11EBU;
  word ^= word >> 31;
  return static_cast<std::byte>(word >> (offset % 8 * 8));
}

}  // namespace sluice::differential
