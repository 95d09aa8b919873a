// SPDX-License-Identifier: Apache-2.0
// Files, and what sendfile makes of them.
#include <array>
#include <fcntl.h>
#include <poll.h>

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "tests/field_cases/field_case.h"

namespace sluice::field_cases {

namespace {

const std::array kCases = {
    FieldCase{"sf_beyond_eof",
              "crystal#17276 proftpd#591 dune#15554",
              "sendfile asked for more than the file has: short, then 0",
              {5, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY));
                auto [s, r] = connected_pair(c);
                std::int64_t o = 0;
                out.say("first={}", c.sendfile(s, f, &o, 10));
                out.say("offset={}", o);
                out.say("second={}", c.sendfile(s, f, &o, 5));
              }},

    FieldCase{"sf_count0",
              "nuttx#9576",
              "sendfile of 0 bytes",
              {100, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY));
                auto [s, r] = connected_pair(c);
                std::int64_t o = 7;
                out.say("r={}", c.sendfile(s, f, &o, 0));
                out.say("o={}", o);
                o = 500;
                out.say("past={}", c.sendfile(s, f, &o, 10));
              }},

    FieldCase{"sf_append",
              "graphene#1967 fcat#10 liburing#291",
              "sendfile and splice to an O_APPEND file",
              {100, 10, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY)), o = fd(c.open("b", O_WRONLY | O_APPEND));
                out.say("sendfile={}", c.sendfile(o, f, nullptr, 10));
                int p[2]{};
                c.pipe(p);
                c.splice(f, nullptr, p[1], nullptr, 10, 0);
                out.say("splice={}", c.splice(p[0], nullptr, o, nullptr, 10, 0));
                c.fcntl(o, F_SETFL, 0);
                out.say("cleared={}", c.splice(p[0], nullptr, o, nullptr, 10, 0));
                const int q = fd(c.open("a", O_RDONLY));
                c.fcntl(p[1], F_SETFL, O_APPEND);
                out.say("pipe+append={}", c.splice(q, nullptr, p[1], nullptr, 10, SPLICE_F_NONBLOCK));
              }},

    FieldCase{"sf_args",
              "LTP sendfile02/03/05/06/08",
              "offsets, positions and descriptors of sendfile",
              {26, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY)), w = fd(c.open("b", O_WRONLY)), ro = fd(c.open("b", O_RDONLY)),
                          wo = fd(c.open("a", O_WRONLY));
                std::int64_t o = -1;
                out.say("neg={}", c.sendfile(w, f, &o, 1));
                o = 2;
                out.say("off2={}", c.sendfile(w, f, &o, 24));
                out.say("o={} pos={} wpos={}", o, c.lseek(f, 0, SEEK_CUR), c.lseek(w, 0, SEEK_CUR));
                out.say("null={}", c.sendfile(w, f, nullptr, 26));
                out.say("pos={}", c.lseek(f, 0, SEEK_CUR));
                out.say("ro out={}", c.sendfile(ro, f, nullptr, 1));
                out.say("wo in={}", c.sendfile(w, wo, nullptr, 1));
                out.say("bad={}", c.sendfile(w, -1, nullptr, 1));
                const int d = fd(c.open(".", O_RDONLY | O_DIRECTORY));
                out.say("dir={}", c.sendfile(w, d, nullptr, 1));
              }},

    FieldCase{"sf_nonblock_pipe",
              "Linux 5.12 sendfile to pipe; Go #59041",
              "sendfile to a pipe that is full",
              {200000, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY));
                int p[2]{};
                c.pipe(p, O_NONBLOCK);
                out.say("first={}", c.sendfile(p[1], f, nullptr, 200000));
                out.say("second={}", c.sendfile(p[1], f, nullptr, 200000));
                out.say("pos={}", c.lseek(f, 0, SEEK_CUR));
              }},

    FieldCase{"seek_hole",
              "rsync/cp sparse copying, lseek(2)",
              "SEEK_DATA and SEEK_HOLE in a sparse file",
              {0, 4096, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR));
                const auto m = memory(c, 4096);
                c.fill(m, std::byte{1}, 4096);
                c.ftruncate(f, 1 << 20);
                c.pwrite(f, m, 4096, 512 << 10);
                c.fsync(f);
                out.say("data={}", c.lseek(f, 0, SEEK_DATA));
                out.say("hole={}", c.lseek(f, 512 << 10, SEEK_HOLE));
                out.say("past={}", c.lseek(f, 2 << 20, SEEK_DATA));
              }},

    FieldCase{"o_direct_write",
              "MySQL innodb_flush_method",
              "O_DIRECT writes",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const Value f = c.open("a", O_RDWR | O_DIRECT);
                const auto m = memory(c, 16384);
                out.say("aligned={}", c.pwrite(fd(f), m, 4096, 0));
                out.say("odd={}", c.pwrite(fd(f), m, 1000, 4096));
                out.say("setfl={}", c.fcntl(fd(f), F_SETFL, 0));
                out.say("then odd={}", c.pwrite(fd(f), m, 1000, 4096));
              }},

    FieldCase{"dirty_sync",
              "MySQL/Kafka fsync, sync flags",
              "O_SYNC, O_DSYNC, O_TMPFILE, O_PATH, O_NOATIME opens and fsync of odd descriptors",
              {10, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto t = [&](const char* n, const char* p, int f) {
                  const Value v = c.open(p, f, 0600);
                  out.say("{}={}", n, succeeded(v));
                };
                t("sync", "a", O_WRONLY | O_SYNC);
                t("dsync", "a", O_WRONLY | O_DSYNC);
                t("tmpfile", ".", O_RDWR | O_TMPFILE);
                t("noatime", "a", O_RDONLY | O_NOATIME);
                t("path", "a", O_PATH);
                t("trunc", "b", O_WRONLY | O_TRUNC);
                t("excl", "a", O_CREAT | O_EXCL | O_WRONLY);
                int p[2]{};
                c.pipe(p);
                out.say("fsync pipe={}", c.fsync(p[0]));
                out.say("fadvise pipe={}", c.posix_fadvise(p[0], 0, 0, 4));
              }},

    FieldCase{"sf_readahead_pos",
              "readahead(2), nginx aio",
              "sendfile with SEQUENTIAL, RANDOM, WILLNEED, NOREUSE, DONTNEED advice before",
              {1 << 20, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY));
                for (int a = 0; a <= 6; ++a) out.say("advice {}={}", a, c.posix_fadvise(f, 0, 0, a));
                out.say("bad fd={} neg={}", c.posix_fadvise(99, 0, 0, 0), c.posix_fadvise(f, 0, -1, 0));
              }},

    FieldCase{"sparse_send",
              "rsync/qemu sparse images by sendfile",
              "sendfile of a hole gives zeroes, full count",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR));
                c.ftruncate(f, 20000);
                int p[2]{};
                c.pipe(p);
                std::int64_t o = 5000;
                out.say("r={}", c.sendfile(p[1], f, &o, 10000));
                const auto m = memory(c, 16384);
                c.fill(m, std::byte{1}, 16384);
                out.say("read={}", c.read(p[0], m, 16384));
                out.say("b={} {}", byte_at(c, m), byte_at(c, m + 9999));
              }},

    FieldCase{"poll_odd",
              "poll(2)",
              "closed, negative and file descriptors",
              {100, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY));
                out.say("file={:x} closed={:x} neg={:x}", polled(c, f, POLLIN | POLLOUT), polled(c, 77, POLLIN),
                        polled(c, -1, POLLIN));
              }},

    FieldCase{"file_limit",
              "EMFILE (nginx worker_rlimit_nofile)",
              "descriptors run out: pipe and accept",
              {10, 0, 0},
              [](SystemCalls& c, Answers& out) {
                int n = 0;
                Value v;
                while ((v = c.open("a", O_RDONLY)) >= 0) ++n;
                out.say("n={} {}", n, v);
                int p[2]{};
                out.say("pipe={}", c.pipe(p));
                c.close(5);
                out.say("pipe one left={}", c.pipe(p));
                out.say("dup={}", c.dup(0));
                out.say("again={}", c.dup(0));
              }},

    FieldCase{"min_sparse_past",
              "juicefs#2637 libtorrent#6738",
              "SEEK_DATA of a file that is one hole is ENXIO",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR));
                c.ftruncate(f, 8192);
                out.say("data={} hole={}", c.lseek(f, 0, SEEK_DATA), c.lseek(f, 0, SEEK_HOLE));
              }},

    FieldCase{"open_flags_show",
              "open(2), F_GETFL",
              "which flags of open are refused, dropped or shown",
              {100, 0, 0},
              [](SystemCalls& c, Answers& out) {
                constexpr int kFileSync = O_SYNC & ~O_DSYNC;
                constexpr int kUnnamed = O_TMPFILE & ~O_DIRECTORY;
                const auto tell = [&](std::string_view path, int flags) {
                  const Value f = c.open(path, flags, 0600);
                  out.say("{} {:#x}: {} shows {}", path, flags, succeeded(f), f < 0 ? f : c.fcntl(fd(f), F_GETFL));
                  c.close(fd(f));
                };
                for (const int flags :
                     {O_NOFOLLOW, O_NOATIME, O_ASYNC, O_NOCTTY, O_ACCMODE, 0x40000000, O_SYNC | O_RDWR, kFileSync,
                      O_DSYNC, O_EXCL, O_DIRECT | O_NONBLOCK, O_PATH, O_PATH | O_RDWR | O_TRUNC | O_CREAT,
                      O_PATH | O_DIRECTORY, O_TMPFILE | O_RDWR, kUnnamed | O_RDWR, O_CREAT | O_DIRECTORY})
                  tell("a", flags);
                for (const int flags : {O_PATH | O_DIRECTORY, O_DIRECT, O_APPEND, O_EXCL, O_CREAT, O_ACCMODE,
                                        O_TMPFILE | O_RDWR, O_TMPFILE | O_WRONLY, O_TMPFILE,
                                        O_TMPFILE | O_RDWR | O_EXCL, O_TMPFILE | O_RDWR | O_CREAT, kUnnamed | O_RDWR})
                  tell(".", flags);
                for (const std::string_view path : {"none", "", "a/b", "none/b"}) tell(path, O_TMPFILE | O_RDWR);
                tell("none", O_PATH | O_CREAT);
              }},

    FieldCase{"path_is_no_file",
              "open(2) O_PATH",
              "a descriptor that only names a file",
              {100, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_PATH)), g = fd(c.open("a", O_RDWR));
                const auto m = memory(c, 4096);
                FileStatus status;
                out.say("read={} write={} lseek={}", c.read(f, m, 1), c.write(f, m, 1), c.lseek(f, 0, SEEK_SET));
                out.say("fstat={} size={}", c.fstat(f, status), status.size);
                out.say("ftruncate={} fsync={} fadvise={}", c.ftruncate(f, 1), c.fsync(f), c.posix_fadvise(f, 0, 0, 0));
                out.say("setfl={} getfd={} pipe={}", c.fcntl(f, F_SETFL, O_APPEND), c.fcntl(f, F_GETFD),
                        c.fcntl(f, F_GETPIPE_SZ));
                out.say("mmap={}", c.mmap(UserAddress::Null, 4096, PROT_READ, MAP_SHARED, f, 0));
                out.say("sendfile={} poll={:x}", c.sendfile(g, f, nullptr, 1), polled(c, f, POLLIN));
                out.say("dup={} dupfd={} close={}", c.dup(f), c.fcntl(f, F_DUPFD, 0), c.close(f));
              }},

    FieldCase{"fcntl_commands",
              "fcntl(2)",
              "commands and changeable flags of files, directories, pipes and sockets",
              {100, 0, 0},
              [](SystemCalls& c, Answers& out) {
                int p[2]{};
                c.pipe(p);
                const int files[] = {fd(c.open("a", O_RDWR)), fd(c.open(".", O_RDONLY)), p[0], p[1],
                                     fd(c.socket(AF_INET, SOCK_STREAM, 0))};
                for (const int f : files) {
                  for (const int flags : {O_DIRECT, O_ASYNC, O_NOATIME, O_APPEND | O_NONBLOCK, O_SYNC | O_RDWR, 0}) {
                    const Value set = c.fcntl(f, F_SETFL, flags);
                    out.say("{:#x}: {} then {}", flags, set, c.fcntl(f, F_GETFL));
                  }
                  for (const int command : {F_GETFD, F_GETOWN, F_GETSIG, F_GETLEASE, F_GETPIPE_SZ, 12, 19, 1029, 99})
                    out.say("{}: {}", command, c.fcntl(f, command, 0));
                  out.say("setfd={} getfd={}", c.fcntl(f, F_SETFD, FD_CLOEXEC), c.fcntl(f, F_GETFD));
                }
                const Value copy = c.fcntl(p[0], F_DUPFD_CLOEXEC, 20);
                out.say("copy={} getfd={}", copy, c.fcntl(fd(copy), F_GETFD));
                out.say("dup3={}", c.dup3(p[0], 30, O_CLOEXEC));
                out.say("getfd={} same={} odd={} far={}", c.fcntl(30, F_GETFD), c.dup3(p[0], p[0], 0),
                        c.dup3(p[0], 31, O_NONBLOCK), c.dup3(p[0], 400, 0));
              }},

    FieldCase{"unnamed_file",
              "open(2) O_TMPFILE, sqlite/systemd temporary files",
              "a file without a name, shared with a child, gone at the end",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 1 << 20);
                c.fill(m, std::byte{7}, 1 << 20);
                for (int i = 0; i < 40; ++i) {  // more than the disk holds
                  const int f = fd(c.open(".", O_TMPFILE | O_RDWR, 0600));
                  const Value n = c.write(f, m, 1 << 20);
                  const auto p =
                      static_cast<UserAddress>(c.mmap(UserAddress::Null, 4096, PROT_READ, MAP_SHARED, f, 4096));
                  c.close(f);
                  if (n != 1 << 20 || byte_at(c, p) != 7) out.say("{}: {}", i, n);
                  c.munmap(p, 4096);
                }
                const int f = fd(c.open(".", O_TMPFILE | O_RDWR, 0600));
                FileStatus status;
                out.say("fstat={} size={} mode={:o}", c.fstat(f, status), status.size, status.mode);
                out.say("write={} pread={}", c.write(f, m, 5000), c.pread(f, m, 100, 4950));
              },
              Disk::Small},

    FieldCase{"last_blocks_for_any_file",
              "ENOSPC",
              "blocks set aside for one growing file are there for another when the disk is full",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int a = fd(c.open("a", O_RDWR)), filler = fd(c.open("b", O_RDWR)),
                          other = fd(c.open("c", O_RDWR));
                const auto m = memory(c, 1 << 20);
                fill_disk(c, filler, m);
                const Value size = c.lseek(filler, 0, SEEK_END);
                c.ftruncate(filler, size - 64 * 4096);
                out.say("first={} rest={} none={}", c.write(a, m, 4096), c.write(other, m, 1 << 20), c.write(a, m, 1));
              },
              Disk::Small},
};

}  // namespace

std::span<const FieldCase> file_cases() { return kCases; }

}  // namespace sluice::field_cases
