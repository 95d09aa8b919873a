// SPDX-License-Identifier: Apache-2.0
// Steps on UDP sockets.

#include <algorithm>
#include <climits>
#include <fcntl.h>
#include <poll.h>

#include <sys/socket.h>

#include "tests/differential/program_generator.h"
#include "tests/differential/socket_steps.h"

namespace sluice::differential {

namespace {

// Of SO_REUSEPORT Linux chooses the receiver by a hash, and SO_ZEROCOPY is refused here.
constexpr std::int64_t kReusePortOption = 2;
constexpr std::int64_t kZeroCopyOption = 20;

}  // namespace

/// As much as is wanted: a full buffer is full at the same datagram on both sides.
void Generator::add_on_datagram() {
  std::int64_t address = 0;
  std::int64_t length = 0;
  memory(address, length);
  if (one_in(4)) length = any_of({0, 1, 197, 198, 645, 646, 1500, 16'004, 16'005, 65'507, 65'508, 65'536});
  length = std::clamp<std::int64_t>(length, 0, 100'000);
  const std::int64_t socket = one_in(30) ? any_descriptor() : descriptor(Content::Datagram);
  const std::int64_t silent = one_in(15) ? 0 : MSG_NOSIGNAL;
  switch (below(20)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
      return add(Operation::SendTo, {socket, address, length, silent | any_of({0, 0, 0, MSG_DONTWAIT, MSG_MORE}),
                                     descriptor(Content::Datagram)});
    case 5:
    case 6:
    case 7:
    case 8:
      return add(Operation::RecvFrom,
                 {socket, address, length,
                  any_of({0, 0, 0, MSG_DONTWAIT, MSG_WAITALL, MSG_PEEK, MSG_TRUNC, MSG_TRUNC | MSG_PEEK})});
    case 9:
      return add(Operation::Send, {socket, address, length, silent | any_of({0, 0, MSG_MORE, MSG_OOB})});
    case 10:
      return add(one_in(2) ? Operation::Read : Operation::Write, {socket, address, length});
    case 11: {
      std::int64_t second = 0;
      std::int64_t more = 0;
      memory(second, more);
      return add(one_in(2) ? Operation::Readv : Operation::Writev, {socket, address, length, second, more});
    }
    case 12:
      return add_message(socket, address, length, silent);
    case 13:
      return add(Operation::Sendfile, {socket, descriptor(Content::File), optional_offset(), finite_size()});
    case 14:
      return add(Operation::Splice,
                 {descriptor(Content::ReadEnd), kNoOffset, socket, kNoOffset, length, splice_flags()});
    case 15:
      return add(Operation::Splice, {socket, one_in(20) ? 0 : kNoOffset, descriptor(Content::WriteEnd), kNoOffset,
                                     length, splice_flags()});
    case 16:
      return add(Operation::Poll, {socket, any_of({POLLIN, POLLOUT, POLLIN | POLLOUT, POLLIN | POLLRDHUP}),
                                   descriptor(Content::Datagram), any_of({POLLIN, POLLOUT, POLLRDNORM | POLLWRBAND})});
    case 17:
      if (one_in(2)) return add(Operation::Getsockopt, {socket, below(kDatagramOptions)});
      if (one_in(3)) return add(Operation::Setsockopt, {socket, kDatagramOptions - 1, below(2)});
      if (one_in(2))
        return add(Operation::Setsockopt,
                   {socket, static_cast<std::int64_t>(kReadSocketOptions) + below(2), any_of({0, 2304, 5000, 20'000})});
      if (const std::int64_t option = below(kZeroCopyOption); option != kReusePortOption)
        return add(Operation::Setsockopt, {socket, option, any_of({0, 1, 1, 2, -1, 6, 7, 127, 255, 256, INT_MAX})});
      return;
    default:
      return add_on_datagram_name(socket);
  }
}

void Generator::add_on_datagram_name(std::int64_t socket) {
  const std::int64_t other = descriptor(Content::Datagram);
  switch (below(10)) {
    case 0:
    case 1:
      return add(Operation::ConnectTo, {socket, other});
    case 2:
      return add(Operation::Connect, {socket});
    case 3:
      return add(Operation::Dissolve, {socket});
    case 4:
      return add(Operation::Bind, {socket, below(kTargets), other});
    case 5:
      return add(Operation::Datagram, {new_descriptor(Content::Datagram), below(2)});
    case 6:
      return add(Operation::PeerName, {socket});
    case 7:
      if (!one_in(3)) return;
      return add(Operation::Shutdown, {socket, one_in(20) ? 7 : any_of({SHUT_RD, SHUT_WR, SHUT_RDWR})});
    case 8:
      if (one_in(3)) return add(Operation::Listen, {socket, 3});
      if (one_in(2)) return add(Operation::Accept, {new_descriptor(Content::Nothing), socket});
      return add(one_in(2) ? Operation::Fstat : Operation::WaitingBytes, {socket});
    default:
      if (!one_in(3)) return;
      if (socket < kSlots) m_content[static_cast<std::size_t>(socket)] = Content::Nothing;
      return add(Operation::Close, {socket});
  }
}

}  // namespace sluice::differential
