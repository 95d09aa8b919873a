// SPDX-License-Identifier: Apache-2.0
// Whose turn it is, and what a program leaves behind.

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/differential/interpreting_process.h"

namespace sluice::differential {

void Interpreter::prepare() {
  const Value arena =
      m_calls.mmap(kArena, kOwnMemory + kOwnSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  m_state.arena = static_cast<UserAddress>(arena);
  constexpr int kHere = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  m_calls.mmap(m_state.arena, kRegionSize, PROT_READ | PROT_WRITE, kHere, -1, 0);
  m_calls.mmap(own(), kOwnSize, PROT_READ | PROT_WRITE, kHere, -1, 0);
  m_state.slots.fill(-1);
  slot(kUnusedDescriptor) = kFirstOwnDescriptor - 1;
}

int Interpreter::run() {
  const auto& steps = m_state.program->steps;
  while (m_state.step < steps.size()) {
    const Step& step = steps[m_state.step];
    if (step.process == m_state.process) {
      take_turn();
      execute(step);
    } else {
      give_turn();
    }
    ++m_state.step;
  }
  take_turn();
  if (m_state.process != 0) return 0;
  if (m_state.has_other) {
    give_turn();  // for the last time: it has no more steps, and ends
    reap();
  }
  look_at_descriptors();
  look_at_files();
  return 0;
}

void Interpreter::take_turn() {
  if (m_state.running) return;
  m_state.running = true;
  if (!m_state.has_other || m_calls.read(m_state.from_other, own(), 1) == 1) return;
  if (m_state.process != 0) m_calls.exit(0);  // nobody is left to look
  reap();
}

void Interpreter::give_turn() {
  if (!m_state.running || !m_state.has_other) return;
  m_state.running = false;
  m_calls.write(m_state.to_other, own(), 1);
}

/// The child has ended or is about to.
void Interpreter::reap() {
  int status = 0;
  const Value waited = m_calls.wait(m_state.child, status);
  note(waited > 0 ? 1 : waited, status);
  m_calls.close(m_state.to_other);
  m_calls.close(m_state.from_other);
  m_state.has_other = false;
}

void Interpreter::fork() {
  if (m_state.process != 0 || m_state.has_other) return;
  int ends[2][2];
  for (auto& pipe : ends) {
    int low[2];
    if (const Value made = m_calls.pipe(low); made < 0) {
      note(made);
      return;
    }
    for (int i = 0; i < 2; ++i) {
      pipe[i] = static_cast<int>(m_calls.fcntl(low[i], F_DUPFD, kFirstOwnDescriptor));
      m_calls.close(low[i]);
    }
  }
  State child = m_state;
  child.process = 1;
  child.running = false;
  child.has_other = true;
  child.from_other = ends[0][0];
  child.to_other = ends[1][1];
  ++child.step;
  // The copies of the other process's ends are closed at once, or nobody would see the end of a pipe.
  const std::array<int, 2> not_childs = {ends[0][1], ends[1][0]};
  struct Arguments {
    State state;
    std::array<int, 2> to_close;
  } arguments{child, not_childs};
  m_state.child = m_calls.fork(run_child, std::as_bytes(std::span{&arguments, 1}));
  m_calls.close(ends[0][0]);
  m_calls.close(ends[1][1]);
  m_state.to_other = ends[0][1];
  m_state.from_other = ends[1][0];
  m_state.has_other = m_state.child > 0;
  note(m_state.child > 0 ? 1 : m_state.child);
}

int Interpreter::run_child(SystemCalls& calls, std::span<const std::byte> bytes) {
  struct Arguments {
    State state;
    std::array<int, 2> to_close;
  } arguments;
  std::memcpy(&arguments, bytes.data(), sizeof arguments);
  for (const int fd : arguments.to_close) calls.close(fd);
  return Interpreter{calls, arguments.state}.run();
}

void Interpreter::look_at_descriptors() {
  for (int fd = 0; fd < kFirstOwnDescriptor; ++fd) {
    const Value flags = m_calls.fcntl(fd, F_GETFL);
    if (flags == -EBADF) continue;
    note(fd, flags, m_calls.lseek(fd, 0, SEEK_CUR));
    kernel_sim::FileStatus status;
    m_calls.fstat(fd, status);
    const bool without_kind = (status.mode & S_IFMT) == 0;  // an event counter or an epoll instance
    if (!S_ISFIFO(status.mode) && !S_ISSOCK(status.mode) && !without_kind) continue;
    std::array<kernel_sim::PollEntry, 1> entry = {{{fd, POLLIN | POLLOUT, 0}}};
    const Value ready = m_calls.poll(entry, 0);
    note(ready, entry[0].returned, m_calls.fcntl(fd, F_GETPIPE_SZ));
    if ((flags & O_ACCMODE) == O_WRONLY) continue;
    m_calls.fcntl(fd, F_SETFL, O_NONBLOCK);
    Value got = 0;
    do {
      got = m_calls.read(fd, own(), kOwnSize);
      note_read(got, own());
    } while (got > 0 && !without_kind);  // a semaphore would give one after the other
  }
}

void Interpreter::look_at_files() {
  constexpr std::uint64_t kLooked = std::uint64_t{2} << 20;  // sparse files may be larger
  for (std::size_t path = 0; path <= kFiles; ++path) {
    const Value fd = m_calls.open(kPaths[path], O_RDONLY, 0);
    if (fd < 0) {
      note(fd);
      continue;
    }
    kernel_sim::FileStatus status;
    const Value found = m_calls.fstat(static_cast<int>(fd), status);
    note(found, static_cast<std::int64_t>(status.size), status.mode & (S_IFMT | 0777U));
    for (std::uint64_t done = 0; done < kLooked;) {
      const Value got = m_calls.pread(static_cast<int>(fd), own(), kOwnSize, static_cast<std::int64_t>(done));
      note_read(got, own());
      if (got <= 0) break;
      done += static_cast<std::uint64_t>(got);
    }
    m_calls.close(static_cast<int>(fd));
  }
}

int interpret(SystemCalls& calls, const Program& program, Transcript& transcript) {
  State state{};
  state.program = &program;
  state.transcript = &transcript;
  Interpreter interpreter{calls, state};
  interpreter.prepare();
  return interpreter.run();
}

}  // namespace sluice::differential
