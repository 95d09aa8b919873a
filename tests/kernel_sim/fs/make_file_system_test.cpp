// SPDX-License-Identifier: Apache-2.0
// Where files lie on a medium, in one piece or scattered over it.
#include "kernel_sim/fs/make_file_system.h"

#include <algorithm>
#include <iterator>
#include <map>

#include <gtest/gtest.h>

#include "tests/kernel_sim/fs/rig.h"

namespace sluice::fs {
namespace {

TEST(MakeFileSystem, RefusesWhatDoesNotFitAndBadNames) {
  EXPECT_THROW(make_file_system(1_MiB, {{"a", 2_MiB, 1}}), base::InputError);
  EXPECT_THROW(make_file_system(1_MiB, {{"a/b", 1, 1}}), base::InputError);
  EXPECT_THROW(make_file_system(1_MiB, {{"", 1, 1}}), base::InputError);
  EXPECT_THROW(make_file_system(1_MiB, {{"a", 1, 1}, {"a", 1, 2}}), base::InputError);
  EXPECT_THROW(make_file_system(4096, {}), base::InputError);
}

TEST(MakeFileSystem, FilesAreContiguousAndDoNotTouch) {
  const auto image = make_file_system(8_MiB, {{"a", 4097, 7}, {"empty", 0, 8}, {"b", 10, 9}});
  ASSERT_EQ(image.files.size(), 2U);
  EXPECT_EQ(image.files[0].number, 7U);
  EXPECT_EQ(image.files[1].number, 9U);
  EXPECT_EQ(image.files[0].offset % 4096, 0U);
  EXPECT_EQ(image.files[1].offset, image.files[0].offset + 8192);
  for (const auto& block : image.metadata) EXPECT_LT(block.offset, image.files[0].offset);
}

TEST(MakeFileSystem, AScatteredFileLiesInExtentsFarFromEachOther) {
  constexpr Bytes kCapacity = 1_GiB;
  const auto image = make_file_system(kCapacity, {{"a", 1_MiB + 10, 7, true}, {"b", 100, 8}, {"c", 70_KiB, 9, true}});
  std::map<Bytes, Bytes> taken;  // size by offset
  Bytes in_a = 0;
  std::vector<Bytes> places;
  for (const auto& placed : image.files) {
    EXPECT_EQ(placed.offset % 4096, 0U);
    EXPECT_LE(placed.offset + placed.size, kCapacity);
    EXPECT_TRUE(taken.emplace(placed.offset, placed.size).second);
    if (placed.number != 7) continue;
    EXPECT_EQ(placed.in_file, in_a);
    EXPECT_EQ(placed.size, std::min<Bytes>(kScatteredExtent, 1_MiB + 10 - in_a));
    in_a += placed.size;
    places.push_back(placed.offset);
  }
  EXPECT_EQ(in_a, 1_MiB + 10);
  EXPECT_EQ(taken.size(), 17U + 1U + 2U);
  for (auto one = taken.begin(); std::next(one) != taken.end(); ++one) {
    EXPECT_LE(one->first + one->second, std::next(one)->first);
  }
  for (std::size_t i = 1; i < places.size(); ++i) {
    EXPECT_GT(std::max(places[i], places[i - 1]) - std::min(places[i], places[i - 1]), kCapacity / 3);
  }
}

TEST(MakeFileSystem, AScatteredFileThatIsLargeHasLargerExtents) {
  const auto image = make_file_system(1_GiB, {{"a", 64_MiB, 7, true}});
  EXPECT_EQ(image.files.size(), 256U);
  EXPECT_EQ(image.files[0].size, 256_KiB);
  EXPECT_THROW(make_file_system(1_MiB, {{"a", 1_MiB, 1, true}}), base::InputError);
}

TEST(File, ThatIsScatteredReadsAsOneThatIsNot) {
  Rig rig{{{"data", 3_MiB + 5, 1, true}, {"next", 1, 2}}};
  rig.run([&] {
    const auto file = rig.open("/data");
    EXPECT_EQ(rig.read(*file, 3_MiB + 100), 3_MiB + 5);
    const auto bytes = rig.user(rig.buffer, 3_MiB + 5);
    for (Bytes i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], pattern(i)) << i;
  });
}

}  // namespace
}  // namespace sluice::fs
