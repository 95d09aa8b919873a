// SPDX-License-Identifier: Apache-2.0
//   file ─ read ─► user buffer ─ write ─► socket
#include <sys/mman.h>

#include "kernel_sim/programs/transfer.h"

namespace sluice::kernel_sim {

int read_write(SystemCalls& calls, const TransferRequest& request, Measurement& measurement) {
  Transfer transfer{calls, request, measurement};
  UserAddress buffer = UserAddress::Null;
  if (!transfer.open() || !transfer.map_buffer(buffer)) return transfer.finish();
  transfer.run([&](const Transfer::SourceFile& file) {
    for (std::uint64_t left = file.size; left > 0;) {
      const auto got = transfer.uninterrupted([&] { return calls.read(file.fd, buffer, transfer.chunk_of(left)); });
      if (!transfer.check("read", got)) return false;
      if (got == 0) return transfer.ended_early("read");
      const auto bytes = static_cast<std::uint64_t>(got);
      if (!transfer.write_all(buffer, bytes)) return false;
      left -= bytes;
    }
    return true;
  });
  calls.munmap(buffer, request.chunk);
  return transfer.finish();
}

}  // namespace sluice::kernel_sim
