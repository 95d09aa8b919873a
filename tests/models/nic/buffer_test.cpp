// SPDX-License-Identifier: Apache-2.0
#include "models/nic/buffer.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace sluice::nic {
namespace {

TEST(Buffer, MakesNamedPayloadWhenSomebodyLooksAtIt) {
  base::Contents contents;
  contents.add(0, base::make_synthetic_content(10'000, 1));
  Buffer buffer = Buffer::of_size(66 + 3000);
  std::fill_n(buffer.bytes.get(), 66, std::byte{1});
  buffer.name(66, {{{0, 1000, 500, 0, 0}}, &contents});
  buffer.name(1066, {{{0, 2000, 1500, 0, 0}}, &contents});
  EXPECT_EQ(buffer.names_of(66, 3000).pieces, (base::Shadow{{0, 3000, 500, 0, 0}}));
  EXPECT_EQ(buffer.names_of(166, 10).pieces, (base::Shadow{{0, 10, 600, 0, 0}}));
  EXPECT_TRUE(buffer.names_of(0, 100).empty()) << "the header has no name";

  EXPECT_EQ(buffer.span(0, 66)[65], std::byte{1});
  EXPECT_FALSE(buffer.names_of(66, 3000).empty()) << "nobody has looked at the payload";
  EXPECT_TRUE(contents.of(0).equals(500, buffer.span(66, 3000)));
  EXPECT_TRUE(buffer.names_of(66, 3000).empty());
}

}  // namespace
}  // namespace sluice::nic
