// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/interpreter.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/differential/socket_steps.h"

namespace sluice::differential {

using kernel_sim::SystemCalls;
using kernel_sim::UserAddress;
using Value = SystemCalls::Value;

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint16_t kNobodysPort = 1;
/// Far from either end of user space, so that no size reaches beyond it on one side only.
constexpr UserAddress kArena{0x2000'0000'0000};
/// The interpreter's own memory lies behind the arena: what it reads with, and the byte that is handed over.
constexpr std::uint64_t kOwnMemory = kArenaSize;
constexpr std::uint64_t kOwnSize = std::uint64_t{64} << 10;

/// All that a process knows; a child starts with a copy.
struct State {
  const Program* program;
  Transcript* transcript;
  UserAddress arena;
  std::array<int, kSlots + 2> slots;
  int process = 0;
  std::uint32_t step = 0;
  bool has_other = false;  ///< there is another process, as far as this one knows
  bool running = true;     ///< this process has the turn
  std::int64_t child = 0;  ///< process id, for the parent
  int to_other = -1;
  int from_other = -1;
};

class Interpreter {
 public:
  Interpreter(SystemCalls& calls, const State& state) : m_calls(calls), m_state(state) {}

  void prepare();
  int run();

 private:
  void execute(const Step& step);
  void take_turn();
  void give_turn();
  void reap();
  void fork();
  static int run_child(SystemCalls& calls, std::span<const std::byte> arguments);

  void map(const Step& step);
  void fill_disk(const Step& step);
  void stream(const Step& step);
  void remap(const Step& step);
  void use_heap(const Step& step);
  void kill_child(const Step& step);
  Value write_stream(const Step& step, int to);
  void connect_pair(const Step& step);
  [[nodiscard]] std::vector<kernel_sim::IoVector> pieces(const Step& step) const;
  void note_pieces(Value value, std::span<const kernel_sim::IoVector> list);
  void receive_message(const Step& step);
  [[nodiscard]] bool is_directory(int fd);
  void look_at_descriptors();
  void look_at_files();

  void note(Value value, std::int64_t first = 0, std::int64_t second = 0, std::uint64_t data_size = 0) {
    m_state.transcript->add({m_state.step, m_state.process, value, {first, second}, 0, 0}, data_size);
  }
  /// `size` bytes at `at` belong to the answer. Noted after they were loaded, for that can end the process.
  void note_with_data(Value value, UserAddress at, std::uint64_t size) {
    const std::span<std::byte> room = m_state.transcript->room(size);
    m_calls.load(at, room);
    note(value, 0, 0, room.size());
  }
  void note_read(Value value, UserAddress at) {
    note_with_data(value, at, value > 0 ? static_cast<std::uint64_t>(value) : 0);
  }

