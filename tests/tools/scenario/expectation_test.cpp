// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/expectation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::scenario {
namespace {

results::RunResult observed() {
  results::RunResult run{.strategy = "read_write"};
  run.workload = {.files = 2, .file_bytes = 100, .chunk_bytes = 50, .rounds = 4, .page_cache = "warm"};
  run.copies = {.cpu = 2, .dma = 1};
  run.counts = {.mode_switches = 12};
  run.delivered = {.bytes = 65536, .sha256 = {}, .intact = true};
  run.bound.emplace().static_limited_by = "nic.wire";
  run.throughput_bytes_per_s = 1e9;
  run.moves = {{.from = "disk.buffer", .to = "kernel.page_cache", .by = "dma", .bytes = 65536}};
  return run;
}

bool holds(const Expectation& expectation) { return evaluate({expectation}, observed()).at(0).holds; }
bool equals(const char* path, double number) { return holds({.path = path, .number = Amount{.fixed = number}}); }
bool equals(const char* path, const results::Json& value) { return holds({.path = path, .want = value}); }

TEST(Expectation, AValueMustBeEqual) {
  EXPECT_TRUE(equals("copies.cpu", 2));
  EXPECT_FALSE(equals("copies.cpu", 1));
  EXPECT_TRUE(equals("delivered.intact", results::Json(true)));
  EXPECT_FALSE(equals("delivered.intact", results::Json(false)));
  EXPECT_TRUE(equals("bound.static_limited_by", results::Json("nic.wire")));
  EXPECT_FALSE(equals("bound.static_limited_by", results::Json("memory")));
}

TEST(Expectation, ListItemsAreNamedByNumberAndCountsMayBeLeftOut) {
  EXPECT_TRUE(equals("moves.0.bytes", 65536));
  EXPECT_FALSE(equals("moves.1.bytes", 65536));
  EXPECT_TRUE(equals("mode_switches", 12));
  EXPECT_TRUE(equals("counts.mode_switches", 12));
}

TEST(Expectation, LimitsAreIncluded) {
  const auto within = [](std::optional<Amount> min, std::optional<Amount> max) {
    return holds({.path = "throughput_bytes_per_s", .min = min, .max = max});
  };
  EXPECT_TRUE(within(Amount{1e9}, {}));
  EXPECT_TRUE(within({}, Amount{1e9}));
  EXPECT_FALSE(within(Amount{1.1e9}, {}));
  EXPECT_FALSE(within({}, Amount{0.9e9}));
  EXPECT_FALSE(holds({.path = "bound.static_limited_by", .min = Amount{0}}));
}

TEST(Expectation, AnAmountMayBePerRoundAndPerFile) {
  const auto switches = [](const Amount& amount) { return holds({.path = "mode_switches", .number = amount}); };
  EXPECT_TRUE(switches({.per_round = 3}));                 // 4 rounds
  EXPECT_TRUE(switches({.per_round = 2, .per_file = 2}));  // 2 files
  EXPECT_FALSE(switches({.per_round = 2, .per_file = 1}));
}

TEST(Expectation, AMissingValueDoesNotHold) {
  const results::Expected entry = evaluate({{.path = "copies.gpu", .number = Amount{0}}}, observed()).at(0);
  EXPECT_FALSE(entry.holds);
  EXPECT_FALSE(entry.got.has_value());
}

TEST(Expectation, WhatTheCommandLineChangedMakesAMissNoFailure) {
  const std::vector<Expectation> expectations{{.path = "copies.cpu", .number = Amount{1}},
                                              {.path = "copies.dma", .number = Amount{1}}};
  results::RunResult run = observed();
  run.expectations = evaluate(expectations, run, {"nic.gather=false", "--file data"});
  EXPECT_EQ(run.expectations->at(0).differs_because, "nic.gather=false, --file data");
  EXPECT_FALSE(run.expectations->at(1).differs_because.has_value());  // it holds all the same
  EXPECT_TRUE(run.succeeded());
  run.expectations = evaluate(expectations, run, {});
  EXPECT_FALSE(run.succeeded());
}

}  // namespace
}  // namespace sluice::scenario
