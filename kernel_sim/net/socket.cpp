// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/socket.h"

#include <fcntl.h>

#include <sys/socket.h>
#include <sys/stat.h>

namespace sluice::net {

Result<void> check_inet(const kernel_sim::Endpoint& endpoint) {
  if (endpoint.family == AF_INET) return {};
  return refuse(endpoint.family == AF_UNIX && endpoint.name.empty() ? EINVAL : EAFNOSUPPORT);
}

Result<Bytes> Socket::read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset) {
  if (offset != nullptr) return refuse(ESPIPE);
  if (size == 0) return 0;
  return recv(memory, to, size, 0);
}

Result<Bytes> Socket::write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* offset) {
  if (offset != nullptr) return refuse(ESPIPE);
  return send(memory, from, size, 0);
}

Result<kernel_sim::FileStatus> Socket::status() {
  return kernel_sim::FileStatus{
      .size = 0, .mode = S_IFSOCK | 0777, .block_size = static_cast<std::uint32_t>(kPageSize)};
}

/// O_ASYNC is kept for F_GETFL: without an owner nobody gets a SIGIO.
int Socket::changeable_flags() const { return File::changeable_flags() | O_ASYNC; }

}  // namespace sluice::net
