// SPDX-License-Identifier: Apache-2.0
//   file ─ read, past the page cache ─► user buffer ─ write ─► socket
#include <fcntl.h>

#include <sys/mman.h>

#include "kernel_sim/programs/transfer.h"

namespace sluice::kernel_sim {

namespace {

/// What O_DIRECT wants of address, offset and size: that of the coarsest disks.
constexpr std::uint64_t kAlignment = 4096;

std::uint64_t aligned(std::uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

int direct_io(SystemCalls& calls, const TransferRequest& request, Measurement& measurement) {
  Transfer transfer{calls, request, measurement};
  UserAddress buffer = UserAddress::Null;
  if (!transfer.open(O_DIRECT) || !transfer.map_buffer(buffer)) return transfer.finish();
  transfer.run([&](Transfer::SourceFile& file) {
    // The last piece is asked for in whole blocks; the file's end cuts it.
    const auto got =
        transfer.uninterrupted([&] { return calls.read(file.fd, buffer, aligned(transfer.chunk_of(file.left))); });
    if (!transfer.check("read", got)) return false;
    if (got == 0) return transfer.ended_early("read");
    const std::uint64_t bytes = std::min(static_cast<std::uint64_t>(got), file.left);
    file.left -= bytes;
    return transfer.write_all(buffer, bytes);
  });
  calls.munmap(buffer, request.chunk);
  return transfer.finish();
}

}  // namespace sluice::kernel_sim