  [[nodiscard]] UserAddress address(std::int64_t value) const {
    if (value == kNullAddress) return UserAddress::Null;
    if (value == kKernelAddress) return UserAddress{0xFFFF'8000'0000'0000U};
    return m_state.arena + static_cast<std::uint64_t>(value);
  }
  [[nodiscard]] UserAddress own(std::uint64_t offset = 0) const { return m_state.arena + (kOwnMemory + offset); }
  int& slot(std::int64_t number) { return m_state.slots[static_cast<std::size_t>(number)]; }
  void set_slot(std::int64_t number, Value fd) { slot(number) = fd >= 0 ? static_cast<int>(fd) : -1; }
  void note_new(std::int64_t number, Value fd) {
    set_slot(number, fd);
    note(fd);
  }

  SystemCalls& m_calls;
  State m_state;
};

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

// --- two processes ---------------------------------------------------------------------------------------------------

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

// --- steps -----------------------------------------------------------------------------------------------------------

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

/// The listener is there for this connection only.
void Interpreter::connect_pair(const Step& step) {
  const auto& a = step.arguments;
  const auto fd = [](Value value) { return static_cast<int>(value); };
  const Value listener = m_calls.socket(AF_INET, SOCK_STREAM, 0);
  m_calls.bind(fd(listener), {INADDR_LOOPBACK, 0});
  m_calls.listen(fd(listener), 1);
  kernel_sim::Endpoint endpoint;
  m_calls.getsockname(fd(listener), endpoint);
  const Value client = m_calls.socket(AF_INET, SOCK_STREAM, 0);
  const Value connected = m_calls.connect(fd(client), endpoint);
  const Value server = connected == 0 ? m_calls.accept(fd(listener), nullptr, 0) : connected;
  m_calls.close(fd(listener));
  for (const Value end : {client, server}) {
    m_calls.setsockopt(fd(end), IPPROTO_TCP, TCP_NODELAY, 1);
    m_calls.fcntl(fd(end), F_SETFL, O_NONBLOCK);
  }
  set_slot(a[0], client);
  set_slot(a[1], server);
  note(connected, client, server);
}

void Interpreter::fill_disk(const Step& step) {
  const auto fd = static_cast<int>(m_calls.open("full", O_CREAT | O_WRONLY, 0600));
  for (const std::uint64_t piece : {kOwnSize, kPage}) {
    while (m_calls.write(fd, own(), piece) > 0) {
    }
  }
  const Value size = m_calls.lseek(fd, 0, SEEK_END);
  const Value left = std::clamp<Value>(step.arguments[0], 0, 64) * static_cast<Value>(kPage);
  m_calls.ftruncate(fd, std::max<Value>(size - left, 0));
  m_calls.close(fd);
  note(0);
}

/// The reader of the stream goes before the end. A file has too little for a writer that would still have to notice.
bool ends_early(const Step& step) {
  return step.arguments[5] > 0 && static_cast<StreamSource>(step.arguments[0]) != StreamSource::Splice;
}

/// What is left of a timer, begun hours counted full: no program takes one.
std::int64_t hours(std::int64_t ns) {
  constexpr std::int64_t kHour = 3'600'000'000'000;
  return ns / kHour + (ns % kHour != 0 ? 1 : 0);
}

/// Nothing but the arena may change: on the host the rest belongs to this program itself.
void Interpreter::remap(const Step& step) {
  const auto& a = step.arguments;
  const auto within = [](std::int64_t at, std::int64_t size) {
    return at >= 0 && size >= 0 && size <= kArenaSize - at;
  };
  if (a[0] >= 0 && !within(a[0], a[1])) return;
  if ((a[3] & MREMAP_FIXED) != 0 && !within(a[4], a[2]) && a[2] > static_cast<std::int64_t>(kPage)) return;
  const auto new_size = static_cast<std::uint64_t>(a[2]);
  const Value at =
      m_calls.mremap(address(a[0]), static_cast<std::uint64_t>(a[1]), new_size, static_cast<int>(a[3]), address(a[4]));
  if (at < 0) return note(at);
  const Value distance = at - static_cast<Value>(m_state.arena);
  const bool inside = distance >= 0 && distance < kArenaSize;
  note(0, inside ? distance : 0, inside ? 1 : 0);
  if (inside) return;
  // Where it lies is the kernel's choice. It comes back to where it was, or goes.
  const auto outside = static_cast<UserAddress>(at);
  if (!within(a[0], a[2])) {
    note(m_calls.munmap(outside, new_size));
    return;
  }
  const Value back = m_calls.mremap(outside, new_size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, address(a[0]));
  note(back < 0 ? back : 0);
}

/// The host's own allocator has its heap there, too: nothing in between allocates, and all is as before in the end.
void Interpreter::use_heap(const Step& step) {
  const auto& a = step.arguments;
  const Value start = m_calls.brk(UserAddress::Null);
  const auto at = [&](std::int64_t distance) {
    return static_cast<UserAddress>(static_cast<std::uint64_t>(start + distance));
  };
  const Value refused = m_calls.brk(UserAddress{0xFFFF'8000'0000'0000U});
  const Value grown = m_calls.brk(at(a[0]));
  note(0, refused - start, grown - start);
  if (a[0] > 0) {
    m_calls.fill(at(0), std::byte{7}, 1);
    m_calls.fill(at(a[0] - 1), std::byte{8}, 1);
  }
  const Value shrunk = m_calls.brk(at(a[1]));
  std::array<std::byte, 1> byte{};
  if (a[1] > 0) m_calls.load(at(a[1] - 1), byte);
  note(0, shrunk - start, std::to_integer<int>(byte[0]));
  note(m_calls.brk(at(0)) - start);
}

/// A child that waits, and whose end is to come from a signal.
struct Waiting {
  WaitsFor what;
  int signal;
  kernel_sim::SignalHandler handler;
  int ready;
  UserAddress buffer;

  static int run(SystemCalls& calls, std::span<const std::byte> arguments) {
    Waiting waiting{};
    std::memcpy(&waiting, arguments.data(), sizeof waiting);
    calls.sigaction(waiting.signal, waiting.handler, 0);
    int ends[2] = {-1, -1};
    calls.pipe(ends);
    calls.write(waiting.ready, waiting.buffer, 1);
    std::array<kernel_sim::PollEntry, 1> entry = {{{ends[0], POLLIN, 0}}};
    std::vector<kernel_sim::EpollEvent> events;
    switch (waiting.what) {
      case WaitsFor::Data:
        calls.read(ends[0], waiting.buffer, 1);
        break;
      case WaitsFor::Space:
        while (calls.write(ends[1], waiting.buffer, kOwnSize) > 0) {
        }
        break;
      case WaitsFor::Time:
        calls.nanosleep(std::uint64_t{100'000'000'000});
        break;
      case WaitsFor::Descriptors:
        calls.poll(entry, -1);
        break;
      case WaitsFor::Events:
        calls.epoll_wait(static_cast<int>(calls.epoll_create1(0)), events, 1, -1);
    }
    return 1;
  }
};

void Interpreter::kill_child(const Step& step) {
  const auto& a = step.arguments;
  if (m_state.has_other) return;
  int ends[2] = {-1, -1};
  if (const Value made = m_calls.pipe(ends); made < 0) return note(made);
  const int signal = static_cast<int>(a[1]);
  const Waiting waiting{static_cast<WaitsFor>(a[0]), signal, static_cast<kernel_sim::SignalHandler>(a[2]), ends[1],
                        own()};
  const Value child = m_calls.fork(Waiting::run, std::as_bytes(std::span{&waiting, 1}));
  m_calls.close(ends[1]);
  m_calls.read(ends[0], own(), 1);
  m_calls.close(ends[0]);
  note(m_calls.kill(child, signal));
  m_calls.kill(child, SIGKILL);  // if that was not enough
  int status = 0;
  const Value waited = m_calls.wait(child, status);
  note(waited > 0 ? 1 : waited, status);
}

/// What the reader of a stream is told.
struct StreamReader {
  UserAddress buffer;
  int from;
  int not_its;
  std::uint64_t piece;
  std::uint64_t most;  ///< it ends after so many bytes

  static int run(SystemCalls& calls, std::span<const std::byte> arguments) {
    StreamReader reader{};
    std::memcpy(&reader, arguments.data(), sizeof reader);
    calls.close(reader.not_its);
    std::vector<std::byte> bytes(reader.piece);
    unsigned sum = 1;
    for (std::uint64_t got = 0; got < reader.most;) {
      const Value n = calls.read(reader.from, reader.buffer, reader.piece);
      if (n <= 0) return static_cast<int>((n < 0 ? -n : sum) & 0x7F);
      calls.load(reader.buffer, std::span{bytes}.first(static_cast<std::size_t>(n)));
      for (Value i = 0; i < n; ++i) sum = sum * 31 + std::to_integer<unsigned>(bytes[static_cast<std::size_t>(i)]);
      got += static_cast<std::uint64_t>(n);
    }
    return 0x80;
  }
};

/// The one operation whose calls wait. What was read when does not count: only which bytes arrived, and how both ended.
void Interpreter::stream(const Step& step) {
  const auto& a = step.arguments;
  if (m_state.has_other) return;
  int ends[2] = {-1, -1};
  if (const Value made = m_calls.pipe(ends); made < 0) return note(made);
  note(m_calls.fcntl(ends[1], F_SETPIPE_SZ, std::clamp<std::int64_t>(a[4], 1, 1 << 20)));
  const std::uint64_t piece = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(a[3]), 1, kOwnSize);
  const StreamReader reader{own(), ends[0], ends[1], piece,
                            ends_early(step) ? static_cast<std::uint64_t>(a[5]) : UINT64_MAX};
  const Value child = m_calls.fork(StreamReader::run, std::as_bytes(std::span{&reader, 1}));
  m_calls.close(ends[0]);
  const Value written = write_stream(step, ends[1]);
  m_calls.close(ends[1]);
  int status = 0;
  const Value waited = m_calls.wait(child, status);
  note(waited > 0 ? 1 : waited, written, status);
}

Value Interpreter::write_stream(const Step& step, int to) {
  const auto& a = step.arguments;
  // A writer whose reader ends must not be done before: whether it is, would be a race.
  const std::uint64_t total =
      ends_early(step) ? kRegionSize : std::clamp<std::uint64_t>(static_cast<std::uint64_t>(a[1]), 0, kRegionSize);
  const std::uint64_t piece = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(a[2]), 1, kRegionSize);
  const Value file = m_calls.open(kPaths[0], O_RDONLY, 0);
  std::uint64_t done = 0;
  Value moved = 1;
  while (done < total && moved > 0) {
    const std::uint64_t size = std::min(piece, total - done);
    switch (static_cast<StreamSource>(a[0])) {
      case StreamSource::Write:
        moved = m_calls.write(to, m_state.arena + done, size);
        break;
      case StreamSource::Vmsplice:
        moved = m_calls.vmsplice(to, m_state.arena + done, size, 0);
        break;
      case StreamSource::Splice:
        moved = m_calls.splice(static_cast<int>(file), nullptr, to, nullptr, size, 0);
    }
    done += moved > 0 ? static_cast<std::uint64_t>(moved) : 0;
  }
  m_calls.close(static_cast<int>(file));
  return moved < 0 ? moved : static_cast<Value>(done);
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

void Interpreter::receive_message(const Step& step) {
  const std::vector<kernel_sim::IoVector> list = pieces(step);
  const auto flags = static_cast<int>(step.arguments[5]);
  kernel_sim::MessageFlags message_flags;
  std::optional<kernel_sim::SocketError> error;
  const Value value = m_calls.recvmsg(slot(step.arguments[0]), list, flags, message_flags, error);
  if ((flags & MSG_TRUNC) != 0) {
    note(value);  // nothing was put anywhere
  } else {
    note_pieces(value, list);
  }
  const kernel_sim::SocketError record = error.value_or(kernel_sim::SocketError{});
  note(message_flags.value, std::int64_t{record.info} << 32 | record.data,
       std::int64_t{record.code} << 32 | record.origin);
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
    case Operation::UnixPair: {
      int ends[2] = {-1, -1};
      const Value value = m_calls.socketpair(AF_UNIX, SOCK_STREAM | number(2), 0, ends);
      set_slot(a[0], ends[0]);
      set_slot(a[1], ends[1]);
      note(value, ends[0], ends[1]);
      break;
    }
    case Operation::SocketPair:
      connect_pair(step);
      break;
    case Operation::Socket:
      note_new(a[0], m_calls.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      break;
    case Operation::Connect:
      note(m_calls.connect(slot(a[0]), {INADDR_LOOPBACK, kNobodysPort}));
      break;
    case Operation::Bind:
      note(m_calls.bind(slot(a[0]), endpoint_of(m_calls, static_cast<Target>(a[1]), slot(a[2]))));
      break;
    case Operation::ConnectTo:
      note(connect_to(m_calls, slot(a[0]), slot(a[1])));
      break;
    case Operation::Setsockopt: {
      const OptionName& name = socket_option_at(a[1]);
      note(m_calls.setsockopt(slot(a[0]), name.level, name.option, number(2)));
      break;
    }
    case Operation::Getsockopt: {
      const OptionName& name = socket_option_at(a[1]);
      int value = 0;
      const Value answer = m_calls.getsockopt(slot(a[0]), name.level, name.option, value);
      note(answer, answer == 0 ? value : 0);
      break;
    }
    case Operation::Talk:
      for (const TalkAnswer& answer : talk(m_calls, own(), a[0])) {
        if (answer.talk == Talk::End) break;
        note(answer.value, static_cast<std::int64_t>(answer.talk), static_cast<std::int64_t>(answer.waited));
      }
      break;
    case Operation::Listen:
      note(m_calls.listen(slot(a[0]), number(1)));
      break;
    case Operation::Accept:
      note_new(a[0], m_calls.accept(slot(a[1]), nullptr, SOCK_NONBLOCK));
      break;
    case Operation::Send:
      note(m_calls.send(slot(a[0]), address(a[1]), size(2), number(3)));
      break;
    case Operation::Recv: {
      const Value value = m_calls.recv(slot(a[0]), address(a[1]), size(2), number(3));
      if ((a[3] & MSG_TRUNC) != 0) {
        note(value);  // nothing was put anywhere
      } else {
        note_read(value, address(a[1]));
      }
      break;
    }
    case Operation::Sendmsg:
      note(m_calls.sendmsg(slot(a[0]), pieces(step), number(5)));
      break;
    case Operation::Recvmsg:
      receive_message(step);
      break;
    case Operation::Lend:
      // Behind the interpreter's own memory nothing is mapped that it could read: the last region never is.
      for (const LendAnswer& answer : lend(m_calls, own(), address(kArenaSize - kRegionSize), a[0]))
        note(answer.value, answer.also[0], answer.also[1]);
      break;
    case Operation::Shutdown:
      note(m_calls.shutdown(slot(a[0]), number(1)));
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
  }
}

// --- what is left at the end -----------------------------------------------------------------------------------------

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

}  // namespace

int interpret(SystemCalls& calls, const Program& program, Transcript& transcript) {
  State state{};
  state.program = &program;
  state.transcript = &transcript;
  Interpreter interpreter{calls, state};
  interpreter.prepare();
  return interpreter.run();
}

}  // namespace sluice::differential
