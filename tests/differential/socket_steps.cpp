// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/socket_steps.h"

#include <poll.h>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

namespace sluice::differential {

using kernel_sim::Endpoint;
using kernel_sim::SystemCalls;

namespace {

constexpr std::array<OptionName, kDatagramOptions> kOptions = {{
    {SOL_SOCKET, SO_REUSEADDR},
    {SOL_SOCKET, SO_REUSEADDR},
    {SOL_SOCKET, SO_REUSEPORT},
    {SOL_SOCKET, SO_KEEPALIVE},
    {SOL_SOCKET, SO_RCVLOWAT},
    {SOL_SOCKET, SO_PRIORITY},
    {SOL_SOCKET, SO_BUSY_POLL},
    {SOL_SOCKET, SO_TYPE},
    {IPPROTO_IP, IP_TOS},
    {IPPROTO_IP, IP_TTL},
    {IPPROTO_TCP, TCP_KEEPIDLE},
    {IPPROTO_TCP, TCP_KEEPINTVL},
    {IPPROTO_TCP, TCP_KEEPCNT},
    {IPPROTO_TCP, TCP_SYNCNT},
    {IPPROTO_TCP, TCP_LINGER2},
    {IPPROTO_TCP, TCP_USER_TIMEOUT},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT},
    {IPPROTO_TCP, TCP_QUICKACK},
    {IPPROTO_TCP, TCP_FASTOPEN},
    {IPPROTO_TCP, 9999},
    {SOL_SOCKET, SO_ZEROCOPY},
    {SOL_SOCKET, SO_ERROR},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT},
    {SOL_SOCKET, 9999},
    {IPPROTO_IP, 9999},
    {9999, 1},
    {SOL_SOCKET, SO_ACCEPTCONN},
    {SOL_SOCKET, SO_DOMAIN},
    {SOL_SOCKET, SO_PROTOCOL},
    {IPPROTO_TCP, TCP_NODELAY},
    {IPPROTO_TCP, TCP_CORK},
    {SOL_SOCKET, SO_SNDBUF},
    {SOL_SOCKET, SO_RCVBUF},
    {IPPROTO_UDP, UDP_CORK},
}};

constexpr std::uint32_t kLoopback = INADDR_LOOPBACK;
constexpr std::uint16_t kNobodysPort = 1;

}  // namespace

const OptionName& socket_option_at(std::int64_t index) { return kOptions[static_cast<std::size_t>(index)]; }

