// SPDX-License-Identifier: Apache-2.0
// TCP over the loopback device.
#include <array>
#include <cstring>
#include <fcntl.h>
#include <poll.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "tests/field_cases/field_case.h"

namespace sluice::field_cases {

namespace {

/// A keep-alive server and its client: per request the client sends 100 bytes, the server a header of 200 bytes and
/// then a file by sendfile.
struct Service {
  std::string_view name;
  std::uint64_t file_size;
  int requests;
  bool no_delay = false;
  bool cork = false;
  int header_flags = 0;
};

constexpr std::uint64_t kRequest = 100;
constexpr std::uint64_t kHeader = 200;

/// False when the connection ended before.
bool receive(SystemCalls& c, int socket, UserAddress buffer, std::uint64_t size, std::uint64_t at_once) {
  for (std::uint64_t got = 0; got < size;) {
    const Value n = c.recv(socket, buffer, at_once, 0);
    if (n <= 0) return false;
    got += static_cast<std::uint64_t>(n);
  }
  return true;
}

struct ClientArguments {
  ConnectedPair pair;
  std::uint64_t answer_size;
  int requests;
};
int run_client(SystemCalls& c, std::span<const std::byte> bytes) {
  ClientArguments arguments{};
  std::memcpy(&arguments, bytes.data(), sizeof arguments);
  c.close(arguments.pair.client);
  const auto m = memory(c, 1 << 20);
  for (int i = 0; i < arguments.requests; ++i) {
    if (c.send(arguments.pair.server, m, kRequest, 0) != static_cast<Value>(kRequest)) return 1;
    if (!receive(c, arguments.pair.server, m, arguments.answer_size, 1 << 20)) return 2;
  }
  return 0;
}

void send_answer(SystemCalls& c, const Service& service, int socket, int file, UserAddress header) {
  if (service.cork) c.setsockopt(socket, IPPROTO_TCP, TCP_CORK, 1);
  c.send(socket, header, kHeader, service.header_flags);
  std::int64_t sent = 0;
  const auto size = static_cast<std::int64_t>(service.file_size);
  while (sent < size && c.sendfile(socket, file, &sent, static_cast<std::uint64_t>(size - sent)) > 0) {
  }
  if (service.cork) c.setsockopt(socket, IPPROTO_TCP, TCP_CORK, 0);
}

void serve(SystemCalls& c, Answers& out, const Service& service) {
  const ConnectedPair pair = connected_pair(c);
  if (service.no_delay) c.setsockopt(pair.client, IPPROTO_TCP, TCP_NODELAY, 1);
  const int file = fd(c.open("a", O_RDONLY));
  const auto m = memory(c, 4096);
  const ClientArguments arguments{pair, kHeader + service.file_size, service.requests};
  c.fork(run_client, std::as_bytes(std::span{&arguments, 1}));
  c.close(pair.server);
  const double start = out.now_ms();
  for (int i = 0; i < service.requests; ++i) {
    if (!receive(c, pair.client, m, kRequest, kRequest)) break;
    send_answer(c, service, pair.client, file, m);
  }
  int status = 0;
  c.wait(-1, status);
  out.took(service.name, start);
  out.say("client={}", status);
  c.close(pair.client);
  c.close(file);
}

const std::array kCases = {
    FieldCase{"nagle_header",
              "Rocket#2062 seastar#968 OpenLiteSpeed#29 restinio#18",
              "header, then sendfile of 1 KiB, 20 requests keep-alive: 40 ms each unless MORE, CORK or NODELAY",
              {1024, 0, 0},
              [](SystemCalls& c, Answers& out) {
                serve(c, out, {.name = "plain", .file_size = 1024, .requests = 20});
                serve(c, out, {.name = "more", .file_size = 1024, .requests = 20, .header_flags = MSG_MORE});
                serve(c, out, {.name = "cork", .file_size = 1024, .requests = 20, .cork = true});
                serve(c, out, {.name = "nodelay", .file_size = 1024, .requests = 20, .no_delay = true});
              }},

    FieldCase{
        "nagle_64k",
        "fasthttp#931",
        "the same with a file of 60 KiB, which is less than the MSS of the loopback device",
        {100000, 0, 0},
        [](SystemCalls& c, Answers& out) { serve(c, out, {.name = "60 KiB", .file_size = 60 << 10, .requests = 10}); }},

    FieldCase{"nagle_two_writes",
              "http-rs/async-h1#199 memcached-rs#7 tiberius#46",
              "plain write+write of 200 and 1024 bytes, one request, time until the second is read",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c);
                const auto m = memory(c, 4096);
                for (int i = 0; i < 3; ++i) {
                  c.send(r, m, 100, 0);
                  c.recv(s, m, 100, MSG_WAITALL);
                  c.send(s, m, 200, 0);
                  c.send(s, m, 1000, 0);
                  c.recv(r, m, 200, MSG_WAITALL);
                  const double t = out.now_ms();
                  out.say("poll={:x}", polled(c, r, POLLIN, 1000));
                  out.took("wait", t);
                  c.recv(r, m, 1000, MSG_WAITALL);
                }
              }},

