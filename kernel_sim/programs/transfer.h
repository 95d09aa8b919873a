// SPDX-License-Identifier: Apache-2.0
// What the strategies share: opening files and the connection, the loop over chunks, reporting errors.
#pragma once

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include "kernel_sim/programs/program.h"

namespace sluice::kernel_sim {

/// One run of a strategy. Every method that calls the kernel returns false after an error, which it has noted.
class Transfer {
 public:
  using Value = SystemCalls::Value;

  /// A file as one connection sends it.
  struct SourceFile {
    int fd = -1;
    std::uint64_t size = 0;
    std::uint64_t left = 0;  ///< to be sent in this pass
    /// Where it is mapped, by a program that maps it. Here, for memory that a program takes within the measured region
    /// costs a host's process faults.
    UserAddress mapping = UserAddress::Null;
  };

  Transfer(SystemCalls& calls, const TransferRequest& request, Measurement& measurement)
      : m_calls(calls), m_request(request), m_measurement(measurement) {}

  /// Files, with `flags` beside O_RDONLY, and the connected sockets.
  bool open(int flags = 0);
  /// An anonymous private buffer of a chunk.
  bool map_buffer(UserAddress& buffer);
  /// Calls send_round(file) until nothing of any file is left, within the measured region. It sends the file's next
  /// chunk to socket() and takes it off `left`. The connections take turns.
  template <class SendRound>
  bool run(SendRound&& send_round);
  /// Calls visit(file) for each file of each connection.
  template <class Visit>
  void for_each_file(Visit&& visit);
  /// Writes all of it to the socket.
  bool write_all(UserAddress from, std::uint64_t size);
  /// The value of a call: true when >= 0; retry says that the call was interrupted.
  bool check(std::string_view call, Value value);
  /// Repeats a call that a signal interrupted.
  template <class Call>
  Value uninterrupted(Call&& call);
  /// A call that should have moved something moved nothing: the file is shorter than fstat said.
  bool ended_early(std::string_view call);
  /// Ends the connections and closes everything. Returns the exit status.
  int finish();

  [[nodiscard]] std::uint64_t chunk_of(std::uint64_t left) const { return std::min(left, m_request.chunk); }
  /// That the present file goes to.
  [[nodiscard]] int socket() const { return m_turn->sockets[m_turn->file % m_turn->sockets.size()]; }
  /// Of all connections.
  [[nodiscard]] std::vector<int> sockets() const;
  SystemCalls& calls() { return m_calls; }

 private:
  /// What one connection sends, and how far it is.
  struct Connection {
    std::vector<SourceFile> files;
    std::vector<int> sockets;
    std::uint64_t begun = 0;  ///< files, of all passes
    std::size_t file = 0;     ///< that is sent
  };

  bool open_files(Connection& connection, int flags);
  bool connect(Connection& connection, Endpoint peer);
  /// Begins the connection's next file when there is nothing left of the present one. False when all is sent, or after
  /// an error.
  bool has_more(std::size_t connection);

  SystemCalls& m_calls;
  const TransferRequest& m_request;
  Measurement& m_measurement;
  std::vector<Connection> m_connections;
  const Connection* m_turn = nullptr;
  bool m_failed = false;
};

template <class SendRound>
bool Transfer::run(SendRound&& send_round) {
  m_measurement.begin();
  for (bool some = true; some && !m_failed;) {
    some = false;
    for (std::size_t i = 0; i < m_connections.size() && !m_failed; ++i) {
      if (!has_more(i)) continue;
      some = true;
      m_turn = &m_connections[i];
      if (!send_round(m_connections[i].files[m_turn->file])) m_failed = true;
    }
  }
  m_measurement.end();
  return !m_failed;
}

template <class Visit>
void Transfer::for_each_file(Visit&& visit) {
  for (Connection& connection : m_connections) {
    for (SourceFile& file : connection.files) visit(file);
  }
}

template <class Call>
Transfer::Value Transfer::uninterrupted(Call&& call) {
  Value value = call();
  while (value == -EINTR) value = call();
  return value;
}

}  // namespace sluice::kernel_sim
