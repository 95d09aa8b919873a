// SPDX-License-Identifier: Apache-2.0
// A program of system calls as data: generated, run, printed and shrunk without knowing what each call does.
//
// - A step is one call. Its arguments are numbers whose kinds `signature_of` gives.
// - Descriptors are named by slot, so that a program keeps its meaning when steps are taken out of it.
// - Memory is named by its distance from the start of an arena that both kernels map before the first step.
// - Steps run in their order, whichever process they belong to: the processes hand over to each other (interpreter.h).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::differential {

enum class Operation : std::uint8_t {
  Open,
  Close,
  Read,
  Write,
  Pread,
  Pwrite,
  Readv,  ///< into two pieces of memory, or one
  Writev,
  Preadv,
  Pwritev,
  Lseek,
  Fstat,
  Ftruncate,
  Fsync,
  Fadvise,
  Fcntl,
  Dup,
  DupFrom,  ///< fcntl(F_DUPFD, F_DUPFD_CLOEXEC)
  Dup3,
  Sendfile,
  CopyFileRange,
  Splice,
  Tee,
  Vmsplice,
  Pipe,
  Mmap,
  Munmap,
  Mprotect,
  Mincore,
  Mremap,  ///< what the kernel puts outside of the arena comes back to where it was
  Brk,     ///< grows the heap, shrinks it, and leaves it as it was
  Madvise,
  Load,
  Store,
  Fill,
  Poll,
  EpollCreate,
  EpollControl,
  EpollWait,  ///< without waiting
  EventFd,
  TimerCreate,
  TimerSet,  ///< a timer that does not expire within the program, or none
  TimerGet,
  ClockGet,  ///< what it answers, not what time it is
  UsageGet,
  SetCores,    ///< to a set without any
  UnixPair,    ///< socketpair(AF_UNIX, SOCK_STREAM)
  SocketPair,  ///< two connected TCP sockets over 127.0.0.1, non-blocking and without Nagle's delay
  Socket,
  Connect,    ///< to a port where nobody listens
  Bind,       ///< as socket_steps.h names it
  ConnectTo,  ///< to where another socket is
  Setsockopt,
  Getsockopt,
  Talk,  ///< a connection of its own, and how long its answers take
  Listen,
  Accept,
  Send,
  Recv,
  Sendmsg,  ///< from two pieces of memory, or one
  Recvmsg,
  Lend,  ///< a connection of its own, of which one end sends with MSG_ZEROCOPY
  Shutdown,
  Datagram,  ///< a UDP socket, non-blocking: 0 without a name, 1 at 127.0.0.1
  SendTo,    ///< to where another socket is
  RecvFrom,
  PeerName,
  Dissolve,      ///< connect to AF_UNSPEC, of a UDP socket
  UnixSocket,    ///< socket(AF_UNIX, SOCK_STREAM), non-blocking
  UnixBind,      ///< to one of kUnixNames
  UnixConnect,   ///< to one of kUnixNames
  WaitingBytes,  ///< ioctl(FIONREAD)
  SocketNames,   ///< getsockname and getpeername
  Unlink,
  Fork,
  Wait,
  Exit,
  FillDisk,  ///< writes a file until no block is free, and cuts it by so many pages
  Sigaction,
  Raise,   ///< kill, of itself
  Kill,    ///< of a child that waits for something
  Stream,  ///< one process writes to a pipe and another reads it; both wait for each other
};
inline constexpr std::size_t kOperations = 82;

enum class Kind : std::uint8_t {
  None,
  Descriptor,     ///< slot
  NewDescriptor,  ///< slot that the result goes to
  Path,           ///< index into kPaths
  OpenFlags,
  Mode,
  Address,  ///< distance from the start of the arena, or one of the bad addresses below
  Size,
  Offset,
  OptionalOffset,  ///< kNoOffset: a null pointer
  Whence,
  FcntlCommand,
  FcntlArgument,
  FileAdvice,
  MemoryAdvice,
  SpliceFlags,
  PipeFlags,
  Protection,
  MapFlags,
  RemapFlags,
  PollEvents,
  EpollOperation,
  EpollEvents,
  EventFlags,
  Clock,
  TimerFlags,
  StreamSource,
  MessageFlags,
  How,
  Target,
  SocketOption,
  Script,
  UnixName,  ///< index into kUnixNames
  Pattern,   ///< seed of the bytes that are stored, or the byte itself
  Status,
  Signal,
  SignalHandler,  ///< 0: SIG_DFL, 1: SIG_IGN
  WaitsFor,
};

inline constexpr std::size_t kMostArguments = 6;
struct Signature {
  std::string_view name;
  std::array<Kind, kMostArguments> arguments;
};
const Signature& signature_of(Operation operation);

inline constexpr std::int64_t kSlots = 12;
inline constexpr std::int64_t kNegativeDescriptor = kSlots;    ///< a slot that always holds -1
inline constexpr std::int64_t kUnusedDescriptor = kSlots + 1;  ///< a slot that holds a number nobody has opened
inline constexpr std::int64_t kNoOffset = INT64_MIN;
inline constexpr std::int64_t kNoPiece = INT64_MIN;  ///< the size of a second piece of memory that there is not

/// The arena: regions of one size. Region 0 is mapped from the start, the last one never is.
inline constexpr std::int64_t kRegionSize = std::int64_t{1} << 20;
inline constexpr std::int64_t kRegions = 8;
inline constexpr std::int64_t kArenaSize = kRegions * kRegionSize;
inline constexpr std::int64_t kNullAddress = -1;
inline constexpr std::int64_t kKernelAddress = -2;  ///< in the upper half, where programs have nothing

/// Descriptors of a process, by number: RLIMIT_NOFILE. The highest ones are the interpreter's, for handing over.
inline constexpr int kMostDescriptors = 48;
inline constexpr int kFirstOwnDescriptor = 40;

/// What programs may open. The first kFiles exist at the start, the next one can be created.
inline constexpr std::size_t kFiles = 3;
inline constexpr std::array<std::string_view, 9> kPaths = {"a", "b", "c", "new", "", "none", ".", "a/b", "none/below"};

/// Names of AF_UNIX: abstract ones behind a byte 0, paths, and none.
inline constexpr std::array<std::string_view, 7> kUnixNames = {
    std::string_view{"\0one", 4}, std::string_view{"\0two", 4}, "new", "a", "none/below", ".", ""};

struct Step {
  Operation operation = Operation::Close;
  int process = 0;  ///< 1: the child, which the first Fork makes
  std::array<std::int64_t, kMostArguments> arguments{};
};

/// Where the bytes of a Stream come from.
enum class StreamSource : std::uint8_t { Write, Vmsplice, Splice };
inline constexpr std::int64_t kStreamSources = 3;

/// What a child waits for that is to be killed.
enum class WaitsFor : std::uint8_t { Data, Space, Time, Descriptors, Events };
inline constexpr std::int64_t kWaits = 5;

/// The disk of a program that fills it.
inline constexpr std::uint64_t kSmallDisk = std::uint64_t{8} << 20;

struct Program {
  std::array<std::uint64_t, kFiles> file_sizes{};  ///< in bytes, at the start
  std::vector<Step> steps;
};
/// Whether any step fills the disk.
bool fills_disk(const Program& program);
/// Whether any step makes a socket.
bool uses_sockets(const Program& program);

/// Byte `offset` of file number `file` at the start, or of what Store writes with this seed. Pages differ from each
/// other, and so do the bytes of one.
std::byte pattern(std::uint64_t seed, std::uint64_t offset);

}  // namespace sluice::differential
