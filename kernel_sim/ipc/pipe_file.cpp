// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/ipc/pipe_file.h"

#include <fcntl.h>
#include <poll.h>

#include <sys/stat.h>

namespace sluice::ipc {

Result<std::uint64_t> PipeEnd::waiting_bytes() {
  std::uint64_t sum = 0;
  for (unsigned i = 0; i < m_pipe->fragments(); ++i) sum += m_pipe->peek(i).size;
  return sum;
}

Result<kernel_sim::FileStatus> PipeEnd::status() {
  return kernel_sim::FileStatus{0, S_IFIFO | S_IRUSR | S_IWUSR, static_cast<std::uint32_t>(kPageSize)};
}

/// O_ASYNC is kept for F_GETFL: without an owner nobody gets a SIGIO.
int PipeEnd::changeable_flags() const { return File::changeable_flags() | O_DIRECT | O_ASYNC; }

PipeReadEnd::PipeReadEnd(std::shared_ptr<Pipe> pipe, int flags) : PipeEnd(std::move(pipe), O_RDONLY | flags) {
  this->pipe().add_reader();
}
PipeReadEnd::~PipeReadEnd() { pipe().drop_reader(); }

Result<Bytes> PipeReadEnd::read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* /*offset*/) {
  return pipe().read(memory, to, size, non_blocking(), Pipe::Form::Packets);
}

std::int16_t PipeReadEnd::poll() const {
  const int data = pipe().empty() ? 0 : POLLIN | POLLRDNORM;
  const int hang_up = pipe().has_writers() ? 0 : POLLHUP;
  return static_cast<std::int16_t>(data | hang_up);
}

PipeWriteEnd::PipeWriteEnd(std::shared_ptr<Pipe> pipe, int flags) : PipeEnd(std::move(pipe), O_WRONLY | flags) {
  this->pipe().add_writer();
}
PipeWriteEnd::~PipeWriteEnd() { pipe().drop_writer(); }

Result<Bytes> PipeWriteEnd::write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* /*offset*/) {
  const auto form = (flags() & O_DIRECT) != 0 ? Pipe::Form::Packets : Pipe::Form::Bytes;
  return pipe().write(memory, from, size, non_blocking(), form);
}

std::int16_t PipeWriteEnd::poll() const {
  const int space = pipe().full() ? 0 : POLLOUT | POLLWRNORM;
  const int error = pipe().has_readers() ? 0 : POLLERR;
  return static_cast<std::int16_t>(space | error);
}

PipeEnds make_pipe(PipeSystem& system, int flags) {
  auto pipe = std::make_shared<Pipe>(system);
  return {std::make_shared<PipeReadEnd>(pipe, flags & ~O_DIRECT), std::make_shared<PipeWriteEnd>(pipe, flags)};
}

}  // namespace sluice::ipc
