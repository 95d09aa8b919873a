// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/printer.h"

#include <array>
#include <climits>
#include <fcntl.h>
#include <poll.h>
#include <string>

#include <fmt/format.h>

#include "kernel_sim/net/socket_options.h"
#include "kernel_sim/syscalls/trace_format.h"
#include "tests/differential/socket_steps.h"

namespace sluice::differential {

namespace {

std::string descriptor(std::int64_t slot) {
  if (slot == kNegativeDescriptor) return "-1";
  if (slot == kUnusedDescriptor) return std::to_string(kFirstOwnDescriptor - 1);
  return "d" + std::to_string(slot);
}

std::string address(std::int64_t value) {
  if (value == kNullAddress) return "NULL";
  if (value == kKernelAddress) return "(void *)0xffff800000000000";
  return value == 0 ? "arena" : fmt::format("arena + {:#x}", value);
}

std::string poll_events(std::int64_t events) {
  std::string text = syscalls::poll_entries(std::array{kernel_sim::PollEntry{0, static_cast<std::int16_t>(events), 0}});
  const auto from = text.find("events=") + 7;
  return text.substr(from, text.find(", revents") - from);
}

std::string number(std::int64_t value) {
  if (value == INT64_MAX) return "INT64_MAX";
  if (value == INT_MAX) return "INT_MAX";
  return std::to_string(value);
}

std::string argument(Kind kind, std::int64_t value) {
  const int as_int = static_cast<int>(value);
  switch (kind) {
    case Kind::Descriptor:
    case Kind::NewDescriptor:
      return descriptor(value);
    case Kind::Path:
      return '"' + std::string{kPaths[static_cast<std::size_t>(value)]} + '"';
    case Kind::OpenFlags:
      if (as_int == O_ACCMODE) return "O_ACCMODE";
      return syscalls::open_flags(as_int);
    case Kind::Mode:
      return fmt::format("0{:o}", value);
    case Kind::Address:
      return address(value);
    case Kind::Size:
      return value < 0 ? fmt::format("{:#x}", static_cast<std::uint64_t>(value)) : number(value);
    case Kind::OptionalOffset:
      return value == kNoOffset ? "NULL" : "&(loff_t){" + number(value) + "}";
    case Kind::Whence:
      return syscalls::seek_whence(as_int);
    case Kind::FcntlCommand:
      return syscalls::fcntl_command(as_int);
    case Kind::FileAdvice:
      return syscalls::file_advice(as_int);
    case Kind::MemoryAdvice:
      return syscalls::memory_advice(as_int);
    case Kind::SpliceFlags:
      return syscalls::splice_flags(static_cast<unsigned>(value));
    case Kind::PipeFlags:
      return syscalls::pipe_flags(as_int);
    case Kind::Protection:
      return syscalls::map_protection(as_int);
    case Kind::MapFlags:
      return syscalls::map_flags(as_int);
    case Kind::RemapFlags:
      return syscalls::remap_flags(as_int);
    case Kind::Signal:
      return syscalls::signal_name(as_int);
    case Kind::SignalHandler:
      return syscalls::signal_handler(static_cast<kernel_sim::SignalHandler>(value));
    case Kind::WaitsFor:
      return std::array{"read", "write", "nanosleep", "poll", "epoll_wait"}[static_cast<std::size_t>(value)];
    case Kind::MessageFlags:
      return syscalls::message_flags(as_int);
    case Kind::UnixName:
      return syscalls::endpoint({0, 0, AF_UNIX, std::string{kUnixNames[static_cast<std::size_t>(value)]}});
    case Kind::How:
      return syscalls::shutdown_how(as_int);
    case Kind::StreamSource:
      return std::array{"write", "vmsplice", "splice"}[static_cast<std::size_t>(value)];
    case Kind::PollEvents:
      return poll_events(value);
    case Kind::Clock:
      return syscalls::clock_name(as_int);
    case Kind::TimerFlags:
      return syscalls::timer_flags(as_int);
    case Kind::EventFlags:
      return syscalls::eventfd_flags(as_int);
    case Kind::EpollOperation:
      return syscalls::epoll_operation(as_int);
    case Kind::EpollEvents: {
      const std::string text = syscalls::epoll_event({static_cast<std::uint32_t>(value), 0});
      return text.substr(8, text.find(", data") - 8);
    }
    case Kind::None:
    case Kind::Offset:
    case Kind::FcntlArgument:
    case Kind::Pattern:
    case Kind::Status:
    case Kind::Target:
    case Kind::SocketOption:
    case Kind::Script:
      break;
  }
  return number(value);
}

}  // namespace

std::string to_source(const Step& step) {
  const Signature& signature = signature_of(step.operation);
  const auto& a = step.arguments;
  switch (step.operation) {
    case Operation::Pipe:
      return fmt::format("pipe2({{&{}, &{}}}, {});", descriptor(a[0]), descriptor(a[1]),
                         syscalls::pipe_flags(static_cast<int>(a[2])));
    case Operation::DupFrom:
      return fmt::format("{} = fcntl({}, {}, {});", descriptor(a[0]), descriptor(a[1]),
                         argument(Kind::FcntlCommand, a[3]), a[2]);
    case Operation::Fcntl:
      if (a[1] == F_SETFL)
        return fmt::format("fcntl({}, F_SETFL, {});", descriptor(a[0]), syscalls::open_flags(static_cast<int>(a[2])));
      break;
    case Operation::FillDisk:
      return fmt::format("fill_disk({});  // writes to a file until ENOSPC, then truncates it by so many pages", a[0]);
    case Operation::Stream:
      return fmt::format("stream({}, {}, {}, {}, {}, {});  // source, bytes, by, read by, pipe size, end after",
                         argument(Kind::StreamSource, a[0]), a[1], a[2], a[3], a[4], a[5]);
    case Operation::UnixPair:
      return fmt::format("socketpair(AF_UNIX, SOCK_STREAM|{}, 0, {{&{}, &{}}});", argument(Kind::PipeFlags, a[2]),
                         descriptor(a[0]), descriptor(a[1]));
    case Operation::Brk:
      return fmt::format("heap({}, {});  // brk(start + ...) to grow, to shrink, and back to the start", a[0], a[1]);
    case Operation::Raise:
      return "kill(getpid(), " + argument(Kind::Signal, a[0]) + ");";
    case Operation::Kill:
      return fmt::format("kill_child(in {}, {}, which is {} there);", argument(Kind::WaitsFor, a[0]),
                         argument(Kind::Signal, a[1]), argument(Kind::SignalHandler, a[2]));
    case Operation::SocketPair:
      return fmt::format("tcp_pair(&{}, &{});  // connected over 127.0.0.1, O_NONBLOCK, TCP_NODELAY", descriptor(a[0]),
                         descriptor(a[1]));
    case Operation::Socket:
      return descriptor(a[0]) + " = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);";
    case Operation::Connect:
      return "connect(" + descriptor(a[0]) + ", 127.0.0.1:1);  // where nobody listens";
    case Operation::Bind: {
      static constexpr std::array<const char*, kTargets> kNames = {"127.0.0.1:0",         "127.0.0.1, port of {}",
                                                                   "0.0.0.0, port of {}", "127.0.0.2, port of {}",
                                                                   "127.0.0.1:80",        "8.8.8.8:0"};
      return "bind(" + descriptor(a[0]) + ", " +
             fmt::format(fmt::runtime(kNames[static_cast<std::size_t>(a[1])]), descriptor(a[2])) + ");";
    }
    case Operation::ConnectTo:
      return fmt::format("connect({}, where {} is);", descriptor(a[0]), descriptor(a[1]));
    case Operation::Datagram:
      return fmt::format("{} = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);{}", descriptor(a[0]),
                         a[1] != 0 ? "  // and bind to 127.0.0.1:0" : "");
    case Operation::SendTo:
      return fmt::format("sendto({}, {}, {}, {}, where {} is);", descriptor(a[0]), address(a[1]),
                         argument(Kind::Size, a[2]), argument(Kind::MessageFlags, a[3]), descriptor(a[4]));
    case Operation::Dissolve:
      return "connect(" + descriptor(a[0]) + ", AF_UNSPEC);  // of a UDP socket";
    case Operation::UnixSocket:
      return descriptor(a[0]) + " = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);";
    case Operation::Setsockopt: {
      const OptionName& name = socket_option_at(a[1]);
      return fmt::format("setsockopt({}, {}, {});", descriptor(a[0]), net::socket_option_name(name.level, name.option),
                         a[2]);
    }
    case Operation::Getsockopt: {
      const OptionName& name = socket_option_at(a[1]);
      return fmt::format("getsockopt({}, {});", descriptor(a[0]), net::socket_option_name(name.level, name.option));
    }
    case Operation::Readv:
    case Operation::Writev:
    case Operation::Preadv:
    case Operation::Pwritev: {
      const bool at_offset = step.operation == Operation::Preadv || step.operation == Operation::Pwritev;
      const auto piece = [&](std::size_t i) {
        return "{" + address(a[i]) + ", " + argument(Kind::Size, a[i + 1]) + "}";
      };
      return fmt::format("{}({}, {{{}{}}}{});", signature.name, descriptor(a[0]), piece(1),
                         a[4] == kNoPiece ? "" : ", " + piece(3), at_offset ? ", " + number(a[5]) : "");
    }
    case Operation::Sendmsg:
    case Operation::Recvmsg: {
      const auto piece = [&](std::size_t i) {
        return "{" + address(a[i]) + ", " + argument(Kind::Size, a[i + 1]) + "}";
      };
      return fmt::format("{}({}, {{{}{}}}, {});", signature.name, descriptor(a[0]), piece(1),
                         a[4] == kNoPiece ? "" : ", " + piece(3), syscalls::message_flags(static_cast<int>(a[5])));
    }
    case Operation::Lend:
      return "lend({" + lend_text(a[0]) + "});";
    case Operation::Talk:
      return "talk({" + talk_text(a[0]) + "});";
    case Operation::Accept:
      return fmt::format("{} = accept4({}, NULL, NULL, SOCK_NONBLOCK);", descriptor(a[0]), descriptor(a[1]));
    case Operation::Poll:
      return fmt::format("poll({{{{{}, {}}}, {{{}, {}}}}}, 2, 0);", descriptor(a[0]), poll_events(a[1]),
                         descriptor(a[2]), poll_events(a[3]));
    case Operation::Store:
      return fmt::format("store({}, {}, seed {});", address(a[0]), a[1], a[2]);
    default:
      break;
  }
  std::string text;
  std::string result;
  for (std::size_t i = 0; i < kMostArguments; ++i) {
    const Kind kind = signature.arguments[i];
    if (kind == Kind::None) break;
    if (kind == Kind::NewDescriptor) {
      result = descriptor(a[i]) + " = ";
      continue;
    }
    if (!text.empty()) text += ", ";
    text += argument(kind, a[i]);
  }
  return result + std::string{signature.name} + '(' + text + ");";
}

std::string to_source(const Program& program, std::size_t mark) {
  std::string text = "  // files at the start:";
  for (std::size_t i = 0; i < kFiles; ++i) text += fmt::format(" {} of {} bytes", kPaths[i], program.file_sizes[i]);
  text += '\n';
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    text += fmt::format("{} {:2}: {}{}\n", i == mark ? "->" : "  ", i, step.process == 0 ? "" : "[child] ",
                        to_source(step));
  }
  if (mark >= program.steps.size()) text += "->  what is left at the end\n";
  return text;
}

}  // namespace sluice::differential
