// SPDX-License-Identifier: Apache-2.0
// Two processes on one core that wake each other.
#include <array>
#include <cstring>

#include <sys/mman.h>

#include "tools/native/calibration/other_work.h"
#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

constexpr unsigned kBatch = 16;

struct Ends {
  int from_parent[2];
  int to_parent[2];
};

/// Returns every byte until the parent closes its end.
int echo(SystemCalls& calls, std::span<const std::byte> arguments) {
  Ends ends{};
  std::memcpy(&ends, arguments.data(), sizeof ends);
  calls.close(ends.from_parent[1]);
  calls.close(ends.to_parent[0]);
  const auto buffer =
      calls.mmap(UserAddress::Null, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer < 0) return 1;
  const auto at = static_cast<UserAddress>(buffer);
  while (calls.read(ends.from_parent[0], at, 1) == 1) {
    if (calls.write(ends.to_parent[1], at, 1) != 1) return 1;
  }
  return 0;
}

void round_trip(Session& session) {
  Ends ends{};
  session.need("pipe", session.calls.pipe(ends.from_parent));
  session.need("pipe", session.calls.pipe(ends.to_parent));
  const UserAddress buffer = session.map_buffer(kPageSize);
  const auto child = session.need("fork", session.calls.fork(echo, std::as_bytes(std::span{&ends, 1})));
  session.calls.close(ends.from_parent[0]);
  session.calls.close(ends.to_parent[1]);
  {
    OtherWork others{session};
    session.measure(kBatch, [&](Stopwatch& watch) {
      for (unsigned i = 0; i < kBatch; ++i) {
        others();
        watch.run([&] {
          session.need_all("write", session.calls.write(ends.from_parent[1], buffer, 1), 1);
          session.need_all("read", session.calls.read(ends.to_parent[0], buffer, 1), 1);
        });
      }
    });
  }
  session.calls.close(ends.from_parent[1]);
  session.calls.close(ends.to_parent[0]);
  int status = 0;
  session.need("wait", session.calls.wait(child, status));
  session.calls.munmap(buffer, kPageSize);
}

}  // namespace

std::vector<Primitive> task_primitives() {
  return {{"task.round_trip", "a byte to another process on the core and back, through pipes", round_trip, 0}};
}

}  // namespace sluice::calibration
