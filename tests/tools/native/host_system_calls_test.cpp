// SPDX-License-Identifier: Apache-2.0
#include "tools/native/host_system_calls.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/tools/native/support.h"
#include "tools/native/measured_region.h"

namespace sluice::tests {
namespace {

using kernel_sim::Endpoint;
using native::HostSystemCalls;

const Endpoint kLoopback{INADDR_LOOPBACK, 0};

class Host : public testing::Test {
 protected:
  void SetUp() override { m_page = mapped(8192); }
  void TearDown() override { munmap(reinterpret_cast<void*>(m_page), 8192); }

  UserAddress mapped(std::uint64_t size) {
    const auto at = m_calls.mmap(UserAddress::Null, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT_GT(at, 0);
    return static_cast<UserAddress>(at);
  }
  int fd(SystemCalls::Value value) {
    EXPECT_GE(value, 0);
    return static_cast<int>(value);
  }
  void put(std::string_view text) { m_calls.store(m_page, bytes_of(text)); }
  /// The first bytes of the second page of the buffer, where the tests read to.
  std::string got(std::size_t size) {
    std::string text(size, '?');
    m_calls.load(m_page + 4096, std::as_writable_bytes(std::span{text}));
    return text;
  }
  UserAddress second() const { return m_page + 4096; }

  Folder m_folder;
  HostSystemCalls m_calls{{.root = m_folder.path()}};
  UserAddress m_page{};
};

TEST_F(Host, FilesKeepWhatIsWritten) {
  const int file = fd(m_calls.open("/a", O_RDWR | O_CREAT, 0600));
  EXPECT_TRUE(std::filesystem::exists(m_folder.path() / "a"));
  put("hello world");
  EXPECT_EQ(m_calls.write(file, m_page, 11), 11);
  EXPECT_EQ(m_calls.pwrite(file, m_page, 5, 6), 5);
  EXPECT_EQ(m_calls.lseek(file, 1, SEEK_SET), 1);
  EXPECT_EQ(m_calls.read(file, second(), 100), 10);
  EXPECT_EQ(got(10), "ello hello");
  EXPECT_EQ(m_calls.pread(file, second(), 5, 6), 5);
  EXPECT_EQ(got(5), "hello");
  EXPECT_EQ(m_calls.ftruncate(file, 3), 0);
  kernel_sim::FileStatus status;
  EXPECT_EQ(m_calls.fstat(file, status), 0);
  EXPECT_EQ(status.size, 3U);
  EXPECT_EQ(status.mode & S_IFMT, unsigned{S_IFREG});
  EXPECT_EQ(m_calls.fsync(file), 0);
  EXPECT_EQ(m_calls.posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED), 0);
  const int copy = fd(m_calls.dup(file));
  EXPECT_EQ(m_calls.lseek(copy, 0, SEEK_CUR), 11);  // one position for both
  EXPECT_EQ(m_calls.fcntl(file, F_GETFL, 0) & O_ACCMODE, O_RDWR);
  EXPECT_EQ(m_calls.close(copy), 0);
  EXPECT_EQ(m_calls.close(file), 0);
}

TEST_F(Host, BytesMoveBetweenDescriptorsAtGivenOffsets) {
  put("0123456789");
  const int file = fd(m_calls.open("/a", O_RDWR | O_CREAT, 0600));
  m_calls.write(file, m_page, 10);
  int one[2] = {-1, -1};
  int two[2] = {-1, -1};
  ASSERT_EQ(m_calls.pipe(one, O_NONBLOCK), 0);
  ASSERT_EQ(m_calls.pipe(two, O_NONBLOCK), 0);

  std::int64_t offset = 2;
  EXPECT_EQ(m_calls.splice(file, &offset, one[1], nullptr, 3, 0), 3);
  EXPECT_EQ(offset, 5);
  EXPECT_EQ(m_calls.tee(one[0], two[1], 10, 0), 3);
  EXPECT_EQ(m_calls.sendfile(one[1], file, &offset, 2), 2);
  EXPECT_EQ(offset, 7);
  EXPECT_EQ(m_calls.vmsplice(one[1], m_page, 1, 0), 1);
  EXPECT_EQ(m_calls.read(one[0], second(), 100), 6);
  EXPECT_EQ(got(6), "234560");
  std::int64_t out = 8;
  EXPECT_EQ(m_calls.splice(two[0], nullptr, file, &out, 10, 0), 3);
  EXPECT_EQ(out, 11);
  EXPECT_EQ(m_calls.lseek(file, 0, SEEK_CUR), 10);
  EXPECT_EQ(m_calls.pread(file, second(), 100, 6), 5);
  EXPECT_EQ(got(5), "67234");
  EXPECT_EQ(m_calls.read(one[0], second(), 1), -EAGAIN);
  for (const int end : {file, one[0], one[1], two[0], two[1]}) m_calls.close(end);
}

TEST_F(Host, SocketsMeetAtEndpointsInHostByteOrder) {
  const int listener = fd(m_calls.socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(m_calls.bind(listener, kLoopback), 0);
  EXPECT_EQ(m_calls.listen(listener, 1), 0);
  Endpoint local;
  EXPECT_EQ(m_calls.getsockname(listener, local), 0);
  EXPECT_EQ(local.address, 0x7F00'0001U);
  EXPECT_NE(local.port, 0);
  const int client = fd(m_calls.socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(m_calls.setsockopt(client, SOL_SOCKET, SO_SNDBUF, 65536), 0);
  EXPECT_EQ(m_calls.connect(client, local), 0);
  Endpoint own;
  Endpoint peer;
  const int server = fd(m_calls.accept(listener, &peer, 0));
  m_calls.getsockname(client, own);
  EXPECT_EQ(peer.port, own.port);
  EXPECT_EQ(peer.address, own.address);

  put("ping");
  EXPECT_EQ(m_calls.send(client, m_page, 4, 0), 4);
  std::array entries{kernel_sim::PollEntry{server, POLLIN, 0}, kernel_sim::PollEntry{-1, POLLIN, 7}};
  EXPECT_EQ(m_calls.poll(entries, -1), 1);
  EXPECT_EQ(entries[0].returned, POLLIN);
  EXPECT_EQ(entries[1].returned, 0);
  EXPECT_EQ(m_calls.recv(server, second(), 100, 0), 4);
  EXPECT_EQ(got(4), "ping");
  EXPECT_EQ(m_calls.poll(entries, 1), 0);
  EXPECT_EQ(m_calls.recv(server, second(), 1, MSG_DONTWAIT), -EAGAIN);
  EXPECT_EQ(m_calls.shutdown(client, SHUT_WR), 0);
  EXPECT_EQ(m_calls.recv(server, second(), 1, 0), 0);
  for (const int end : {listener, client, server}) m_calls.close(end);
}

TEST_F(Host, RefusalsAreNegatedErrorNumbers) {
  int pipe[2] = {-1, -1};
  m_calls.pipe(pipe, 0);
  const int file = fd(m_calls.open("/a", O_RDONLY | O_CREAT, 0600));
  const int changed = fd(m_calls.open("/a", O_WRONLY, 0));
  int status = 0;
  EXPECT_EQ(m_calls.open("/missing", O_RDONLY, 0), -ENOENT);
  EXPECT_EQ(m_calls.open("", O_RDONLY, 0), -ENOENT);
  EXPECT_EQ(m_calls.read(-1, m_page, 1), -EBADF);
  EXPECT_EQ(m_calls.write(file, m_page, 1), -EBADF);
  EXPECT_EQ(m_calls.close(-1), -EBADF);
  EXPECT_EQ(m_calls.lseek(pipe[0], 0, SEEK_SET), -ESPIPE);
  EXPECT_EQ(m_calls.posix_fadvise(pipe[0], 0, 0, POSIX_FADV_NORMAL), -ESPIPE);
  EXPECT_EQ(m_calls.write(pipe[1], UserAddress::Null, 1), -EFAULT);
  EXPECT_EQ(m_calls.splice(file, nullptr, changed, nullptr, 1, 0), -EINVAL);  // neither is a pipe
  EXPECT_EQ(m_calls.tee(file, pipe[1], 1, 0), -EINVAL);
  EXPECT_EQ(m_calls.mmap(UserAddress::Null, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), -EINVAL);
  EXPECT_EQ(m_calls.mmap(UserAddress::Null, 4096, PROT_READ, MAP_PRIVATE, file, 1), -EINVAL);
  EXPECT_EQ(m_calls.munmap(m_page + 1, 4096), -EINVAL);
  EXPECT_EQ(m_calls.madvise(m_page, 4096, 9999), -EINVAL);
  EXPECT_EQ(m_calls.listen(file, 1), -ENOTSOCK);
  EXPECT_EQ(m_calls.socket(AF_INET, 99, 0), -EINVAL);
  EXPECT_EQ(m_calls.wait(-1, status), -ECHILD);
  for (const int end : {file, changed, pipe[0], pipe[1]}) m_calls.close(end);
}

TEST_F(Host, APortWithoutAListenerRefusesTheConnection) {
  const int probe = fd(m_calls.socket(AF_INET, SOCK_STREAM, 0));
  m_calls.bind(probe, kLoopback);  // holds the port, and does not listen
  Endpoint closed;
  m_calls.getsockname(probe, closed);
  const int client = fd(m_calls.socket(AF_INET, SOCK_STREAM, 0));
  EXPECT_EQ(m_calls.connect(client, closed), -ECONNREFUSED);
  m_calls.close(client);
  m_calls.close(probe);
}

TEST_F(Host, CallsAreCountedByNameRefusedOnesToo) {
  const auto before = m_calls.counts();
  m_calls.close(-1);
  m_calls.close(-1);
  m_calls.lseek(-1, 0, SEEK_SET);
  m_calls.fill(m_page, std::byte{1}, 10);  // not a call
  const auto after = m_calls.counts();
  EXPECT_EQ(after.by_name(), (Counts{{"close", 2}, {"lseek", 1}, {"mmap", 1}}));
  EXPECT_EQ(after.mode_switches - before.mode_switches, 6U);
}

TEST_F(Host, FillStoreAndLoadReachMemory) {
  m_calls.fill(second(), std::byte{'x'}, 4);
  EXPECT_EQ(got(4), "xxxx");
  m_calls.store(second() + 1, bytes_of("yz"));
  EXPECT_EQ(got(4), "xyzx");
}

TEST_F(Host, AUnitOfComputeIsRoughlyANanosecondOfTheCore) {
  const auto before = native::resource_use().cpu_ns;
  m_calls.compute(50'000'000);
  const auto took = native::resource_use().cpu_ns - before;
  EXPECT_GT(took, 25'000'000);
  EXPECT_LT(took, 200'000'000);
}

}  // namespace
}  // namespace sluice::tests
