// SPDX-License-Identifier: Apache-2.0
// A kernel that only writes down what it is asked: files of given sizes, a socket that takes everything, a pipe.
#pragma once

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <linux/errqueue.h>
#include <sys/socket.h>

#include "kernel_sim/system_calls.h"

namespace sluice::kernel_sim {

class RecordingCalls final : public SystemCalls, public Measurement {
 public:
  explicit RecordingCalls(std::vector<std::uint64_t> file_sizes) : m_sizes(std::move(file_sizes)) {}

  /// Every call and mark in order, e.g. "read 3 65536".
  std::vector<std::string> log;
  /// What the next calls that move data return instead of moving all: at most that many bytes, or -errno.
  std::deque<Value> answers;
  std::uint64_t delivered = 0;
  std::uint64_t in_pipe = 0;
  int open_descriptors = 0;
  int mappings = 0;

  /// The part of the log between the marks.
  [[nodiscard]] std::vector<std::string> measured() const {
    const auto first = std::find(log.begin(), log.end(), "begin");
    const auto last = std::find(log.begin(), log.end(), "end");
    return first == log.end() ? std::vector<std::string>{} : std::vector<std::string>{first + 1, last};
  }
  [[nodiscard]] bool has(const std::string& entry) const {
    return std::find(log.begin(), log.end(), entry) != log.end();
  }

  void begin() override { note("begin"); }
  void file_begins(std::uint64_t index) override { note("file {}", index); }
  void end() override { note("end"); }

  Value open(std::string_view path, int, int) override {
    note("open {}", path);
    if (path == "missing") return -ENOENT;
    ++open_descriptors;
    m_size[m_next_fd] = m_left[m_next_fd] = m_sizes.at(m_left.size());
    return m_next_fd++;
  }
  Value lseek(int fd, std::int64_t offset, int) override {
    note("lseek {} {}", fd, offset);
    m_left[fd] = m_size.at(fd);
    return 0;
  }
  Value close(int fd) override {
    note("close {}", fd);
    --open_descriptors;
    return 0;
  }
  Value read(int fd, UserAddress, std::uint64_t size) override {
    note("read {} {}", fd, size);
    return take(m_left[fd], size);
  }
  Value write(int fd, UserAddress buffer, std::uint64_t size) override {
    note("write {} {:#x} {}", fd, static_cast<std::uint64_t>(buffer), size);
    std::uint64_t endless = size;
    const Value done = take(endless, size);
    if (done > 0) delivered += static_cast<std::uint64_t>(done);
    return done;
  }
  Value send(int fd, UserAddress buffer, std::uint64_t size, int flags) override {
    note("send {} {:#x} {} {:#x}", fd, static_cast<std::uint64_t>(buffer), size, flags);
    std::uint64_t endless = size;
    const Value done = take(endless, size);
    if (done > 0) delivered += static_cast<std::uint64_t>(done);
    if (done >= 0 && (flags & MSG_ZEROCOPY) != 0) ++m_lent[fd];
    return done;
  }
  Value poll(std::span<PollEntry> entries, int) override {
    note("poll {}", entries[0].fd);
    entries[0].returned = POLLERR;
    return 1;
  }
  Value recvmsg(int fd, std::span<const IoVector>, int flags, MessageFlags&, std::optional<SocketError>& error,
                Endpoint*) override {
    note("recvmsg {} {:#x}", fd, flags);
    if (m_lent[fd] == m_told[fd]) return -EAGAIN;
    error = SocketError{.origin = SO_EE_ORIGIN_ZEROCOPY, .info = m_told[fd], .data = m_lent[fd] - 1};
    m_told[fd] = m_lent[fd];
    return 0;
  }
  Value fstat(int fd, FileStatus& status) override {
    note("fstat {}", fd);
    status.size = m_left[fd];
    return 0;
  }
  Value fcntl(int fd, int command, std::int64_t argument) override {
    note("fcntl {} {} {}", fd, command, argument);
    return argument;
  }
  Value sendfile(int out, int in, std::int64_t*, std::uint64_t size) override {
    note("sendfile {} {} {}", out, in, size);
    const Value done = take(m_left[in], size);
    if (done > 0) delivered += static_cast<std::uint64_t>(done);
    return done;
  }
  Value splice(int in, std::int64_t*, int out, std::int64_t*, std::uint64_t size, unsigned flags) override {
    note("splice {} {} {} {:#x}", in, out, size, flags);
    const bool fills = m_left.contains(in);
    const Value done = take(fills ? m_left[in] : in_pipe, size);
    if (done > 0) (fills ? in_pipe : delivered) += static_cast<std::uint64_t>(done);
    return done;
  }
  Value pipe(int fds[2], int) override {
    note("pipe");
    fds[0] = m_next_fd++;
    fds[1] = m_next_fd++;
    open_descriptors += 2;
    return 0;
  }
  Value mmap(UserAddress, std::uint64_t size, int, int, int fd, std::int64_t) override {
    note("mmap {} {}", fd, size);
    ++mappings;
    return size == 0 ? -EINVAL : Value{0x10000};
  }
  Value munmap(UserAddress, std::uint64_t size) override {
    note("munmap {}", size);
    --mappings;
    return 0;
  }
  Value socket(int, int, int) override {
    note("socket");
    ++open_descriptors;
    return m_next_fd++;
  }
  Value connect(int fd, Endpoint peer) override {
    note("connect {} {:#x}:{}", fd, peer.address, peer.port);
    return 0;
  }
  Value setsockopt(int fd, int, int, int value) override {
    note("setsockopt {} {}", fd, value);
    return 0;
  }
  Value shutdown(int fd, int) override {
    note("shutdown {}", fd);
    return 0;
  }

  // The programs have no use for these, nor for any other call.
  [[noreturn]] void exit(int) override { throw std::logic_error{"exit"}; }
  void load(UserAddress, std::span<std::byte>) override { unexpected(); }
  void store(UserAddress, std::span<const std::byte>) override { unexpected(); }
  void fill(UserAddress, std::byte, std::uint64_t) override { unexpected(); }
  void compute(std::uint64_t) override { unexpected(); }

 private:
  template <class... Arguments>
  void note(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    log.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
  }
  void unexpected() { note("unexpected"); }
  Value missing(Call) override {
    unexpected();
    return -ENOSYS;
  }
  Value take(std::uint64_t& left, std::uint64_t size) {
    std::uint64_t most = std::min(left, size);
    if (!answers.empty()) {
      const Value answer = answers.front();
      answers.pop_front();
      if (answer < 0) return answer;
      most = std::min(most, static_cast<std::uint64_t>(answer));
    }
    left -= most;
    return static_cast<Value>(most);
  }

  std::vector<std::uint64_t> m_sizes;
  std::map<int, std::uint64_t> m_size;  // by descriptor of a file
  std::map<int, std::uint64_t> m_left;  // likewise
  int m_next_fd = 3;
  std::map<int, std::uint32_t> m_lent;  // by socket: calls with MSG_ZEROCOPY
  std::map<int, std::uint32_t> m_told;  // of those in the error queue
};

}  // namespace sluice::kernel_sim
