// SPDX-License-Identifier: Apache-2.0
// Pipes, and page references passed through them. What is not timed empties the pipe or fills it.
#include <array>
#include <fcntl.h>

#include <fmt/format.h>

#include "tools/native/calibration/other_work.h"
#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

constexpr unsigned kBatch = 32;

struct Pipe {
  explicit Pipe(Session& session) { session.need("pipe", session.calls.pipe(ends.data())); }
  void close(Session& session) const {
    for (const int end : ends) session.calls.close(end);
  }
  [[nodiscard]] int read_end() const { return ends[0]; }
  [[nodiscard]] int write_end() const { return ends[1]; }

  std::array<int, 2> ends{};
};

void write_and_read(Session& session, Bytes size) {
  const Pipe pipe{session};
  const UserAddress buffer = session.map_buffer(kPageSize);
  session.measure_all(kBatch, [&] {
    for (unsigned i = 0; i < kBatch; ++i) {
      session.need_all("write", session.calls.write(pipe.write_end(), buffer, size), size);
      session.need_all("read", session.calls.read(pipe.read_end(), buffer, size), size);
    }
  });
  pipe.close(session);
  session.calls.munmap(buffer, kPageSize);
}

/// Times `fill`, which puts `size` bytes into the pipe; what is in it is read away without being timed.
void filling(Session& session, Bytes size, const std::function<std::int64_t(const Pipe&)>& fill) {
  const Pipe pipe{session};
  const UserAddress sink = session.map_buffer(size);
  OtherWork others{session};
  session.measure(kBatch, [&](Stopwatch& watch) {
    for (unsigned i = 0; i < kBatch; ++i) {
      std::int64_t done = 0;
      others();
      watch.run([&] { done = fill(pipe); });
      session.need_all("filling a pipe", done, size);
      session.need_all("read", session.calls.read(pipe.read_end(), sink, size), size);
    }
  });
  pipe.close(session);
  session.calls.munmap(sink, size);
}

void splice_file(Session& session, unsigned pages) {
  const int fd = session.open_file();
  filling(session, pages * kPageSize, [&](const Pipe& pipe) {
    auto offset = static_cast<std::int64_t>(Session::kLargeFolios);
    return session.calls.splice(fd, &offset, pipe.write_end(), nullptr, pages * kPageSize, 0);
  });
  session.calls.close(fd);
}

void vmsplice(Session& session, unsigned pages) {
  const UserAddress buffer = session.map_buffer(pages * kPageSize);
  filling(session, pages * kPageSize,
          [&](const Pipe& pipe) { return session.calls.vmsplice(pipe.write_end(), buffer, pages * kPageSize, 0); });
  session.calls.munmap(buffer, pages * kPageSize);
}

void tee(Session& session, unsigned pages) {
  const Pipe source{session};
  const UserAddress buffer = session.map_buffer(pages * kPageSize);
  session.need_all("write", session.calls.write(source.write_end(), buffer, pages * kPageSize), pages * kPageSize);
  filling(session, pages * kPageSize, [&](const Pipe& pipe) {
    return session.calls.tee(source.read_end(), pipe.write_end(), pages * kPageSize, 0);
  });
  source.close(session);
  session.calls.munmap(buffer, pages * kPageSize);
}

Primitive of_pages(const char* name, const char* help, void (*run)(Session&, unsigned), unsigned pages,
                   Bytes file = 0) {
  return {fmt::format("{}.{}", name, pages), fmt::format("{}, {} pages", help, pages),
          [run, pages](Session& session) { run(session, pages); }, file};
}

}  // namespace

std::vector<Primitive> pipe_primitives() {
  std::vector<Primitive> list{
      {"pipe.byte", "write of a byte to a pipe and read of it", [](Session& s) { write_and_read(s, 1); }, 0},
      {"pipe.page", "write of a page to a pipe and read of it", [](Session& s) { write_and_read(s, kPageSize); }, 0},
  };
  for (const unsigned pages : {1U, 8U}) {
    list.push_back(of_pages("pipe.splice_file", "splice of a cached file to a pipe", splice_file, pages,
                            Session::file_with(pages * kPageSize)));
    list.push_back(of_pages("pipe.vmsplice", "vmsplice", vmsplice, pages));
    list.push_back(of_pages("pipe.tee", "tee", tee, pages));
  }
  return list;
}

}  // namespace sluice::calibration
