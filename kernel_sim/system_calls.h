// SPDX-License-Identifier: Apache-2.0
// The abstract interface of a program to its kernel. A program written against it runs on the simulated kernel and on
// the host's Linux unchanged.
//
// - system_calls.def lists the calls.
// - Every call returns what Linux's system call returns: a value >= 0, or a negated error number.
// - Flags and constants are Linux's own (<fcntl.h>, <sys/mman.h>, <sys/socket.h>, ...).
// - Memory is named by address in the program's own address space and touched only through load, store and fill.
//   A program never dereferences an address. An access that the kernel cannot resolve ends the task (SIGSEGV, SIGBUS).
// - fork takes a plain function and a copy of its arguments, for host-compiled code cannot return twice.
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

namespace sluice::kernel_sim {

/// An address in the program's own address space.
enum class UserAddress : std::uint64_t { Null = 0 };
constexpr UserAddress operator+(UserAddress a, std::uint64_t n) {
  return static_cast<UserAddress>(static_cast<std::uint64_t>(a) + n);
}

/// One buffer of a list (struct iovec).
struct IoVector {
  UserAddress base = UserAddress::Null;
  std::uint64_t size = 0;
};
struct FileStatus {
  std::uint64_t size = 0;
  std::uint32_t mode = 0;  ///< as st_mode
  std::uint32_t block_size = 0;
};
/// Where a socket is (struct sockaddr): an IPv4 address and a port in host byte order, or the name of an AF_UNIX
/// socket. AF_UNSPEC is no address.
struct Endpoint {
  std::uint32_t address = 0;
  std::uint16_t port = 0;
  std::uint16_t family = AF_INET;
  std::string name = {};  ///< of AF_UNIX: a path, or an abstract name behind a byte 0; empty: none
};
inline const Endpoint kNowhere{0, 0, AF_UNSPEC};
/// What an epoll instance watches for, or tells; `data` is the program's own.
struct EpollEvent {
  std::uint32_t events = 0;
  std::uint64_t data = 0;
};
/// What recvmsg says of a message (msg_flags).
struct MessageFlags {
  int value = 0;
};
/// A record of a socket's error queue (struct sock_extended_err). Of SO_EE_ORIGIN_ZEROCOPY: calls number `info` to
/// `data` are done with their buffers; SO_EE_CODE_ZEROCOPY_COPIED says that the kernel copied them after all.
struct SocketError {
  std::uint32_t error = 0;
  std::uint8_t origin = 0;
  std::uint8_t type = 0;
  std::uint8_t code = 0;
  std::uint32_t info = 0;
  std::uint32_t data = 0;
  bool operator==(const SocketError&) const = default;
};
/// When a timer expires next, and then how often, in nanoseconds (struct itimerspec); 0: not at all.
struct TimerSetting {
  std::int64_t value = 0;
  std::int64_t interval = 0;
};
/// What a process has used so far (struct rusage); times are whole microseconds.
struct ResourceUsage {
  std::int64_t user_ns = 0;
  std::int64_t system_ns = 0;
  std::int64_t minor_faults = 0;
  std::int64_t major_faults = 0;
  std::int64_t voluntary_switches = 0;
  std::int64_t involuntary_switches = 0;
};
struct PollEntry {
  int fd = -1;
  std::int16_t events = 0;
  std::int16_t returned = 0;
};

/// Signals are numbered from 1 (_NSIG).
inline constexpr int kSignals = 64;
/// What a signal does.
enum class SignalHandler : std::uint8_t {
  Default,  ///< SIG_DFL
  Ignore,   ///< SIG_IGN
  Program   ///< a function of the program's, see next_signal
};
/// The largest answer of mincore.
inline constexpr std::uint64_t kMostResidency = std::uint64_t{1} << 20;

enum class Call : std::uint8_t {
#define SLUICE_SYSTEM_CALL(constant, name, parameters) constant,
#include "kernel_sim/system_calls.def"
};
inline constexpr auto kCallNames = std::to_array<std::string_view>({
#define SLUICE_SYSTEM_CALL(constant, name, parameters) #name,
#include "kernel_sim/system_calls.def"
});
inline constexpr std::size_t kCalls = kCallNames.size();
constexpr std::string_view name_of(Call call) { return kCallNames[static_cast<std::size_t>(call)]; }

class SystemCalls {
 public:
  using Value = std::int64_t;  ///< >= 0, or -errno
  /// Runs in the child; its return value is the exit status. `arguments` is the child's own copy.
  using Entry = int (*)(SystemCalls& calls, std::span<const std::byte> arguments);

  virtual ~SystemCalls() = default;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#define SLUICE_SYSTEM_CALL(constant, name, parameters) \
  virtual Value name parameters { return missing(Call::constant); }
#define SLUICE_CALL_WITHOUT_RETURN(constant, name, parameters) [[noreturn]] virtual void name parameters = 0;
#include "kernel_sim/system_calls.def"
#pragma GCC diagnostic pop

  // --- the program's own work -------------------------------------------------------------------------------------
  virtual void load(UserAddress from, std::span<std::byte> to) = 0;
  virtual void store(UserAddress to, std::span<const std::byte> from) = 0;
  virtual void fill(UserAddress to, std::byte value, std::uint64_t size) = 0;
  /// Computes for `work` units; a unit is about a nanosecond of a core at nominal frequency.
  virtual void compute(std::uint64_t work) = 0;

  // --- handlers of signals ----------------------------------------------------------------------------------------
  /// What a call answers that a handler with SA_RESTART interrupted: the program runs the handler and calls again.
  static constexpr Value kRestart = -512;  // -ERESTARTSYS
  /// Asked when a call has returned: the signal whose handler is to run now; 0 for none.
  virtual int next_signal() { return 0; }
  /// That handler has returned.
  virtual void signal_handled(int /*signal*/) {}

 protected:
  /// What a call answers that a kernel does not have.
  virtual Value missing(Call /*call*/) { return -ENOSYS; }
};

/// Marks around what is measured. Marks are not calls: they cost nothing and no kernel sees them.
class Measurement {
 public:
  virtual ~Measurement() = default;
  virtual void begin() = 0;
  /// A transfer of a file starts now (its latency runs from here to its last byte at the peer). Transfers are numbered
  /// by the program's connections, of one by its passes, and of one by its files.
  virtual void file_begins(std::uint64_t index) = 0;
  virtual void end() = 0;
};

}  // namespace sluice::kernel_sim