Endpoint endpoint_of(SystemCalls& calls, Target target, int other) {
  Endpoint at;
  calls.getsockname(other, at);
  switch (target) {
    case Target::AnyPort:
      return {kLoopback, 0};
    case Target::Same:
      return {kLoopback, at.port};
    case Target::Everywhere:
      return {0, at.port};
    case Target::Elsewhere:
      return {kLoopback + 1, at.port};
    case Target::Privileged:
      return {kLoopback, 80};
    case Target::NotHere:
      return {0x0808'0808, 0};
  }
  return {};
}

Endpoint endpoint_of(SystemCalls& calls, int other) {
  Endpoint at;
  calls.getsockname(other, at);
  if (at.port == 0) at.port = kNobodysPort;
  if (at.address == 0) at.address = kLoopback;
  at.family = AF_INET;
  return at;
}

std::int64_t connect_to(SystemCalls& calls, int fd, int other) {
  Endpoint own;
  Endpoint peer;
  calls.getsockname(fd, own);
  calls.getsockname(other, peer);
  if (own.port == peer.port) return 1;
  if (peer.address == 0) peer.address = kLoopback;
  return calls.connect(fd, peer);
}

// --- request and answer ----------------------------------------------------------------------------------------------

namespace {

struct Ends {
  int client = -1;
  int server = -1;
};

Ends connected(SystemCalls& calls) {
  const auto fd = [](SystemCalls::Value value) { return static_cast<int>(value); };
  const int listener = fd(calls.socket(AF_INET, SOCK_STREAM, 0));
  calls.bind(listener, {kLoopback, 0});
  calls.listen(listener, 1);
  Endpoint at;
  calls.getsockname(listener, at);
  const int client = fd(calls.socket(AF_INET, SOCK_STREAM, 0));
  const SystemCalls::Value done = calls.connect(client, at);
  const int server = done == 0 ? fd(calls.accept(listener, nullptr, SOCK_NONBLOCK)) : -1;
  calls.close(listener);
  return {client, server};
}

Wait wait_for_bytes(SystemCalls& calls, int fd) {
  constexpr std::array kLimits = {15, 105, 600};  // in ms, one after the other
  for (std::size_t i = 0; i < kLimits.size(); ++i) {
    std::array<kernel_sim::PollEntry, 1> entry = {{{fd, POLLIN, 0}}};
    if (calls.poll(entry, kLimits[i]) > 0) return static_cast<Wait>(i + 1);
  }
  return Wait::Never;
}

}  // namespace

std::array<TalkAnswer, kMostTalks> talk(SystemCalls& calls, kernel_sim::UserAddress memory, std::int64_t script) {
  const auto [client, server] = connected(calls);
  std::array<TalkAnswer, kMostTalks> answers{};
  std::int64_t waiting_at_server = 0;  // bytes sent and not read
  std::int64_t waiting_at_client = 0;
  const auto send = [&](int fd, std::int64_t size, int flags, std::int64_t& waiting) {
    const SystemCalls::Value sent = calls.send(fd, memory, static_cast<std::uint64_t>(size), flags | MSG_DONTWAIT);
    if (sent > 0) waiting += sent;
    return sent;
  };
  const auto read = [&](TalkAnswer& answer, int fd, std::int64_t& waiting) {
    if (waiting == 0) return;
    answer.waited = wait_for_bytes(calls, fd);
    answer.value = calls.recv(fd, memory, 4096, MSG_DONTWAIT);
    if (answer.value > 0) waiting -= answer.value;
  };
  for (TalkAnswer& answer : answers) {
    answer.talk = static_cast<Talk>(script & 0xF);
    script >>= 4;
    switch (answer.talk) {
      case Talk::End:
        break;
      case Talk::Ask:
        answer.value = send(client, 100, 0, waiting_at_server);
        break;
      case Talk::AskMore:
        answer.value = send(client, 600, 0, waiting_at_server);
        break;
      case Talk::Answer:
        answer.value = send(server, 100, 0, waiting_at_client);
        break;
      case Talk::AnswerLarge:
        answer.value = send(server, 1000, 0, waiting_at_client);
        break;
      case Talk::AnswerPart:
        answer.value = send(server, 200, MSG_MORE, waiting_at_client);
        break;
      case Talk::ServerReads:
        read(answer, server, waiting_at_server);
        break;
      case Talk::ClientReads:
        read(answer, client, waiting_at_client);
        break;
      case Talk::NoDelay:
        answer.value = calls.setsockopt(server, IPPROTO_TCP, TCP_NODELAY, 1);
        break;
      case Talk::Cork:
        answer.value = calls.setsockopt(server, IPPROTO_TCP, TCP_CORK, 1);
        break;
      case Talk::Uncork:
        answer.value = calls.setsockopt(server, IPPROTO_TCP, TCP_CORK, 0);
        break;
      case Talk::QuickAck:
        answer.value = calls.setsockopt(client, IPPROTO_TCP, TCP_QUICKACK, 1);
        break;
      case Talk::NoQuickAck:
        answer.value = calls.setsockopt(client, IPPROTO_TCP, TCP_QUICKACK, 0);
        break;
    }
    if (answer.talk == Talk::End) break;
  }
  calls.close(client);
  calls.close(server);
  return answers;
}

std::string talk_text(std::int64_t script) {
  static constexpr std::array<const char*, kTalks + 1> kNames = {"",
                                                                 "client sends 100",
                                                                 "client sends 600",
                                                                 "server sends 100",
                                                                 "server sends 1000",
                                                                 "server sends 200 MORE",
                                                                 "server reads",
                                                                 "client reads",
                                                                 "server NODELAY",
                                                                 "server CORK",
                                                                 "server uncorks",
                                                                 "client QUICKACK",
                                                                 "client no QUICKACK"};
  std::string text;
  for (; (script & 0xF) != 0; script >>= 4)
    text += (text.empty() ? "" : "; ") + std::string{kNames[static_cast<std::size_t>(script & 0xF)]};
  return text;
}

// --- pages that are lent ---------------------------------------------------------------------------------------------

namespace {

class Lending {
 public:
  Lending(SystemCalls& calls, kernel_sim::UserAddress memory, kernel_sim::UserAddress unreadable)
      : m_calls(calls), m_memory(memory), m_unreadable(unreadable), m_ends(connected(calls)) {
    for (const int fd : {m_ends.client, m_ends.server}) m_calls.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  }
  ~Lending() {
    m_calls.close(m_ends.client);
    m_calls.close(m_ends.server);
  }
  Lending(const Lending&) = delete;
  Lending& operator=(const Lending&) = delete;

  void run(Lend action) {
    using kernel_sim::IoVector;
    switch (action) {
      case Lend::End:
        break;
      case Lend::Enable:
      case Lend::Disable:
        note(action, m_calls.setsockopt(m_ends.client, SOL_SOCKET, SO_ZEROCOPY, action == Lend::Enable ? 1 : 0));
        break;
      case Lend::Small:
        send(action, {{m_memory, 1000}});
        break;
      case Lend::Pages:
        send(action, {{m_memory + 100, 10'000}});
        break;
      case Lend::Large:
        send(action, {{m_memory, 40'000}});
        break;
      case Lend::Pieces:
        send(action, {{m_memory + 4000, 5000}, {m_memory + 20'000, 300}});
        break;
      case Lend::More:
        send(action, {{m_memory + 50, 100}}, MSG_ZEROCOPY | MSG_MORE);
        break;
      case Lend::Plain:
        send(action, {{m_memory, 1000}}, 0);
        break;
      case Lend::Nothing:
        send(action, {{m_memory, 0}});
        break;
      case Lend::Partly:
        send(action, {{m_memory, 3000}, {m_unreadable, 3000}});
        break;
      case Lend::Bad:
        send(action, {{m_unreadable, 3000}});
        break;
      case Lend::Round:
        round();
    }
  }
  std::vector<LendAnswer> answers;

 private:
  void note(Lend action, std::int64_t value, std::int64_t first = 0, std::int64_t second = 0) {
    answers.push_back({action, value, {first, second}});
  }
  void send(Lend action, std::vector<kernel_sim::IoVector> pieces, int flags = MSG_ZEROCOPY) {
    constexpr std::int64_t kMostWaiting = 60'000;  // fits the receiver's first window
    if (m_waiting > kMostWaiting) return;
    const SystemCalls::Value sent = m_calls.sendmsg(m_ends.client, pieces, flags | MSG_DONTWAIT);
    if (sent > 0) m_waiting += sent;
    note(action, sent);
  }
  void round() {
    constexpr std::uint64_t kMost = 60'000;
    while (m_waiting > 0 && wait_for_bytes(m_calls, m_ends.server) != Wait::Never) {
      const SystemCalls::Value got = m_calls.recv(m_ends.server, m_memory, kMost, MSG_TRUNC | MSG_DONTWAIT);
      if (got <= 0) break;
      m_waiting -= got;
    }
    m_calls.send(m_ends.server, m_memory, 1, MSG_DONTWAIT);
    wait_for_bytes(m_calls, m_ends.client);
    m_calls.recv(m_ends.client, m_memory, 1, MSG_DONTWAIT);
    std::array<kernel_sim::PollEntry, 1> entry = {{{m_ends.client, POLLIN, 0}}};
    m_calls.poll(entry, 0);
    note(Lend::Round, m_waiting, entry[0].returned);
    for (;;) {
      kernel_sim::MessageFlags flags;
      std::optional<kernel_sim::SocketError> error;
      const SystemCalls::Value value = m_calls.recvmsg(m_ends.client, {}, MSG_ERRQUEUE, flags, error, nullptr);
      const kernel_sim::SocketError record = error.value_or(kernel_sim::SocketError{});
      note(Lend::Round, value, std::int64_t{record.info} << 32 | record.data,
           std::int64_t{record.code} << 32 | std::int64_t{record.origin} << 16 | flags.value);
      if (value < 0) break;
    }
  }

  SystemCalls& m_calls;
  kernel_sim::UserAddress m_memory;
  kernel_sim::UserAddress m_unreadable;
  Ends m_ends;
  std::int64_t m_waiting = 0;  // bytes sent and not read
};

}  // namespace

std::vector<LendAnswer> lend(SystemCalls& calls, kernel_sim::UserAddress memory, kernel_sim::UserAddress unreadable,
                             std::int64_t script) {
  Lending lending{calls, memory, unreadable};
  for (; (script & 0xF) != 0; script >>= 4) lending.run(static_cast<Lend>(script & 0xF));
  return std::move(lending.answers);
}

std::string lend_text(std::int64_t script) {
  static constexpr std::array<const char*, kLends + 1> kNames = {
      "",           "SO_ZEROCOPY 1", "SO_ZEROCOPY 0",     "1000",    "10000 at 100",    "40000",
      "5000 + 300", "100 MSG_MORE",  "1000 without flag", "nothing", "3000 + 3000 bad", "3000 bad",
      "round"};
  std::string text;
  for (; (script & 0xF) != 0; script >>= 4)
    text += (text.empty() ? "" : "; ") + std::string{kNames[static_cast<std::size_t>(script & 0xF)]};
  return text;
}

}  // namespace sluice::differential
