// SPDX-License-Identifier: Apache-2.0
// What system calls ask of a socket of any family.
#pragma once

#include <algorithm>
#include <memory>
#include <poll.h>

#include "kernel_sim/fs/file.h"
#include "kernel_sim/system_calls.h"

namespace sluice::net {

/// What comes beside the bytes of a message.
struct MessageInfo {
  kernel_sim::Endpoint from = kernel_sim::kNowhere;
  int flags = 0;  ///< MSG_TRUNC
};

/// What a socket of AF_INET says to an address: EAFNOSUPPORT of another family, EINVAL of one too short to look at.
Result<void> check_inet(const kernel_sim::Endpoint& endpoint);

/// What the waiters of a socket are told (sock_def_readable, sock_def_write_space).
inline constexpr std::uint32_t kReadableEvents = POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND;
inline constexpr std::uint32_t kWritableEvents = POLLOUT | POLLWRNORM | POLLWRBAND;

/// splice_to_socket: what a pipe holds goes out in calls of up to `slots` of its slots. send(bytes, more) sends the
/// first bytes of the pipe and takes them from it. A short count when an error came after some bytes.
template <class Send>
Result<Bytes> splice_to_socket(fs::SpliceSource& source, Bytes size, unsigned slots, bool more, Send&& send) {
  Bytes done = 0;
  while (done < size && source.fragments() > 0) {
    const unsigned batch = std::min(source.fragments(), slots);
    Bytes bytes = 0;
    for (unsigned i = 0; i < batch; ++i) bytes += source.peek(i).size;
    bytes = std::min(bytes, size - done);
    const Result<Bytes> sent = send(bytes, more || (done + bytes < size && source.fragments() > batch));
    if (!sent && done == 0) return sent;
    if (!sent) break;
    done += *sent;
    if (*sent < bytes) break;
  }
  return done;
}

class Socket : public fs::File {
 public:
  using File::File;

  virtual Result<void> connect(kernel_sim::Endpoint peer) = 0;
  virtual Result<void> bind(kernel_sim::Endpoint local) = 0;
  virtual Result<void> listen(int backlog) = 0;
  /// `flags`: SOCK_NONBLOCK, SOCK_CLOEXEC.
  virtual Result<std::shared_ptr<Socket>> accept_connection(kernel_sim::Endpoint* peer, int flags) = 0;
  [[nodiscard]] virtual kernel_sim::Endpoint local() const = 0;
  /// ENOTCONN.
  [[nodiscard]] virtual Result<kernel_sim::Endpoint> peer_name() const = 0;
  /// `flags`: MSG_*. EPIPE asks the caller to raise SIGPIPE unless it passed MSG_NOSIGNAL.
  virtual Result<Bytes> send(mm::UserMemory& memory, VirtAddr from, Bytes size, int flags) = 0;
  /// As send, to somebody. A stream sends to its peer, whoever is named.
  virtual Result<Bytes> send_to(mm::UserMemory& memory, VirtAddr from, Bytes size, int flags,
                                const kernel_sim::Endpoint& /*to*/) {
    return send(memory, from, size, flags);
  }
  virtual Result<Bytes> recv(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags) = 0;
  /// As recv, and what came beside the bytes: nothing with those of a stream.
  virtual Result<Bytes> receive_message(mm::UserMemory& memory, VirtAddr to, Bytes size, int flags,
                                        MessageInfo& /*info*/) {
    return recv(memory, to, size, flags);
  }
  /// Whether MSG_ERRQUEUE means another queue; other families take no notice of the flag.
  [[nodiscard]] virtual bool has_error_queue() const { return false; }
  /// The oldest record of the error queue; EAGAIN when there is none, never waits.
  virtual Result<kernel_sim::SocketError> receive_error() { return refuse(EAGAIN); }
  virtual Result<void> shutdown(int how) = 0;
  virtual Result<void> set_option(int level, int option, int value) = 0;
  virtual Result<int> option(int level, int option) = 0;

  /// No offset: a socket has no positions. Unlike recv, a read of nothing does not look for data.
  Result<Bytes> read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset) override;
  Result<Bytes> write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* offset) override;
  Result<kernel_sim::FileStatus> status() override;
  [[nodiscard]] int changeable_flags() const override;
};

}  // namespace sluice::net
