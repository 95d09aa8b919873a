// SPDX-License-Identifier: Apache-2.0
//   file ─ sendfile ─► socket
#include "kernel_sim/programs/transfer.h"

namespace sluice::kernel_sim {

int sendfile(SystemCalls& calls, const TransferRequest& request, Measurement& measurement) {
  Transfer transfer{calls, request, measurement};
  if (!transfer.open()) return transfer.finish();
  transfer.run([&](Transfer::SourceFile& file) {
    const auto sent = transfer.uninterrupted(
        [&] { return calls.sendfile(transfer.socket(), file.fd, nullptr, transfer.chunk_of(file.left)); });
    if (!transfer.check("sendfile", sent)) return false;
    if (sent == 0) return transfer.ended_early("sendfile");
    file.left -= static_cast<std::uint64_t>(sent);
    return true;
  });
  return transfer.finish();
}

}  // namespace sluice::kernel_sim
