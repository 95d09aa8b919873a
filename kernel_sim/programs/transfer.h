// SPDX-License-Identifier: Apache-2.0
// What the strategies share: opening files and the connection, the loop over chunks, reporting errors.
#pragma once

#include <algorithm>
#include <cerrno>
#include <span>
#include <string_view>
#include <vector>

#include "kernel_sim/programs/program.h"

namespace sluice::kernel_sim {

/// One run of a strategy. Every method that calls the kernel returns false after an error, which it has noted.
class Transfer {
 public:
  using Value = SystemCalls::Value;

  struct SourceFile {
    int fd = -1;
    std::uint64_t size = 0;
  };

  Transfer(SystemCalls& calls, const TransferRequest& request, Measurement& measurement)
      : m_calls(calls), m_request(request), m_measurement(measurement) {}

  /// Files, with `flags` beside O_RDONLY, then the connected sockets.
  bool open(int flags = 0);
  /// An anonymous private buffer of a chunk.
  bool map_buffer(UserAddress& buffer);
  /// Calls send_file(file) for each file that is not empty, within the measured region.
  template <class SendFile>
  bool run(SendFile&& send_file);
  /// Writes all of it to the socket.
  bool write_all(UserAddress from, std::uint64_t size);
  /// The value of a call: true when >= 0; retry says that the call was interrupted.
  bool check(std::string_view call, Value value);
  /// Repeats a call that a signal interrupted.
  template <class Call>
  Value uninterrupted(Call&& call);
  /// A call that should have moved something moved nothing: the file is shorter than fstat said.
  bool ended_early(std::string_view call);
  /// Ends the connection and closes everything. Returns the exit status.
  int finish();

  [[nodiscard]] std::uint64_t chunk_of(std::uint64_t left) const { return std::min(left, m_request.chunk); }
  /// The connection of the file that is sent.
  [[nodiscard]] int socket() const { return m_sockets[m_file % m_sockets.size()]; }
  [[nodiscard]] std::span<const int> sockets() const { return m_sockets; }
  SystemCalls& calls() { return m_calls; }

 private:
  bool connect(Endpoint peer);

  SystemCalls& m_calls;
  const TransferRequest& m_request;
  Measurement& m_measurement;
  std::vector<SourceFile> m_files;
  std::vector<int> m_sockets;
  std::uint64_t m_file = 0;  // that is sent
  bool m_failed = false;
};

template <class SendFile>
bool Transfer::run(SendFile&& send_file) {
  m_measurement.begin();
  for (std::uint64_t i = 0; i < m_files.size() && !m_failed; ++i) {
    m_file = i;
    m_measurement.file_begins(i);
    if (m_files[i].size > 0 && !send_file(m_files[i])) break;
  }
  m_measurement.end();
  return !m_failed;
}

template <class Call>
Transfer::Value Transfer::uninterrupted(Call&& call) {
  Value value = call();
  while (value == -EINTR) value = call();
  return value;
}

}  // namespace sluice::kernel_sim
