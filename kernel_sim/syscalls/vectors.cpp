// SPDX-License-Identifier: Apache-2.0
// Reads and writes of several buffers at once, and messages of sockets.
#include <limits>

#include <sys/socket.h>

#include "kernel_sim/mm/vectored_memory.h"
#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;
using kernel_sim::IoVector;
using SystemCallsValue = kernel_sim::SystemCalls::Value;

namespace {

constexpr std::size_t kMostVectors = 1024;  // UIO_MAXIOV
constexpr auto kLargestSigned = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

constexpr auto kCompatible = static_cast<int>(0x8000'0000U);  // MSG_CMSG_COMPAT: of 32-bit programs

/// import_iovec: the buffers, cut after as many bytes as one call moves. A single one is cut before it is looked at.
Result<std::vector<mm::MemoryPiece>> import_vectors(std::span<const IoVector> vectors, int too_many = EINVAL) {
  if (vectors.size() > kMostVectors) return base::refuse(too_many);
  if (std::ranges::any_of(vectors, [](const IoVector& v) { return v.size > kLargestSigned; }))
    return base::refuse(EINVAL);
  std::vector<mm::MemoryPiece> pieces;
  Bytes left = kMaxReadWrite;
  for (const IoVector& vector : vectors) {
    const Bytes size = std::min(vector.size, left);
    const auto checked = check_buffer(vector.base, vectors.size() == 1 ? size : vector.size);
    if (!checked) return tl::unexpected{checked.error()};
    pieces.push_back({address_of(vector.base), size});
    left -= size;
  }
  return pieces;
}

/// do_loop_readv_writev. An empty buffer counts only when it is the first: later ones are passed over.
Result<Bytes> write_each(fs::File& to, mm::UserMemory& memory, std::span<const mm::MemoryPiece> pieces) {
  Bytes left = 0;
  for (const mm::MemoryPiece& piece : pieces) left += piece.size;
  Bytes done = 0;
  for (std::size_t i = 0; i < pieces.size() && left > 0; ++i) {
    const mm::MemoryPiece& piece = pieces[i];
    if (i > 0 && piece.size == 0) continue;
    const Result<Bytes> written = to.write(memory, piece.at, piece.size, nullptr);
    if (!written && done == 0) return written;
    if (!written) break;
    done += *written;
    left -= *written;
    if (*written < piece.size) break;
  }
  return done;
}

}  // namespace

Result<Bytes> SimulatedSystemCalls::read_vectors(fs::File& from, std::span<const IoVector> vectors,
                                                 std::uint64_t* offset) {
  if (!from.readable()) return base::refuse(EBADF);
  if (!from.has_read()) return base::refuse(EINVAL);
  auto pieces = import_vectors(vectors);
  if (!pieces) return tl::unexpected{pieces.error()};
  mm::VectoredMemory all{memory(), std::move(*pieces)};
  if (all.size() == 0) return 0;
  return from.read(all, all.begin(), all.size(), offset);
}

Result<Bytes> SimulatedSystemCalls::write_vectors(fs::File& to, std::span<const IoVector> vectors,
                                                  std::uint64_t* offset) {
  if (!to.writable()) return base::refuse(EBADF);
  if (!to.has_write()) return base::refuse(EINVAL);
  auto pieces = import_vectors(vectors);
  if (!pieces) return tl::unexpected{pieces.error()};
  if (to.writes_buffer_by_buffer()) return write_each(to, memory(), *pieces);
  mm::VectoredMemory all{memory(), std::move(*pieces)};
  if (all.size() == 0) return 0;
  return or_broken_pipe(to.write(all, all.begin(), all.size(), offset));
}

SystemCallsValue SimulatedSystemCalls::readv(int fd, std::span<const IoVector> vectors) {
  return call(
      Call::Readv, [&] { return format("{}, {}, {}", fd, io_vectors(vectors), vectors.size()); },
      [&]() -> Result<Bytes> {
        const Result<FilePointer> from = file(fd);
        if (!from) return tl::unexpected{from.error()};
        return read_vectors(**from, vectors, nullptr);
      });
}

SystemCallsValue SimulatedSystemCalls::writev(int fd, std::span<const IoVector> vectors) {
  return call(
      Call::Writev, [&] { return format("{}, {}, {}", fd, io_vectors(vectors), vectors.size()); },
      [&]() -> Result<Bytes> {
        const Result<FilePointer> to = file(fd);
        if (!to) return tl::unexpected{to.error()};
        return write_vectors(**to, vectors, nullptr);
      });
}

SystemCallsValue SimulatedSystemCalls::preadv(int fd, std::span<const IoVector> vectors, std::int64_t offset) {
  return call(
      Call::Preadv, [&] { return format("{}, {}, {}, {}", fd, io_vectors(vectors), vectors.size(), offset); },
      [&]() -> Result<Bytes> {
        if (offset < 0) return base::refuse(EINVAL);
        const Result<FilePointer> from = file(fd);
        if (!from) return tl::unexpected{from.error()};
        if (!(*from)->seekable()) return base::refuse(ESPIPE);
        auto position = static_cast<std::uint64_t>(offset);
        return read_vectors(**from, vectors, &position);
      });
}

SystemCallsValue SimulatedSystemCalls::pwritev(int fd, std::span<const IoVector> vectors, std::int64_t offset) {
  return call(
      Call::Pwritev, [&] { return format("{}, {}, {}, {}", fd, io_vectors(vectors), vectors.size(), offset); },
      [&]() -> Result<Bytes> {
        if (offset < 0) return base::refuse(EINVAL);
        const Result<FilePointer> to = file(fd);
        if (!to) return tl::unexpected{to.error()};
        if (!(*to)->seekable()) return base::refuse(ESPIPE);
        auto position = static_cast<std::uint64_t>(offset);
        return write_vectors(**to, vectors, &position);
      });
}

// --- messages --------------------------------------------------------------------------------------------------------

SystemCallsValue SimulatedSystemCalls::sendmsg(int fd, std::span<const IoVector> vectors, int flags,
                                               const Endpoint* to) {
  return call(
      Call::Sendmsg, [&] { return format("{}, {}, {}", fd, message(to, vectors, 0), syscalls::message_flags(flags)); },
      [&]() -> Result<Bytes> {
        if ((flags & kCompatible) != 0) return base::refuse(EINVAL);
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        auto pieces = import_vectors(vectors, EMSGSIZE);
        if (!pieces) return tl::unexpected{pieces.error()};
        mm::VectoredMemory all{memory(), std::move(*pieces)};
        return send_through(**found, all, all.begin(), all.size(), flags, to);
      });
}

SystemCallsValue SimulatedSystemCalls::recvmsg(int fd, std::span<const IoVector> vectors, int flags,
                                               kernel_sim::MessageFlags& message_flags,
                                               std::optional<kernel_sim::SocketError>& error, Endpoint* from) {
  net::MessageInfo info;
  const Value value = call(
      Call::Recvmsg,
      [&] {
        const Endpoint* const name = from != nullptr && info.from.family != AF_UNSPEC ? &info.from : nullptr;
        return format("{}, {}, {}", fd, message(name, vectors, info.flags), syscalls::message_flags(flags));
      },
      [&]() -> Result<Bytes> {
        if ((flags & kCompatible) != 0) return base::refuse(EINVAL);
        const auto found = socket_of(fd);
        if (!found) return tl::unexpected{found.error()};
        return receive_vectors(**found, vectors, flags, info, error);
      });
  if (value < 0) return value;
  message_flags.value = info.flags;
  if (from != nullptr) *from = info.from;
  return value;
}

Result<Bytes> SimulatedSystemCalls::receive_vectors(net::Socket& from, std::span<const IoVector> vectors, int flags,
                                                    net::MessageInfo& info,
                                                    std::optional<kernel_sim::SocketError>& error) {
  auto pieces = import_vectors(vectors, EMSGSIZE);
  if (!pieces) return tl::unexpected{pieces.error()};
  info.flags = flags & MSG_CMSG_CLOEXEC;
  if ((flags & MSG_ERRQUEUE) != 0 && from.has_error_queue()) {
    const Result<kernel_sim::SocketError> record = from.receive_error();
    if (!record) return tl::unexpected{record.error()};
    error = *record;
    info.flags |= MSG_ERRQUEUE;
    return 0;
  }
  mm::VectoredMemory all{memory(), std::move(*pieces)};
  return from.receive_message(all, all.begin(), all.size(), flags, info);
}

}  // namespace sluice::syscalls
