// SPDX-License-Identifier: Apache-2.0
// Steps that are one system call.

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/differential/interpreting_process.h"
#include "tests/differential/socket_steps.h"

namespace sluice::differential {

namespace {

/// An offset argument as the call takes it.
class OptionalOffset {
 public:
  explicit OptionalOffset(std::int64_t value) : m_given(value != kNoOffset), m_value(m_given ? value : 0) {}
  std::int64_t* get() { return m_given ? &m_value : nullptr; }
  [[nodiscard]] std::int64_t after() const { return m_value; }

 private:
  bool m_given;
  std::int64_t m_value;
};

/// What is left of a timer, begun hours counted full: no program takes one.
std::int64_t hours(std::int64_t ns) {
  constexpr std::int64_t kHour = 3'600'000'000'000;
  return ns / kHour + (ns % kHour != 0 ? 1 : 0);
}

}  // namespace

/// A mapping may only be replaced within the arena: on the host the rest belongs to this program itself.
void Interpreter::map(const Step& step) {
  const auto& a = step.arguments;
  const bool fixed = (a[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
  if (fixed && (a[0] < 0 || a[1] > kArenaSize - a[0])) return;
  const auto size = static_cast<std::uint64_t>(a[1]);
  const Value at = m_calls.mmap(address(a[0]), size, static_cast<int>(a[2]), static_cast<int>(a[3]), slot(a[4]), a[5]);
  if (at < 0) {
    note(at);
    return;
  }
  const Value distance = at - static_cast<Value>(m_state.arena);
  const bool within = distance >= 0 && distance < kArenaSize;
  note(0, within ? distance : at % static_cast<Value>(kPage), within ? 1 : 0);
  if (!within) m_calls.munmap(static_cast<UserAddress>(at), size);  // where it lies is the kernel's choice
}

std::vector<kernel_sim::IoVector> Interpreter::pieces(const Step& step) const {
  const auto& a = step.arguments;
  std::vector<kernel_sim::IoVector> list = {{address(a[1]), static_cast<std::uint64_t>(a[2])}};
  if (a[4] != kNoPiece) list.push_back({address(a[3]), static_cast<std::uint64_t>(a[4])});
  return list;
}

void Interpreter::note_pieces(Value value, std::span<const kernel_sim::IoVector> list) {
  note(value);
  auto left = static_cast<std::uint64_t>(std::max<Value>(value, 0));
  for (const auto& piece : list) {
    const std::uint64_t part = std::min(piece.size, left);
    note_with_data(0, piece.base, part);
    left -= part;
  }
}

bool Interpreter::is_directory(int fd) {
  kernel_sim::FileStatus status;
  return m_calls.fstat(fd, status) == 0 && S_ISDIR(status.mode);
}

void Interpreter::execute(const Step& step) {
  const auto& a = step.arguments;
  const auto size = [&](std::size_t i) { return static_cast<std::uint64_t>(a[i]); };
  const auto number = [&](std::size_t i) { return static_cast<int>(a[i]); };
  switch (step.operation) {
    case Operation::Open:
      note_new(a[0], m_calls.open(kPaths[size(1)], number(2), number(3)));
      break;
    case Operation::Close:
      note(m_calls.close(slot(a[0])));
      break;
    case Operation::Read:
      note_read(m_calls.read(slot(a[0]), address(a[1]), size(2)), address(a[1]));
      break;
    case Operation::Write:
      note(m_calls.write(slot(a[0]), address(a[1]), size(2)));
      break;
    case Operation::Pread:
      note_read(m_calls.pread(slot(a[0]), address(a[1]), size(2), a[3]), address(a[1]));
      break;
    case Operation::Pwrite:
      note(m_calls.pwrite(slot(a[0]), address(a[1]), size(2), a[3]));
      break;
    case Operation::Readv:
    case Operation::Preadv: {
      const std::vector<kernel_sim::IoVector> list = pieces(step);
      const Value value =
          step.operation == Operation::Readv ? m_calls.readv(slot(a[0]), list) : m_calls.preadv(slot(a[0]), list, a[5]);
      note_pieces(value, list);
      break;
    }
    case Operation::Writev:
      note(m_calls.writev(slot(a[0]), pieces(step)));
      break;
    case Operation::Pwritev:
      note(m_calls.pwritev(slot(a[0]), pieces(step), a[5]));
      break;
    case Operation::Lseek:
      if (is_directory(slot(a[0]))) break;  // what its positions mean is the file system's own affair
      note(m_calls.lseek(slot(a[0]), a[1], number(2)));
      break;
    case Operation::Fstat: {
      kernel_sim::FileStatus status;
      const Value value = m_calls.fstat(slot(a[0]), status);
      // The size of a directory is its file system's own affair, its permissions are those of a temporary folder.
      const bool directory = S_ISDIR(status.mode);
      note(value, directory ? 0 : static_cast<std::int64_t>(status.size),
           status.mode & (directory ? S_IFMT : S_IFMT | 0777U));
      break;
    }
    case Operation::Ftruncate:
      note(m_calls.ftruncate(slot(a[0]), a[1]));
      break;
    case Operation::Fsync:
      note(m_calls.fsync(slot(a[0])));
      break;
    case Operation::Fadvise:
      note(m_calls.posix_fadvise(slot(a[0]), a[1], a[2], number(3)));
      break;
    case Operation::Fcntl:
      note(m_calls.fcntl(slot(a[0]), number(1), a[2]));
      break;
    case Operation::Dup:
      note_new(a[0], m_calls.dup(slot(a[1])));
      break;
    case Operation::DupFrom:
      note_new(a[0], m_calls.fcntl(slot(a[1]), a[3] == F_DUPFD_CLOEXEC ? F_DUPFD_CLOEXEC : F_DUPFD, a[2]));
      break;
    case Operation::Dup3:
      note(m_calls.dup3(slot(a[0]), slot(a[1]), number(2)));
      break;
    case Operation::FillDisk:
      fill_disk(step);
      break;
    case Operation::Stream:
      stream(step);
      break;
    case Operation::Sendfile: {
      OptionalOffset offset{a[2]};
      const Value value = m_calls.sendfile(slot(a[0]), slot(a[1]), offset.get(), size(3));
      note(value, offset.after());
      break;
    }
    case Operation::CopyFileRange: {
      OptionalOffset in{a[1]};
      OptionalOffset out{a[3]};
      const Value value =
          m_calls.copy_file_range(slot(a[0]), in.get(), slot(a[2]), out.get(), size(4), static_cast<unsigned>(a[5]));
      note(value, in.after(), out.after());
      break;
    }
    case Operation::Splice: {
      OptionalOffset in{a[1]};
      OptionalOffset out{a[3]};
      const Value value =
          m_calls.splice(slot(a[0]), in.get(), slot(a[2]), out.get(), size(4), static_cast<unsigned>(a[5]));
      note(value, in.after(), out.after());
      break;
    }
    case Operation::Tee:
      note(m_calls.tee(slot(a[0]), slot(a[1]), size(2), static_cast<unsigned>(a[3])));
      break;
    case Operation::Vmsplice:
      note(m_calls.vmsplice(slot(a[0]), address(a[1]), size(2), static_cast<unsigned>(a[3])));
      break;
    case Operation::Pipe: {
      int ends[2] = {-1, -1};
      const Value value = m_calls.pipe(ends, number(2));
      set_slot(a[0], ends[0]);
      set_slot(a[1], ends[1]);
      note(value, ends[0], ends[1]);
      break;
    }
    case Operation::Mmap:
      map(step);
      break;
    case Operation::Munmap:
      if (a[0] >= 0 && a[1] <= kArenaSize - a[0]) note(m_calls.munmap(address(a[0]), size(1)));
      break;
    case Operation::Mprotect:
      // On the host there is this program's own memory behind the arena, which must stay as it is.
      if (a[0] >= 0 && a[1] > kArenaSize - a[0]) break;
      note(m_calls.mprotect(address(a[0]), size(1), number(2)));
      break;
    case Operation::Mincore: {
      if (a[0] >= 0 && a[1] > kArenaSize - a[0]) break;
      std::vector<std::uint8_t> pages;
      const Value value = m_calls.mincore(address(a[0]), size(1), pages);
      std::uint64_t sum = 1;
      for (const auto page : pages) sum = sum * 3 + page;
      note(value, std::ssize(pages), static_cast<std::int64_t>(sum));
      break;
    }
    case Operation::Mremap:
      remap(step);
      break;
    case Operation::Brk:
      use_heap(step);
      break;
    case Operation::Sigaction:
      note(m_calls.sigaction(number(0), static_cast<kernel_sim::SignalHandler>(a[1]), static_cast<unsigned>(a[2])));
      break;
    case Operation::Raise:
      note(m_calls.kill(m_calls.getpid(), number(0)));
      break;
    case Operation::Kill:
      kill_child(step);
      break;
    case Operation::Madvise:
      // On the host there is this program's own memory behind the arena, which must not be dropped.
      if (a[0] >= 0 && a[1] > kArenaSize - a[0]) break;
      note(m_calls.madvise(address(a[0]), size(1), number(2)));
      break;
    case Operation::Load:
      note_with_data(0, address(a[0]), size(1));
      break;
    case Operation::Store: {
      std::array<std::byte, kPage> bytes;
      // Page by page and upwards, so that a store that dies has written the same on both sides.
      for (std::uint64_t done = 0; done < size(1);) {
        const UserAddress at = address(a[0]) + done;
        const std::uint64_t piece = std::min(kPage - static_cast<std::uint64_t>(at) % kPage, size(1) - done);
        for (std::uint64_t i = 0; i < piece; ++i) bytes[i] = pattern(size(2), done + i);
        m_calls.store(at, std::span{bytes}.first(piece));
        done += piece;
      }
      note(0);
      break;
    }
    case Operation::Fill:
      for (std::uint64_t done = 0; done < size(2);) {
        const UserAddress at = address(a[0]) + done;
        const std::uint64_t piece = std::min(kPage - static_cast<std::uint64_t>(at) % kPage, size(2) - done);
        m_calls.fill(at, static_cast<std::byte>(a[1]), piece);
        done += piece;
      }
      note(0);
      break;
    case Operation::Poll: {
      std::array<kernel_sim::PollEntry, 2> entries = {
          {{slot(a[0]), static_cast<std::int16_t>(a[1]), 0}, {slot(a[2]), static_cast<std::int16_t>(a[3]), 0}}};
      const Value value = m_calls.poll(entries, 0);
      note(value, entries[0].returned, entries[1].returned);
      break;
    }
    case Operation::EpollCreate:
      note_new(a[0], m_calls.epoll_create1(number(1)));
      break;
    case Operation::EpollControl: {
      const kernel_sim::EpollEvent event{static_cast<std::uint32_t>(a[3]), size(4)};
      note(m_calls.epoll_ctl(slot(a[0]), number(1), slot(a[2]), &event));
      break;
    }
    case Operation::EpollWait: {
      std::vector<kernel_sim::EpollEvent> events;
      note(m_calls.epoll_wait(slot(a[0]), events, number(1), 0));
      for (const auto& event : events) note(0, static_cast<std::int64_t>(event.data), event.events);
      break;
    }
    case Operation::EventFd:
      note_new(a[0], m_calls.eventfd(static_cast<unsigned>(a[1]), number(2)));
      break;
    case Operation::TimerCreate:
      note_new(a[0], m_calls.timerfd_create(number(1), number(2)));
      break;
    case Operation::TimerSet: {
      kernel_sim::TimerSetting before;
      const Value value = m_calls.timerfd_settime(slot(a[0]), number(1), {a[2], a[3]}, &before);
      note(value, hours(before.value), before.interval);
      break;
    }
    case Operation::TimerGet: {
      kernel_sim::TimerSetting setting;
      const Value value = m_calls.timerfd_gettime(slot(a[0]), setting);
      note(value, hours(setting.value), setting.interval);
      break;
    }
    case Operation::ClockGet: {
      std::int64_t time = 0;
      note(m_calls.clock_gettime(number(0), time), time >= 0 ? 0 : 1);
      break;
    }
    case Operation::UsageGet: {
      kernel_sim::ResourceUsage usage;
      note(m_calls.getrusage(number(0), usage), usage.user_ns % 1000, usage.system_ns % 1000);
      break;
    }
    case Operation::SetCores:
      note(m_calls.sched_setaffinity(a[0], size(1)));
      break;
    case Operation::Unlink:
      note(m_calls.unlink(kPaths[size(0)]));
      break;
    case Operation::Fork:
      fork();
      break;
    case Operation::Wait: {
      if (m_state.process == 0 && m_state.has_other) break;  // would wait for a child that waits for its turn
      int status = 0;
      note(m_calls.wait(-1, status), status);
      break;
    }
    case Operation::Exit:
      m_calls.exit(number(0));
      break;
    default:
      execute_on_socket(step);
  }
}

}  // namespace sluice::differential
