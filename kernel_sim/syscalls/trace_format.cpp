// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/syscalls/trace_format.h"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <initializer_list>
#include <poll.h>
#include <string_view>
#include <unistd.h>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

namespace sluice::syscalls {

namespace {

struct Name {
  std::int64_t value;
  std::string_view text;
};

/// The constant's name, else the number.
std::string one_of(std::int64_t value, std::initializer_list<Name> names) {
  for (const Name& name : names) {
    if (name.value == value) return std::string{name.text};
  }
  return fmt::format("{:#x}", value);
}

/// Names joined by "|", with what no name covers as a number at the end. `none` is what no flag at all prints as.
std::string all_of(std::int64_t value, std::initializer_list<Name> names, std::string_view none) {
  if (value == 0) return std::string{none};
  std::string text;
  for (const Name& name : names) {
    if ((value & name.value) != name.value) continue;
    if (!text.empty()) text += '|';
    text += name.text;
    value &= ~name.value;
  }
  if (value != 0) text += (text.empty() ? "" : "|") + fmt::format("{:#x}", value);
  return text;
}

}  // namespace

std::string address(kernel_sim::UserAddress address) {
  if (address == kernel_sim::UserAddress::Null) return "NULL";
  return fmt::format("{:#x}", static_cast<std::uint64_t>(address));
}

std::string optional_offset(const std::int64_t* offset) {
  return offset == nullptr ? "NULL" : fmt::format("[{}]", *offset);
}

namespace {
std::string unix_name(const std::string& name) {
  if (name.empty()) return "{sa_family=AF_UNIX}, 2";
  const bool abstract = name.front() == '\0';
  return fmt::format("{{sa_family=AF_UNIX, sun_path={}\"{}\"}}, {}", abstract ? "@" : "", name.substr(abstract ? 1 : 0),
                     2 + name.size() + (abstract ? 0 : 1));
}
}  // namespace

std::string endpoint(const kernel_sim::Endpoint& e) {
  if (e.family == AF_UNIX) return unix_name(e.name);
  if (e.family != AF_INET) return fmt::format("{{sa_family={}}}, 16", e.family);
  return fmt::format("{{sa_family=AF_INET, sin_port=htons({}), sin_addr=inet_addr(\"{}.{}.{}.{}\")}}, 16", e.port,
                     e.address >> 24, (e.address >> 16) & 0xFF, (e.address >> 8) & 0xFF, e.address & 0xFF);
}

std::string optional_endpoint(const kernel_sim::Endpoint* e) {
  return e == nullptr || e->family == AF_UNSPEC ? "NULL, 0" : endpoint(*e);
}

std::string io_vectors(std::span<const kernel_sim::IoVector> vectors) {
  std::string text = "[";
  for (const auto& vector : vectors) {
    if (text.size() > 1) text += ", ";
    text += fmt::format("{{iov_base={}, iov_len={}}}", address(vector.base), vector.size);
  }
  return text + "]";
}

std::string message(const kernel_sim::Endpoint* name, std::span<const kernel_sim::IoVector> vectors, int flags) {
  const std::string named = name == nullptr ? "NULL, msg_namelen=0" : endpoint(*name);
  return fmt::format("{{msg_name={}, msg_iov={}, msg_iovlen={}, msg_flags={}}}", named, io_vectors(vectors),
                     vectors.size(), message_flags(flags));
}

std::string poll_entries(std::span<const kernel_sim::PollEntry> entries) {
  const auto bits = [](std::int16_t value) {
    return all_of(static_cast<std::uint16_t>(value),
                  {{POLLIN, "POLLIN"},
                   {POLLPRI, "POLLPRI"},
                   {POLLOUT, "POLLOUT"},
                   {POLLERR, "POLLERR"},
                   {POLLHUP, "POLLHUP"},
                   {POLLNVAL, "POLLNVAL"},
                   {POLLRDNORM, "POLLRDNORM"},
                   {POLLWRNORM, "POLLWRNORM"}},
                  "0");
  };
  std::string text = "[";
  for (const auto& entry : entries) {
    if (text.size() > 1) text += ", ";
    text += fmt::format("{{fd={}, events={}, revents={}}}", entry.fd, bits(entry.events), bits(entry.returned));
  }
  return text + "]";
}

std::string epoll_create_flags(int flags) { return all_of(flags, {{EPOLL_CLOEXEC, "EPOLL_CLOEXEC"}}, "0"); }

std::string eventfd_flags(int flags) {
  return all_of(flags, {{EFD_SEMAPHORE, "EFD_SEMAPHORE"}, {EFD_CLOEXEC, "EFD_CLOEXEC"}, {EFD_NONBLOCK, "EFD_NONBLOCK"}},
                "0");
}

std::string clock_name(int clock) {
  return one_of(clock, {{CLOCK_REALTIME, "CLOCK_REALTIME"},
                        {CLOCK_MONOTONIC, "CLOCK_MONOTONIC"},
                        {CLOCK_PROCESS_CPUTIME_ID, "CLOCK_PROCESS_CPUTIME_ID"},
                        {CLOCK_THREAD_CPUTIME_ID, "CLOCK_THREAD_CPUTIME_ID"}});
}

std::string resource_who(int who) {
  return one_of(who,
                {{RUSAGE_SELF, "RUSAGE_SELF"}, {RUSAGE_CHILDREN, "RUSAGE_CHILDREN"}, {RUSAGE_THREAD, "RUSAGE_THREAD"}});
}

std::string timerfd_flags(int flags) {
  return all_of(flags, {{TFD_CLOEXEC, "TFD_CLOEXEC"}, {TFD_NONBLOCK, "TFD_NONBLOCK"}}, "0");
}

std::string timer_flags(int flags) {
  return all_of(flags, {{TFD_TIMER_ABSTIME, "TFD_TIMER_ABSTIME"}, {TFD_TIMER_CANCEL_ON_SET, "TFD_TIMER_CANCEL_ON_SET"}},
                "0");
}

std::string timer_setting(const kernel_sim::TimerSetting& setting) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const auto time = [](std::int64_t ns) {
    return fmt::format("{{tv_sec={}, tv_nsec={}}}", ns / kSecond, ns % kSecond);
  };
  return fmt::format("{{it_interval={}, it_value={}}}", time(setting.interval), time(setting.value));
}

