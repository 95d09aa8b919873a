// SPDX-License-Identifier: Apache-2.0
// System calls that move bytes between descriptors.
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include "kernel_sim/ipc/pipe_file.h"
#include "kernel_sim/ipc/splice.h"
#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;
using SystemCallsValue = kernel_sim::SystemCalls::Value;

namespace {

constexpr unsigned kSpliceFlags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;

ipc::Pipe* pipe_of(const std::shared_ptr<fs::File>& file) {
  auto* end = dynamic_cast<ipc::PipeEnd*>(file.get());
  return end == nullptr ? nullptr : &end->pipe();
}

unsigned non_blocking_flag(const fs::File& file) { return file.non_blocking() ? SPLICE_F_NONBLOCK : 0U; }

/// rw_verify_area: no transfer begins or ends beyond the largest offset. Without `offset` the file's position counts,
/// which is 0 for what has none.
Result<void> check_range(fs::File& file, const std::int64_t* offset, std::uint64_t size) {
  constexpr std::uint64_t kMost = ~std::uint64_t{0} >> 1;
  if (offset != nullptr && *offset < 0) return base::refuse(EINVAL);
  const std::uint64_t position =
      offset != nullptr ? static_cast<std::uint64_t>(*offset) : file.seek(0, SEEK_CUR).value_or(0);
  if (size > kMost - position) return base::refuse(EINVAL);
  return {};
}

/// A caller's optional offset as the file layer takes it, written back when the call succeeded.
class Position {
 public:
  explicit Position(std::int64_t* user)
      : m_user(user), m_value(user == nullptr ? 0 : static_cast<std::uint64_t>(*user)) {}
  [[nodiscard]] std::uint64_t* get() { return m_user == nullptr ? nullptr : &m_value; }
  Result<SystemCallsValue> finish(const Result<Bytes>& moved) const {
    if (!moved) return tl::unexpected{moved.error()};
    if (m_user != nullptr) *m_user = static_cast<std::int64_t>(m_value);
    return to_value(*moved);
  }

 private:
  std::int64_t* m_user;
  std::uint64_t m_value;
};

}  // namespace

SystemCallsValue SimulatedSystemCalls::sendfile(int out_fd, int in_fd, std::int64_t* offset, std::uint64_t size) {
  const std::string before = m_table.trace ? optional_offset(offset) : std::string{};
  return call(
      Call::Sendfile, [&] { return format("{}, {}, {}, {}", out_fd, in_fd, before, size); },
      [&]() -> Result<Value> {
        const Result<FilePointer> in = file_to_read(in_fd);
        if (!in) return tl::unexpected{in.error()};
        if (offset != nullptr && !(*in)->seekable()) return base::refuse(ESPIPE);
        if (const auto checked = check_range(**in, offset, size); !checked) return tl::unexpected{checked.error()};
        const Result<FilePointer> out = file_to_write(out_fd);
        if (!out) return tl::unexpected{out.error()};
        return send_file(*in, offset, *out, std::min(size, kMaxReadWrite));
      });
}

Result<SystemCallsValue> SimulatedSystemCalls::send_file(const FilePointer& in, std::int64_t* offset,
                                                         const FilePointer& out, Bytes size) {
  Position position{offset};
  if (ipc::Pipe* pipe = pipe_of(out); pipe != nullptr) {
    return position.finish(
        or_broken_pipe(ipc::splice_file_to_pipe(*in, position.get(), *pipe, size, non_blocking_flag(*out))));
  }
  if ((out->flags() & O_APPEND) != 0) return base::refuse(EINVAL);
  // What is read and not written must not be lost. Linux asks whether lseek is answered (FMODE_LSEEK).
  if (!in->seek(0, SEEK_CUR)) return base::refuse(EINVAL);
  return position.finish(or_broken_pipe(ipc::splice_direct(*in, position.get(), *out, nullptr, size, internal_pipe())));
}

ipc::Pipe& SimulatedSystemCalls::internal_pipe() {
  if (m_process.splice_pipe == nullptr) {
    m_process.splice_pipe = std::make_unique<ipc::Pipe>(services().pipes, ipc::Pipe::Kind::Internal);
  }
  return *m_process.splice_pipe;
}

