// SPDX-License-Identifier: Apache-2.0
#include "models/base/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::base {
namespace {

enum class Colour : std::uint8_t { Red, Green };

struct Fields {
  Bytes size = 4096;
  BitRate rate{25'000'000'000};
  unsigned depth = 16;
  bool on = true;
  CpuCost cost = CpuCost::cycles(100);
  Colour colour = Colour::Red;

  ParameterTable table() {
    ParameterTable result;
    result.add("size", size, {512, 1_MiB}, "help", "source");
    result.add("rate", rate, {BitRate{1'000'000}, BitRate{800'000'000'000}}, "help", "source");
    result.add("depth", depth, {1, 64}, "help", "source");
    result.add("on", on, "help", "source");
    result.add("cost", cost, "help", "source");
    result.add_choice("colour", colour, {"red", "green"}, "help", "source");
    return result;
  }
};

TEST(Parameters, SettingReachesTheField) {
  Fields fields;
  ParameterTable table = fields.table();
  EXPECT_TRUE(table.find("size")->set("64 KiB"));
  EXPECT_TRUE(table.find("rate")->set("100 Gbps"));
  EXPECT_TRUE(table.find("depth")->set("64"));
  EXPECT_TRUE(table.find("on")->set("false"));
  EXPECT_TRUE(table.find("cost")->set("50 ns"));
  EXPECT_TRUE(table.find("colour")->set("green"));
  EXPECT_EQ(fields.size, 65536U);
  EXPECT_EQ(fields.rate, BitRate{100'000'000'000});
  EXPECT_EQ(fields.depth, 64U);
  EXPECT_FALSE(fields.on);
  EXPECT_EQ(fields.cost, CpuCost::time(50_ns));
  EXPECT_EQ(fields.colour, Colour::Green);
}

TEST(Parameters, WhatIsOutsideTheRangeIsRefusedAndChangesNothing) {
  Fields fields;
  ParameterTable table = fields.table();
  EXPECT_EQ(table.find("rate")->set("900 Gbps").error(), "900 Gbps is outside 1 Mbps to 800 Gbps");
  EXPECT_EQ(table.find("depth")->set("0").error(), "0 is outside 1 to 64");
  EXPECT_EQ(table.find("depth")->set("4294967296").error(), "'4294967296' is too large");
  EXPECT_EQ(table.find("size")->set("511 B").error(), "511 B is outside 512 B to 1 MiB");
  EXPECT_EQ(fields.rate, BitRate{25'000'000'000});
  EXPECT_EQ(fields.depth, 16U);
  EXPECT_EQ(fields.size, 4096U);
}

TEST(Parameters, ChoicesNameTheNearest) {
  Fields fields;
  ParameterTable table = fields.table();
  EXPECT_EQ(table.find("colour")->set("gren").error(),
            "'gren' is not a choice, did you mean green?: allowed are red, green");
  EXPECT_EQ(fields.colour, Colour::Red);
}

TEST(Parameters, WhatIsShownCanBeSetAgain) {
  Fields fields;
  ParameterTable table = fields.table();
  for (const Parameter& parameter : table.parameters()) {
    const std::string shown = parameter.get();
    EXPECT_TRUE(parameter.set(shown)) << parameter.name << " " << shown;
    EXPECT_EQ(parameter.get(), shown);
  }
  EXPECT_EQ(table.find("size")->get(), "4 KiB");
  EXPECT_EQ(table.find("size")->allowed, "512 B to 1 MiB");
  EXPECT_EQ(table.find("colour")->kind, "choice");
}

TEST(Parameters, UnknownNameIsNotFound) {
  Fields fields;
  EXPECT_EQ(fields.table().find("siez"), nullptr);
}

TEST(NearestName, IsWithinAThirdOfTheWord) {
  const std::vector<std::string> names{"rate", "ring_size", "coalesce_time"};
  EXPECT_EQ(nearest_name("rat", names), "rate");
  EXPECT_EQ(nearest_name("ringsize", names), "ring_size");
  EXPECT_EQ(nearest_name("colaesce_time", names), "coalesce_time");
  EXPECT_EQ(nearest_name("banana", names), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 'x'), names), "");
  EXPECT_EQ(nearest_name("rate", {}), "");
}

}  // namespace
}  // namespace sluice::base