std::string epoll_operation(int operation) {
  return one_of(operation,
                {{EPOLL_CTL_ADD, "EPOLL_CTL_ADD"}, {EPOLL_CTL_DEL, "EPOLL_CTL_DEL"}, {EPOLL_CTL_MOD, "EPOLL_CTL_MOD"}});
}

std::string epoll_event(const kernel_sim::EpollEvent& event) {
  const std::string bits = all_of(event.events,
                                  {{EPOLLIN, "EPOLLIN"},
                                   {EPOLLPRI, "EPOLLPRI"},
                                   {EPOLLOUT, "EPOLLOUT"},
                                   {EPOLLRDNORM, "EPOLLRDNORM"},
                                   {EPOLLRDBAND, "EPOLLRDBAND"},
                                   {EPOLLWRNORM, "EPOLLWRNORM"},
                                   {EPOLLWRBAND, "EPOLLWRBAND"},
                                   {EPOLLMSG, "EPOLLMSG"},
                                   {EPOLLERR, "EPOLLERR"},
                                   {EPOLLHUP, "EPOLLHUP"},
                                   {EPOLLRDHUP, "EPOLLRDHUP"},
                                   {EPOLLEXCLUSIVE, "EPOLLEXCLUSIVE"},
                                   {EPOLLWAKEUP, "EPOLLWAKEUP"},
                                   {EPOLLONESHOT, "EPOLLONESHOT"},
                                   {std::int64_t{EPOLLET}, "EPOLLET"}},
                                  "0");
  return fmt::format("{{events={}, data={{u32={}, u64={}}}}}", bits, event.data & 0xFFFF'FFFFU, event.data);
}

std::string epoll_events(std::span<const kernel_sim::EpollEvent> events) {
  std::string text = "[";
  for (const auto& event : events) text += (text.size() > 1 ? ", " : "") + epoll_event(event);
  return text + "]";
}

std::string open_flags(int flags) {
  const std::string access =
      one_of(flags & O_ACCMODE, {{O_RDONLY, "O_RDONLY"}, {O_WRONLY, "O_WRONLY"}, {O_RDWR, "O_RDWR"}});
  const int rest = flags & ~O_ACCMODE;
  if (rest == 0) return access;
  return access + "|" +
         all_of(rest,
                {{O_CREAT, "O_CREAT"},
                 {O_EXCL, "O_EXCL"},
                 {O_TRUNC, "O_TRUNC"},
                 {O_APPEND, "O_APPEND"},
                 {O_NONBLOCK, "O_NONBLOCK"},
                 {O_SYNC, "O_SYNC"},
                 {O_DSYNC, "O_DSYNC"},
                 {O_DIRECT, "O_DIRECT"},
                 {O_TMPFILE, "O_TMPFILE"},
                 {O_DIRECTORY, "O_DIRECTORY"},
                 {O_PATH, "O_PATH"},
                 {O_NOFOLLOW, "O_NOFOLLOW"},
                 {O_NOATIME, "O_NOATIME"},
                 {O_ASYNC, "O_ASYNC"},
                 {O_CLOEXEC, "O_CLOEXEC"}},
                "");
}

std::string pipe_flags(int flags) {
  return all_of(flags, {{O_NONBLOCK, "O_NONBLOCK"}, {O_CLOEXEC, "O_CLOEXEC"}, {O_DIRECT, "O_DIRECT"}}, "0");
}

std::string file_mode(std::uint32_t mode) {
  const std::string kind =
      one_of(mode & S_IFMT, {{S_IFREG, "S_IFREG"}, {S_IFDIR, "S_IFDIR"}, {S_IFIFO, "S_IFIFO"}, {S_IFSOCK, "S_IFSOCK"}});
  return fmt::format("{}|{:#o}", kind, mode & ~std::uint32_t{S_IFMT});
}

std::string seek_whence(int whence) {
  return one_of(whence, {{SEEK_SET, "SEEK_SET"},
                         {SEEK_CUR, "SEEK_CUR"},
                         {SEEK_END, "SEEK_END"},
                         {SEEK_DATA, "SEEK_DATA"},
                         {SEEK_HOLE, "SEEK_HOLE"}});
}

std::string fcntl_command(int command) {
  return one_of(command, {{F_DUPFD, "F_DUPFD"},
                          {F_DUPFD_CLOEXEC, "F_DUPFD_CLOEXEC"},
                          {F_GETFL, "F_GETFL"},
                          {F_SETFL, "F_SETFL"},
                          {F_GETFD, "F_GETFD"},
                          {F_SETFD, "F_SETFD"},
                          {F_SETPIPE_SZ, "F_SETPIPE_SZ"},
                          {F_GETPIPE_SZ, "F_GETPIPE_SZ"}});
}

std::string file_advice(int advice) {
  return one_of(advice, {{POSIX_FADV_NORMAL, "POSIX_FADV_NORMAL"},
                         {POSIX_FADV_RANDOM, "POSIX_FADV_RANDOM"},
                         {POSIX_FADV_SEQUENTIAL, "POSIX_FADV_SEQUENTIAL"},
                         {POSIX_FADV_WILLNEED, "POSIX_FADV_WILLNEED"},
                         {POSIX_FADV_DONTNEED, "POSIX_FADV_DONTNEED"},
                         {POSIX_FADV_NOREUSE, "POSIX_FADV_NOREUSE"}});
}

std::string memory_advice(int advice) {
  return one_of(advice, {{MADV_NORMAL, "MADV_NORMAL"},
                         {MADV_RANDOM, "MADV_RANDOM"},
                         {MADV_SEQUENTIAL, "MADV_SEQUENTIAL"},
                         {MADV_WILLNEED, "MADV_WILLNEED"},
                         {MADV_DONTNEED, "MADV_DONTNEED"},
                         {MADV_FREE, "MADV_FREE"},
                         {MADV_REMOVE, "MADV_REMOVE"},
                         {MADV_DONTFORK, "MADV_DONTFORK"},
                         {MADV_DOFORK, "MADV_DOFORK"},
                         {MADV_MERGEABLE, "MADV_MERGEABLE"},
                         {MADV_UNMERGEABLE, "MADV_UNMERGEABLE"},
                         {MADV_DONTDUMP, "MADV_DONTDUMP"},
                         {MADV_DODUMP, "MADV_DODUMP"},
                         {MADV_WIPEONFORK, "MADV_WIPEONFORK"},
                         {MADV_KEEPONFORK, "MADV_KEEPONFORK"},
                         {MADV_COLD, "MADV_COLD"},
                         {MADV_PAGEOUT, "MADV_PAGEOUT"},
                         {MADV_POPULATE_READ, "MADV_POPULATE_READ"},
                         {MADV_POPULATE_WRITE, "MADV_POPULATE_WRITE"},
                         {MADV_HUGEPAGE, "MADV_HUGEPAGE"},
                         {MADV_NOHUGEPAGE, "MADV_NOHUGEPAGE"}});
}

std::string remap_flags(int flags) {
  return all_of(flags, {{MREMAP_MAYMOVE, "MREMAP_MAYMOVE"}, {MREMAP_FIXED, "MREMAP_FIXED"}, {4, "MREMAP_DONTUNMAP"}},
                "0");
}

std::string residency_text(std::span<const std::uint8_t> residency) {
  constexpr std::size_t kMostShown = 32;
  std::string text;
  for (const auto page : residency.first(std::min(residency.size(), kMostShown))) {
    text += (text.empty() ? "" : " ") + std::to_string(page);
  }
  return residency.size() > kMostShown ? text + " ..." : text;
}

std::string signal_name(int signal) {
  const char* const name = sigabbrev_np(signal);
  return name != nullptr ? std::string{"SIG"} + name : std::to_string(signal);
}

std::string signal_handler(kernel_sim::SignalHandler handler) {
  switch (handler) {
    case kernel_sim::SignalHandler::Default:
      return "SIG_DFL";
    case kernel_sim::SignalHandler::Ignore:
      return "SIG_IGN";
    case kernel_sim::SignalHandler::Program:
      break;
  }
  return "handler";
}

std::string splice_flags(unsigned flags) {
  return all_of(flags,
                {{SPLICE_F_MOVE, "SPLICE_F_MOVE"},
                 {SPLICE_F_NONBLOCK, "SPLICE_F_NONBLOCK"},
                 {SPLICE_F_MORE, "SPLICE_F_MORE"},
                 {SPLICE_F_GIFT, "SPLICE_F_GIFT"}},
                "0");
}

std::string map_protection(int protection) {
  return all_of(protection,
                {{PROT_READ, "PROT_READ"},
                 {PROT_WRITE, "PROT_WRITE"},
                 {PROT_EXEC, "PROT_EXEC"},
                 {PROT_GROWSDOWN, "PROT_GROWSDOWN"},
                 {PROT_GROWSUP, "PROT_GROWSUP"}},
                "PROT_NONE");
}

std::string map_flags(int flags) {
  return all_of(flags,
                {{MAP_SHARED_VALIDATE, "MAP_SHARED_VALIDATE"},
                 {MAP_SHARED, "MAP_SHARED"},
                 {MAP_PRIVATE, "MAP_PRIVATE"},
                 {MAP_FIXED, "MAP_FIXED"},
                 {MAP_ANONYMOUS, "MAP_ANONYMOUS"},
                 {MAP_POPULATE, "MAP_POPULATE"},
                 {MAP_FIXED_NOREPLACE, "MAP_FIXED_NOREPLACE"},
                 {MAP_LOCKED, "MAP_LOCKED"},
                 {MAP_NORESERVE, "MAP_NORESERVE"},
                 {MAP_NONBLOCK, "MAP_NONBLOCK"},
                 {MAP_STACK, "MAP_STACK"},
                 {MAP_GROWSDOWN, "MAP_GROWSDOWN"},
                 {MAP_HUGETLB, "MAP_HUGETLB"},
                 {MAP_32BIT, "MAP_32BIT"},
                 {MAP_SYNC, "MAP_SYNC"}},
                "0");
}

std::string message_flags(int flags) {
  return all_of(flags,
                {{MSG_PEEK, "MSG_PEEK"},
                 {MSG_DONTWAIT, "MSG_DONTWAIT"},
                 {MSG_WAITALL, "MSG_WAITALL"},
                 {MSG_NOSIGNAL, "MSG_NOSIGNAL"},
                 {MSG_MORE, "MSG_MORE"},
                 {MSG_TRUNC, "MSG_TRUNC"},
                 {MSG_ZEROCOPY, "MSG_ZEROCOPY"},
                 {MSG_ERRQUEUE, "MSG_ERRQUEUE"},
                 {MSG_CMSG_CLOEXEC, "MSG_CMSG_CLOEXEC"}},
                "0");
}

std::string socket_arguments(int domain, int type, int protocol) {
  const std::string kind = one_of(type & 0xF, {{SOCK_STREAM, "SOCK_STREAM"}, {SOCK_DGRAM, "SOCK_DGRAM"}});
  const std::string flags = all_of(type & ~0xF, {{SOCK_NONBLOCK, "SOCK_NONBLOCK"}, {SOCK_CLOEXEC, "SOCK_CLOEXEC"}}, "");
  return fmt::format("{}, {}{}{}, {}",
                     one_of(domain, {{AF_INET, "AF_INET"}, {AF_UNIX, "AF_UNIX"}, {AF_INET6, "AF_INET6"}}), kind,
                     flags.empty() ? "" : "|", flags,
                     one_of(protocol, {{0, "IPPROTO_IP"}, {IPPROTO_TCP, "IPPROTO_TCP"}, {IPPROTO_UDP, "IPPROTO_UDP"}}));
}

std::string shutdown_how(int how) {
  return one_of(how, {{SHUT_RD, "SHUT_RD"}, {SHUT_WR, "SHUT_WR"}, {SHUT_RDWR, "SHUT_RDWR"}});
}

}  // namespace sluice::syscalls
