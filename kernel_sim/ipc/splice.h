// SPDX-License-Identifier: Apache-2.0
// Moving page references between pipes, files and user memory (fs/splice.c). `flags` are SPLICE_F_*. A null `offset`
// means the file's own position. EPIPE asks the caller to raise SIGPIPE.
#pragma once

#include "kernel_sim/ipc/pipe.h"

namespace sluice::ipc {

Result<Bytes> splice_file_to_pipe(fs::File& in, std::uint64_t* offset, Pipe& out, Bytes size, unsigned flags);
Result<Bytes> splice_pipe_to_file(Pipe& in, fs::File& out, std::uint64_t* offset, Bytes size, unsigned flags);
/// Whole fragments change owner, a part of one is shared.
Result<Bytes> splice_pipe_to_pipe(Pipe& in, Pipe& out, Bytes size, unsigned flags);
/// Shares the waiting fragments; the input keeps them.
Result<Bytes> tee(Pipe& in, Pipe& out, Bytes size, unsigned flags);
/// User pages become fragments. As many as fit, one per page.
Result<Bytes> vmsplice_to_pipe(mm::UserMemory& memory, VirtAddr from, Bytes size, Pipe& out, unsigned flags);
/// sendfile, copy_file_range (splice_direct_to_actor): page cache to `out` through the task's `internal` pipe, a
/// pipeful at a time.
Result<Bytes> splice_direct(fs::File& in, std::uint64_t* offset, fs::File& out, std::uint64_t* out_offset, Bytes size,
                            Pipe& internal);

}  // namespace sluice::ipc
