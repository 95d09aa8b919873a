// SPDX-License-Identifier: Apache-2.0
#include "models/base/delivery.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::base {
namespace {

using testing::ElementsAre;
using Part = RangeMap::Part;

TEST(RangeMap, WhatWasNeverSetIsZero) {
  const RangeMap map;
  EXPECT_THAT(map.parts(10, 20), ElementsAre(Part{10, 20, 0}));
  EXPECT_TRUE(map.parts(10, 10).empty());
}

TEST(RangeMap, OverwritesInTheMiddle) {
  RangeMap map;
  map.set(10, 40, 1);
  map.set(20, 30, 2);
  EXPECT_THAT(map.parts(0, 50),
              ElementsAre(Part{0, 10, 0}, Part{10, 20, 1}, Part{20, 30, 2}, Part{30, 40, 1}, Part{40, 50, 0}));
}

TEST(RangeMap, NeighboursOfOneValueAreOneRange) {
  RangeMap map;
  map.set(0, 10, 1);
  map.set(20, 30, 1);
  map.set(10, 20, 1);
  EXPECT_THAT(map.parts(0, 30), ElementsAre(Part{0, 30, 1}));
}

TEST(RangeMap, AgreesWithAnArray) {
  std::mt19937 random{1};
  for (int round = 0; round < 200; ++round) {
    RangeMap map;
    std::array<std::uint32_t, 64> array{};
    for (int i = 0; i < 30; ++i) {
      const std::uint64_t begin = random() % 63;
      const std::uint64_t end = begin + 1 + random() % (64 - begin);
      const auto value = static_cast<std::uint32_t>(random() % 3);
      map.set(begin, end, value);
      std::fill(array.begin() + static_cast<long>(begin), array.begin() + static_cast<long>(end), value);
      std::uint64_t at = 0;
      for (const Part& part : map.parts(0, 64)) {
        ASSERT_EQ(part.begin, at);
        for (; at < part.end; ++at) ASSERT_EQ(array[at], part.value) << "round " << round;
      }
      ASSERT_EQ(at, 64U);
    }
  }
}

TEST(FileDelivery, CountsWhatComesAgain) {
  FileDelivery file;
  EXPECT_EQ(file.deliver(0, 100, 0).fresh, 100U);
  const auto second = file.deliver(50, 100, 0);
  EXPECT_EQ(second.fresh, 50U);
  EXPECT_EQ(second.again, 50U);
  EXPECT_EQ(second.stale, 0U);
}

TEST(FileDelivery, EachByteMayComeAsOftenAsItIsToCome) {
  FileDelivery file;
  EXPECT_EQ(file.deliver(0, 100, 0, 2).fresh, 100U);
  EXPECT_EQ(file.deliver(50, 100, 0, 2).fresh, 100U);
  const auto third = file.deliver(0, 150, 0, 2);
  EXPECT_EQ(third.fresh, 100U);
  EXPECT_EQ(third.again, 50U);
}

TEST(FileDelivery, BytesOlderThanKnownAreStale) {
  FileDelivery file;
  file.known(10, 20, 3);
  EXPECT_EQ(file.deliver(0, 20, 2).stale, 10U);
  EXPECT_EQ(file.deliver(20, 20, 3).stale, 0U);
  file.known(40, 10, 2);
  file.known(40, 10, 1);  // an older report changes nothing
  EXPECT_EQ(file.deliver(40, 10, 1).stale, 10U);
}

}  // namespace
}  // namespace sluice::base
