// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

constexpr unsigned kBatch = 200;

void null_call(Session& session) {
  session.measure_all(kBatch, [&] {
    for (unsigned i = 0; i < kBatch; ++i) session.calls.lseek(-1, 0, SEEK_CUR);
  });
}

void file_call(Session& session) {
  const int fd = session.open_file();
  session.measure_all(kBatch, [&] {
    for (unsigned i = 0; i < kBatch; ++i) session.calls.lseek(fd, 0, SEEK_CUR);
  });
  session.calls.close(fd);
}

}  // namespace

std::vector<Primitive> call_primitives() {
  return {
      {"call.null", "lseek on no descriptor", null_call, 0},
      {"call.file", "lseek on a file, not moving", file_call, kPageSize},
  };
}

}  // namespace sluice::calibration
