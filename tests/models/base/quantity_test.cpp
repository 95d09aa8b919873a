// SPDX-License-Identifier: Apache-2.0
#include "models/base/quantity.h"

#include <limits>
#include <rapidcheck.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::base {
namespace {

using testing::HasSubstr;

TEST(Quantity, BytesTakeBinaryAndDecimalUnits) {
  EXPECT_EQ(parse_bytes("1 B"), 1U);
  EXPECT_EQ(parse_bytes("64 KiB"), 65536U);
  EXPECT_EQ(parse_bytes("64KiB"), 65536U);
  EXPECT_EQ(parse_bytes("  3 MB "), 3'000'000U);
  EXPECT_EQ(parse_bytes("1.5 KiB"), 1536U);
  EXPECT_EQ(parse_bytes("16 TiB"), 17'592'186'044'416U);
}

TEST(Quantity, FractionsAreExactOrRefused) {
  EXPECT_EQ(parse_bit_rate("2.5 Gbps"), BitRate{2'500'000'000});
  EXPECT_EQ(parse_time("14.16 ns"), Picoseconds{14'160});
  EXPECT_EQ(parse_time("0.0005 ns").error(), "'0.0005 ns' is too fine to be exact");
  EXPECT_EQ(parse_bytes("0.3 KiB").error(), "'0.3 KiB' is too fine to be exact");
  EXPECT_EQ(parse_time("1.500000000000000000000000000000000000000000000000 ns"), Picoseconds{1'500});
}

TEST(Quantity, RatesAndFrequencies) {
  EXPECT_EQ(parse_bit_rate("25 Gbps"), BitRate{25'000'000'000});
  EXPECT_EQ(parse_bit_rate("25 Gb/s"), BitRate{25'000'000'000});
  EXPECT_EQ(parse_byte_rate("3.2 GB/s"), ByteRate{3'200'000'000});
  EXPECT_EQ(parse_byte_rate("2 MiB/s"), ByteRate{2'097'152});
  EXPECT_EQ(parse_frequency("2.4 GHz"), Frequency{2'400'000'000});
}

TEST(Quantity, CpuCostIsCyclesOrTime) {
  EXPECT_EQ(parse_cpu_cost("120 cycles"), CpuCost::cycles(120));
  EXPECT_EQ(parse_cpu_cost("2.5 cycles"), CpuCost::millicycles(2500));
  EXPECT_EQ(parse_cpu_cost("1 cycle"), CpuCost::cycles(1));
  EXPECT_EQ(parse_cpu_cost("50 ns"), CpuCost::time(50_ns));
  EXPECT_THAT(parse_cpu_cost("50").error(), HasSubstr("missing unit"));
  EXPECT_THAT(parse_cpu_cost("50 ticks").error(), HasSubstr("cycles ps ns us ms s"));
  EXPECT_THAT(parse_cpu_cost("0.0001 cycles").error(), HasSubstr("too fine"));
}

TEST(Quantity, ShareIsPercentOrPartOfOne) {
  EXPECT_EQ(parse_fraction("85 %"), Fraction{850'000});
  EXPECT_EQ(parse_fraction("0.85"), Fraction{850'000});
  EXPECT_EQ(parse_fraction("1"), Fraction{1'000'000});
  EXPECT_THAT(parse_fraction("85").error(), HasSubstr("write for example 85 % or 0.85"));
}

TEST(Quantity, CountsAndFlags) {
  EXPECT_EQ(parse_count("16"), 16U);
  EXPECT_EQ(parse_count("18446744073709551615"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_THAT(parse_count("18446744073709551616").error(), HasSubstr("too large"));
  EXPECT_THAT(parse_count("1.5").error(), HasSubstr("not a whole number"));
  EXPECT_THAT(parse_count("16 KiB").error(), HasSubstr("without a unit"));
  EXPECT_EQ(parse_flag("true"), true);
  EXPECT_EQ(parse_flag("false"), false);
  EXPECT_EQ(parse_flag("yes").error(), "'yes' is neither true nor false");
}

TEST(Quantity, ErrorsSayWhatToWrite) {
  EXPECT_THAT(parse_bit_rate("25").error(), HasSubstr("missing unit: write for example 25 Gbps"));
  EXPECT_THAT(parse_bit_rate("25 gbps").error(), HasSubstr("did you mean Gbps?"));
  EXPECT_THAT(parse_bytes("5 furlongs").error(), HasSubstr("allowed are B KiB MiB"));
  EXPECT_EQ(parse_bytes("-5 B").error(), "'-5 B' is negative");
  EXPECT_THAT(parse_bytes("").error(), HasSubstr("empty"));
  EXPECT_THAT(parse_bytes("many").error(), HasSubstr("does not start with a number"));
  EXPECT_THAT(parse_bytes(".").error(), HasSubstr("does not start with a number"));
  EXPECT_THAT(parse_bytes("5. B").error(), HasSubstr("does not start with a number"));
  EXPECT_THAT(parse_bytes("1.2.3 B").error(), HasSubstr("unknown unit"));
}

TEST(Quantity, TooLargeIsRefusedAndNeverWraps) {
  EXPECT_THAT(parse_bytes("16777216 TiB").error(), HasSubstr("too large"));
  EXPECT_EQ(parse_bytes("16777215 TiB"), Bytes{16'777'215} << 40);
  EXPECT_THAT(parse_time("9223373 s").error(), HasSubstr("too large"));
  EXPECT_THAT(parse_bytes(std::string(200, '9') + " B").error(), HasSubstr("too many digits"));
}

TEST(Quantity, TextIsTheShortestForm) {
  EXPECT_EQ(to_text(Bytes{0}), "0 B");
  EXPECT_EQ(to_text(Bytes{65536}), "64 KiB");
  EXPECT_EQ(to_text(Bytes{1'000'000}), "1 MB");
  EXPECT_EQ(to_text(Picoseconds{1'500'000}), "1.5 us");
  EXPECT_EQ(to_text(BitRate{25'000'000'000}), "25 Gbps");
  EXPECT_EQ(to_text(ByteRate{3'200'000'000}), "3.2 GB/s");
  EXPECT_EQ(to_text(Frequency{2'400'000'000}), "2.4 GHz");
  EXPECT_EQ(to_text(CpuCost::millicycles(2500)), "2.5 cycles");
  EXPECT_EQ(to_text(CpuCost::time(50_ns)), "50 ns");
  EXPECT_EQ(to_text(Fraction{850'000}), "85 %");
}

TEST(Quantity, TextParsesBackToTheSameValue) {
  EXPECT_TRUE(rc::check("text round trip", [](std::uint64_t value, unsigned shift) {
    const std::uint64_t v = value >> (shift % 64);
    RC_ASSERT(parse_bytes(to_text(Bytes{v})) == Bytes{v});
    RC_ASSERT(parse_bit_rate(to_text(BitRate{v})) == BitRate{v});
    RC_ASSERT(parse_byte_rate(to_text(ByteRate{v})) == ByteRate{v});
    RC_ASSERT(parse_frequency(to_text(Frequency{v})) == Frequency{v});
    RC_ASSERT(parse_fraction(to_text(Fraction{v})) == Fraction{v});
    const Picoseconds t{static_cast<std::int64_t>(v >> 1)};
    RC_ASSERT(parse_time(to_text(t)) == t);
    RC_ASSERT(parse_cpu_cost(to_text(CpuCost::millicycles(v >> 1))) == CpuCost::millicycles(v >> 1));
  }));
}

}  // namespace
}  // namespace sluice::base
