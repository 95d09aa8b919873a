// SPDX-License-Identifier: Apache-2.0
// The disk, past the page cache.
#include <fcntl.h>

#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

/// Direct reads of `size` bytes, each `stride` bytes behind the one before.
void read_direct(Session& session, Bytes size, Bytes stride, unsigned batch) {
  const int fd = session.open_file(O_DIRECT);
  const UserAddress buffer = session.map_buffer(size);
  Bytes at = 0;
  session.measure_all(batch, [&] {
    for (unsigned i = 0; i < batch; ++i) {
      session.need_all("pread", session.calls.pread(fd, buffer, size, static_cast<std::int64_t>(at)), size);
      at = (at + stride) % (session.file_size() - size) / kPageSize * kPageSize;
    }
  });
  session.calls.munmap(buffer, size);
  session.calls.close(fd);
}

}  // namespace

std::vector<Primitive> disk_primitives() {
  constexpr Bytes kFile = 32_MiB;
  constexpr Bytes kFar = 7 * 1_MiB + 12 * kPageSize;  // neither a neighbour nor a multiple of anything
  constexpr Bytes kLarge = 512_KiB;
  return {
      {"disk.page", "O_DIRECT read of a page, far from the one before",
       [](Session& session) { read_direct(session, kPageSize, kFar, 4); }, kFile},
      {"disk.512_kib", "O_DIRECT read of 512 KiB, behind the one before",
       [](Session& session) { read_direct(session, kLarge, kLarge, 2); }, kFile},
  };
}

}  // namespace sluice::calibration
