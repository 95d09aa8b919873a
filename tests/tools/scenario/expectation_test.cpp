// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/expectation.h"

#include <gtest/gtest.h>

namespace sluice::scenario {
namespace {

using Json = nlohmann::ordered_json;

const Json kRun = Json::parse(R"({
  "copies": {"cpu": 2.0}, "counts": {"mode_switches": 4}, "delivered": {"intact": true},
  "bound": {"static_limited_by": "nic.wire"}, "throughput_bytes_per_s": 1000000000.0,
  "moves": [{"bytes": 65536}]})");

bool holds(const Expectation& expectation) { return evaluate({expectation}, kRun).at(0).at("holds").get<bool>(); }

TEST(Expectation, FindsValuesByPathWithoutCounts) {
  EXPECT_EQ(*find_value(kRun, "copies.cpu"), 2.0);
  EXPECT_EQ(*find_value(kRun, "mode_switches"), 4);
  EXPECT_EQ(*find_value(kRun, "counts.mode_switches"), 4);
  EXPECT_EQ(*find_value(kRun, "moves.0.bytes"), 65536);
  EXPECT_EQ(find_value(kRun, "moves.1.bytes"), nullptr);
  EXPECT_EQ(find_value(kRun, "copies.gpu"), nullptr);
}

TEST(Expectation, AValueMustBeEqual) {
  EXPECT_TRUE(holds({"copies.cpu", 2, {}, {}}));
  EXPECT_FALSE(holds({"copies.cpu", 1, {}, {}}));
  EXPECT_TRUE(holds({"delivered.intact", true, {}, {}}));
  EXPECT_FALSE(holds({"delivered.intact", false, {}, {}}));
  EXPECT_TRUE(holds({"bound.static_limited_by", "nic.wire", {}, {}}));
  EXPECT_FALSE(holds({"bound.static_limited_by", "memory", {}, {}}));
}

TEST(Expectation, LimitsAreIncluded) {
  EXPECT_TRUE(holds({"throughput_bytes_per_s", {}, 1e9, {}}));
  EXPECT_TRUE(holds({"throughput_bytes_per_s", {}, {}, 1e9}));
  EXPECT_FALSE(holds({"throughput_bytes_per_s", {}, 1.1e9, {}}));
  EXPECT_FALSE(holds({"throughput_bytes_per_s", {}, {}, 0.9e9}));
  EXPECT_FALSE(holds({"bound.static_limited_by", {}, 0.0, {}}));
}

TEST(Expectation, AMissingValueDoesNotHold) {
  const Json entry = evaluate({{"copies.gpu", 0, {}, {}}}, kRun).at(0);
  EXPECT_EQ(entry.dump(), R"({"what":"copies.gpu","want":0,"got":null,"holds":false})");
}

}  // namespace
}  // namespace sluice::scenario
