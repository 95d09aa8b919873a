// SPDX-License-Identifier: Apache-2.0
// pread of pages that are cached. A copy costs by where its source and its destination are found, so their working
// sets are varied apart.
#include <fcntl.h>

#include <fmt/format.h>

#include "models/base/quantity.h"
#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

constexpr unsigned kBatch = 64;

/// Reads of `size` bytes that cycle over both working sets.
void read_cycling(Session& session, Bytes size, Bytes source, Bytes destination) {
  const int fd = session.open_file();
  const UserAddress buffer = session.map_buffer(destination);
  Bytes from = 0;
  Bytes to = 0;
  const auto one = [&] {
    session.need_all(
        "pread", session.calls.pread(fd, buffer + to, size, static_cast<std::int64_t>(Session::kSteady + from)), size);
    from = from + size < source ? from + size : 0;
    to = to + size < destination ? to + size : 0;
  };
  // Once around, so that what fits is where it fits and nothing faults.
  for (Bytes done = 0; done < std::max(source, destination); done += size) one();
  session.measure_all(kBatch, [&] {
    for (unsigned i = 0; i < kBatch; ++i) one();
  });
  session.calls.munmap(buffer, destination);
  session.calls.close(fd);
}

Primitive read_bytes(Bytes size) {
  return {fmt::format("read.{}_bytes", size), fmt::format("pread of {} bytes, always the same", size),
          [size](Session& session) { read_cycling(session, size, size, size); }, Session::kSteady + kPageSize};
}

Primitive read_pages(unsigned pages) {
  const Bytes size = pages * kPageSize;
  return {fmt::format("read.{}_pages", pages), fmt::format("pread of {} pages, always the same", pages),
          [size](Session& session) { read_cycling(session, size, size, size); }, Session::kSteady + size};
}

}  // namespace

Primitive read_page(Bytes source, Bytes destination) {
  return {fmt::format("read.page.{}.{}", source / kPageSize, destination / kPageSize),
          fmt::format("pread of a page of {} into {}", base::to_text(source), base::to_text(destination)),
          [source, destination](Session& session) { read_cycling(session, kPageSize, source, destination); },
          Session::kSteady + source};
}

std::vector<Primitive> read_primitives() {
  std::vector<Primitive> list;
  for (const Bytes size : {64, 512, 1024, 2048, 3072, 4096}) list.push_back(read_bytes(size));
  for (const unsigned pages : {8U, 32U}) {
    list.push_back(read_page(pages * kPageSize, pages * kPageSize));
    list.push_back(read_pages(pages));
  }
  return list;
}

}  // namespace sluice::calibration
