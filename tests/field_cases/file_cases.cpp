// SPDX-License-Identifier: Apache-2.0
// Files, and what sendfile makes of them.
#include <array>
#include <fcntl.h>
#include <poll.h>

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
};

}  // namespace

std::span<const FieldCase> file_cases() { return kCases; }

}  // namespace sluice::field_cases
