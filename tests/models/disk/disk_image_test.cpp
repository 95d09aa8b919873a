// SPDX-License-Identifier: Apache-2.0
#include "models/disk/disk_image.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/base/result.h"

namespace sluice::disk {
namespace {

using base::make_synthetic_content;
using base::Shadow;
using base::ShadowPiece;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::byte> bytes_at(const DiskImage& image, Bytes offset, Bytes size) {
  std::vector<std::byte> bytes(size, std::byte{0xEE});
  image.read(offset, bytes);
  return bytes;
}

TEST(DiskImage, UnwrittenBlocksAreZero) {
  const DiskImage image{1_MiB};
  EXPECT_THAT(bytes_at(image, 5000, 10000), Each(std::byte{0}));
  EXPECT_THAT(image.shadow(5000, 10000), IsEmpty());
}

TEST(DiskImage, APlacedFileIsPayloadBetweenZeroes) {
  DiskImage image{1_MiB};
  const auto content = make_synthetic_content(1000, 1);
  image.place(8192, content, 3);
  const auto bytes = bytes_at(image, 8000, 2000);
  EXPECT_TRUE(content->equals(0, std::span{bytes}.subspan(192, 1000)));
  EXPECT_TRUE(std::all_of(bytes.begin(), bytes.begin() + 192, [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_TRUE(std::all_of(bytes.begin() + 1192, bytes.end(), [](std::byte b) { return b == std::byte{0}; }));
  EXPECT_THAT(image.shadow(8000, 2000), ElementsAre(ShadowPiece{192, 1000, 0, 3, 0}));
  EXPECT_THAT(image.shadow(8500, 100), ElementsAre(ShadowPiece{0, 100, 308, 3, 0}));
}

TEST(DiskImage, NamesWhatIsPlacedAndNeverWritten) {
  DiskImage image{1_MiB};
  image.place(0, make_synthetic_content(16_KiB, 1), 2);
  base::NamedBytes run;
  ASSERT_TRUE(image.named(1000, 8000, run));
  EXPECT_THAT(run.pieces, ElementsAre(ShadowPiece{0, 8000, 1000, 2, 0}));
  EXPECT_TRUE(run.contents->of(2).equals(1000, bytes_at(image, 1000, 8000)));
  EXPECT_FALSE(image.named(16_KiB - 1, 2, run)) << "zeroes have no name";
  EXPECT_TRUE(run.empty());
  image.write(4096, std::vector<std::byte>(1), {});
  EXPECT_FALSE(image.named(1000, 8000, run));
  EXPECT_TRUE(image.named(8192, 8192, run));
}

TEST(DiskImage, TwoFilesSideBySide) {
  DiskImage image{1_MiB};
  image.place(4096, make_synthetic_content(4096, 1), 1);
  image.place(0, make_synthetic_content(4096, 2), 2);
  EXPECT_THAT(image.shadow(4000, 200), ElementsAre(ShadowPiece{0, 96, 4000, 2, 0}, ShadowPiece{96, 104, 0, 1, 0}));
}

TEST(DiskImage, TheShadowOfMoreThanFourGibibytesIsNotCutShort) {
  DiskImage image{8_GiB};
  image.place(0, base::make_synthetic_content(5_GiB, 1), 3);
  EXPECT_EQ(image.shadow(0, 5_GiB), (base::Shadow{{0, 5_GiB, 0, 3, 0}}));
}

TEST(DiskImage, WritingReplacesBytesAndShadow) {
  DiskImage image{1_MiB};
  const auto content = make_synthetic_content(8192, 1);
  image.place(0, content, 1);
  const std::vector<std::byte> fresh(512, std::byte{7});
  image.write(512, fresh, {{0, 256, 10'000, 2, 1}});
  const auto bytes = bytes_at(image, 0, 8192);
  EXPECT_TRUE(content->equals(0, std::span{bytes}.first(512)));
  EXPECT_TRUE(std::equal(fresh.begin(), fresh.end(), bytes.begin() + 512));
  EXPECT_TRUE(content->equals(1024, std::span{bytes}.subspan(1024)));
  EXPECT_THAT(image.shadow(0, 8192), ElementsAre(ShadowPiece{0, 512, 0, 1, 0}, ShadowPiece{512, 256, 10'000, 2, 1},
                                                 ShadowPiece{1024, 7168, 1024, 1, 0}));
}

TEST(DiskImage, ShadowOfTouchingWrittenPagesIsAscending) {
  DiskImage image{1_MiB};
  image.place(0, make_synthetic_content(16_KiB, 1), 1);
  const std::vector<std::byte> data(8_KiB);
  image.write(0, data, {});
  EXPECT_THAT(image.shadow(0, 16_KiB), ElementsAre(ShadowPiece{8192, 8192, 8192, 1, 0}));
  EXPECT_THAT(image.shadow(4096, 4096), IsEmpty());
}

TEST(DiskImage, AgreesWithAnArrayUnderRandomWrites) {
  std::mt19937 random{5};
  for (int round = 0; round < 20; ++round) {
    constexpr Bytes kCapacity = 5 * kPageSize + 512;
    DiskImage image{kCapacity};
    std::vector<std::byte> array(kCapacity);
    const auto content = make_synthetic_content(9000, 1);
    image.place(3000, content, 1);
    content->read(0, std::span{array}.subspan(3000, 9000));
    for (int i = 0; i < 20; ++i) {
      const Bytes begin = random() % kCapacity;
      const Bytes size = 1 + random() % std::min<Bytes>(kCapacity - begin, 9000);
      std::vector<std::byte> data(size, static_cast<std::byte>(random()));
      image.write(begin, data, {});
      std::copy(data.begin(), data.end(), array.begin() + static_cast<long>(begin));
      ASSERT_EQ(bytes_at(image, 0, kCapacity), array);
    }
  }
}

TEST(DiskImage, MisplacedFilesAreBugsOfTheSimulator) {
  DiskImage image{64_KiB};
  image.place(0, make_synthetic_content(4096, 1), 1);
  EXPECT_THROW(image.place(4095, make_synthetic_content(10, 1), 2), base::SimulatorBug);
  EXPECT_THROW(image.place(60_KiB, make_synthetic_content(8_KiB, 1), 2), base::SimulatorBug);
  EXPECT_THROW(bytes_at(image, 64_KiB, 1), base::SimulatorBug);
}

}  // namespace
}  // namespace sluice::disk
