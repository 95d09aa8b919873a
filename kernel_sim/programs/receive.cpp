// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/programs/receive.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace sluice::kernel_sim {

namespace {

/// Ends the program by status 1 at the first call that fails.
class Receiving {
 public:
  Receiving(SystemCalls& calls, const ReceiveRequest& request) : m_calls(calls), m_request(request) {}

  int run() {
    const auto listener = m_calls.socket(AF_INET, SOCK_STREAM, 0);
    if (!check("socket", listener)) return 1;
    const int fd = static_cast<int>(listener);
    // Before listening, so that the window of the connection follows from it.
    if (m_request.receive_buffer > 0 &&
        !check("setsockopt", m_calls.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, m_request.receive_buffer))) {
      return 1;
    }
    Endpoint where;
    if (!check("bind", m_calls.bind(fd, m_request.local)) || !check("listen", m_calls.listen(fd, 1)) ||
        !check("getsockname", m_calls.getsockname(fd, where))) {
      return 1;
    }
    if (m_request.listening) m_request.listening(where);
    const auto connection = m_calls.accept(fd, nullptr);
    if (!check("accept", connection)) return 1;
    const bool complete = drain(static_cast<int>(connection));
    m_calls.close(static_cast<int>(connection));
    m_calls.close(fd);
    return complete ? 0 : 1;
  }

 private:
  bool drain(int connection) {
    // No byte is written to it, but the call wants an address.
    const auto buffer =
        m_calls.mmap(UserAddress::Null, m_request.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!check("mmap", buffer)) return false;
    SystemCalls::Value got = 1;
    while (got > 0 || got == -EINTR) {
      got = m_calls.recv(connection, static_cast<UserAddress>(buffer), m_request.size, MSG_TRUNC);
    }
    return check("recv", got);
  }

  bool check(const char* call, SystemCalls::Value value) {
    if (value >= 0) return true;
    if (m_request.failure != nullptr) {
      const char* name = strerrorname_np(static_cast<int>(-value));
      *m_request.failure = std::string{call} + ": " + (name == nullptr ? "unknown error" : name);
    }
    return false;
  }

  SystemCalls& m_calls;
  const ReceiveRequest& m_request;
};

}  // namespace

int receive(SystemCalls& calls, const ReceiveRequest& request) { return Receiving{calls, request}.run(); }

}  // namespace sluice::kernel_sim
