// SPDX-License-Identifier: Apache-2.0
// Steps on sockets that take more than one call: which option, which address, and how long answers take.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "kernel_sim/system_calls.h"

namespace sluice::differential {

/// What setsockopt is tried with - the first kSocketOptions, which leave no bytes waiting at a sender - and getsockopt.
/// Sizes of buffers and segments follow from the largest packet over loopback, which the two sides do not share.
struct OptionName {
  int level;
  int option;
};
inline constexpr std::size_t kSocketOptions = 21;
inline constexpr std::size_t kReadSocketOptions = kSocketOptions + 10;
/// Of AF_UNIX the buffers too: no interface has a part in them.
inline constexpr std::size_t kUnixOptions = kReadSocketOptions + 2;
/// Of UDP also UDP_CORK, the last.
inline constexpr std::size_t kDatagramOptions = kUnixOptions + 1;
const OptionName& socket_option_at(std::int64_t index);

/// Where bind and connect go.
enum class Target : std::uint8_t {
  AnyPort,     ///< 127.0.0.1, a port of the kernel's choice
  Same,        ///< 127.0.0.1, the local port of another socket
  Everywhere,  ///< that port at every address
  Elsewhere,   ///< that port at 127.0.0.2
  Privileged,  ///< port 80
  NotHere,     ///< an address of another machine
};
inline constexpr std::int64_t kTargets = 6;
kernel_sim::Endpoint endpoint_of(kernel_sim::SystemCalls& calls, Target target, int other);

/// Where `other` is; a port that nobody has when it is nowhere.
kernel_sim::Endpoint endpoint_of(kernel_sim::SystemCalls& calls, int other);

/// connect(fd) to the local address of `other`. 1 when it would connect a socket to itself, which is not tried.
std::int64_t connect_to(kernel_sim::SystemCalls& calls, int fd, int other);

// --- request and answer ----------------------------------------------------------------------------------------------

/// Two ends of a connection of its own, with Nagle's delay: actions of 4 bits, the first in the lowest.
enum class Talk : std::uint8_t {
  End,
  Ask,          ///< the client sends 100 bytes
  AskMore,      ///< 600 bytes
  Answer,       ///< the server sends 100 bytes
  AnswerLarge,  ///< 1000 bytes
  AnswerPart,   ///< 200 bytes with MSG_MORE
  ServerReads,  ///< all that is there, when something is
  ClientReads,
  NoDelay,  ///< of the server, from now on
  Cork,
  Uncork,
  QuickAck,  ///< of the client
  NoQuickAck,
};
inline constexpr std::int64_t kTalks = 12;  ///< beside End
inline constexpr unsigned kMostTalks = 14;

/// How long a reader waits, told coarsely enough for a busy host: less than 15 ms; a delayed acknowledgment; longer.
enum class Wait : std::uint8_t { None, Short, Delayed, Long, Never };

struct TalkAnswer {
  Talk talk = Talk::End;
  Wait waited = Wait::None;
  std::int64_t value = 0;
};
/// `memory`: 4 KiB to send from and to read to. The answers in their order; at End the script was over.
std::array<TalkAnswer, kMostTalks> talk(kernel_sim::SystemCalls& calls, kernel_sim::UserAddress memory,
                                        std::int64_t script);
std::string talk_text(std::int64_t script);

// --- pages that are lent ---------------------------------------------------------------------------------------------

/// A client sends with MSG_ZEROCOPY to a server, by actions of 4 bits, the first in the lowest.
enum class Lend : std::uint8_t {
  End,
  Enable,  ///< SO_ZEROCOPY
  Disable,
  Small,    ///< 1000 bytes
  Pages,    ///< 10,000 bytes that begin within a page
  Large,    ///< 40,000 bytes
  Pieces,   ///< sendmsg of two pieces
  More,     ///< 100 bytes with MSG_MORE
  Plain,    ///< 1000 bytes without MSG_ZEROCOPY
  Nothing,  ///< no bytes at all
  Partly,   ///< the second of two pieces cannot be read
  Bad,      ///< nothing of it can be read
  Round,    ///< the server reads all and answers; then every call that lent is over, and the client asks for records
};
inline constexpr std::int64_t kLends = 12;
inline constexpr unsigned kMostLends = 14;

struct LendAnswer {
  Lend lend = Lend::End;
  std::int64_t value = 0;
  std::array<std::int64_t, 2> also{};
};
/// `memory`: 64 KiB to send from and to read to, `unreadable`: where nothing is mapped.
std::vector<LendAnswer> lend(kernel_sim::SystemCalls& calls, kernel_sim::UserAddress memory,
                             kernel_sim::UserAddress unreadable, std::int64_t script);
std::string lend_text(std::int64_t script);

}  // namespace sluice::differential
