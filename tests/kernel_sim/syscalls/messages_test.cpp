// SPDX-License-Identifier: Apache-2.0
// sendmsg and recvmsg: which error comes first.
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/kernel_sim/syscalls/process_rig.h"

namespace sluice::syscalls {
namespace {

using kernel_sim::IoVector;

TEST(Messages, ADescriptorIsLookedAtBeforeTheBuffers) {
  ProcessRig rig;
  EXPECT_EQ(rig.run([](SystemCalls& calls) {
    const std::vector<IoVector> too_many(1025);
    const std::vector<IoVector> bad = {{UserAddress{~std::uint64_t{0} - 5}, 3}, {UserAddress::Null, 0}};
    const int socket = static_cast<int>(calls.socket(AF_INET, SOCK_STREAM, 0));
    int ends[2];
    calls.pipe(ends, 0);
    EXPECT_EQ(calls.sendmsg(99, too_many, 0), -EBADF);
    EXPECT_EQ(calls.sendmsg(ends[1], too_many, 0), -ENOTSOCK);
    EXPECT_EQ(calls.sendmsg(socket, too_many, 0), -EMSGSIZE);
    EXPECT_EQ(calls.sendmsg(socket, bad, 0), -EFAULT);
    EXPECT_EQ(calls.sendmsg(socket, {}, MSG_NOSIGNAL), -EPIPE);
    return 0;
  }),
            0);
}

TEST(Messages, AnEmptyErrorQueueIsNotWaitedFor) {
  ProcessRig rig;
  EXPECT_EQ(rig.run([](SystemCalls& calls) {
    const int socket = static_cast<int>(calls.socket(AF_INET, SOCK_STREAM, 0));
    kernel_sim::MessageFlags flags;
    std::optional<kernel_sim::SocketError> error;
    EXPECT_EQ(calls.recvmsg(socket, {}, MSG_ERRQUEUE, flags, error, nullptr), -EAGAIN);
    EXPECT_EQ(calls.recv(socket, UserAddress::Null, 0, MSG_ERRQUEUE), -EAGAIN);
    EXPECT_EQ(flags.value, 0);
    EXPECT_FALSE(error.has_value());
    EXPECT_EQ(calls.recvmsg(socket, {}, 0, flags, error, nullptr), -ENOTCONN);
    return 0;
  }),
            0);
}

}  // namespace
}  // namespace sluice::syscalls
