// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/ipc/splice.h"

#include <algorithm>
#include <fcntl.h>

namespace sluice::ipc {

namespace {

/// Pages that vmsplice takes hold of at once.
constexpr unsigned kPinnedAtOnce = 16;

bool non_blocking(unsigned flags) { return (flags & SPLICE_F_NONBLOCK) != 0; }

Bytes limited_to_space(Bytes size, const Pipe& pipe) { return std::min(size, pipe.free_slots() * kPageSize); }

}  // namespace

Result<Bytes> splice_file_to_pipe(fs::File& in, std::uint64_t* offset, Pipe& out, Bytes size, unsigned flags) {
  return out.with_space(non_blocking(flags), [&]() -> Result<Bytes> {
    if (size == 0) return 0;  // whatever kind of file it is
    return in.splice_read(out, limited_to_space(size, out), offset, flags);
  });
}

Result<Bytes> splice_pipe_to_file(Pipe& in, fs::File& out, std::uint64_t* offset, Bytes size, unsigned flags) {
  return in.with_data(non_blocking(flags), [&] { return out.splice_write(in, size, offset, flags); });
}

Result<Bytes> splice_pipe_to_pipe(Pipe& in, Pipe& out, Bytes size, unsigned flags) {
  return Pipe::with_two(in, out, non_blocking(flags), [&] {
    Bytes done = 0;
    while (done < size && !in.empty() && !out.full()) {
      const Bytes part = std::min<Bytes>(in.peek(0).size, size - done);
      in.share(0, part, out);
      in.consume(part);
      done += part;
    }
    return done;
  });
}

Result<Bytes> tee(Pipe& in, Pipe& out, Bytes size, unsigned flags) {
  return Pipe::with_two(in, out, non_blocking(flags), [&] {
    Bytes done = 0;
    for (unsigned i = 0; i < in.fragments() && done < size && !out.full(); ++i) {
      const Bytes part = std::min<Bytes>(in.peek(i).size, size - done);
      in.share(i, part, out);
      done += part;
    }
    return done;
  });
}

Result<Bytes> vmsplice_to_pipe(mm::UserMemory& memory, VirtAddr from, Bytes size, Pipe& out, unsigned flags) {
  return out.with_space(non_blocking(flags), [&]() -> Result<Bytes> {
    Bytes done = 0;
    bool room = true;
    while (done < size && room) {
      const VirtAddr at = from + done;
      // Whole pages to their ends: an unaligned start leaves less room in the first slot, and no page takes two.
      const Bytes pages_end = (at.page_base() + kPinnedAtOnce * kPageSize) - at;
      const Result<std::vector<mm::Fragment>> pinned =
          memory.pin(at, std::min(size - done, pages_end), hal::Access::Read);
      if (!pinned && done == 0) return tl::unexpected{pinned.error()};
      if (!pinned) break;
      // That there is no room is seen with the pages in hand (add_to_pipe).
      for (const mm::Fragment& fragment : *pinned) {
        room = room && out.push(fragment, Place::UserBuffer);
        if (room) {
          done += fragment.size;
        } else {
          out.let_go(fragment);
        }
      }
    }
    return done;
  });
}

Result<Bytes> splice_direct(fs::File& in, std::uint64_t* offset, fs::File& out, std::uint64_t* out_offset, Bytes size,
                            Pipe& internal) {
  Bytes done = 0;
  while (done < size) {
    std::uint64_t position = 0;
    if (offset == nullptr) {
      const Result<std::uint64_t> current = in.seek(0, SEEK_CUR);
      if (!current) return tl::unexpected{current.error()};
      position = *current;
    } else {
      position = *offset;
    }
    const std::uint64_t before = position;
    const Result<Bytes> read = in.splice_read(internal, limited_to_space(size - done, internal), &position, 0);
    if (!read && done == 0) return read;
    if (read && *read == 0 && done > 0) out.splice_end();  // the last piece said MORE, and there is none
    if (!read || *read == 0) break;
    // More is to come as long as the pipe took less than was asked for: the socket may wait to fill a segment.
    const unsigned flags = done + *read < size ? SPLICE_F_MORE : 0U;
    const Result<Bytes> written = out.splice_write(internal, *read, out_offset, flags);
    const Bytes taken = written ? *written : 0;
    if (offset != nullptr) {
      *offset = before + taken;
    } else if (taken > 0) {
      if (const auto moved = in.seek(static_cast<std::int64_t>(before + taken), SEEK_SET); !moved) {
        return tl::unexpected{moved.error()};
      }
    }
    done += taken;
    if (taken < *read) {
      internal.clear();
      if (done == 0 && !written) return written;
      break;
    }
  }
  return done;
}

}  // namespace sluice::ipc
