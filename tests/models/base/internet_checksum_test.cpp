// SPDX-License-Identifier: Apache-2.0
#include "models/base/internet_checksum.h"

#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace sluice::base {
namespace {

std::vector<std::byte> bytes(std::initializer_list<int> values) {
  std::vector<std::byte> result;
  for (const int value : values) result.push_back(static_cast<std::byte>(value));
  return result;
}

TEST(InternetChecksum, OfTheExampleInRfc1071) {
  // 0001 + f203 + f4f5 + f6f7 = 2ddf0, folded ddf2, complemented 220d.
  EXPECT_EQ(internet_checksum_finish(internet_checksum_add(bytes({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}), 0)),
            0x220d);
}

TEST(InternetChecksum, OfNothingIsTheSumGiven) { EXPECT_EQ(internet_checksum_add({}, 0x1234), 0x1234U); }

TEST(InternetChecksum, AnOddTailCountsAsFollowedByZero) {
  EXPECT_EQ(internet_checksum_add(bytes({0x12, 0x34, 0x56}), 0), 0x1234U + 0x5600U);
}

TEST(InternetChecksum, PiecesAddUpToTheWholeWhereverTheyAreCut) {
  std::mt19937 random{7};
  std::vector<std::byte> data(257);
  for (std::byte& byte : data) byte = static_cast<std::byte>(random());
  const std::uint16_t whole = internet_checksum_finish(internet_checksum_add(data, 0));
  for (std::size_t cut = 0; cut <= data.size(); ++cut) {
    const std::span all{data};
    const std::uint32_t first = internet_checksum_add(all.first(cut), 0);
    EXPECT_EQ(internet_checksum_finish(internet_checksum_add(all.subspan(cut), first, cut % 2 != 0)), whole) << cut;
  }
}

}  // namespace
}  // namespace sluice::base