namespace {

struct CopiedFile {
  fs::File& file;
  kernel_sim::FileStatus status;
  std::uint64_t from;
};

/// generic_copy_file_checks: what is wrong, or how many bytes there are to copy.
Result<Bytes> copyable(const CopiedFile& in, const CopiedFile& out, std::uint64_t size) {
  if (S_ISDIR(in.status.mode) || S_ISDIR(out.status.mode)) return base::refuse(EISDIR);
  if (!S_ISREG(in.status.mode) || !S_ISREG(out.status.mode)) return base::refuse(EINVAL);
  if (!in.file.readable() || !out.file.writable() || (out.file.flags() & O_APPEND) != 0) return base::refuse(EBADF);
  if (in.from + size < in.from || out.from + size < out.from) return base::refuse(EOVERFLOW);
  const auto signed_from = static_cast<std::int64_t>(in.from);
  const bool beyond = signed_from >= 0 && in.from >= in.status.size;
  size = beyond ? 0 : std::min(size, in.status.size - in.from);  // a position below 0 gives a larger number
  if (static_cast<std::int64_t>(out.from) >= 0) {
    const std::uint64_t most = out.file.largest_size();
    if (out.from >= most) return base::refuse(EFBIG);
    size = std::min(size, most - out.from);
  }
  const bool overlaps = out.from + size > in.from && out.from < in.from + size;
  if (in.file.same_file(out.file) && overlaps) return base::refuse(EINVAL);
  return size;
}

}  // namespace

SystemCallsValue SimulatedSystemCalls::copy_file_range(int in_fd, std::int64_t* in_offset, int out_fd,
                                                       std::int64_t* out_offset, std::uint64_t size, unsigned flags) {
  const std::string in_before = m_table.trace ? optional_offset(in_offset) : std::string{};
  const std::string out_before = m_table.trace ? optional_offset(out_offset) : std::string{};
  return call(
      Call::CopyFileRange,
      [&] { return format("{}, {}, {}, {}, {}, {}", in_fd, in_before, out_fd, out_before, size, flags); },
      [&]() -> Result<Value> {
        const Result<FilePointer> in = file(in_fd);
        if (!in) return tl::unexpected{in.error()};
        const Result<FilePointer> out = file(out_fd);
        if (!out) return tl::unexpected{out.error()};
        if (flags != 0) return base::refuse(EINVAL);
        return copy_range(**in, in_offset, **out, out_offset, size);
      });
}

/// vfs_copy_file_range on one file system that cannot share blocks: by way of the task's pipe, as sendfile.
Result<SystemCallsValue> SimulatedSystemCalls::copy_range(fs::File& in, std::int64_t* in_offset, fs::File& out,
                                                          std::int64_t* out_offset, std::uint64_t size) {
  const auto place = [](fs::File& file, const std::int64_t* offset) -> Result<CopiedFile> {
    const Result<kernel_sim::FileStatus> status = file.status();
    if (!status) return tl::unexpected{status.error()};
    return CopiedFile{file, *status,
                      offset != nullptr ? static_cast<std::uint64_t>(*offset) : file.seek(0, SEEK_CUR).value_or(0)};
  };
  const Result<CopiedFile> from = place(in, in_offset);
  if (!from) return tl::unexpected{from.error()};
  const Result<CopiedFile> to = place(out, out_offset);
  if (!to) return tl::unexpected{to.error()};
  const Result<Bytes> wanted = copyable(*from, *to, size);
  if (!wanted) return tl::unexpected{wanted.error()};
  for (const CopiedFile& end : {*from, *to}) {
    const auto at = static_cast<std::int64_t>(end.from);
    if (const auto checked = check_range(end.file, &at, *wanted); !checked) return tl::unexpected{checked.error()};
  }
  if (*wanted == 0) return 0;
  Position in_position{in_offset};
  Position out_position{out_offset};
  const Result<Bytes> copied = ipc::splice_direct(in, in_position.get(), out, out_position.get(),
                                                  std::min(*wanted, kMaxReadWrite), internal_pipe());
  static_cast<void>(in_position.finish(copied));
  return out_position.finish(copied);
}

SystemCallsValue SimulatedSystemCalls::splice(int in_fd, std::int64_t* in_offset, int out_fd, std::int64_t* out_offset,
                                              std::uint64_t size, unsigned flags) {
  const std::string in_before = m_table.trace ? optional_offset(in_offset) : std::string{};
  const std::string out_before = m_table.trace ? optional_offset(out_offset) : std::string{};
  return call(
      Call::Splice,
      [&] { return format("{}, {}, {}, {}, {}, {}", in_fd, in_before, out_fd, out_before, size, splice_flags(flags)); },
      [&]() -> Result<Value> {
        if (size == 0) return 0;
        if ((flags & ~kSpliceFlags) != 0) return base::refuse(EINVAL);
        const Result<FilePointer> in = file(in_fd);
        if (!in) return tl::unexpected{in.error()};
        const Result<FilePointer> out = file(out_fd);
        if (!out) return tl::unexpected{out.error()};
        return splice_between(*in, in_offset, *out, out_offset, size, flags);
      });
}

