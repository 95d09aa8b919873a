// SPDX-License-Identifier: Apache-2.0
#include "tools/native/receiver.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <unistd.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tools/native/core_probe.h"
#include "tools/native/descriptor.h"

namespace sluice::native {

namespace {

void check(const char* call, int result) {
  if (result < 0) throw_host_error(std::string{"receiver: "} + call, errno);
}

/// All descriptors but the first three and these are closed, so that nobody waits for their end in vain.
void keep_only(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned from = 3;
  for (const int fd : kept) {
    if (fd < static_cast<int>(from)) continue;
    if (static_cast<unsigned>(fd) > from) close_range(from, static_cast<unsigned>(fd) - 1, 0);
    from = static_cast<unsigned>(fd) + 1;
  }
  close_range(from, ~0U, 0);
}

bool write_all(int fd, const std::byte* from, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(fd, from, size);
    if (written < 0 && errno != EINTR) return false;
    if (written < 0) continue;
    from += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

Receiver::Receiver(const ReceiverOptions& options) : m_mode(options.mode) {
  const Descriptor listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  check("socket", listener.get());
  if (options.receive_buffer > 0) {
    // Before listen: the connection inherits it, and its window is settled when it is made.
    check("SO_RCVBUF", ::setsockopt(listener.get(), SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof(int)));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  check("bind", ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), size));
  check("listen", ::listen(listener.get(), 1));
  check("getsockname", ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size));
  m_endpoint = {INADDR_LOOPBACK, ntohs(address.sin_port)};
  if (m_mode == ReceiverMode::Keep) {
    m_kept = ::memfd_create("received", MFD_CLOEXEC);
    check("memfd_create", m_kept);
  }
  try {
    m_process = start_process([&] { return serve(listener.get(), options); }, options.placement);
  } catch (...) {
    if (m_kept >= 0) ::close(m_kept);
    throw;
  }
}

Receiver::~Receiver() {
  if (m_process >= 0) kill_process(m_process);
  if (m_kept >= 0) ::close(m_kept);
}

int Receiver::serve(int listener, const ReceiverOptions& options) {
  std::vector<int> kept = options.descriptors;
  kept.insert(kept.end(), {listener, m_kept});
  keep_only(std::move(kept));
  // All that takes time is made ready before the connection: the receiver's core may be the sender's.
  const bool discard = options.mode == ReceiverMode::Discard;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest{discard ? nullptr : EVP_MD_CTX_new(),
                                                                       &EVP_MD_CTX_free};
  if (!discard && (digest == nullptr || EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1)) {
    m_state->error = ENOMEM;
    return 1;
  }
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(kReceiveSize);
  int connection = -1;
  do {
    connection = ::accept(listener, nullptr, nullptr);
  } while (connection < 0 && (errno == EINTR || errno == ECONNABORTED));
  if (connection < 0) {
    m_state->error = errno;
    return 1;
  }
  receive(connection, {buffer.get(), kReceiveSize}, digest.get(), options);
  return m_state->error == 0 ? 0 : 1;
}

void Receiver::note_use(const ResourceUse& before) {
  const ResourceUse now = resource_use();
  m_state->cpu_clock_ns = now.cpu_ns;
  m_state->used = now - before;
}

void Receiver::probe() {
  const std::uint32_t count = m_state->probe_count;
  const std::int64_t now = m_state->last_byte_at_ns;
  if (count == kMostProbes || (count > 0 && now - m_state->probes[count - 1].ended_at_ns < kBetweenProbes)) return;
  Probe& probe = m_state->probes[m_state->probe_count++];
  probe.bytes = m_state->bytes;
  probe.began_at_ns = monotonic_ns();
  probe.core = probe_core();
  probe.ended_at_ns = monotonic_ns();
}

/// `digest` is null when the bytes are discarded.
void Receiver::receive(int connection, std::span<std::byte> buffer, EVP_MD_CTX* digest,
                       const ReceiverOptions& options) {
  const bool discard = digest == nullptr;
  const ResourceUse before = resource_use();
  bool noted = false;
  for (;;) {
    const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), discard ? MSG_TRUNC : 0);
    ++m_state->calls;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) m_state->error = errno;
    if (got <= 0) break;
    m_state->last_byte_at_ns = monotonic_ns();
    m_state->bytes += static_cast<std::uint64_t>(got);
    if (!discard) EVP_DigestUpdate(digest, buffer.data(), static_cast<std::size_t>(got));
    if (options.mode == ReceiverMode::Keep && !write_all(m_kept, buffer.data(), static_cast<std::size_t>(got))) {
      m_state->error = errno;
      break;
    }
    if (options.probe_core) probe();
    if (!noted && options.expected > 0 && m_state->bytes >= options.expected) {
      note_use(before);
      if (options.at_last_byte) options.at_last_byte();
      noted = true;
    }
  }
  if (!noted) note_use(before);
  if (!discard) EVP_DigestFinal_ex(digest, m_state->digest.data(), nullptr);
}

ReceiverReport Receiver::finish(std::chrono::milliseconds limit) {
  if (m_process >= 0) {
    const std::optional<int> status = wait_for_process(m_process, limit);
    if (!status) throw base::InputError{"native: receiver: the connection did not end in time"};
    m_process = -1;
    if (*status != 0 && m_state->error == 0) throw base::InputError{"native: receiver: ended before its connection"};
  }
  if (m_state->error != 0) throw_host_error("receiver: connection", m_state->error);
  ReceiverReport report{
      m_state->bytes, m_state->calls, m_state->last_byte_at_ns, m_state->used, m_state->cpu_clock_ns, {}, {}, {}};
  const Probe* before = nullptr;
  for (const Probe& probe : probes()) {
    report.probes.all.push_back(probe.core);
    report.probing_ns += probe.ended_at_ns - probe.began_at_ns;
    if (before != nullptr) {
      report.probes.windows.push_back({before->ended_at_ns, probe.began_at_ns,
                                       static_cast<double>(probe.bytes - before->bytes), before->core, probe.core});
    }
    before = &probe;
  }
  if (m_mode != ReceiverMode::Discard) {
    for (const unsigned char byte : m_state->digest) report.sha256 += fmt::format("{:02x}", byte);
  }
  return report;
}

std::vector<std::byte> Receiver::received() const {
  struct stat status {};
  if (m_kept < 0 || ::fstat(m_kept, &status) != 0) return {};
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t got = ::pread(m_kept, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got <= 0) throw_host_error("receiver: kept bytes", got < 0 ? errno : EIO);
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace sluice::native
