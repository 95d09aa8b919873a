// SPDX-License-Identifier: Apache-2.0
// TCP over loopback with both ends in one process, so that nothing is scheduled: what a send does, the receiver's input
// in the soft interrupt included, is over when the call returns; what a receive does, its acknowledgment and that
// one's input at the sender included, as well. Data are private memory, never a file's.
//
// Before each of them the first-level caches are filled with other code and data, a read of cached pages, for so a
// transfer finds them: its calls alternate, with copies between them. In a loop of its own a call would take less.
#include <fcntl.h>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

constexpr unsigned kBatch = 32;
constexpr std::uint32_t kLoopback = 0x7F00'0001;
/// A new connection acknowledges its first segments at once (TCP_MAX_QUICKACKS 16); what is timed comes after these.
constexpr unsigned kFirstSegments = 40;

class Connection {
 public:
  explicit Connection(Session& session)
      : m_session(session), m_buffer(session.map_buffer(kRoom)), m_file(session.open_file()) {
    SystemCalls& calls = session.calls;
    m_listener = static_cast<int>(session.need("socket", calls.socket(AF_INET, SOCK_STREAM, 0)));
    kernel_sim::Endpoint where{kLoopback, 0};
    session.need("bind", calls.bind(m_listener, where));
    session.need("listen", calls.listen(m_listener, 1));
    session.need("getsockname", calls.getsockname(m_listener, where));
    m_sender = static_cast<int>(session.need("socket", calls.socket(AF_INET, SOCK_STREAM, 0)));
    session.need("connect", calls.connect(m_sender, {kLoopback, where.port}));
    m_receiver = static_cast<int>(session.need("accept", calls.accept(m_listener, nullptr)));
    session.need("setsockopt", calls.setsockopt(m_sender, IPPROTO_TCP, TCP_NODELAY, 1));
    for (unsigned i = 0; i < kFirstSegments; ++i) {
      send(1);
      discard(1);
    }
  }
  ~Connection() {
    for (const int fd : {m_sender, m_receiver, m_listener, m_file}) m_session.calls.close(fd);
    m_session.calls.munmap(m_buffer, kRoom);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(Bytes size, int flags = 0) {
    m_session.need_all("send", m_session.calls.send(m_sender, m_buffer, size, flags), size);
  }
  void discard(Bytes size) {
    for (Bytes done = 0; done < size;) {
      done +=
          static_cast<Bytes>(m_session.need("recv", m_session.calls.recv(m_receiver, m_buffer, kDiscard, MSG_TRUNC)));
    }
  }
  void fill_caches() {
    constexpr auto kFrom = static_cast<std::int64_t>(Session::kSteady);
    m_session.need_all("pread", m_session.calls.pread(m_file, m_buffer + kOther, kOther, kFrom), kOther);
  }
  /// Finds nothing.
  void look() { m_session.calls.recv(m_receiver, m_buffer, kDiscard, MSG_TRUNC | MSG_DONTWAIT); }
  [[nodiscard]] int sender() const { return m_sender; }
  [[nodiscard]] UserAddress buffer() const { return m_buffer; }

  static constexpr Bytes kOther = 96_KiB;
  static constexpr Bytes kRoom = 2 * kOther;

 private:
  static constexpr Bytes kDiscard = 1_MiB;  // nothing is written to the buffer

  Session& m_session;
  UserAddress m_buffer;
  int m_file;
  int m_listener = -1;
  int m_sender = -1;
  int m_receiver = -1;
};

constexpr Bytes kFile = Session::kSteady + Connection::kOther;

enum class Side { Send, Receive };

/// Times one side of passing what `give` puts into the connection.
void pass(Session& session, Connection& connection, Bytes size, Side side, const std::function<void()>& prepare,
          const std::function<void()>& give) {
  session.measure(kBatch, [&](Stopwatch& watch) {
    for (unsigned i = 0; i < kBatch; ++i) {
      prepare();
      if (side == Side::Send) {
        connection.fill_caches();
        watch.run(give);
        connection.discard(size);
      } else {
        give();
        connection.fill_caches();
        watch.run([&] { connection.discard(size); });
      }
    }
  });
}

void pass_bytes(Session& session, Bytes size, Side side) {
  Connection connection{session};
  pass(
      session, connection, size, side, [] {}, [&] { connection.send(size); });
}

/// Pages of private memory, referenced and not copied.
void pass_pages(Session& session, unsigned pages, Side side) {
  Connection connection{session};
  int pipe[2];
  session.need("pipe", session.calls.pipe(pipe));
  const Bytes size = pages * kPageSize;
  pass(
      session, connection, size, side,
      [&] { session.need_all("vmsplice", session.calls.vmsplice(pipe[1], connection.buffer(), size, 0), size); },
      [&] {
        session.need_all("splice", session.calls.splice(pipe[0], nullptr, connection.sender(), nullptr, size, 0), size);
      });
  for (const int end : pipe) session.calls.close(end);
}

/// Pages written into packets that are not full, held back by a cork. By write, for so programs do, which enters the
/// socket by way of its file.
void write_corked(Session& session) {
  constexpr unsigned kPages = 12;
  Connection connection{session};
  const auto cork = [&](int on) {
    session.need("setsockopt", session.calls.setsockopt(connection.sender(), IPPROTO_TCP, TCP_CORK, on));
  };
  session.measure(kPages, [&](Stopwatch& watch) {
    cork(1);
    watch.run([&] {
      for (unsigned i = 0; i < kPages; ++i) {
        session.need_all("write", session.calls.write(connection.sender(), connection.buffer(), kPageSize), kPageSize);
      }
    });
    cork(0);
    connection.discard(kPages * kPageSize);
  });
}

/// Pages handed to a packet that is not sent yet, one call each.
void splice_more(Session& session) {
  constexpr unsigned kPages = 12;
  Connection connection{session};
  int pipe[2];
  session.need("pipe", session.calls.pipe(pipe));
  session.measure(kPages, [&](Stopwatch& watch) {
    session.need_all("vmsplice", session.calls.vmsplice(pipe[1], connection.buffer(), kPages * kPageSize, 0),
                     kPages * kPageSize);
    watch.run([&] {
      for (unsigned i = 0; i < kPages; ++i) {
        session.need_all("splice",
                         session.calls.splice(pipe[0], nullptr, connection.sender(), nullptr, kPageSize, SPLICE_F_MORE),
                         kPageSize);
      }
    });
    connection.send(1);
    connection.discard(kPages * kPageSize + 1);
  });
  for (const int end : pipe) session.calls.close(end);
}

/// A burst of packets, each a page, that one call takes off the queue: what each of them adds to that call, with its
/// acknowledgment and what the sender frees by it.
void receive_burst(Session& session, unsigned packets) {
  Connection connection{session};
  pass(
      session, connection, packets * kPageSize, Side::Receive, [] {},
      [&] {
        for (unsigned i = 0; i < packets; ++i) connection.send(kPageSize);
      });
}

/// Bytes that stay in the queue, for a small packet is on its way (Nagle): the look at whether they may go is made.
void send_held(Session& session) {
  Connection connection{session};
  session.need("setsockopt", session.calls.setsockopt(connection.sender(), IPPROTO_TCP, TCP_NODELAY, 0));
  session.measure(kBatch, [&](Stopwatch& watch) {
    connection.send(1);
    connection.send(1);
    watch.run([&] {
      for (unsigned i = 0; i < kBatch; ++i) connection.send(1);
    });
    connection.discard(kBatch + 2);
  });
}

void send_nothing(Session& session) {
  Connection connection{session};
  session.measure_all(kBatch, [&] {
    for (unsigned i = 0; i < kBatch; ++i) connection.send(0);
  });
}

void receive_nothing(Session& session) {
  Connection connection{session};
  session.measure_all(kBatch, [&] {
    for (unsigned i = 0; i < kBatch; ++i) connection.look();
  });
}

/// Bytes that join a packet which is not sent yet.
void send_more(Session& session) {
  Connection connection{session};
  session.measure(kBatch, [&](Stopwatch& watch) {
    connection.send(1, MSG_MORE);
    watch.run([&] {
      for (unsigned i = 0; i < kBatch; ++i) connection.send(1, MSG_MORE);
    });
    connection.send(1);
    connection.discard(kBatch + 2);
  });
}

Primitive bytes(Bytes size, Side side) {
  const bool sends = side == Side::Send;
  return {fmt::format("socket.{}_{}", sends ? "send" : "receive", size),
          fmt::format("{} of {} bytes over loopback", sends ? "send" : "recv with MSG_TRUNC", size),
          [size, side](Session& session) { pass_bytes(session, size, side); }, kFile};
}

Primitive pages(unsigned count, Side side) {
  const bool sends = side == Side::Send;
  return {fmt::format("socket.{}_pages_{}", sends ? "splice" : "receive", count),
          fmt::format("{} of {} pages over loopback", sends ? "splice from a pipe" : "recv with MSG_TRUNC", count),
          [count, side](Session& session) { pass_pages(session, count, side); }, kFile};
}

}  // namespace

std::vector<Primitive> socket_primitives() {
  std::vector<Primitive> list{
      {"socket.send_nothing", "send of no bytes", send_nothing, kFile},
      {"socket.receive_nothing", "recv that finds nothing", receive_nothing, kFile},
      {"socket.send_more", "send of a byte with MSG_MORE", send_more, kFile},
      {"socket.write_corked", "write of a page to a corked socket", write_corked, kFile},
      {"socket.splice_more", "splice of a page to a socket with SPLICE_F_MORE", splice_more, kFile},
      {"socket.send_held", "send of a byte that Nagle holds back", send_held, kFile},
      {"socket.receive_burst", "recv with MSG_TRUNC of eight packets", [](Session& s) { receive_burst(s, 8); }, kFile},
  };
  for (const Side side : {Side::Send, Side::Receive}) {
    for (const Bytes size : {1, 2048, 4096, 32768}) list.push_back(bytes(size, side));
    for (const unsigned count : {1U, 2U, 8U}) list.push_back(pages(count, side));
  }
  return list;
}

}  // namespace sluice::calibration
