// SPDX-License-Identifier: Apache-2.0
// TCP over loopback with both ends in one process, so that nothing is scheduled: what a send does, the receiver's input
// in the soft interrupt included, is over when the call returns; what a receive does, its acknowledgment and that
// one's input at the sender included, as well. Data are private memory, never a file's.
//
// Before most of them comes other work, for so a transfer finds the processor: its calls alternate, with copies
// between.
#include <fcntl.h>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "models/base/quantity.h"
#include "tools/native/calibration/connection.h"
#include "tools/native/calibration/other_work.h"
#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

constexpr unsigned kBatch = 32;
enum class Side { Send, Receive };

/// Times one side of passing what `give` puts into the connection.
void pass(Session& session, Connection& connection, Bytes size, Side side, const std::function<void()>& prepare,
          const std::function<void()>& give) {
  OtherWork others{session};
  session.measure(kBatch, [&](Stopwatch& watch) {
    for (unsigned i = 0; i < kBatch; ++i) {
      prepare();
      if (side == Side::Send) {
        others();
        watch.run(give);
        connection.discard(size);
      } else {
        give();
        others();
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
  OtherWork others{session};
  const auto cork = [&](int on) {
    session.need("setsockopt", session.calls.setsockopt(connection.sender(), IPPROTO_TCP, TCP_CORK, on));
  };
  session.measure(kPages, [&](Stopwatch& watch) {
    cork(1);
    for (unsigned i = 0; i < kPages; ++i) {
      others();
      watch.run([&] {
        session.need_all("write", session.calls.write(connection.sender(), connection.buffer(), kPageSize), kPageSize);
      });
    }
    cork(0);
    connection.discard(kPages * kPageSize);
  });
}

/// Pages handed to a packet that is not sent yet, one call each.
void splice_more(Session& session) {
  constexpr unsigned kPages = 12;
  Connection connection{session};
  OtherWork others{session};
  int pipe[2];
  session.need("pipe", session.calls.pipe(pipe));
  session.measure(kPages, [&](Stopwatch& watch) {
    session.need_all("vmsplice", session.calls.vmsplice(pipe[1], connection.buffer(), kPages * kPageSize, 0),
                     kPages * kPageSize);
    for (unsigned i = 0; i < kPages; ++i) {
      others();
      watch.run([&] {
        session.need_all("splice",
                         session.calls.splice(pipe[0], nullptr, connection.sender(), nullptr, kPageSize, SPLICE_F_MORE),
                         kPageSize);
      });
    }
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

/// As long a copy as a packet takes, from memory that is walked in order.
void send_cycling(Session& session, Bytes source) {
  constexpr unsigned kRuns = 16;
  Connection connection{session};
  const UserAddress memory = session.map_buffer(source);
  Bytes at = 0;
  const auto one = [&] {
    session.need_all("send", session.calls.send(connection.sender(), memory + at, kSentRun, MSG_MORE), kSentRun);
    at = at + 2 * kSentRun <= source ? at + kSentRun : 0;
  };
  const auto take = [&] {
    connection.send(1);
    connection.discard(kSentRun + 1);
  };
  for (Bytes done = 0; done < source; done += kSentRun) {  // once around, so that what fits is where it fits
    one();
    take();
  }
  session.measure(kRuns, [&](Stopwatch& watch) {
    for (unsigned i = 0; i < kRuns; ++i) {
      watch.run(one);
      take();
    }
  });
  session.calls.munmap(memory, source);
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
          [size, side](Session& session) { pass_bytes(session, size, side); }, 0};
}

Primitive pages(unsigned count, Side side) {
  const bool sends = side == Side::Send;
  return {fmt::format("socket.{}_pages_{}", sends ? "splice" : "receive", count),
          fmt::format("{} of {} pages over loopback", sends ? "splice from a pipe" : "recv with MSG_TRUNC", count),
          [count, side](Session& session) { pass_pages(session, count, side); }, 0};
}

}  // namespace

Primitive send_run(Bytes source) {
  return {fmt::format("send.run.{}", source / kSentRun),
          fmt::format("send of {} of {}", base::to_text(kSentRun), base::to_text(source)),
          [source](Session& session) { send_cycling(session, source); }, 0};
}

std::vector<Primitive> socket_primitives() {
  std::vector<Primitive> list{
      {"socket.send_nothing", "send of no bytes", send_nothing, 0},
      {"socket.receive_nothing", "recv that finds nothing", receive_nothing, 0},
      {"socket.send_more", "send of a byte with MSG_MORE", send_more, 0},
      {"socket.write_corked", "write of a page to a corked socket", write_corked, 0},
      {"socket.splice_more", "splice of a page to a socket with SPLICE_F_MORE", splice_more, 0},
      {"socket.send_held", "send of a byte that Nagle holds back", send_held, 0},
      {"socket.receive_burst", "recv with MSG_TRUNC of eight packets", [](Session& s) { receive_burst(s, 8); }, 0},
  };
  for (const Side side : {Side::Send, Side::Receive}) {
    for (const Bytes size : {1, 4096, 32768}) list.push_back(bytes(size, side));
    for (const unsigned count : {1U, 8U}) list.push_back(pages(count, side));
  }
  return list;
}

}  // namespace sluice::calibration
