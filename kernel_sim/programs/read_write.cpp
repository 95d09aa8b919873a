// SPDX-License-Identifier: Apache-2.0
//   file ─ read ─► user buffer ─ write ─► socket
#include <sys/mman.h>

#include "kernel_sim/programs/transfer.h"

namespace sluice::kernel_sim {

int read_write(SystemCalls& calls, const TransferRequest& request, Measurement& measurement) {
  Transfer transfer{calls, request, measurement};
  UserAddress buffer = UserAddress::Null;
  if (!transfer.open() || !transfer.map_buffer(buffer)) return transfer.finish();
  transfer.run([&](Transfer::SourceFile& file) {
    const auto got = transfer.uninterrupted([&] { return calls.read(file.fd, buffer, transfer.chunk_of(file.left)); });
    if (!transfer.check("read", got)) return false;
    if (got == 0) return transfer.ended_early("read");
    file.left -= static_cast<std::uint64_t>(got);
    return transfer.write_all(buffer, static_cast<std::uint64_t>(got));
  });
  calls.munmap(buffer, request.chunk);
  return transfer.finish();
}

}  // namespace sluice::kernel_sim