    FieldCase{"cork_ceiling",
              "tcp(7), nginx wiki on tcp_nopush",
              "what is corked goes out after 200 ms",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c);
                const auto m = memory(c, 4096);
                c.setsockopt(s, IPPROTO_TCP, TCP_CORK, 1);
                c.send(s, m, 100, 0);
                out.say("at once={:x}", polled(c, r, POLLIN, 0));
                const double t = out.now_ms();
                out.say("poll={:x}", polled(c, r, POLLIN, 1000));
                out.took("it took", t);
              }},

    FieldCase{"more_ceiling",
              "splice with SPLICE_F_MORE at the end",
              "the last piece with MORE waits 200 ms",
              {10000, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c);
                const int f = fd(c.open("a", O_RDONLY));
                int p[2]{};
                c.pipe(p);
                c.splice(f, nullptr, p[1], nullptr, 1000, 0);
                out.say("out={}", c.splice(p[0], nullptr, s, nullptr, 1000, SPLICE_F_MORE));
                const double t = out.now_ms();
                out.say("poll={:x}", polled(c, r, POLLIN, 1000));
                out.took("it took", t);
              }},

    FieldCase{"zerocopy_option",
              "spdk#1340 liburing#801 msg_zerocopy.rst",
              "SO_ZEROCOPY and MSG_ZEROCOPY; on loopback the completion says COPIED",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c);
                const auto m = memory(c, 65536);
                out.say("flag alone={}", c.send(s, m, 1000, MSG_ZEROCOPY));
                out.say("option={}", c.setsockopt(s, SOL_SOCKET, SO_ZEROCOPY, 1));
                out.say("send={}", c.send(s, m, 32768, MSG_ZEROCOPY));
                out.say("poll={:x}", polled(c, s, POLLIN | POLLOUT, 50));
                c.recv(r, m, 65536, MSG_WAITALL | MSG_DONTWAIT);
                out.say("poll after={:x}", polled(c, s, POLLERR, 50));
              }},

    FieldCase{"options",
              "nginx/HAProxy/curl/Netty start-up",
              "socket options that servers set",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c);
                const auto t = [&](const char* n, int l, int o, int v) {
                  out.say("{}={}", n, c.setsockopt(s, l, o, v));
                };
                t("REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1);
                t("REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1);
                t("KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1);
                t("RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 1);
                t("PRIORITY", SOL_SOCKET, SO_PRIORITY, 1);
                t("BUSY_POLL", SOL_SOCKET, SO_BUSY_POLL, 0);
                t("KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 30);
                t("DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
                t("USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 1000);
                t("NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384);
                t("QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 1);
                t("FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, 5);
                t("MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 1000);
                t("WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000);
                t("IP_TOS", IPPROTO_IP, IP_TOS, 16);
                t("unknown", IPPROTO_TCP, 9999, 1);
              }},

    FieldCase{"families",
              "crystal#17276 (UNIXSocket), Samba/Node dual stack",
              "AF_UNIX, AF_INET6 and UDP sockets",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto t = [&](const char* n, int d, int k) {
                  const Value v = c.socket(d, k, 0);
                  out.say("{}={}", n, succeeded(v));
                };
                t("unix", AF_UNIX, SOCK_STREAM);
                t("inet6", AF_INET6, SOCK_STREAM);
                t("udp", AF_INET, SOCK_DGRAM);
                t("nonblock|cloexec", AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC);
              }},

    FieldCase{"half_close",
              "HAProxy/Netty half close; poll(2)",
              "POLLRDHUP and POLLHUP over a half close",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c);
                c.shutdown(s, SHUT_WR);
                out.say("peer={:x}", polled(c, r, POLLIN | POLLRDHUP | POLLOUT, 20));
                out.say("self={:x}", polled(c, s, POLLIN | POLLRDHUP | POLLOUT));
                c.shutdown(r, SHUT_WR);
                out.say("both={:x}", polled(c, r, POLLIN | POLLRDHUP | POLLOUT, 20));
                out.say("both={:x}", polled(c, s, POLLIN | POLLRDHUP | POLLOUT, 20));
              }},

    FieldCase{"pollout_third",
              "nginx/Netty writability; sk_stream_is_writeable",
              "a full non-blocking socket: EAGAIN, no POLLOUT until a third is free",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c, true);
                set_non_blocking(c, s);
                const auto m = memory(c, 65536);
                while (c.send(s, m, 65536, 0) > 0) {
                }
                out.say("full={}", c.send(s, m, 1, 0));
                out.say("poll={:x}", polled(c, s, POLLOUT));
                Value n = 0;
                c.fcntl(r, F_SETFL, O_NONBLOCK);
                while ((n = c.recv(r, m, 65536, 0)) > 0 || polled(c, r, POLLIN, 100) != 0) {
                }
                out.say("drained={:x}", polled(c, s, POLLOUT, 50));
              }},

    FieldCase{"recv_flags",
              "curl/Samba recv flags",
              "MSG_PEEK, MSG_TRUNC, MSG_WAITALL on TCP, MSG_OOB",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c, true);
                const auto m = memory(c, 4096);
                c.send(s, m, 100, 0);
                polled(c, r, POLLIN, 20);
                out.say("peek={}", c.recv(r, m, 50, MSG_PEEK));
                out.say("trunc={}", c.recv(r, UserAddress::Null, 60, MSG_TRUNC));
                out.say("rest={}", c.recv(r, m, 100, 0));
                out.say("none={}", c.recv(r, m, 100, MSG_DONTWAIT));
                out.say("oob={}", c.send(s, m, 1, MSG_OOB));
                out.say("errqueue={}", c.recv(s, m, 100, MSG_ERRQUEUE | MSG_DONTWAIT));
              }},

    FieldCase{"block_sendfile",
              "libuv/redis#7096: sendfile to a socket that nobody reads blocks",
              "a blocking sendfile of 8 MiB to a peer that does not read",
              {8 << 20, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c);
                const int f = fd(c.open("a", O_RDONLY));
                c.sendfile(s, f, nullptr, 8 << 20);
                out.say("not reached");
              }},

    FieldCase{"conn_reset_send",
              "Go #net 'connection reset by peer' with linger 0",
              "SO_LINGER needs a struct: not in the interface; shutdown then send",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c);
                const auto m = memory(c, 4096);
                c.shutdown(s, SHUT_WR);
                out.say("send={}", c.send(s, m, 10, MSG_NOSIGNAL));
                out.say("again={}", c.shutdown(s, SHUT_WR));
                c.send(r, m, 10, 0);
                polled(c, s, POLLIN, 20);
                out.say("recv={}", c.recv(s, m, 100, 0));
                c.close(r);
                polled(c, s, POLLIN | POLLRDHUP, 20);
                out.say("end={}", c.recv(s, m, 100, 0));
                out.say("shut={}", c.shutdown(s, SHUT_RDWR));
              }},

    FieldCase{"window_stall",
              "zero window: HAProxy/nginx slow client",
              "receiver with SO_RCVBUF 4096, 100 kB sent: arrives whole, without 200 ms stalls",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c, true, 4096);
                struct A {
                  int s, r;
                } a{s, r};
                c.fork(
                    [](SystemCalls& k, std::span<const std::byte> b) {
                      A x;
                      std::memcpy(&x, b.data(), sizeof x);
                      k.close(x.r);
                      const auto m = memory(k, 100000);
                      return k.send(x.s, m, 100000, 0) == 100000 ? 0 : 1;
                    },
                    std::as_bytes(std::span{&a, 1}));
                c.close(s);
                const auto m = memory(c, 4096);
                std::uint64_t got = 0;
                const double t = out.now_ms();
                for (Value n; (n = c.recv(r, m, 1000, 0)) > 0;) got += static_cast<std::uint64_t>(n);
                out.say("got={}", got);
                out.took("it took", t);
                int st;
                c.wait(-1, st);
                out.say("st={}", st);
              }},

    FieldCase{"accept_flags",
              "accept4(2), libuv",
              "an accepted socket does not inherit O_NONBLOCK; accept on an empty queue",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int l = fd(c.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
                c.bind(l, {INADDR_LOOPBACK, 0});
                c.listen(l, 1);
                out.say("empty={}", c.accept(l, nullptr, 0));
                Endpoint e;
                c.getsockname(l, e);
                const int s = fd(c.socket(AF_INET, SOCK_STREAM, 0));
                c.connect(s, e);
                const int r = fd(c.accept(l, nullptr, 0));
                out.say("flags={}", c.fcntl(r, F_GETFL));
              }},

    FieldCase{"more_then_close",
              "bitcoin#26844",
              "MSG_MORE bytes go out when the socket is closed",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c, true);
                const auto m = memory(c, 4096);
                c.send(s, m, 100, MSG_MORE);
                out.say("held={:x}", polled(c, r, POLLIN, 5));
                c.close(s);
                const double t = out.now_ms();
                out.say("poll={:x}", polled(c, r, POLLIN, 500));
                out.took("it took", t);
                out.say("recv={}", c.recv(r, m, 4096, 0));
              }},

    FieldCase{"min_pingpong",
              "Rocket#2062 seastar#968 async-h1#199",
              "client asks twice; the second answer is two small writes",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c);
                const auto m = memory(c, 4096);
                for (int i = 0; i < 2; ++i) {
                  c.send(r, m, 1, 0);
                  c.recv(s, m, 1, 0);
                  c.send(s, m, 1, 0);
                  if (i == 0) c.recv(r, m, 1, 0);
                }
                c.send(s, m, 1, 0);
                c.recv(r, m, 1, 0);
                const double t = out.now_ms();
                polled(c, r, POLLIN, 1000);
                out.took("it took", t);
              }},

    FieldCase{"min_connect_again",
              "WSL#2949 liburing#980",
              "non-blocking connect, wait, connect again: 0 once, then EISCONN",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int l = fd(c.socket(AF_INET, SOCK_STREAM, 0));
                c.bind(l, {INADDR_LOOPBACK, 0});
                c.listen(l, 1);
                Endpoint e;
                c.getsockname(l, e);
                const int s = fd(c.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
                c.connect(s, e);
                polled(c, s, POLLOUT, 50);
                out.say("again={}", c.connect(s, e));
                out.say("then={}", c.connect(s, e));
              }},

    FieldCase{"min_rcvlowat",
              "HAProxy splice / gRPC SO_RCVLOWAT",
              "POLLIN only from the low-water mark on",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c, true);
                const auto m = memory(c, 4096);
                c.setsockopt(r, SOL_SOCKET, SO_RCVLOWAT, 1000);
                c.send(s, m, 500, 0);
                out.say("500={:x}", polled(c, r, POLLIN, 10));
                c.send(s, m, 600, 0);
                out.say("1100={:x}", polled(c, r, POLLIN, 10));
              }},

    FieldCase{"quickack_option",
              "memcached/Netty TCP_QUICKACK",
              "with TCP_QUICKACK set by the client before each read there is no 40 ms",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                auto [s, r] = connected_pair(c);
                const auto m = memory(c, 4096);
                for (int i = 0; i < 2; ++i) {
                  c.send(r, m, 1, 0);
                  c.recv(s, m, 1, 0);
                  c.setsockopt(r, IPPROTO_TCP, TCP_QUICKACK, 1);
                  c.send(s, m, 1, 0);
                  if (i == 0) c.recv(r, m, 1, 0);
                }
                c.send(s, m, 1, 0);
                c.recv(r, m, 1, 0);
                const double t = out.now_ms();
                polled(c, r, POLLIN, 1000);
                out.took("it took", t);
              }},
};

}  // namespace

std::span<const FieldCase> socket_cases() { return kCases; }

}  // namespace sluice::field_cases
