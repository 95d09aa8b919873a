// SPDX-License-Identifier: Apache-2.0
// System calls on one descriptor.
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

#include <sys/ioctl.h>

#include "kernel_sim/ipc/pipe_file.h"
#include "kernel_sim/syscalls/calls.h"

namespace sluice::syscalls {

using fmt::format;

kernel_sim::SystemCalls::Value SimulatedSystemCalls::open(std::string_view path, int flags, int mode) {
  return call(
      Call::Open, [&] { return format("\"{}\", {}", path, open_flags(flags)); },
      [&]() -> Result<Value> {
        // As Linux, the number comes first: a process without one creates and truncates nothing.
        if (const Result<void> room = m_process.files.has_room(); !room) return tl::unexpected{room.error()};
        Result<FilePointer> opened = services().open(path, flags, mode);
        if (!opened) return tl::unexpected{opened.error()};
        return install(std::move(*opened), (flags & O_CLOEXEC) != 0);
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::close(int fd) {
  return call(
      Call::Close, [&] { return format("{}", fd); },
      [&]() -> Result<Value> {
        Result<FilePointer> removed = m_process.files.remove(fd);
        if (!removed) return tl::unexpected{removed.error()};
        if (removed->use_count() == 1) services().machine.cpu.execute(m_table.config().close, hal::Work::SystemCall);
        release(std::move(*removed));
        return 0;
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::unlink(std::string_view path) {
  return call(
      Call::Unlink, [&] { return format("\"{}\"", path); }, [&] { return services().unlink(path); });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::read(int fd, UserAddress buffer, std::uint64_t size) {
  return call(
      Call::Read, [&] { return format("{}, {}, {}", fd, address(buffer), size); },
      [&]() -> Result<Bytes> {
        const Result<FilePointer> from = file_to_read(fd);
        if (!from) return tl::unexpected{from.error()};
        if (!(*from)->has_read()) return base::refuse(EINVAL);
        if (const auto checked = check_buffer(buffer, size); !checked) return tl::unexpected{checked.error()};
        return (*from)->read(memory(), address_of(buffer), std::min(size, kMaxReadWrite), nullptr);
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::write(int fd, UserAddress buffer, std::uint64_t size) {
  return call(
      Call::Write, [&] { return format("{}, {}, {}", fd, address(buffer), size); },
      [&]() -> Result<Bytes> {
        const Result<FilePointer> to = file_to_write(fd);
        if (!to) return tl::unexpected{to.error()};
        if (!(*to)->has_write()) return base::refuse(EINVAL);
        if (const auto checked = check_buffer(buffer, size); !checked) return tl::unexpected{checked.error()};
        return or_broken_pipe((*to)->write(memory(), address_of(buffer), std::min(size, kMaxReadWrite), nullptr));
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::pread(int fd, UserAddress buffer, std::uint64_t size,
                                                           std::int64_t offset) {
  return call(
      Call::Pread, [&] { return format("{}, {}, {}, {}", fd, address(buffer), size, offset); },
      [&]() -> Result<Bytes> {
        if (offset < 0) return base::refuse(EINVAL);
        const Result<FilePointer> from = file(fd);
        if (!from) return tl::unexpected{from.error()};
        if (!(*from)->seekable()) return base::refuse(ESPIPE);
        if (!(*from)->readable()) return base::refuse(EBADF);
        if (const auto checked = check_buffer(buffer, size); !checked) return tl::unexpected{checked.error()};
        auto position = static_cast<std::uint64_t>(offset);
        return (*from)->read(memory(), address_of(buffer), std::min(size, kMaxReadWrite), &position);
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::pwrite(int fd, UserAddress buffer, std::uint64_t size,
                                                            std::int64_t offset) {
  return call(
      Call::Pwrite, [&] { return format("{}, {}, {}, {}", fd, address(buffer), size, offset); },
      [&]() -> Result<Bytes> {
        if (offset < 0) return base::refuse(EINVAL);
        const Result<FilePointer> to = file(fd);
        if (!to) return tl::unexpected{to.error()};
        if (!(*to)->seekable()) return base::refuse(ESPIPE);
        if (!(*to)->writable()) return base::refuse(EBADF);
        if (const auto checked = check_buffer(buffer, size); !checked) return tl::unexpected{checked.error()};
        auto position = static_cast<std::uint64_t>(offset);
        return (*to)->write(memory(), address_of(buffer), std::min(size, kMaxReadWrite), &position);
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::lseek(int fd, std::int64_t offset, int whence) {
  return call(
      Call::Lseek, [&] { return format("{}, {}, {}", fd, offset, seek_whence(whence)); },
      [&]() -> Result<Bytes> {
        const Result<FilePointer> found = file(fd);
        if (!found) return tl::unexpected{found.error()};
        if (whence < SEEK_SET || whence > SEEK_HOLE) return base::refuse(EINVAL);
        return (*found)->seek(offset, whence);
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::ioctl(int fd, std::uint64_t request, int& value) {
  return call(
      Call::Ioctl,
      [&] { return format("{}, {}, [{}]", fd, request == FIONREAD ? "FIONREAD" : format("{:#x}", request), value); },
      [&]() -> Result<void> {
        const Result<FilePointer> found = file(fd);
        if (!found) return tl::unexpected{found.error()};
        if (request != FIONREAD) return base::refuse(ENOTTY);
        const Result<std::uint64_t> waiting = (*found)->waiting_bytes();
        if (!waiting) return tl::unexpected{waiting.error()};
        value = static_cast<int>(*waiting);
        return {};
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::fstat(int fd, kernel_sim::FileStatus& status) {
  return call(
      Call::Fstat, [&] { return format("{}, {{st_mode={}, st_size={}}}", fd, file_mode(status.mode), status.size); },
      [&]() -> Result<void> {
        const Result<FilePointer> found = file_or_path(fd);
        if (!found) return tl::unexpected{found.error()};
        const Result<kernel_sim::FileStatus> result = (*found)->status();
        if (!result) return tl::unexpected{result.error()};
        status = *result;
        return {};
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::ftruncate(int fd, std::int64_t size) {
  return call(
      Call::Ftruncate, [&] { return format("{}, {}", fd, size); },
      [&]() -> Result<void> {
        if (size < 0) return base::refuse(EINVAL);
        const Result<FilePointer> found = file(fd);
        if (!found) return tl::unexpected{found.error()};
        // As Linux: what is no regular file open for writing is an invalid argument here, not a bad descriptor.
        if (!(*found)->writable() || !(*found)->seekable()) return base::refuse(EINVAL);
        return (*found)->truncate(static_cast<std::uint64_t>(size));
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::fsync(int fd) {
  return call(
      Call::Fsync, [&] { return format("{}", fd); },
      [&]() -> Result<void> {
        const Result<FilePointer> found = file(fd);
        if (!found) return tl::unexpected{found.error()};
        return (*found)->sync();
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::posix_fadvise(int fd, std::int64_t offset, std::int64_t size,
                                                                   int advice) {
  return call(
      Call::PosixFadvise, [&] { return format("{}, {}, {}, {}", fd, offset, size, file_advice(advice)); },
      [&]() -> Result<void> {
        const Result<FilePointer> found = file(fd);
        if (!found) return tl::unexpected{found.error()};
        if ((*found)->is_pipe()) return base::refuse(ESPIPE);
        if (size < 0) return base::refuse(EINVAL);
        return (*found)->advise(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size), advice);
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::fcntl(int fd, int command, std::int64_t argument) {
  return call(
      Call::Fcntl, [&] { return format("{}, {}, {}", fd, fcntl_command(command), argument); },
      [&]() -> Result<Value> {
        const Result<FilePointer> found = file_or_path(fd);
        if (!found) return tl::unexpected{found.error()};
        switch (command) {
          case F_DUPFD:
          case F_DUPFD_CLOEXEC:
            return install(*found, command == F_DUPFD_CLOEXEC, static_cast<int>(argument));
          case F_GETFD:
            return m_process.files.close_on_exec(fd) ? FD_CLOEXEC : 0;
          case F_SETFD:
            m_process.files.set_close_on_exec(fd, (argument & FD_CLOEXEC) != 0);
            return 0;
          case F_GETFL:
            return (*found)->flags();
          default:
            if ((*found)->path_only()) return base::refuse(EBADF);
            return control(**found, command, argument);
        }
      });
}

/// The commands on the open file description.
Result<kernel_sim::SystemCalls::Value> SimulatedSystemCalls::control(fs::File& description, int command,
                                                                     std::int64_t argument) {
  const auto* end = dynamic_cast<const ipc::PipeEnd*>(&description);
  switch (command) {
    case F_SETFL: {
      const auto flags = static_cast<int>(argument);
      const int changeable = description.changeable_flags();
      if ((flags & O_DIRECT & ~changeable) != 0) return base::refuse(EINVAL);
      description.set_flags((description.flags() & ~changeable) | (flags & changeable));
      return 0;
    }
    case F_GETOWN:
    case F_GETSIG:
      return 0;  // nobody: F_SETOWN and F_SETSIG are refused
    case F_GETLEASE:
      return F_UNLCK;
    case F_GETPIPE_SZ:
      if (end == nullptr) return base::refuse(EBADF);
      return to_value(end->pipe().size());
    case F_SETPIPE_SZ: {
      if (end == nullptr) return base::refuse(EBADF);
      const Result<Bytes> size = end->pipe().resize(static_cast<std::uint64_t>(argument));
      if (!size) return tl::unexpected{size.error()};
      return to_value(*size);
    }
    default:
      return base::refuse(EINVAL);
  }
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::dup(int fd) {
  return call(
      Call::Dup, [&] { return format("{}", fd); },
      [&]() -> Result<Value> {
        const Result<FilePointer> found = file_or_path(fd);
        if (!found) return tl::unexpected{found.error()};
        return install(*found, false);
      });
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::dup3(int fd, int new_fd, int flags) {
  return call(
      Call::Dup3, [&] { return format("{}, {}, {}", fd, new_fd, pipe_flags(flags)); },
      [&]() -> Result<Value> {
        if ((flags & ~O_CLOEXEC) != 0 || fd == new_fd) return base::refuse(EINVAL);
        const Result<FilePointer> found = file_or_path(fd);
        if (!found) return tl::unexpected{found.error()};
        Result<FilePointer> before = m_process.files.replace(new_fd, {*found, (flags & O_CLOEXEC) != 0});
        if (!before) return tl::unexpected{before.error()};
        if (*before != nullptr) release(std::move(*before));
        return new_fd;
      });
}

}  // namespace sluice::syscalls
