// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/programs/transfer.h"

#include <cstring>
#include <fcntl.h>
#include <string>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace sluice::kernel_sim {

bool Transfer::check(std::string_view call, Value value) {
  if (value >= 0) return true;
  m_failed = true;
  if (m_request.failure != nullptr) {
    const char* name = strerrorname_np(static_cast<int>(-value));
    *m_request.failure = std::string{call} + ": " + (name == nullptr ? "unknown error" : name);
  }
  return false;
}

bool Transfer::ended_early(std::string_view call) {
  m_failed = true;
  if (m_request.failure != nullptr) *m_request.failure = std::string{call} + ": the file ended early";
  return false;
}

bool Transfer::open(int flags) {
  for (const Receivers& receivers : m_request.connections) {
    Connection& connection = m_connections.emplace_back();
    if (!open_files(connection, flags)) return false;
    const bool connected = std::all_of(receivers.begin(), receivers.end(),
                                       [&](Endpoint receiver) { return connect(connection, receiver); });
    if (!connected) return false;
  }
  return true;
}

bool Transfer::open_files(Connection& connection, int flags) {
  for (const std::string& path : m_request.paths) {
    const Value fd = m_calls.open(path, O_RDONLY | flags);
    if (!check("open " + path, fd)) return false;
    SourceFile& file = connection.files.emplace_back();
    file.fd = static_cast<int>(fd);
    FileStatus status;
    if (!check("fstat " + path, m_calls.fstat(file.fd, status))) return false;
    file.size = status.size;
  }
  return true;
}

bool Transfer::connect(Connection& connection, Endpoint peer) {
  const Value fd = m_calls.socket(AF_INET, SOCK_STREAM, 0);
  if (!check("socket", fd)) return false;
  const int socket = connection.sockets.emplace_back(static_cast<int>(fd));
  if (m_request.send_buffer > 0 &&
      !check("setsockopt", m_calls.setsockopt(socket, SOL_SOCKET, SO_SNDBUF, m_request.send_buffer))) {
    return false;
  }
  return check("connect", uninterrupted([&] { return m_calls.connect(socket, peer); }));
}

bool Transfer::has_more(std::size_t index) {
  Connection& connection = m_connections[index];
  const std::size_t files = connection.files.size();
  const std::uint64_t all = files * m_request.repeat;
  while (connection.begun == 0 || connection.files[connection.file].left == 0) {
    if (connection.begun == all) return false;
    connection.file = connection.begun % files;
    SourceFile& file = connection.files[connection.file];
    m_measurement.file_begins(index * all + connection.begun);
    const bool again = connection.begun++ >= files;
    if (again && file.size > 0 && !check("lseek", m_calls.lseek(file.fd, 0, SEEK_SET))) return false;
    file.left = file.size;
  }
  return true;
}

std::vector<int> Transfer::sockets() const {
  std::vector<int> all;
  for (const Connection& connection : m_connections) {
    all.insert(all.end(), connection.sockets.begin(), connection.sockets.end());
  }
  return all;
}

bool Transfer::map_buffer(UserAddress& buffer) {
  const Value at =
      m_calls.mmap(UserAddress::Null, m_request.chunk, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  buffer = static_cast<UserAddress>(at);
  return check("mmap", at);
}

bool Transfer::write_all(UserAddress from, std::uint64_t size) {
  for (std::uint64_t done = 0; done < size;) {
    const Value written = uninterrupted([&] { return m_calls.write(socket(), from + done, size - done); });
    if (!check("write", written)) return false;
    done += static_cast<std::uint64_t>(written);
  }
  return true;
}

int Transfer::finish() {
  const std::vector<int> all = sockets();
  for (const int socket : all) {
    if (!m_failed) check("shutdown", m_calls.shutdown(socket, SHUT_WR));
  }
  for (const int socket : all) m_calls.close(socket);
  for (const Connection& connection : m_connections) {
    for (const SourceFile& file : connection.files) m_calls.close(file.fd);
  }
  return m_failed ? 1 : 0;
}

}  // namespace sluice::kernel_sim
