// SPDX-License-Identifier: Apache-2.0
//   file ─ splice ─► pipe ─ splice ─► socket
#include <bit>
#include <fcntl.h>

#include "kernel_sim/programs/transfer.h"

namespace sluice::kernel_sim {

namespace {

/// Room in the pipe for a chunk. A kernel that refuses (beyond its limit) leaves the size as it is, and the chunk
/// goes through in parts.
void enlarge(SystemCalls& calls, int pipe, std::uint64_t chunk) {
  constexpr std::uint64_t kDefaultSize = 65536;
  constexpr std::uint64_t kUnprivilegedLimit = std::uint64_t{1} << 20;
  const std::uint64_t size = std::max(std::bit_ceil(std::min(chunk, kUnprivilegedLimit)), kDefaultSize);
  if (size > kDefaultSize) calls.fcntl(pipe, F_SETPIPE_SZ, static_cast<std::int64_t>(size));
}

/// All that the pipe holds goes to the socket. `more`: the file goes on after it.
bool drain(Transfer& transfer, int pipe, std::uint64_t size, bool more) {
  const unsigned flags = SPLICE_F_MOVE | (more ? SPLICE_F_MORE : 0U);
  while (size > 0) {
    const auto sent = transfer.uninterrupted(
        [&] { return transfer.calls().splice(pipe, nullptr, transfer.socket(), nullptr, size, flags); });
    if (!transfer.check("splice", sent)) return false;
    if (sent == 0) return transfer.ended_early("splice");
    size -= static_cast<std::uint64_t>(sent);
  }
  return true;
}

}  // namespace

int splice(SystemCalls& calls, const TransferRequest& request, Measurement& measurement) {
  Transfer transfer{calls, request, measurement};
  int pipe[2] = {-1, -1};
  if (!transfer.open() || !transfer.check("pipe", calls.pipe(pipe))) return transfer.finish();
  enlarge(calls, pipe[1], request.chunk);
  transfer.run([&](Transfer::SourceFile& file) {
    const std::uint64_t chunk = transfer.chunk_of(file.left);
    const unsigned flags = SPLICE_F_MOVE | (chunk < file.left ? SPLICE_F_MORE : 0U);
    const auto got =
        transfer.uninterrupted([&] { return calls.splice(file.fd, nullptr, pipe[1], nullptr, chunk, flags); });
    if (!transfer.check("splice", got)) return false;
    if (got == 0) return transfer.ended_early("splice");
    file.left -= static_cast<std::uint64_t>(got);
    return drain(transfer, pipe[0], static_cast<std::uint64_t>(got), file.left > 0);
  });
  calls.close(pipe[0]);
  calls.close(pipe[1]);
  return transfer.finish();
}

}  // namespace sluice::kernel_sim
