// SPDX-License-Identifier: Apache-2.0
// Which calls each strategy makes, in order, and how it takes short counts and errors.
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel_sim/programs/strategy.h"
#include "tests/kernel_sim/programs/recording_calls.h"

namespace sluice::kernel_sim {
namespace {

using testing::ElementsAre;
using Log = std::vector<std::string>;

struct Outcome {
  int status;
  std::string failure;
};

Outcome run(const char* name, RecordingCalls& calls, std::vector<std::string> paths, std::uint64_t chunk = 65536) {
  Outcome outcome;
  TransferRequest request;
  request.paths = std::move(paths);
  request.chunk = chunk;
  request.failure = &outcome.failure;
  outcome.status = find_strategy(name)->run(calls, request, calls);
  return outcome;
}

TEST(Programs, OneRoundOf64KiBMakesTheArticlesCalls) {
  // Descriptors: file 3, socket 4, pipe 5 and 6.
  RecordingCalls rw{{65536}};
  EXPECT_EQ(run("read_write", rw, {"a"}).status, 0);
  EXPECT_THAT(rw.measured(), ElementsAre("file 0", "read 3 65536", "write 4 0x10000 65536"));

  RecordingCalls mw{{65536}};
  EXPECT_EQ(run("mmap_write", mw, {"a"}).status, 0);
  EXPECT_THAT(mw.measured(), ElementsAre("file 0", "mmap 3 65536", "write 4 0x10000 65536"));

  RecordingCalls sf{{65536}};
  EXPECT_EQ(run("sendfile", sf, {"a"}).status, 0);
  EXPECT_THAT(sf.measured(), ElementsAre("file 0", "sendfile 4 3 65536"));

  RecordingCalls sp{{65536}};
  EXPECT_EQ(run("splice", sp, {"a"}).status, 0);
  EXPECT_THAT(sp.measured(), ElementsAre("file 0", "splice 3 6 65536 0x1", "splice 5 4 65536 0x1"));

  RecordingCalls dio{{65000}};
  EXPECT_EQ(run("direct_io", dio, {"a"}).status, 0);
  EXPECT_THAT(dio.measured(), ElementsAre("file 0", "read 3 65536", "write 4 0x10000 65000"));

  RecordingCalls mz{{65536}};
  EXPECT_EQ(run("msg_zerocopy", mz, {"a"}).status, 0);
  EXPECT_THAT(mz.measured(), ElementsAre("file 0", "read 3 65536", "send 4 0x20000 65536 0x4000000"));
}

TEST(Programs, ABufferThatIsLentIsWaitedForBeforeItServesAgain) {
  RecordingCalls calls{{5 << 20}};
  EXPECT_EQ(run("msg_zerocopy", calls, {"a"}, 1 << 20).status, 0);
  EXPECT_THAT(calls.measured(), ElementsAre("file 0", "read 3 1048576", "send 4 0x110000 1048576 0x4000000",  //
                                            "read 3 1048576", "send 4 0x10000 1048576 0x4000000",             //
                                            "poll 4", "recvmsg 4 0x2000", "recvmsg 4 0x2000",                 //
                                            "read 3 1048576", "send 4 0x110000 1048576 0x4000000",            //
                                            "read 3 1048576", "send 4 0x10000 1048576 0x4000000",             //
                                            "poll 4", "recvmsg 4 0x2000", "recvmsg 4 0x2000",                 //
                                            "read 3 1048576", "send 4 0x110000 1048576 0x4000000"));
}

TEST(Programs, AKernelThatTakesNoMorePagesIsWaitedForAndOneThatTakesNoneCopies) {
  RecordingCalls calls{{8192}};
  calls.answers = {4096, -ENOBUFS, 4096, 4096, -ENOBUFS, 4096};
  EXPECT_EQ(run("msg_zerocopy", calls, {"a"}, 4096).status, 0);
  EXPECT_THAT(calls.measured(),
              ElementsAre("file 0", "read 3 4096", "send 4 0x11000 4096 0x4000000", "send 4 0x11000 4096 0x0",
                          "read 3 4096", "send 4 0x12000 4096 0x4000000", "send 4 0x12000 4096 0x0"));
  RecordingCalls lends{{8192}};
  lends.answers = {4096, 4096, 4096, -ENOBUFS, 4096};
  EXPECT_EQ(run("msg_zerocopy", lends, {"a"}, 4096).status, 0);
  EXPECT_THAT(lends.measured(), ElementsAre("file 0", "read 3 4096", "send 4 0x11000 4096 0x4000000", "read 3 4096",
                                            "send 4 0x12000 4096 0x4000000", "poll 4", "recvmsg 4 0x2000",
                                            "recvmsg 4 0x2000", "send 4 0x12000 4096 0x4000000"));
}

TEST(Programs, WhatIsSetUpAndTakenDownLiesOutsideTheMeasuredRegion) {
  RecordingCalls calls{{10}};
  EXPECT_EQ(run("read_write", calls, {"a"}).status, 0);
  EXPECT_THAT(calls.log, ElementsAre("open a", "fstat 3", "socket", "connect 4 0xa000002:9000", "mmap -1 65536",
                                     "begin", "file 0", "read 3 10", "write 4 0x10000 10", "end", "munmap 65536",
                                     "shutdown 4", "close 4", "close 3"));
}

TEST(Programs, AFileIsMappedOnceAndWrittenInChunks) {
  RecordingCalls calls{{150'000}};
  run("mmap_write", calls, {"a"});
  EXPECT_THAT(calls.measured(), ElementsAre("file 0", "mmap 3 150000", "write 4 0x10000 65536", "write 4 0x20000 65536",
                                            "write 4 0x30000 18928"));
}

TEST(Programs, SpliceSaysMoreOnlyWhileTheFileGoesOn) {
  RecordingCalls calls{{65537}};
  run("splice", calls, {"a"});
  EXPECT_THAT(calls.measured(), ElementsAre("file 0", "splice 3 6 65536 0x5", "splice 5 4 65536 0x5",
                                            "splice 3 6 1 0x1", "splice 5 4 1 0x1"));
}

TEST(Programs, ThePipeIsMadeAsLargeAsAChunk) {
  RecordingCalls calls{{1}};
  run("splice", calls, {"a"}, 200'000);
  EXPECT_TRUE(calls.has("fcntl 6 1031 262144"));  // F_SETPIPE_SZ, a power of two
  RecordingCalls huge{{1}};
  run("splice", huge, {"a"}, ~std::uint64_t{0});
  EXPECT_TRUE(huge.has("fcntl 6 1031 1048576"));  // as much as a user may have
}

TEST(Programs, ConnectionsTakeTurnsChunkByChunkAndALaterPassGoesBackToTheBegin) {
  RecordingCalls calls{{100, 100}};
  TransferRequest request;
  request.paths = {"a"};
  request.connections = {{{1, 9000}}, {{1, 9001}}};
  request.repeat = 2;
  request.chunk = 60;
  // Descriptors: file 3 and socket 4 of the first connection, file 5 and socket 6 of the second.
  EXPECT_EQ(find_strategy("sendfile")->run(calls, request, calls), 0);
  EXPECT_THAT(calls.measured(), ElementsAre("file 0", "sendfile 4 3 60", "file 2", "sendfile 6 5 60", "sendfile 4 3 40",
                                            "sendfile 6 5 40", "file 1", "lseek 3 0", "sendfile 4 3 60", "file 3",
                                            "lseek 5 0", "sendfile 6 5 60", "sendfile 4 3 40", "sendfile 6 5 40"));
}

TEST(Programs, EveryConnectionSendsAllFilesAsOftenAsIsAskedFor) {
  for (const Strategy& program : strategies()) {
    RecordingCalls calls{{100'000, 0, 5, 100'000, 0, 5, 100'000, 0, 5}};
    TransferRequest request;
    request.paths = {"a", "empty", "five"};
    request.connections = {{{1, 9000}}, {{1, 9001}, {2, 9001}}, {{1, 9002}}};
    request.repeat = 3;
    EXPECT_EQ(program.run(calls, request, calls), 0) << program.name;
    EXPECT_EQ(calls.delivered, 9 * 100'005U) << program.name;
    EXPECT_EQ(calls.open_descriptors, 0) << program.name;
    EXPECT_EQ(calls.mappings, 0) << program.name;
  }
}

TEST(Programs, AnEmptyFileCostsNoCall) {
  for (const Strategy& program : strategies()) {
    RecordingCalls calls{{0, 5}};
    TransferRequest request;
    request.paths = {"empty", "five"};
    EXPECT_EQ(program.run(calls, request, calls), 0) << program.name;
    const Log measured = calls.measured();
    ASSERT_GE(measured.size(), 2U);
    EXPECT_EQ(measured[0], "file 0");
    EXPECT_EQ(measured[1], "file 1");
    EXPECT_EQ(calls.delivered, 5U);
  }
}

TEST(Programs, ShortCountsAndInterruptionsAreGoneOnFrom) {
  for (const Strategy& program : strategies()) {
    RecordingCalls calls{{100'000}};
    calls.answers = {7'000, 3'000, -EINTR, 2'000, 60'000, -EINTR, 1, 5, 6'000};
    TransferRequest request;
    request.paths = {"a"};
    EXPECT_EQ(program.run(calls, request, calls), 0) << program.name;
    EXPECT_EQ(calls.delivered, 100'000U) << program.name;
    EXPECT_EQ(calls.in_pipe, 0U) << program.name;
    EXPECT_EQ(calls.open_descriptors, 0) << program.name;
    EXPECT_EQ(calls.mappings, 0) << program.name;
  }
}

TEST(Programs, AnErrorEndsTheProgramAndIsNamed) {
  for (const Strategy& program : strategies()) {
    RecordingCalls calls{{100'000}};
    calls.answers = {-EIO};
    const Outcome outcome = run(std::string{program.name}.c_str(), calls, {"a"});
    EXPECT_EQ(outcome.status, 1) << program.name;
    EXPECT_TRUE(outcome.failure.ends_with(": EIO")) << outcome.failure;
    EXPECT_TRUE(calls.has("end")) << program.name;
    EXPECT_FALSE(calls.has("shutdown 4")) << program.name;
    EXPECT_EQ(calls.open_descriptors, 0) << program.name;
  }
}

TEST(Programs, AMissingFileIsNamedBeforeAnythingIsMeasured) {
  RecordingCalls calls{{1}};
  const Outcome outcome = run("sendfile", calls, {"missing"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_EQ(outcome.failure, "open missing: ENOENT");
  EXPECT_FALSE(calls.has("begin"));
}

TEST(Programs, AFileThatShrankMeanwhileIsAnErrorAndNoEndlessLoop) {
  for (const char* name : {"read_write", "sendfile", "splice"}) {
    RecordingCalls calls{{10}};
    calls.answers = {0};
    const Outcome outcome = run(name, calls, {"a"});
    EXPECT_EQ(outcome.status, 1) << name;
    EXPECT_TRUE(outcome.failure.ends_with("the file ended early")) << outcome.failure;
  }
}

TEST(Programs, EachIsFoundByItsNameAndByNoOther) {
  std::set<std::string_view> names;
  for (const Strategy& strategy : strategies()) {
    EXPECT_EQ(find_strategy(strategy.name), &strategy);
    EXPECT_TRUE(names.insert(strategy.name).second) << strategy.name << " stands in the table twice";
  }
  EXPECT_EQ(find_strategy("teleport"), nullptr);
}

}  // namespace
}  // namespace sluice::kernel_sim
