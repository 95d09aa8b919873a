// SPDX-License-Identifier: Apache-2.0
// Descriptors, files and pipes through system calls: values, errors, counts.
#include <algorithm>
#include <array>
#include <csignal>
#include <poll.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/kernel_sim/syscalls/process_rig.h"

namespace sluice::syscalls {
namespace {

TEST(FileCalls, ReadWriteAndSeekMoveTheSharedPosition) {
  ProcessRig rig;
  rig.files["/a"] = "hello world";
  EXPECT_EQ(rig.run([](SystemCalls& calls) {
    const int fd = static_cast<int>(calls.open("/a", O_RDWR));
    EXPECT_EQ(fd, 0);
    const UserAddress at = buffer(calls, 4096);
    EXPECT_EQ(calls.read(fd, at, 5), 5);
    const int copy = static_cast<int>(calls.dup(fd));
    EXPECT_EQ(copy, 1);
    EXPECT_EQ(calls.read(copy, at + 5, 100), 6);
    EXPECT_EQ(get(calls, at, 11), "hello world");
    EXPECT_EQ(calls.read(fd, at, 1), 0);
    EXPECT_EQ(calls.pread(fd, at, 5, 6), 5);
    EXPECT_EQ(get(calls, at, 5), "world");
    EXPECT_EQ(calls.lseek(fd, 0, SEEK_SET), 0);
    EXPECT_EQ(calls.write(fd, at, 5), 5);
    EXPECT_EQ(calls.pwrite(fd, at, 1, 10), 1);
    kernel_sim::FileStatus status;
    EXPECT_EQ(calls.fstat(fd, status), 0);
    EXPECT_EQ(status.size, 11U);
    EXPECT_EQ(calls.close(fd), 0);
    EXPECT_EQ(calls.read(copy, at, 1), 1);     // the description lives on
    EXPECT_EQ(calls.open("/a", O_RDONLY), 0);  // lowest free number
    return 7;
  }),
            exited_status(7));
  EXPECT_EQ(rig.files["/a"], "world worlw");
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(FileCalls, Dup3PutsACopyInPlaceOfADescriptor) {
  ProcessRig rig;
  rig.files["/a"] = "first";
  rig.files["/b"] = "second";
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int a = static_cast<int>(calls.open("/a", O_RDONLY));
    const int b = static_cast<int>(calls.open("/b", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(calls.fcntl(b, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(calls.dup3(a, b, 0), b);
    EXPECT_EQ(calls.fcntl(b, F_GETFD), 0);
    EXPECT_EQ(calls.read(b, at, 5), 5);
    EXPECT_EQ(get(calls, at, 5), "first");
    EXPECT_EQ(calls.dup3(a, 9, O_CLOEXEC), 9);
    EXPECT_EQ(calls.fcntl(9, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(calls.dup3(a, a, 0), -EINVAL);
    EXPECT_EQ(calls.dup3(a, 7, O_NONBLOCK), -EINVAL);
    EXPECT_EQ(calls.dup3(a, -1, 0), -EBADF);
    EXPECT_EQ(calls.dup3(8, 7, 0), -EBADF);
    return 0;
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(FileCalls, BuffersOfAListAreFilledInTheirOrder) {
  ProcessRig rig;
  rig.files["/a"] = "hello world";
  rig.run([](SystemCalls& calls) {
    const int fd = static_cast<int>(calls.open("/a", O_RDWR));
    const UserAddress at = buffer(calls, 4096);
    const std::array<kernel_sim::IoVector, 3> list = {{{at + 100, 5}, {UserAddress::Null, 0}, {at, 100}}};
    EXPECT_EQ(calls.readv(fd, list), 11);
    EXPECT_EQ(get(calls, at + 100, 5), "hello");
    EXPECT_EQ(get(calls, at, 6), " world");
    EXPECT_EQ(calls.preadv(fd, std::span{list}.first(1), 6), 5);
    EXPECT_EQ(get(calls, at + 100, 5), "world");
    EXPECT_EQ(calls.pwritev(fd, std::array<kernel_sim::IoVector, 2>{{{at, 2}, {at + 100, 1}}}, 0), 3);
    EXPECT_EQ(calls.preadv(fd, list, -1), -EINVAL);
    return 0;
  });
  EXPECT_EQ(rig.files["/a"], " wwlo world");
}

TEST(FileCalls, AListHasAtMost1024BuffersAndNoneOfNegativeSize) {
  ProcessRig rig;
  rig.files["/a"] = "hello world";
  rig.run([](SystemCalls& calls) {
    const int fd = static_cast<int>(calls.open("/a", O_RDONLY));
    const UserAddress at = buffer(calls, 4096);
    std::vector<kernel_sim::IoVector> list(1024, kernel_sim::IoVector{at, 1});
    EXPECT_EQ(calls.readv(fd, list), 11);
    list.push_back({at, 1});
    EXPECT_EQ(calls.readv(fd, list), -EINVAL);
    EXPECT_EQ(calls.readv(fd, {}), 0);
    list = {{UserAddress{~std::uint64_t{0}}, 1}, {at, std::uint64_t{1} << 63}};
    EXPECT_EQ(calls.readv(fd, list), -EINVAL);  // sizes before addresses
    EXPECT_EQ(calls.readv(fd, std::span{list}.first(1)), -EFAULT);
    EXPECT_EQ(calls.writev(fd, list), -EBADF);
    // One buffer is cut to what a call moves before its end is looked at, one of several is not.
    const UserAddress low{0x10000};
    list = {{low, (std::uint64_t{1} << 63) - 1}};
    EXPECT_EQ(calls.readv(fd, list), 0);
    list.push_back({low, 1});
    EXPECT_EQ(calls.readv(fd, list), -EFAULT);
    return 0;
  });
}

TEST(FileCalls, WhatAListWritesToAPipeIsOneWrite) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    int ends[2];
    calls.pipe(ends, O_NONBLOCK);
    const UserAddress at = buffer(calls, 8192);
    EXPECT_EQ(calls.fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    // Two writes of these sizes would need two pages.
    EXPECT_EQ(calls.writev(ends[1], std::array<kernel_sim::IoVector, 2>{{{at, 1000}, {at, 3096}}}), 4096);
    EXPECT_EQ(calls.write(ends[1], at, 1), -EAGAIN);
    EXPECT_EQ(calls.readv(ends[0], std::array<kernel_sim::IoVector, 2>{{{at, 4000}, {at, 4000}}}), 4096);
    return 0;
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(FileCalls, CopyFileRangeCopiesWithinWhatThereIs) {
  ProcessRig rig;
  rig.files["/a"] = "hello world";
  rig.files["/b"] = "";
  rig.run([](SystemCalls& calls) {
    const int in = static_cast<int>(calls.open("/a", O_RDWR));
    const int out = static_cast<int>(calls.open("/b", O_RDWR));
    std::int64_t from = 6;
    EXPECT_EQ(calls.copy_file_range(in, &from, out, nullptr, 100), 5);
    EXPECT_EQ(from, 11);
    EXPECT_EQ(calls.lseek(out, 0, SEEK_CUR), 5);
    EXPECT_EQ(calls.copy_file_range(in, nullptr, out, nullptr, 5), 5);
    EXPECT_EQ(calls.copy_file_range(in, nullptr, in, nullptr, 5), -EINVAL);  // overlaps
    EXPECT_EQ(calls.copy_file_range(in, nullptr, out, nullptr, 5, 1), -EINVAL);
    int ends[2];
    calls.pipe(ends);
    EXPECT_EQ(calls.copy_file_range(in, nullptr, ends[1], nullptr, 5), -EINVAL);
    EXPECT_EQ(calls.copy_file_range(out, nullptr, 99, nullptr, 5, 1), -EBADF);
    return 0;
  });
  EXPECT_EQ(rig.files["/b"], "worldhello");
}

/// Nothing but what must be there.
class EmptyKernel final : public SystemCalls {
 public:
  [[noreturn]] void exit(int) override { throw std::logic_error{"exit"}; }
  void load(UserAddress, std::span<std::byte>) override {}
  void store(UserAddress, std::span<const std::byte>) override {}
  void fill(UserAddress, std::byte, std::uint64_t) override {}
  void compute(std::uint64_t) override {}
};

TEST(FileCalls, ACallThatAKernelDoesNotHaveIsNotImplemented) {
  EmptyKernel calls;
  EXPECT_EQ(calls.open("/a", O_RDONLY), -ENOSYS);
  EXPECT_EQ(calls.dup3(0, 1, 0), -ENOSYS);
  EXPECT_EQ(name_of(kernel_sim::Call::PosixFadvise), "posix_fadvise");
}

TEST(FileCalls, ErrorsAreLinuxs) {
  ProcessRig rig;
  rig.files["/a"] = "text";
  rig.config.max_files = 6;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int in = static_cast<int>(calls.open("/a", O_RDONLY));
    const int out = static_cast<int>(calls.open("/a", O_WRONLY));
    int p[2];
    EXPECT_EQ(calls.pipe(p, O_APPEND), -EINVAL);
    EXPECT_EQ(calls.pipe(p), 0);
    EXPECT_EQ(calls.open("/missing", O_RDONLY), -ENOENT);
    EXPECT_EQ(calls.read(77, at, 1), -EBADF);
    EXPECT_EQ(calls.read(-1, at, 1), -EBADF);
    EXPECT_EQ(calls.read(out, at, 1), -EBADF);
    EXPECT_EQ(calls.write(in, at, 1), -EBADF);
    EXPECT_EQ(calls.write(p[0], at, 1), -EBADF);
    EXPECT_EQ(calls.read(in, UserAddress{0x1000}, 1), -EFAULT);
    EXPECT_EQ(calls.pread(in, at, 1, -1), -EINVAL);
    EXPECT_EQ(calls.pread(p[0], at, 1, 0), -ESPIPE);
    EXPECT_EQ(calls.lseek(p[0], 0, SEEK_SET), -ESPIPE);
    EXPECT_EQ(calls.ftruncate(in, 1), -EINVAL);
    EXPECT_EQ(calls.ftruncate(out, -1), -EINVAL);
    EXPECT_EQ(calls.ftruncate(out, 3), 0);
    EXPECT_EQ(calls.posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL), -ESPIPE);
    EXPECT_EQ(calls.fcntl(in, F_GETPIPE_SZ), -EBADF);
    EXPECT_EQ(calls.fcntl(p[0], F_GETPIPE_SZ), 65536);
    EXPECT_EQ(calls.fcntl(p[1], F_SETPIPE_SZ, 100'000), 131072);
    EXPECT_EQ(calls.fcntl(in, 12345), -EINVAL);
    EXPECT_EQ(calls.dup(in), 4);
    EXPECT_EQ(calls.fcntl(in, F_DUPFD, 5), 5);
    EXPECT_EQ(calls.dup(in), -EMFILE);
    EXPECT_EQ(calls.pipe(p), -EMFILE);
    EXPECT_EQ(calls.fcntl(in, F_DUPFD, 6), -EINVAL);
    EXPECT_EQ(calls.close(5), 0);
    EXPECT_EQ(calls.pipe(p), -EMFILE);  // one descriptor does not do, and is not lost
    EXPECT_EQ(calls.dup(in), 5);
    EXPECT_EQ(calls.close(77), -EBADF);
    EXPECT_EQ(calls.connect(in, {}), -ENOTSOCK);
    EXPECT_EQ(calls.socket(77, SOCK_STREAM, 0), -EAFNOSUPPORT);
    EXPECT_EQ(calls.socket(AF_INET, SOCK_SEQPACKET, 0), -ESOCKTNOSUPPORT);
    return 0;
  });
}

TEST(FileCalls, VmspliceWaitsUnlessItsOwnFlagForbidsIt) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    int p[2];
    calls.pipe(p, O_NONBLOCK);
    const auto writer = [](SystemCalls& child, std::span<const std::byte> arguments) {
      const UserAddress from = buffer(child, 4096);
      return child.write(std::to_integer<int>(arguments[0]), from, 3) == 3 ? 0 : 1;
    };
    const std::byte write_end{static_cast<unsigned char>(p[1])};
    calls.fork(writer, std::span{&write_end, 1});
    EXPECT_EQ(calls.read(p[0], at, 10), -EAGAIN);  // the child has not run yet
    EXPECT_EQ(calls.vmsplice(p[0], at, 10, 0), 3);
    return 0;
  });
}

TEST(FileCalls, VmspliceTouchesPagesForWhichAPipeHasNoRoom) {
  ProcessRig rig;
  EXPECT_EQ(rig.run([](SystemCalls& calls) {
    constexpr std::uint64_t kPages = 40;
    int p[2];
    calls.pipe(p, 0);
    const UserAddress at = buffer(calls, kPages * 4096);
    EXPECT_EQ(calls.vmsplice(p[1], at, kPages * 4096, SPLICE_F_NONBLOCK), 16 * 4096);
    std::vector<std::uint8_t> resident;
    EXPECT_EQ(calls.mincore(at, kPages * 4096, resident), 0);
    EXPECT_EQ(std::ranges::count(resident, 1), 32);  // sixteen are taken hold of at a time
    return 0;
  }),
            0);
}

TEST(FileCalls, OffsetsOfPipesAreRefusedBeforeAccessModesAreLookedAt) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    int p[2];
    calls.pipe(p, O_NONBLOCK);
    std::int64_t zero = 0;
    EXPECT_EQ(calls.splice(p[1], &zero, p[1], nullptr, 1, 0), -ESPIPE);
    EXPECT_EQ(calls.splice(p[1], nullptr, p[1], nullptr, 1, 0), -EBADF);
    EXPECT_EQ(calls.splice(p[1], &zero, 77, nullptr, 1, 0), -EBADF);  // there must be descriptors first
    EXPECT_EQ(calls.pread(p[1], at, 1, 0), -ESPIPE);
    EXPECT_EQ(calls.pwrite(p[0], at, 1, 0), -ESPIPE);
    return 0;
  });
}

TEST(FileCalls, ABufferBeyondUserSpaceIsABadAddressEvenForNoBytes) {
  ProcessRig rig;
  rig.files["/a"] = "";
  rig.run([](SystemCalls& calls) {
    const int fd = static_cast<int>(calls.open("/a", O_RDWR));
    const UserAddress at = buffer(calls, 4096);
    EXPECT_EQ(calls.read(fd, UserAddress{0xFFFF'8000'0000'0000U}, 0), -EFAULT);
    EXPECT_EQ(calls.write(fd, at, std::uint64_t{1} << 62), -EFAULT);
    EXPECT_EQ(calls.pread(fd, at, std::uint64_t{1} << 62, 0), -EFAULT);
    EXPECT_EQ(calls.read(fd, UserAddress{0x1000}, 10), 0);  // user space, and nothing to put there
    return 0;
  });
}

TEST(FileCalls, ARegularFileIsReadyForEverythingButUrgentData) {
  ProcessRig rig;
  rig.files["/a"] = "";
  rig.run([](SystemCalls& calls) {
    kernel_sim::PollEntry entry{static_cast<int>(calls.open("/a", O_RDONLY)),
                                POLLIN | POLLPRI | POLLOUT | POLLRDNORM | POLLWRNORM, 0};
    EXPECT_EQ(calls.poll(std::span{&entry, 1}, 0), 1);
    EXPECT_EQ(entry.returned, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
    return 0;
  });
}

TEST(FileCalls, WhatIsNoFileOfTheFileSystemAnswersAsLinux) {
  ProcessRig rig;
  rig.files["/a"] = "text";
  rig.run([](SystemCalls& calls) {
    int p[2];
    calls.pipe(p, O_NONBLOCK);
    const int socket = static_cast<int>(calls.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    EXPECT_EQ(calls.lseek(p[0], 0, 9), -EINVAL);
    EXPECT_EQ(calls.lseek(p[0], 0, SEEK_HOLE), -ESPIPE);
    EXPECT_EQ(calls.posix_fadvise(socket, 0, 0, POSIX_FADV_RANDOM), 0);
    EXPECT_EQ(calls.posix_fadvise(socket, 0, 0, 99), -EINVAL);
    EXPECT_EQ(calls.recv(77, UserAddress{0xFFFF'8000'0000'0000U}, 0, 0), -EFAULT);  // the buffer comes first
    EXPECT_EQ(calls.send(77, UserAddress{0x1000}, 1, 0), -EBADF);
    EXPECT_EQ(calls.sendfile(p[1], socket, nullptr, 0), 0);  // nothing is nothing, from whatever it is
    EXPECT_EQ(calls.sendfile(p[1], socket, nullptr, 1), -ENOTCONN);
    return 0;
  });
}

TEST(FileCalls, MmapFindsThePlaceBeforeItLooksAtTheFile) {
  ProcessRig rig;
  rig.files["/a"] = "text";
  rig.run([](SystemCalls& calls) {
    const UserAddress taken = buffer(calls, 4096);
    const int fd = static_cast<int>(calls.open("/a", O_RDONLY));
    constexpr int kWrite = PROT_READ | PROT_WRITE;
    EXPECT_EQ(calls.mmap(taken, 1, kWrite, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0), -EEXIST);
    EXPECT_EQ(calls.mmap(taken + 100, 1, kWrite, MAP_SHARED | MAP_FIXED, fd, 0), -EINVAL);
    EXPECT_EQ(calls.mmap(taken, 1, kWrite, MAP_SHARED | MAP_FIXED, fd, 0), -EACCES);
    EXPECT_EQ(calls.mmap(taken, 1, PROT_READ, MAP_SHARED, fd, -4096), -EOVERFLOW);
    return 0;
  });
}

TEST(FileCalls, AProcessWithoutADescriptorTruncatesNothing) {
  ProcessRig rig;
  rig.files["/a"] = "text";
  rig.config.max_files = 3;
  rig.run([](SystemCalls& calls) {
    for (int fd = 0; fd < 3; ++fd) EXPECT_EQ(calls.open("/a", O_RDONLY), fd);
    EXPECT_EQ(calls.open("/a", O_WRONLY | O_TRUNC), -EMFILE);
    return 0;
  });
  EXPECT_EQ(rig.files["/a"], "text");
}

TEST(FileCalls, ManyDescriptorsAndTheLowestFreeOneFirst) {
  ProcessRig rig;
  rig.files["/a"] = "text";
  rig.run([](SystemCalls& calls) {
    for (int fd = 0; fd < 5'000; ++fd) EXPECT_EQ(calls.open("/a", O_RDONLY), fd);
    EXPECT_EQ(calls.close(4'000), 0);
    EXPECT_EQ(calls.close(17), 0);
    EXPECT_EQ(calls.close(16), 0);
    EXPECT_EQ(calls.fcntl(0, F_DUPFD, 18), 4'000);  // from 18 on; the lower ones stay free
    EXPECT_EQ(calls.dup(0), 16);
    EXPECT_EQ(calls.dup(0), 17);
    EXPECT_EQ(calls.dup(0), 5'000);
    return 0;
  });
}

TEST(FileCalls, TransferErrorsAreLinuxs) {
  ProcessRig rig;
  rig.files["/a"] = "text";
  rig.files["/log"] = "";
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int in = static_cast<int>(calls.open("/a", O_RDONLY));
    const int out = static_cast<int>(calls.open("/log", O_WRONLY));
    const int appended = static_cast<int>(calls.open("/log", O_WRONLY | O_APPEND));
    int p[2];
    int q[2];
    calls.pipe(p, O_NONBLOCK);
    calls.pipe(q, O_NONBLOCK);
    std::int64_t zero = 0;
    std::int64_t negative = -1;

    EXPECT_EQ(calls.splice(in, nullptr, out, nullptr, 1, 0), -EINVAL);  // no pipe
    EXPECT_EQ(calls.splice(in, nullptr, out, nullptr, 0, 0), 0);        // length zero comes first
    EXPECT_EQ(calls.splice(in, nullptr, p[1], nullptr, 1, 0x100), -EINVAL);
    EXPECT_EQ(calls.splice(out, nullptr, p[1], nullptr, 1, 0), -EBADF);
    EXPECT_EQ(calls.splice(in, nullptr, p[0], nullptr, 1, 0), -EBADF);
    EXPECT_EQ(calls.splice(p[0], &zero, out, nullptr, 1, 0), -ESPIPE);
    EXPECT_EQ(calls.splice(in, nullptr, p[1], &zero, 1, 0), -ESPIPE);
    EXPECT_EQ(calls.splice(p[0], nullptr, p[1], nullptr, 1, 0), -EINVAL);  // the same pipe
    EXPECT_EQ(calls.splice(in, &negative, p[1], nullptr, 1, 0), -EINVAL);
    EXPECT_EQ(calls.splice(p[0], nullptr, out, nullptr, 1, 0), -EAGAIN);
    EXPECT_EQ(calls.splice(p[0], nullptr, appended, nullptr, 1, 0), -EINVAL);

    EXPECT_EQ(calls.tee(p[0], p[1], 1, 0), -EINVAL);
    EXPECT_EQ(calls.tee(in, p[1], 1, 0), -EINVAL);
    EXPECT_EQ(calls.tee(p[0], q[1], 1, 0), -EAGAIN);
    EXPECT_EQ(calls.tee(p[0], q[1], 0, 0), 0);

    EXPECT_EQ(calls.vmsplice(in, at, 1, 0), -EBADF);
    EXPECT_EQ(calls.vmsplice(p[1], UserAddress{0x1000}, 1, 0), -EFAULT);
    EXPECT_EQ(calls.vmsplice(p[0], at, 1, SPLICE_F_NONBLOCK), -EAGAIN);

    EXPECT_EQ(calls.sendfile(out, p[0], nullptr, 1), -EINVAL);  // the input must be a regular file
    EXPECT_EQ(calls.sendfile(out, p[0], &zero, 1), -ESPIPE);
    EXPECT_EQ(calls.sendfile(appended, in, nullptr, 1), -EINVAL);
    EXPECT_EQ(calls.sendfile(in, in, nullptr, 1), -EBADF);
    EXPECT_EQ(calls.sendfile(out, out, nullptr, 1), -EBADF);
    EXPECT_EQ(calls.sendfile(out, in, &negative, 1), -EINVAL);
    constexpr std::uint64_t kTooMuch = std::uint64_t{1} << 63;
    EXPECT_EQ(calls.sendfile(77, in, nullptr, kTooMuch), -EINVAL);  // before the output is looked at
    EXPECT_EQ(calls.sendfile(appended, in, nullptr, 0), -EINVAL);   // though nothing is to be moved
    EXPECT_EQ(calls.splice(in, nullptr, q[1], nullptr, kTooMuch, 0), -EINVAL);
    EXPECT_EQ(calls.vmsplice(q[1], at, kTooMuch, 0), -EINVAL);
    EXPECT_EQ(calls.vmsplice(in, at, 0, 0), 0);  // no pipe, but nothing to do either
    EXPECT_EQ(calls.sendfile(out, in, nullptr, 100), 4);
    EXPECT_EQ(calls.sendfile(out, in, nullptr, 100), 0);
    EXPECT_EQ(calls.sendfile(p[1], in, &zero, 100), 4);
    EXPECT_EQ(zero, 4);
    EXPECT_EQ(calls.read(p[0], at, 10), 4);
    return 0;
  });
  EXPECT_EQ(rig.files["/log"], "text");
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(FileCalls, MappingErrorsAreLinuxs) {
  ProcessRig rig;
  rig.files["/a"] = std::string(5000, 'x');
  rig.run([](SystemCalls& calls) {
    const int in = static_cast<int>(calls.open("/a", O_RDONLY));
    const int out = static_cast<int>(calls.open("/a", O_WRONLY));
    int p[2];
    calls.pipe(p);
    const auto map = [&](std::uint64_t size, int protection, int flags, int fd, std::int64_t offset) {
      return calls.mmap(UserAddress::Null, size, protection, flags, fd, offset);
    };
    EXPECT_EQ(map(0, PROT_READ, MAP_SHARED, in, 0), -EINVAL);
    EXPECT_EQ(map(1, PROT_READ, MAP_SHARED, in, 5), -EINVAL);
    EXPECT_EQ(map(1, PROT_READ, 0, in, 0), -EINVAL);
    EXPECT_EQ(map(1, PROT_READ, MAP_SHARED, 99, 0), -EBADF);
    EXPECT_EQ(map(1, PROT_READ, MAP_SHARED, out, 0), -EACCES);
    EXPECT_EQ(map(1, PROT_READ | PROT_WRITE, MAP_SHARED, in, 0), -EACCES);
    EXPECT_EQ(map(1, PROT_READ, MAP_SHARED, p[0], 0), -ENODEV);
    const auto at = static_cast<UserAddress>(map(5000, PROT_READ, MAP_SHARED, in, 0));
    EXPECT_EQ(get(calls, at + 4999, 2), std::string("x\0", 2));  // zeroes behind the end, to the end of the page
    EXPECT_EQ(calls.munmap(at + 1, 1), -EINVAL);
    EXPECT_EQ(calls.munmap(at, 5000), 0);
    EXPECT_EQ(calls.write(p[1], at, 1), -EFAULT);
    return 0;
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(FileCalls, EachCallIsTwoModeSwitchesAndCountedByName) {
  ProcessRig rig;
  rig.files["/a"] = "text";
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const int fd = static_cast<int>(calls.open("/a", O_RDONLY));
    calls.read(fd, at, 4);
    calls.read(fd, at, 4);
    calls.compute(1000);
    return 0;
  });
  EXPECT_EQ(rig.processes.counts.by_name(),
            (std::map<std::string, std::uint64_t>{{"mmap", 1}, {"open", 1}, {"read", 2}}));
  EXPECT_EQ(rig.processes.counts.mode_switches, 8U);
  EXPECT_GE(rig.fake.spent(hal::Mode::User), 1_us);
}

TEST(FileCalls, PollReportsWaitsAndTimesOut) {
  ProcessRig rig;
  rig.run([&rig](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    int p[2];
    calls.pipe(p);
    kernel_sim::PollEntry entries[] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {-1, POLLIN, 9}, {50, POLLIN, 0}};
    EXPECT_EQ(calls.poll(entries, -1), 2);
    EXPECT_EQ(entries[0].returned, 0);
    EXPECT_EQ(entries[1].returned, POLLOUT);
    EXPECT_EQ(entries[2].returned, 0);
    EXPECT_EQ(entries[3].returned, POLLNVAL);

    kernel_sim::PollEntry empty[] = {{p[0], POLLIN, 0}};
    EXPECT_EQ(calls.poll(empty, 0), 0);
    const Picoseconds before = rig.fake.time();
    EXPECT_EQ(calls.poll(empty, 5), 0);
    EXPECT_GE(rig.fake.time() - before, 5_ms);
    EXPECT_LT(rig.fake.time() - before, 6_ms);

    const int arguments = p[1];
    calls.fork(
        [](SystemCalls& child, std::span<const std::byte> bytes) {
          int fd = 0;
          std::memcpy(&fd, bytes.data(), sizeof fd);
          const UserAddress text = buffer(child, 4096);
          child.compute(2'000'000);
          child.write(fd, text, 1);
          return 0;
        },
        std::as_bytes(std::span{&arguments, 1}));
    EXPECT_EQ(calls.poll(empty, -1), 1);
    EXPECT_EQ(empty[0].returned, POLLIN);
    EXPECT_EQ(calls.read(p[0], at, 10), 1);
    return 0;
  });
}

TEST(FileCalls, TheTraceReadsAsStraces) {
  ProcessRig rig;
  rig.files["/a"] = "text";
  std::vector<std::string> lines;
  rig.processes.trace = [&](const CallRecord& r) {
    lines.push_back(std::string{r.name} + "(" + r.arguments + ") = " + std::to_string(r.result));
    EXPECT_GT(r.duration, 0_ps);
  };
  rig.run([](SystemCalls& calls) {
    calls.open("/b", O_WRONLY | O_CREAT | O_APPEND, 0);
    int p[2];
    calls.pipe(p, O_NONBLOCK);
    calls.splice(p[0], nullptr, 7, nullptr, 10, SPLICE_F_MOVE | SPLICE_F_MORE);
    calls.mmap(UserAddress::Null, 0, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    calls.socket(AF_INET, SOCK_STREAM, 0);
    calls.setsockopt(0, SOL_SOCKET, SO_SNDBUF, 4096);
    calls.exit(3);
    return 0;
  });
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "open(\"/b\", O_WRONLY|O_CREAT|O_APPEND) = -2",
                       "pipe([0, 1], O_NONBLOCK) = 0",
                       "splice(0, NULL, 7, NULL, 10, SPLICE_F_MOVE|SPLICE_F_MORE) = -9",
                       "mmap(NULL, 0, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0x0) = -22",
                       "socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 2",
                       "setsockopt(0, SOL_SOCKET, SO_SNDBUF, [4096], 4) = -88",
                       "exit(3) = 0",
                   }));
}

TEST(FileCalls, HowManyBytesWaitIsToldOfPipesSocketsAndNotOfCounters) {
  ProcessRig rig;
  rig.run([](SystemCalls& calls) {
    const UserAddress at = buffer(calls, 4096);
    const auto waiting = [&](int fd) {
      int value = -1;
      const auto done = calls.ioctl(fd, FIONREAD, value);
      return done == 0 ? value : static_cast<int>(done);
    };
    int ends[2];
    calls.pipe(ends, 0);
    calls.write(ends[1], at, 100);
    EXPECT_EQ(waiting(ends[0]), 100);
    EXPECT_EQ(waiting(ends[1]), 100);
    calls.socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    calls.send(ends[0], at, 70, 0);
    calls.send(ends[0], at, 7, 0);
    calls.recv(ends[1], at, 10, 0);
    EXPECT_EQ(waiting(ends[1]), 67);
    EXPECT_EQ(waiting(static_cast<int>(calls.socket(AF_INET, SOCK_DGRAM, 0))), 0);
    EXPECT_EQ(waiting(static_cast<int>(calls.eventfd(0, 0))), -ENOTTY);
    EXPECT_EQ(waiting(static_cast<int>(calls.epoll_create1(0))), -EINVAL);
    EXPECT_EQ(waiting(99), -EBADF);
    int value = 0;
    EXPECT_EQ(calls.ioctl(ends[0], 0x5401, value), -ENOTTY);
    return 0;
  });
}

}  // namespace
}  // namespace sluice::syscalls
