// SPDX-License-Identifier: Apache-2.0
// The programs of the simulated kernel, unchanged, over loopback.
#include <csignal>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "kernel_sim/programs/strategy.h"
#include "tests/tools/native/support.h"
#include "tools/native/process.h"
#include "tools/native/receiver.h"

namespace sluice::tests {
namespace {

using kernel_sim::Strategy;
using native::HostSystemCalls;
using native::MeasuredRegion;
using native::Receiver;
using native::ReceiverMode;

struct Sent {
  int status = -1;
  Counts calls;
  std::uint64_t mode_switches = 0;
  native::ReceiverReport report;
  std::vector<std::byte> received;
};

Sent send_file(const Strategy& program, const Folder& folder, std::uint64_t chunk,
               ReceiverMode mode = ReceiverMode::Keep) {
  HostSystemCalls calls{{.root = folder.path()}};
  MeasuredRegion region{calls};
  Receiver receiver{{.mode = mode}};
  kernel_sim::TransferRequest request{.paths = {"/file0"}, .connections = {{receiver.endpoint()}}, .chunk = chunk};
  Sent sent;
  sent.status = run_as_process(calls, [&](SystemCalls& c) { return program.run(c, request, region); },
                               {.time_limit = std::chrono::seconds{60}});
  sent.report = receiver.finish();
  sent.received = receiver.received();
  EXPECT_TRUE(region.complete());
  sent.calls = region.counts().by_name();
  sent.mode_switches = region.counts().mode_switches;
  return sent;
}

/// What the text of a program asks for, by rounds of a chunk.
Counts calls_of(std::string_view program, std::uint64_t rounds) {
  if (rounds == 0) return {};
  if (program == "read_write") return {{"read", rounds}, {"write", rounds}};
  if (program == "direct_io") return {{"read", rounds}, {"write", rounds}};
  if (program == "msg_zerocopy") return {{"read", rounds}, {"send", rounds}};
  if (program == "mmap_write") return {{"mmap", 1}, {"write", rounds}};
  if (program.starts_with("sendfile")) return {{"sendfile", rounds}};
  if (program == "splice") return {{"splice", 2 * rounds}};
  ADD_FAILURE() << "a program that this test does not know: " << program;
  return {};
}

struct Size {
  std::uint64_t bytes;
  std::uint64_t rounds_of_64_kib;
};

class Transfer : public testing::TestWithParam<Strategy> {};
INSTANTIATE_TEST_SUITE_P(Programs, Transfer,
                         testing::ValuesIn(kernel_sim::strategies().begin(), kernel_sim::strategies().end()),
                         [](const auto& instance) { return std::string{instance.param.name}; });

TEST_P(Transfer, DeliversTheFileByteForByteWithTheCallsThatTheTextImplies) {
  for (const auto& [size, rounds] :
       {Size{0, 0}, Size{1, 1}, Size{4095, 1}, Size{4096, 1}, Size{4097, 1}, Size{65536, 1}, Size{1'048'579, 17}}) {
    SCOPED_TRACE(size);
    const Folder folder;
    const auto content = folder.write("file0", size);
    const Sent sent = send_file(GetParam(), folder, 65536);
    EXPECT_EQ(sent.status, 0);
    EXPECT_EQ(sent.received.size(), size);
    EXPECT_TRUE(sent.received == content);
    EXPECT_EQ(sent.calls, calls_of(GetParam().name, rounds));
    std::uint64_t calls = 0;
    for (const auto& [name, count] : sent.calls) calls += count;
    EXPECT_EQ(sent.mode_switches, 2 * calls);
  }
}

TEST_P(Transfer, SmallChunksAreRoundsOfTheirOwn) {
  const Folder folder;
  const auto content = folder.write("file0", 40'000);  // 9 chunks of 4096 and one of 3136
  const Sent sent = send_file(GetParam(), folder, 4096);
  EXPECT_TRUE(sent.received == content);
  EXPECT_EQ(sent.calls, calls_of(GetParam().name, 10));
}

TEST_P(Transfer, ADiscardingReceiverCountsTheSameBytes) {
  const Folder folder;
  folder.write("file0", 1'048'579);
  const Sent sent = send_file(GetParam(), folder, 65536, ReceiverMode::Discard);
  EXPECT_EQ(sent.status, 0);
  EXPECT_EQ(sent.report.bytes, 1'048'579U);
  EXPECT_EQ(sent.report.sha256, "");
  EXPECT_GT(sent.report.last_byte_at_ns, 0);
}

std::set<std::string> descriptors() {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) found.insert(entry.path().filename());
  return found;
}

TEST_P(Transfer, LeavesNothingBehind) {
  const Folder folder;
  folder.write("file0", 100'000);
  const auto before = descriptors();
  send_file(GetParam(), folder, 65536);
  EXPECT_EQ(descriptors(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator{folder.path()}, {}), 1);
}

TEST(FailedTransfer, AMissingFileIsTheProgramsFailure) {
  const Folder folder;
  HostSystemCalls calls{{.root = folder.path()}};
  MeasuredRegion region{calls};
  kernel_sim::TransferRequest request{.paths = {"/file0"}};
  const int status = run_as_process(
      calls, [&](SystemCalls& c) { return kernel_sim::find_strategy("sendfile")->run(c, request, region); });
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
  EXPECT_FALSE(region.complete());
}

TEST(Receiver, HashesWhatItReads) {
  const Folder folder;
  std::ofstream{folder.path() / "file0"} << "abc";
  const Sent sent = send_file(*kernel_sim::find_strategy("sendfile"), folder, 65536, ReceiverMode::Hash);
  // FIPS 180-2, appendix B.1
  EXPECT_EQ(sent.report.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Receiver, WithoutASenderItGivesUpAndEnds) {
  const auto before = descriptors();
  {
    Receiver receiver{{.mode = ReceiverMode::Keep}};
    EXPECT_THROW(receiver.finish(std::chrono::milliseconds{20}), base::InputError);
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(descriptors(), before);
}

}  // namespace
}  // namespace sluice::tests
