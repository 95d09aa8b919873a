// SPDX-License-Identifier: Apache-2.0
// The two ends of a pipe as files, and pipe(2).
#pragma once

#include <memory>
#include <utility>

#include "kernel_sim/ipc/pipe.h"

namespace sluice::ipc {

/// Common to both ends: what splice, tee and fcntl need.
class PipeEnd : public fs::File {
 public:
  PipeEnd(std::shared_ptr<Pipe> pipe, int flags) : File(flags), m_pipe(std::move(pipe)) {}
  [[nodiscard]] bool is_pipe() const override { return true; }
  [[nodiscard]] int changeable_flags() const override;
  Result<kernel_sim::FileStatus> status() override;
  Result<std::uint64_t> waiting_bytes() override;
  [[nodiscard]] Pipe& pipe() const { return *m_pipe; }

 private:
  std::shared_ptr<Pipe> m_pipe;
};

class PipeReadEnd final : public PipeEnd {
 public:
  PipeReadEnd(std::shared_ptr<Pipe> pipe, int flags);
  ~PipeReadEnd() override;
  Result<Bytes> read(mm::UserMemory& memory, VirtAddr to, Bytes size, std::uint64_t* offset) override;
  [[nodiscard]] std::int16_t poll() const override;
  sched::WaitQueue* poll_queue() override { return &pipe().readers_queue(); }
};

class PipeWriteEnd final : public PipeEnd {
 public:
  PipeWriteEnd(std::shared_ptr<Pipe> pipe, int flags);
  ~PipeWriteEnd() override;
  Result<Bytes> write(mm::UserMemory& memory, VirtAddr from, Bytes size, std::uint64_t* offset) override;
  [[nodiscard]] std::int16_t poll() const override;
  sched::WaitQueue* poll_queue() override { return &pipe().writers_queue(); }
};

struct PipeEnds {
  std::shared_ptr<PipeReadEnd> read;
  std::shared_ptr<PipeWriteEnd> write;
};
/// `flags`: O_NONBLOCK, and O_DIRECT for packets.
PipeEnds make_pipe(PipeSystem& system, int flags);

}  // namespace sluice::ipc
