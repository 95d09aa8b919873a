// SPDX-License-Identifier: Apache-2.0
// Both ends of a connection on one stack.
#pragma once

#include <fcntl.h>

#include "kernel_sim/drivers/loopback.h"
#include "tests/kernel_sim/net/test_bench.h"

namespace sluice::tests {

using kernel_sim::Endpoint;

struct LoopbackRig : TestBench {
  LoopbackRig() { bound = {net::Stack::kLoopbackAddress, 7000}; }

  std::shared_ptr<net::TcpSocket> listening(int backlog = 4, int flags = O_RDWR) {
    auto socket = stack.create_socket(flags);
    EXPECT_TRUE(socket->bind(bound).has_value());
    EXPECT_TRUE(socket->listen(backlog).has_value());
    return socket;
  }
  struct Pair {
    std::shared_ptr<net::TcpSocket> sender;
    std::shared_ptr<net::TcpSocket> receiver;
  };
  Pair connected(int flags = O_RDWR) {
    const auto listener = listening();
    auto sender = stack.create_socket(flags);
    EXPECT_TRUE(sender->connect(bound).has_value());
    auto receiver = listener->accept(nullptr, 0);
    EXPECT_TRUE(receiver.has_value());
    return {sender, *receiver};
  }
  [[nodiscard]] bool same_bytes(Bytes a, Bytes b, Bytes size) {
    const auto first = fake.bytes(PhysAddr{40_MiB + a}, size);
    return std::ranges::equal(first, fake.bytes(PhysAddr{40_MiB + b}, size));
  }

  Endpoint bound;
  drivers::Loopback loopback{machine, scheduler, fake.ledger(), stack, config};
};

}  // namespace sluice::tests
