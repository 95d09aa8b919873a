// SPDX-License-Identifier: Apache-2.0
// What Linux 6.18 takes and gives back (tried on it, without privileges).
#include "kernel_sim/net/socket_options.h"

#include <cerrno>
#include <climits>
#include <string>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace sluice::net {
namespace {

struct Case {
  int level;
  int option;
  int set;
  int kept;       ///< what getsockopt says then
  int error = 0;  ///< of setsockopt
};

class SocketOption : public testing::TestWithParam<Case> {};

TEST_P(SocketOption, IsTakenAndGivenBackAsLinuxDoes) {
  const Case& c = GetParam();
  SocketOptions options;
  const Result<void> set = options.set(c.level, c.option, c.set);
  if (c.error != 0) {
    ASSERT_FALSE(set.has_value());
    EXPECT_EQ(set.error().value, c.error);
  } else {
    ASSERT_TRUE(set.has_value());
    EXPECT_EQ(options.get(c.level, c.option), c.kept);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Of, SocketOption,
    testing::Values(Case{SOL_SOCKET, SO_REUSEADDR, -5, 1}, Case{SOL_SOCKET, SO_REUSEPORT, 7, 1},
                    Case{SOL_SOCKET, SO_KEEPALIVE, 0, 0}, Case{SOL_SOCKET, SO_PRIORITY, 6, 6},
                    Case{SOL_SOCKET, SO_PRIORITY, 7, 0, EPERM}, Case{SOL_SOCKET, SO_PRIORITY, -1, 0, EPERM},
                    Case{SOL_SOCKET, SO_BUSY_POLL, INT_MAX, INT_MAX}, Case{SOL_SOCKET, SO_BUSY_POLL, -1, 0, EINVAL},
                    Case{IPPROTO_IP, IP_TOS, 87, 84}, Case{IPPROTO_IP, IP_TOS, 256, 0},
                    Case{IPPROTO_IP, IP_TTL, -1, 64}, Case{IPPROTO_IP, IP_TTL, 0, 0, EINVAL},
                    Case{IPPROTO_TCP, TCP_MAXSEG, 88, 88}, Case{IPPROTO_TCP, TCP_MAXSEG, 87, 0, EINVAL},
                    Case{IPPROTO_TCP, TCP_MAXSEG, 32768, 0, EINVAL}, Case{IPPROTO_TCP, TCP_KEEPIDLE, 32767, 32767},
                    Case{IPPROTO_TCP, TCP_KEEPIDLE, 0, 0, EINVAL}, Case{IPPROTO_TCP, TCP_KEEPINTVL, 32768, 0, EINVAL},
                    Case{IPPROTO_TCP, TCP_KEEPCNT, 128, 0, EINVAL}, Case{IPPROTO_TCP, TCP_SYNCNT, 127, 127},
                    Case{IPPROTO_TCP, TCP_LINGER2, 121, 120}, Case{IPPROTO_TCP, TCP_LINGER2, 0, 60},
                    Case{IPPROTO_TCP, TCP_LINGER2, -7, -1}, Case{IPPROTO_TCP, TCP_DEFER_ACCEPT, 6, 7},
                    Case{IPPROTO_TCP, TCP_DEFER_ACCEPT, 128, 247}, Case{IPPROTO_TCP, TCP_DEFER_ACCEPT, INT_MAX, 29887},
                    Case{IPPROTO_TCP, TCP_DEFER_ACCEPT, -1, 0}, Case{IPPROTO_TCP, TCP_USER_TIMEOUT, 1000, 1000},
                    Case{IPPROTO_TCP, TCP_USER_TIMEOUT, -1, 0, EINVAL},
                    Case{IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384, 16384}, Case{IPPROTO_TCP, 9999, 1, 0, ENOPROTOOPT},
                    Case{77, SO_REUSEADDR, 1, 0, ENOPROTOOPT}, Case{SOL_SOCKET, SO_TYPE, 1, 0, ENOPROTOOPT}));

TEST(SocketOptions, ANewTypeOfServiceSetsThePriorityWhichNoAcceptedConnectionHas) {
  SocketOptions options;
  const auto priority_after = [&](int level, int option, int value) {
    EXPECT_TRUE(options.set(level, option, value));
    return options.get(SOL_SOCKET, SO_PRIORITY).value();
  };
  EXPECT_EQ(priority_after(IPPROTO_IP, IP_TOS, 0x08), 2);
  EXPECT_EQ(priority_after(IPPROTO_IP, IP_TOS, 0x10), 6);
  EXPECT_EQ(priority_after(IPPROTO_IP, IP_TOS, 0xB8), 4);
  EXPECT_EQ(priority_after(SOL_SOCKET, SO_PRIORITY, 5), 5);
  EXPECT_EQ(priority_after(IPPROTO_IP, IP_TOS, 0xBB), 5);  // nothing new
  EXPECT_EQ(priority_after(IPPROTO_IP, IP_TOS, 0x04), 0);
  options.set(IPPROTO_IP, IP_TOS, 0x08);
  EXPECT_EQ(options.of_accepted().get(SOL_SOCKET, SO_PRIORITY), 0);
  EXPECT_EQ(options.of_accepted().get(IPPROTO_IP, IP_TOS), 0x08);
}

TEST(SocketOptionName, SaysLevelAndNameOrNumbers) {
  EXPECT_EQ(socket_option_name(SOL_SOCKET, SO_SNDBUF), "SOL_SOCKET, SO_SNDBUF");
  EXPECT_EQ(socket_option_name(IPPROTO_TCP, TCP_DEFER_ACCEPT), "SOL_TCP, TCP_DEFER_ACCEPT");
  EXPECT_EQ(socket_option_name(IPPROTO_IP, IP_TOS), "SOL_IP, IP_TOS");
  EXPECT_EQ(socket_option_name(6, 9999), "0x6, 0x270f");
}

}  // namespace
}  // namespace sluice::net
