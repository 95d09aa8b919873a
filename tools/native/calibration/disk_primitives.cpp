// SPDX-License-Identifier: Apache-2.0
// The disk: past the page cache, and as deep as read-ahead asks it.
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

/// The end of the file, out of the page cache and read again in order: read-ahead keeps as much on its way as it does
/// for a transfer. The file is cached as before, but for the folios at the beginning of that part.
void read_ahead(Session& session, Bytes part, Bytes call) {
  const int fd = session.open_file();
  const UserAddress buffer = session.map_buffer(call);
  const Bytes begin = session.file_size() - part;
  session.measure(part / call, [&](Stopwatch& watch) {
    session.need("posix_fadvise", session.calls.posix_fadvise(fd, static_cast<std::int64_t>(begin),
                                                              static_cast<std::int64_t>(part), POSIX_FADV_DONTNEED));
    watch.run([&] {
      for (Bytes at = begin; at < begin + part; at += call) {
        session.need_all("pread", session.calls.pread(fd, buffer, call, static_cast<std::int64_t>(at)), call);
      }
    });
  });
  session.calls.munmap(buffer, call);
  session.calls.close(fd);
}

}  // namespace

std::vector<Primitive> disk_primitives() {
  constexpr Bytes kFile = 32_MiB;
  constexpr Bytes kFar = 7 * 1_MiB + 12 * kPageSize;  // neither a neighbour nor a multiple of anything
  constexpr Bytes kPart = 32_MiB;
  return {
      {"disk.page", "O_DIRECT read of a page, far from the one before",
       [](Session& session) { read_direct(session, kPageSize, kFar, 4); }, kFile},
      {"disk.read_ahead", "64 KiB of 32 MiB that are read in order and not cached",
       [](Session& session) { read_ahead(session, kPart, 64_KiB); }, Session::file_with(kPart)},
  };
}

}  // namespace sluice::calibration
