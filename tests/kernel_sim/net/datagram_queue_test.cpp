// SPDX-License-Identifier: Apache-2.0
// The receive buffer of a UDP socket. The numbers are those of Linux 6.18 over loopback (SO_MEMINFO).
#include "kernel_sim/net/datagram_queue.h"

#include <list>

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

struct Datagrams {
  std::list<Skb> all;
  Skb& of(std::uint32_t truesize) {
    all.emplace_back().truesize = truesize;
    return all.back();
  }
  /// How many fit.
  unsigned fill(DatagramQueue& queue, std::uint32_t truesize) {
    unsigned count = 0;
    while (queue.push(of(truesize))) ++count;
    return count;
  }
};

TEST(DatagramQueue, TakesWhatFitsToTheLastByte) {
  Datagrams datagrams;
  DatagramQueue queue{212'992};
  EXPECT_EQ(datagrams.fill(queue, 832), 256U);
  EXPECT_EQ(queue.memory(), 212'992U);
}

TEST(DatagramQueue, AnEmptyBufferTakesADatagramOfAnySize) {
  Datagrams datagrams;
  DatagramQueue queue{2304};
  EXPECT_EQ(datagrams.fill(queue, 4352), 1U);
  queue.pop();
  EXPECT_EQ(queue.memory(), 0U);
}

TEST(DatagramQueue, GivesBackAQuarterOfTheBufferAtATime) {
  Datagrams datagrams;
  DatagramQueue queue{212'992};
  EXPECT_EQ(datagrams.fill(queue, 16'640), 12U);
  std::vector<Bytes> memory;
  while (!queue.empty()) {
    queue.pop();
    memory.push_back(queue.memory());
  }
  EXPECT_EQ(memory, (std::vector<Bytes>{199'680, 199'680, 199'680, 133'120, 133'120, 133'120, 133'120, 66'560, 66'560,
                                        66'560, 66'560, 0}));
}

TEST(DatagramQueue, WhatCameLaterIsNotTheReadersYet) {
  Datagrams datagrams;
  DatagramQueue queue{212'992};
  EXPECT_TRUE(queue.push(datagrams.of(832)));
  EXPECT_EQ(queue.front()->truesize, 832U);
  EXPECT_TRUE(queue.push(datagrams.of(1280)));
  queue.pop();
  EXPECT_EQ(queue.memory(), 1280U) << "the reader's datagrams were used up";
  EXPECT_EQ(queue.pop().truesize, 1280U);
}

}  // namespace
}  // namespace sluice::net
