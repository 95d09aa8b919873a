// SPDX-License-Identifier: Apache-2.0
// Arguments against what strace 6.1 prints for the same calls.
#include "kernel_sim/syscalls/trace_format.h"

#include <array>
#include <fcntl.h>

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/stat.h>

namespace sluice::syscalls {
namespace {

TEST(TraceFormat, ModesShowTheKindOfFileAndThePermissions) {
  EXPECT_EQ(file_mode(S_IFREG | 0644), "S_IFREG|0644");
  EXPECT_EQ(file_mode(S_IFIFO | 0600), "S_IFIFO|0600");
}

TEST(TraceFormat, FlagsOfAPipeAreNoAccessModes) {
  EXPECT_EQ(pipe_flags(0), "0");
  EXPECT_EQ(pipe_flags(O_NONBLOCK | O_CLOEXEC), "O_NONBLOCK|O_CLOEXEC");
}

TEST(TraceFormat, FlagsOfOpenBeginWithTheAccessMode) {
  EXPECT_EQ(open_flags(O_RDONLY), "O_RDONLY");
  EXPECT_EQ(open_flags(O_RDWR | O_CREAT | O_TRUNC), "O_RDWR|O_CREAT|O_TRUNC");
}

TEST(TraceFormat, BuffersOfAListShowPlaceAndSize) {
  const std::array<kernel_sim::IoVector, 2> list = {{{kernel_sim::UserAddress{0x1000}, 5}, {}}};
  EXPECT_EQ(io_vectors(list), "[{iov_base=0x1000, iov_len=5}, {iov_base=NULL, iov_len=0}]");
  EXPECT_EQ(io_vectors({}), "[]");
}

TEST(TraceFormat, EventsOfEpollShowTheProgramsData) {
  EXPECT_EQ(epoll_event({EPOLLIN | EPOLLET, 5}), "{events=EPOLLIN|EPOLLET, data={u32=5, u64=5}}");
  EXPECT_EQ(epoll_operation(EPOLL_CTL_MOD), "EPOLL_CTL_MOD");
  EXPECT_EQ(epoll_events({}), "[]");
}

}  // namespace
}  // namespace sluice::syscalls
