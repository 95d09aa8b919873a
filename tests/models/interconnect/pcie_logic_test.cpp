// SPDX-License-Identifier: Apache-2.0
#include "models/interconnect/pcie_logic.h"

#include <rapidcheck.h>

#include <gtest/gtest.h>

#include "models/fabric/chunks.h"

namespace sluice::interconnect {
namespace {

double gigabits(BitRate rate) { return static_cast<double>(rate.value()) / 1e9; }
void expect_within(double value, double published, double tolerance) {
  EXPECT_NEAR(value, published, published * tolerance);
}

// Gen3 x8, MPS 256, MRRS 512, and the limits of the published model.
PcieLinkConfig published_link() {
  PcieLinkConfig config;
  config.generation = 3;
  config.lanes = 8;
  config.max_payload = 256;
  config.max_read_request = 512;
  config.ack_limit = 203;
  config.flow_control_limit = 203;
  return config;
}

TEST(PcieRate, RawRateOfEachGeneration) {
  EXPECT_EQ(raw_rate(1, 1).value(), 2'000'000'000U);
  EXPECT_EQ(raw_rate(2, 4).value(), 16'000'000'000U);
  expect_within(gigabits(raw_rate(3, 8)), 63.015, 1e-5);
  expect_within(gigabits(raw_rate(4, 4)), 63.015, 1e-5);
  expect_within(gigabits(raw_rate(5, 16)), 504.12, 1e-4);
}

// Base specification 5.0, tables 3-7 to 3-9 (symbol times between acknowledgements).
TEST(PcieRate, RecommendedLimitsAreThoseOfTheSpecification) {
  struct Row {
    unsigned generation, lanes;
    Bytes max_payload;
    std::uint64_t symbol_times;
  };
  for (const Row& row : {Row{1, 1, 128, 237}, Row{1, 4, 256, 118}, Row{1, 16, 128, 48}, Row{1, 8, 4096, 534},
                         Row{2, 2, 256, 268}, Row{2, 8, 512, 137}, Row{2, 1, 2048, 2146}, Row{3, 8, 256, 203},
                         Row{3, 8, 128, 163}, Row{3, 16, 256, 168}, Row{4, 4, 1024, 378}, Row{5, 16, 4096, 630}}) {
    EXPECT_EQ(recommended_symbol_times(row.generation, row.lanes, row.max_payload), row.symbol_times)
        << "generation " << row.generation << " x" << row.lanes << " MPS " << row.max_payload;
  }
}

TEST(PcieRate, LinkLayerLeavesThePublishedShare) { expect_within(gigabits(tlp_rate(published_link())), 57.885, 1e-4); }

// 73 symbol times of four lanes are 292 bytes: 5.5 % for acknowledgements and updates together. Of 1000 MB/s 942.6 are
// left, and completions of 128 B have 20 B of headers.
TEST(PcieRate, ALimitInSymbolTimesIsOneOfEachLane) {
  PcieLinkConfig config;
  config.generation = 1;
  config.lanes = 4;
  config.max_payload = 128;
  expect_within(gigabits(TlpArithmetic{config}.read_goodput(1_MiB)), 8 * 0.820, 0.01);
  config.lanes = 16;
  expect_within(gigabits(tlp_rate(config)) / gigabits(raw_rate(1, 16)), 1 - 16.0 / (48 * 16) - 4.0 / 1538, 1e-4);
}

TEST(PcieRate, GivenLimitsReplaceTheRecommendedOnes) {
  PcieLinkConfig config = published_link();
  config.ack_limit = 80;
  config.flow_control_limit = 160;
  // 1 - 0.1 - 0.05 - 0.0026008 = 0.8473992
  expect_within(gigabits(tlp_rate(config)), 63.015 * 0.8473992, 1e-5);
}

TEST(PcieGoodput, PublishedCheckValues) {
  const TlpArithmetic link{published_link()};
  struct Row {
    Bytes size;
    double write, read;
  };
  for (const Row& row :
       {Row{64, 42.10, 44.10}, Row{256, 52.92, 53.69}, Row{257, 48.78, 50.09}, Row{1500, 52.82, 53.60}}) {
    expect_within(gigabits(link.write_goodput(row.size)), row.write, 0.005);
    expect_within(gigabits(link.read_goodput(row.size)), row.read, 0.005);
  }
}

TEST(PcieGoodput, SmallReadRequestsMakeTheRequestDirectionTheLimit) {
  PcieLinkConfig config = published_link();
  const TlpArithmetic link{config};
  // 8 B: completions 8 / 28 = 0.286 of the rate, requests 8 / 24 = 0.333 of it: completions limit.
  expect_within(gigabits(link.read_goodput(8)), 57.885 * 8 / 28, 1e-4);
  // 2 B: completions 2 / 22, requests 2 / 24: requests limit.
  expect_within(gigabits(link.read_goodput(2)), 57.885 * 2 / 24, 1e-4);
}

TEST(PcieGoodput, BothAtOnceCarryEachOthersRequests) {
  const TlpArithmetic link{published_link()};
  // 512 B: upstream 512 + 2 x 24 data and 24 request, downstream 512 + 2 x 20: upstream limits.
  expect_within(gigabits(link.bidirectional_goodput(512)), 57.885 * 512 / 584, 1e-4);
}

TEST(PcieGoodput, LatencyBoundReadsGetTagsTimesRequestPerRoundTrip) {
  // 32 x 512 B in 1 us = 16.384 GB/s
  EXPECT_EQ(latency_bound_read_rate(32, 512, 1_us).value(), 131'072'000'000U);
}

TEST(PcieTlps, TableOfTransfers) {
  const TlpArithmetic link{published_link()};
  struct Row {
    std::uint64_t address;
    Bytes size;
    std::uint64_t writes, requests, completions;
  };
  for (const Row& row : {Row{0, 1, 1, 1, 1}, Row{0, 256, 1, 1, 1}, Row{0, 257, 2, 1, 2}, Row{255, 2, 2, 1, 2},
                         Row{511, 2, 2, 2, 2}, Row{0, 65536, 256, 128, 256}, Row{64, 65536, 257, 129, 257}}) {
    SCOPED_TRACE("address " + std::to_string(row.address) + " size " + std::to_string(row.size));
    EXPECT_EQ(link.write(row.address, row.size).count, row.writes);
    EXPECT_EQ(link.write(row.address, row.size).wire, row.size + 24 * row.writes);
    EXPECT_EQ(link.read_requests(row.address, row.size).count, row.requests);
    EXPECT_EQ(link.read_requests(row.address, row.size).wire, 24 * row.requests);
    EXPECT_EQ(link.completions(row.address, row.size).count, row.completions);
    EXPECT_EQ(link.completions(row.address, row.size).wire, row.size + 20 * row.completions);
  }
}

TEST(PcieTlps, ChecksumAddsFourBytesToEach) {
  PcieLinkConfig config = published_link();
  config.ecrc = true;
  const TlpArithmetic link{config};
  EXPECT_EQ(link.write(0, 512).wire, 512U + 2 * 28);
  EXPECT_EQ(link.read_requests(0, 512).wire, 28U);
  EXPECT_EQ(link.completions(0, 512).wire, 512U + 2 * 24);
}

TEST(PcieTlps, ARequestSmallerThanThePayloadLimitBoundsItsCompletions) {
  PcieLinkConfig config = published_link();
  config.max_payload = 512;
  config.max_read_request = 128;
  EXPECT_EQ(TlpArithmetic{config}.completions(0, 512).count, 4U);
}

TEST(PcieTlps, CountsAgreeWithCuttingAtTheBoundaries) {
  rc::check([] {
    PcieLinkConfig config;
    config.max_payload = Bytes{128} << *rc::gen::inRange(0, 6);
    config.max_read_request = Bytes{128} << *rc::gen::inRange(0, 6);
    const TlpArithmetic link{config};
    const auto address = *rc::gen::inRange<std::uint64_t>(0, 1 << 20);
    const auto size = *rc::gen::inRange<Bytes>(1, 1 << 18);

    std::uint64_t writes = 0;
    Bytes first = 0;
    fabric::for_each_chunk(BusAddr{address}, size, config.max_payload, [&](BusAddr, Bytes n) {
      if (writes++ == 0) first = n;
    });
    RC_ASSERT(link.write(address, size).count == writes);
    RC_ASSERT(link.first_write_payload(address, size) == first);

    std::uint64_t requests = 0;
    std::uint64_t completions = 0;
    Bytes last = 0;
    fabric::for_each_chunk(BusAddr{address}, size, config.max_read_request, [&](BusAddr at, Bytes n) {
      ++requests;
      fabric::for_each_chunk(at, n, config.max_payload, [&](BusAddr, Bytes piece) {
        ++completions;
        last = piece;
      });
    });
    RC_ASSERT(link.read_requests(address, size).count == requests);
    RC_ASSERT(link.completions(address, size).count == completions);
    RC_ASSERT(link.last_completion_payload(address, size) == last);
  });
}

TEST(PcieConfig, SaysWhatIsImpossible) {
  EXPECT_EQ(PcieLinkConfig{}.problem(), "");
  PcieLinkConfig config;
  config.lanes = 3;
  EXPECT_EQ(config.problem(), "lanes must be 1, 2, 4, 8, 12 or 16; lanes is 3");
  config = {};
  config.max_payload = 300;
  EXPECT_EQ(config.problem(), "max_payload must be a power of two from 128 B to 4096 B; max_payload is 300 B");
  config = {};
  config.ack_limit = 8;
  EXPECT_EQ(config.problem(), "ack_limit must be 0 or at least 32 B; ack_limit is 8 B");
}

TEST(PcieConfig, DescribesEveryParameter) {
  PcieLinkConfig config;
  const base::ParameterTable table{config};
  EXPECT_EQ(table.parameters().size(), 9U);
  ASSERT_TRUE(table.find("lanes"));
  EXPECT_TRUE(table.find("lanes")->set("16"));
  EXPECT_EQ(config.lanes, 16U);
  EXPECT_FALSE(table.find("generation")->set("6"));
}

}  // namespace
}  // namespace sluice::interconnect
