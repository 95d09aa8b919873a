// SPDX-License-Identifier: Apache-2.0
//   file ─ read ─► one of several user buffers ─ send with MSG_ZEROCOPY ─► socket
//                          ▲                                                 │
//                          └───────── its error queue: the buffer is free ◄──┘
#include <map>
#include <optional>
#include <poll.h>
#include <set>

#include <linux/errqueue.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "kernel_sim/programs/transfer.h"

namespace sluice::kernel_sim {

namespace {

/// Buffers for so many bytes, as far as that are not too many or too few: enough for what is on its way.
constexpr std::uint64_t kAllBuffers = std::uint64_t{2} << 20;
constexpr std::uint64_t kMostBuffers = 64;
constexpr std::uint64_t kLeastBuffers = 2;

/// What one socket has lent: calls with MSG_ZEROCOPY are numbered from 0.
class Lent {
 public:
  /// One more call; how many there are then.
  std::uint64_t call() { return ++m_calls; }
  void over(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t i = first; i <= last; ++i) m_over.insert(i);
    while (m_over.erase(m_first) > 0) ++m_first;
  }
  /// So many calls from the first one on are over.
  [[nodiscard]] std::uint64_t first_not_over() const { return m_first; }
  [[nodiscard]] bool nothing() const { return m_first == m_calls; }

 private:
  std::uint64_t m_calls = 0;
  std::uint64_t m_first = 0;
  std::set<std::uint64_t> m_over;  // beyond the first that is not over
};

class Lender {
 public:
  Lender(Transfer& transfer, std::uint64_t chunk)
      : m_transfer(transfer),
        m_chunk((chunk + kPage - 1) / kPage * kPage),
        m_buffers(std::clamp(kAllBuffers / m_chunk, kLeastBuffers, kMostBuffers)) {}

  bool prepare() {
    const auto size = m_chunk * m_buffers.size();
    const auto at =
        m_transfer.calls().mmap(UserAddress::Null, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!m_transfer.check("mmap", at)) return false;
    m_memory = static_cast<UserAddress>(at);
    for (const int socket : m_transfer.sockets()) {
      const auto done = m_transfer.calls().setsockopt(socket, SOL_SOCKET, SO_ZEROCOPY, 1);
      if (!m_transfer.check("setsockopt", done)) return false;
    }
    return true;
  }

  /// The next buffer, once no packet refers to it any more.
  std::optional<UserAddress> next_buffer() {
    m_next = (m_next + 1) % m_buffers.size();
    const Buffer& buffer = m_buffers[m_next];
    while (buffer.calls > m_lent[buffer.socket].first_not_over()) {
      if (!wait_for_word(buffer.socket)) return {};
    }
    return m_memory + m_next * m_chunk;
  }

  /// Lends the buffer that next_buffer gave. A kernel that takes no more is waited for, and one that takes nothing gets
  /// a copy.
  bool send(UserAddress from, std::uint64_t size) {
    const int socket = m_transfer.socket();
    Lent& lent = m_lent[socket];
    int flags = MSG_ZEROCOPY;
    for (std::uint64_t done = 0; done < size;) {
      const auto sent =
          m_transfer.uninterrupted([&] { return m_transfer.calls().send(socket, from + done, size - done, flags); });
      if (sent == -ENOBUFS && flags != 0) {
        if (lent.nothing()) {
          flags = 0;
        } else if (!wait_for_word(socket)) {
          return false;
        }
        continue;
      }
      if (!m_transfer.check("send", sent)) return false;
      done += static_cast<std::uint64_t>(sent);
      if (flags != 0) m_buffers[m_next] = {socket, lent.call()};
    }
    return true;
  }

  /// Before the memory goes, everything is over.
  void finish(bool sent) {
    for (const int socket : m_transfer.sockets()) {
      while (sent && !m_lent[socket].nothing()) sent = wait_for_word(socket);
    }
    if (m_memory != UserAddress::Null) m_transfer.calls().munmap(m_memory, m_chunk * m_buffers.size());
  }

 private:
  static constexpr std::uint64_t kPage = 4096;
  struct Buffer {
    int socket = -1;
    std::uint64_t calls = 0;  ///< that must be over, of the socket
  };

  bool wait_for_word(int socket) {
    PollEntry entry{.fd = socket};  // POLLERR is always told
    const auto ready = m_transfer.uninterrupted([&] { return m_transfer.calls().poll({&entry, 1}, -1); });
    if (!m_transfer.check("poll", ready)) return false;
    for (;;) {
      MessageFlags flags;
      std::optional<SocketError> record;
      const auto got = m_transfer.uninterrupted(
          [&] { return m_transfer.calls().recvmsg(socket, {}, MSG_ERRQUEUE, flags, record, nullptr); });
      if (got == -EAGAIN) return true;
      if (!m_transfer.check("recvmsg", got)) return false;
      if (record && record->origin == SO_EE_ORIGIN_ZEROCOPY) m_lent[socket].over(record->info, record->data);
    }
  }

  Transfer& m_transfer;
  std::uint64_t m_chunk;
  std::vector<Buffer> m_buffers;
  std::size_t m_next = 0;
  UserAddress m_memory = UserAddress::Null;
  std::map<int, Lent> m_lent;  // by socket
};

}  // namespace

int msg_zerocopy(SystemCalls& calls, const TransferRequest& request, Measurement& measurement) {
  Transfer transfer{calls, request, measurement};
  if (!transfer.open()) return transfer.finish();
  Lender lender{transfer, request.chunk};
  bool sent = lender.prepare();
  if (sent) {
    sent = transfer.run([&](Transfer::SourceFile& file) {
      const auto buffer = lender.next_buffer();
      if (!buffer) return false;
      const auto got =
          transfer.uninterrupted([&] { return calls.read(file.fd, *buffer, transfer.chunk_of(file.left)); });
      if (!transfer.check("read", got)) return false;
      if (got == 0) return transfer.ended_early("read");
      file.left -= static_cast<std::uint64_t>(got);
      return lender.send(*buffer, static_cast<std::uint64_t>(got));
    });
  }
  lender.finish(sent);
  return transfer.finish();
}

}  // namespace sluice::kernel_sim
