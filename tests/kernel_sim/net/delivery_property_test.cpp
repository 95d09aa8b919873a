// SPDX-License-Identifier: Apache-2.0
// Whatever is written in whatever pieces over whatever windows arrives whole and in order, and all memory comes back.
#include <fcntl.h>
#include <random>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/kernel_sim/net/test_bench.h"

namespace sluice::tests {
namespace {

void deliver(std::uint64_t seed) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  const auto below = [&](std::uint64_t n) { return random() % n; };
  net::NetConfig config;
  config.gso = below(4) != 0;
  config.splice_batch = below(2) == 0 ? 1 : 16;
  config.autocork = below(2) == 0;
  const net::DeviceFeatures features{below(3) != 0, below(3) != 0, below(3) != 0, below(3) == 0 ? 9000U : 1500U};
  TestBench bench{features, config};
  bench.round_trip = Picoseconds{static_cast<std::int64_t>(1'000'000 + below(200'000'000))};
  bench.completion_delay = Picoseconds{static_cast<std::int64_t>(100'000 + below(50'000'000))};
  // A window that may close but not shrink: bytes are read away at random.
  const Bytes room = 1024 * (20 + below(500));
  bench.window = [&] { return static_cast<std::uint32_t>(below(8) == 0 ? 0 : room & ~Bytes{1023}); };
  Bytes size = 0;
  bench.run([&] {
    const auto socket = bench.connect();
    EXPECT_TRUE(socket->set_option(IPPROTO_TCP, TCP_NODELAY, static_cast<int>(below(2))).has_value());
    if (below(3) == 0) {
      EXPECT_TRUE(socket->set_option(SOL_SOCKET, SO_SNDBUF, 20000).has_value());
    }
    for (int call = 0; call < 12; ++call) {
      const Bytes piece = 1 + (below(2) == 0 ? below(3000) : below(200000));
      const bool more = below(4) == 0;
      if (below(2) == 0) {
        EXPECT_EQ(bench.send(*socket, size, piece, more ? MSG_MORE : 0), piece);
      } else {
        PageSource source{bench.frames, bench.pages(size, piece, below(4096))};
        EXPECT_EQ(socket->splice_write(source, piece, nullptr, more ? SPLICE_F_MORE : 0), piece);
      }
      size += piece;
      if (below(4) == 0) bench.sleep(Picoseconds{static_cast<std::int64_t>(below(1'000'000'000))});
    }
    socket->close();
    bench.sleep(Picoseconds{kPicosecondsPerSecond} * 20);
    EXPECT_TRUE(bench.received_user_bytes(size)) << bench.stream.size() << " of " << size;
    EXPECT_TRUE(bench.peer_saw_fin);
    EXPECT_EQ(bench.bad_checksums, 0U);
    EXPECT_EQ(bench.stack.skbs().in_use(), 0U);
    EXPECT_EQ(bench.frames.held_frames(Place::PageCache), 0U);
  });
  EXPECT_TRUE(bench.frames.breaches().empty());
}

TEST(Delivery, HoldsUnderRandomWindowsAndSizes) {
  for (std::uint64_t seed = 1; seed <= 60 && !testing::Test::HasFailure(); ++seed) deliver(seed);
}

}  // namespace
}  // namespace sluice::tests
