// SPDX-License-Identifier: Apache-2.0
#include "models/base/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::base {
namespace {

enum class Colour : std::uint8_t { Red, Green };

struct Fields : Parameters {
  Bytes size = parameter(size, "size", 4096, {512, 1_MiB}, "help", "source");
  BitRate rate = parameter(rate, "rate", 25_Gbps, {1_Mbps, 800_Gbps}, "help", "source");
  unsigned depth = parameter(depth, "depth", 16, {1, 64}, "help", "source");
  bool on = parameter(on, "on", true, "help", "source");
  CpuCost cost = parameter(cost, "cost", CpuCost::cycles(100), "help", "source");
  Colour colour = choice(colour, "colour", Colour::Red, {"red", "green"}, "help", "source");
  Fraction share = parameter(share, "share", Fraction{500'000}, {Fraction{0}, Fraction{1'000'000}}, "help", "source");
};

/// A struct of structs, of which one kind is there twice.
struct Inner : Parameters {
  unsigned first = parameter(first, "first", 1, {0, 100}, "help", "source");
  CpuCost cost = parameter(cost, "cost", CpuCost::time(90_ns), "help", "source");
};
struct Outer : Parameters {
  unsigned own = parameter(own, "own", 7, {0, 100}, "help", "source");
  Inner left = part(left, "left.");
  Inner right = part(right, "right.");
};

TEST(Parameters, OneLineSaysDefaultRangeHelpAndSource) {
  Fields fields;
  EXPECT_EQ(fields.rate, 25_Gbps);
  const Parameter rate = ParameterTable{fields}.find("rate").value();
  EXPECT_EQ(rate.get(), "25 Gbps");
  EXPECT_EQ(rate.kind(), "bit rate");
  EXPECT_EQ(rate.allowed(), "1 Mbps to 800 Gbps");
  EXPECT_EQ(rate.help(), "help");
  EXPECT_EQ(rate.source(), "source");
}

struct Packets : Parameters {
  Bytes mtu = parameter(mtu, "mtu", 1500, {576, 9216}, "help", "source");
  Bytes buffer = parameter(buffer, "buffer", 64_KiB, {1, 1_GiB}, "help", "source");
};

TEST(Parameters, SizesReadAsPeopleSetThem) {
  Packets packets;
  const ParameterTable table{packets};
  const Parameter mtu = table.find("mtu").value();
  EXPECT_EQ(mtu.allowed(), "576 B to 9216 B");
  for (const char* text : {"9000 B", "9216 B", "4096 B"}) {
    EXPECT_TRUE(mtu.set(text));
    EXPECT_EQ(mtu.get(), text);
  }
  EXPECT_EQ(mtu.set("1 MiB").error(), "1 MiB is outside 576 B to 9216 B");
  EXPECT_EQ(table.find("buffer")->get(), "64 KiB");
  EXPECT_EQ(to_text(Bytes{9000}), "9000 B");
}

struct Ways : Parameters {
  unsigned entries = parameter(entries, "entries", 64, {1, 4096}, "help", "source");
  unsigned ways = parameter(ways, "ways", 4, {1, 64}, "help", "source");
  static std::vector<Rule<Ways>> rules() {
    return {{{"entries", "ways"}, "entries must be a multiple of ways", [](const Ways& w) {
               return w.entries % w.ways == 0;
             }}};
  }
};

TEST(Parameters, RulesBetweenThemAreListedAndABrokenOneIsNamedWithItsValues) {
  Ways ways;
  EXPECT_EQ(broken_rule(ways), "");
  ways.ways = 5;
  EXPECT_EQ(broken_rule(ways), "entries must be a multiple of ways; entries is 64, ways is 5");
  const ParameterTable table{ways};
  EXPECT_EQ(table.rules_of("ways"), std::vector<std::string>{"entries must be a multiple of ways"});
  EXPECT_TRUE(table.rules_of("other").empty());
}

TEST(CpuCost, AWatchedCostTellsWhetherItOrACopyWasUsed) {
  bool used = false;
  CpuCost cost = CpuCost::time(50_ns);
  cost.watch(used);
  const CpuCost copy = cost.resolved(1000_MHz, 1000_MHz);
  (void)(copy * 0);
  EXPECT_FALSE(used) << "no times a cost is nothing";
  EXPECT_EQ(copy.at(1000_MHz), 50_ns);
  EXPECT_TRUE(used);
}

TEST(Parameters, OfAPartReachTheirOwnObject) {
  Outer outer;
  const ParameterTable table{outer};
  ASSERT_EQ(table.parameters().size(), 5U);
  EXPECT_TRUE(table.find("own")->set("8"));
  EXPECT_TRUE(table.find("left.first")->set("9"));
  EXPECT_TRUE(table.find("right.first")->set("10"));
  EXPECT_EQ(outer.own, 8U);
  EXPECT_EQ(outer.left.first, 9U);
  EXPECT_EQ(outer.right.first, 10U);
}

TEST(Parameters, CostsAreResolvedToTimesAtAClock) {
  Outer outer;
  outer.right.cost = CpuCost::cycles(300);
  const Outer at_half_the_clock = resolved(outer, 1000_MHz, 2000_MHz);
  EXPECT_EQ(at_half_the_clock.left.cost, CpuCost::time(180_ns));
  EXPECT_EQ(at_half_the_clock.right.cost, CpuCost::time(300_ns));
  EXPECT_EQ(resolved(outer, 3000_MHz, 3000_MHz).left.cost, CpuCost::time(90_ns));
}

TEST(Parameters, AFactorMultipliesWithinTheRange) {
  Fields fields;
  const ParameterTable table{fields};
  EXPECT_TRUE(table.find("cost")->multiply(parse_factor("3x").value()));
  EXPECT_EQ(fields.cost, CpuCost::cycles(300));
  EXPECT_TRUE(table.find("rate")->multiply(parse_factor("40 %").value()));
  EXPECT_EQ(fields.rate, 10_Gbps);
  EXPECT_EQ(table.find("depth")->multiply(parse_factor("5x").value()).error(), "80 is outside 1 to 64");
  EXPECT_EQ(fields.depth, 16U);
  EXPECT_EQ(table.find("on")->multiply(parse_factor("2x").value()).error(), "a flag cannot be multiplied");
}

TEST(Parameters, SettingReachesTheField) {
  Fields fields;
  const ParameterTable table{fields};
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
  const ParameterTable table{fields};
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
  const ParameterTable table{fields};
  EXPECT_EQ(table.find("colour")->set("gren").error(),
            "'gren' is not a choice, did you mean green?: allowed are red, green");
  EXPECT_EQ(fields.colour, Colour::Red);
}

TEST(Parameters, WhatIsShownCanBeSetAgain) {
  Fields fields;
  const ParameterTable table{fields};
  for (const Parameter& parameter : table.parameters()) {
    const std::string shown = parameter.get();
    EXPECT_TRUE(parameter.set(shown)) << parameter.name() << " " << shown;
    EXPECT_EQ(parameter.get(), shown);
  }
  EXPECT_EQ(table.find("size")->get(), "4 KiB");
  EXPECT_EQ(table.find("size")->allowed(), "512 B to 1 MiB");
  EXPECT_EQ(table.find("colour")->kind(), "choice");
}

TEST(Parameters, UnknownNameIsNotFound) {
  Fields fields;
  EXPECT_FALSE(ParameterTable{fields}.find("siez"));
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