Result<SystemCallsValue> SimulatedSystemCalls::splice_between(const FilePointer& in, std::int64_t* in_offset,
                                                              const FilePointer& out, std::int64_t* out_offset,
                                                              Bytes size, unsigned flags) {
  ipc::Pipe* const from = pipe_of(in);
  ipc::Pipe* const to = pipe_of(out);
  if ((from != nullptr && in_offset != nullptr) || (to != nullptr && out_offset != nullptr))
    return base::refuse(ESPIPE);
  if (!in->readable() || !out->writable()) return base::refuse(EBADF);
  if (from == nullptr && to == nullptr) return base::refuse(EINVAL);
  if (from == to) return base::refuse(EINVAL);
  if (from != nullptr) flags |= non_blocking_flag(*in);
  if (to != nullptr) flags |= non_blocking_flag(*out);
  if (from != nullptr && to != nullptr) {
    return Position{nullptr}.finish(or_broken_pipe(ipc::splice_pipe_to_pipe(*from, *to, size, flags)));
  }
  const FilePointer& other = from != nullptr ? out : in;
  std::int64_t* const offset = from != nullptr ? out_offset : in_offset;
  if (offset != nullptr && !other->seekable()) return base::refuse(EINVAL);
  if (from != nullptr && (out->flags() & O_APPEND) != 0) return base::refuse(EINVAL);
  if (const auto checked = check_range(*other, offset, size); !checked) return tl::unexpected{checked.error()};
  if (from != nullptr && !out->takes_pages()) return base::refuse(EINVAL);
  Position position{offset};
  if (to != nullptr) {
    return position.finish(or_broken_pipe(ipc::splice_file_to_pipe(*in, position.get(), *to, size, flags)));
  }
  return position.finish(
      or_broken_pipe(ipc::splice_pipe_to_file(*from, *out, position.get(), std::min(size, kMaxReadWrite), flags)));
}

SystemCallsValue SimulatedSystemCalls::tee(int in_fd, int out_fd, std::uint64_t size, unsigned flags) {
  return call(
      Call::Tee, [&] { return format("{}, {}, {}, {}", in_fd, out_fd, size, splice_flags(flags)); },
      [&]() -> Result<Bytes> {
        if ((flags & ~kSpliceFlags) != 0) return base::refuse(EINVAL);
        if (size == 0) return 0;
        const Result<FilePointer> in = file_to_read(in_fd);
        if (!in) return tl::unexpected{in.error()};
        const Result<FilePointer> out = file_to_write(out_fd);
        if (!out) return tl::unexpected{out.error()};
        ipc::Pipe* const from = pipe_of(*in);
        ipc::Pipe* const to = pipe_of(*out);
        if (from == nullptr || to == nullptr || from == to) return base::refuse(EINVAL);
        return or_broken_pipe(ipc::tee(*from, *to, size, flags | non_blocking_flag(**in) | non_blocking_flag(**out)));
      });
}

SystemCallsValue SimulatedSystemCalls::vmsplice(int fd, UserAddress buffer, std::uint64_t size, unsigned flags) {
  return call(
      Call::Vmsplice, [&] { return format("{}, {}, {}, {}", fd, address(buffer), size, splice_flags(flags)); },
      [&]() -> Result<Bytes> {
        if ((flags & ~kSpliceFlags) != 0) return base::refuse(EINVAL);
        const Result<FilePointer> found = file(fd);
        if (!found) return tl::unexpected{found.error()};
        if (!(*found)->readable() && !(*found)->writable()) return base::refuse(EBADF);
        if (size > ~std::uint64_t{0} >> 1) return base::refuse(EINVAL);
        const Bytes wanted = std::min(size, kMaxReadWrite);
        if (const auto checked = check_buffer(buffer, wanted); !checked) return tl::unexpected{checked.error()};
        if (size == 0) return 0;
        ipc::Pipe* const pipe = pipe_of(*found);
        if (pipe == nullptr) return base::refuse(EBADF);
        // Unlike splice and tee, it does not ask whether the descriptor is non-blocking (fs/splice.c, vmsplice_to_*).
        if ((*found)->writable()) {
          return or_broken_pipe(ipc::vmsplice_to_pipe(memory(), address_of(buffer), wanted, *pipe, flags));
        }
        return pipe->read(memory(), address_of(buffer), wanted, (flags & SPLICE_F_NONBLOCK) != 0,
                          ipc::Pipe::Form::Bytes, ipc::Pipe::Mover::Splice);
      });
}

SystemCallsValue SimulatedSystemCalls::pipe(int fds[2], int flags) {
  return call(
      Call::Pipe, [&] { return format("[{}, {}]{}", fds[0], fds[1], flags == 0 ? "" : ", " + pipe_flags(flags)); },
      [&]() -> Result<Value> {
        if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0) return base::refuse(EINVAL);
        services().machine.cpu.execute(m_table.config().pipe, hal::Work::SystemCall);
        ipc::PipeEnds ends = ipc::make_pipe(services().pipes, flags & (O_NONBLOCK | O_DIRECT));
        return install_two(std::move(ends.read), std::move(ends.write), (flags & O_CLOEXEC) != 0, fds);
      });
}

}  // namespace sluice::syscalls
