// SPDX-License-Identifier: Apache-2.0
// Pipes, splice, tee and vmsplice.
#include <array>
#include <fcntl.h>
#include <poll.h>

#include <sys/mman.h>
#include <sys/socket.h>

#include "tests/field_cases/field_case.h"

namespace sluice::field_cases {

namespace {

const std::array kCases = {
    FieldCase{"splice_full",
              "kklis/proxy#4 3proxy#366",
              "splice of a file to a pipe: a pipeful, then EAGAIN",
              {200000, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY));
                int p[2]{};
                c.pipe(p);
                out.say("first={}", c.splice(f, nullptr, p[1], nullptr, 200000, 0));
                out.say("second={}", c.splice(f, nullptr, p[1], nullptr, 200000, SPLICE_F_NONBLOCK));
                out.say("pos={}", c.lseek(f, 0, SEEK_CUR));
              }},

    FieldCase{"splice_full_blocks",
              "kklis/proxy#4 IronTraffic#186",
              "a second splice without NONBLOCK never returns",
              {200000, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY));
                int p[2]{};
                c.pipe(p);
                c.splice(f, nullptr, p[1], nullptr, 200000, 0);
                c.splice(f, nullptr, p[1], nullptr, 1, 0);
                out.say("not reached");
              }},

    FieldCase{"splice_unaligned",
              "splice of an unaligned file offset",
              "17 pages touch, 16 slots: what an unaligned splice moves",
              {200000, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY));
                int p[2]{};
                c.pipe(p);
                std::int64_t o = 100;
                out.say("r={}", c.splice(f, &o, p[1], nullptr, 200000, SPLICE_F_NONBLOCK));
                out.say("set={}", c.fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
                out.say("more={}", c.splice(f, &o, p[1], nullptr, 200000, SPLICE_F_NONBLOCK));
              }},

    FieldCase{"splice_loss",
              "gvisor#565",
              "a splice that fails must leave its bytes in the pipe",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 4096);
                int p[2]{};
                c.pipe(p);
                c.write(p[1], m, 100);
                const int ro = fd(c.open("a", O_RDONLY));
                out.say("to read-only={}", c.splice(p[0], nullptr, ro, nullptr, 100, 0));
                int q[2]{};
                c.pipe(q);
                c.close(q[0]);
                (void)q;
                auto [s, r] = connected_pair(c);
                set_non_blocking(c, s);
                while (c.send(s, m, 4096, 0) > 0) {
                }
                while (c.send(s, m, 1, 0) > 0) {
                }
                out.say("to full socket={}", c.splice(p[0], nullptr, s, nullptr, 100, SPLICE_F_NONBLOCK));
                out.say("left={}", c.read(p[0], m, 4096));
              }},

    FieldCase{"vm_reuse",
              "uutils#7625 vmsplice(2)",
              "a buffer changed after vmsplice: the reader sees the new bytes",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 8192), b = memory(c, 8192);
                c.fill(m, std::byte{1}, 4096);
                int p[2]{};
                c.pipe(p);
                out.say("r={}", c.vmsplice(p[1], m, 4096, 0));
                c.fill(m, std::byte{2}, 4096);
                c.read(p[0], b, 4096);
                out.say("byte={}", byte_at(c, b));
              }},

    FieldCase{"vm_unmap",
              "uutils#7625",
              "munmap after vmsplice leaves the old bytes",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 8192), b = memory(c, 8192);
                c.fill(m, std::byte{1}, 8192);
                int p[2]{};
                c.pipe(p);
                c.vmsplice(p[1], m, 8192, SPLICE_F_GIFT);
                c.munmap(m, 8192);
                const auto n = memory(c, 8192);
                c.fill(n, std::byte{7}, 8192);
                c.read(p[0], b, 8192);
                out.say("byte={}", byte_at(c, b + 5000));
              }},

    FieldCase{"vm_read_end",
              "vmsplice(2)",
              "vmsplice from a pipe's read end copies to memory",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 4096), b = memory(c, 4096);
                c.fill(m, std::byte{3}, 10);
                int p[2]{};
                c.pipe(p);
                c.write(p[1], m, 10);
                out.say("r={}", c.vmsplice(p[0], b, 4096, 0));
                out.say("byte={}", byte_at(c, b + 9));
                out.say("notpipe={}", c.vmsplice(fd(c.open("a", O_RDWR)), m, 10, 0));
              }},

    FieldCase{"file_changed_after_splice",
              "systemd#29044 lkml 2023",
              "a file overwritten after splice: the pipe shows the new bytes",
              {8192, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR));
                const auto m = memory(c, 8192), b = memory(c, 8192);
                c.fill(m, std::byte{77}, 8192);
                int p[2]{};
                c.pipe(p);
                auto [s, r] = connected_pair(c);
                std::int64_t o = 0;
                c.splice(f, &o, p[1], nullptr, 4096, 0);
                c.sendfile(s, f, &o, 4096);
                c.pwrite(f, m, 8192, 0);
                c.read(p[0], b, 4096);
                out.say("pipe={}", byte_at(c, b));
                c.recv(r, b, 4096, MSG_WAITALL);
                out.say("socket={}", byte_at(c, b));
              }},

    FieldCase{"pipe_sizes",
              "util-linux#3692 criu-image-streamer#13 os-autoinst#2989",
              "F_SETPIPE_SZ: rounding and refusals",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 65536);
                int p[2]{};
                c.pipe(p);
                for (const long n : {30000L, 0L, 1L, 5000L, 1048576L, 1048577L, 2147483647L, 2147483648L, -1L})
                  out.say("set {}={}", n, c.fcntl(p[1], F_SETPIPE_SZ, n));
                out.say("get={}", c.fcntl(p[0], F_GETPIPE_SZ));
                c.fcntl(p[1], F_SETPIPE_SZ, 65536);
                c.write(p[1], m, 10000);
                out.say("shrink={}", c.fcntl(p[1], F_SETPIPE_SZ, 4096));
                out.say("on file={}", c.fcntl(fd(c.open("a", O_RDWR)), F_GETPIPE_SZ));
              }},

    FieldCase{"pipe_direct",
              "LTP#625 pipe2(2)",
              "O_DIRECT pipe: packets",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 8192);
                int p[2]{};
                const Value v = c.pipe(p, O_DIRECT | O_NONBLOCK);
                out.say("pipe={}", v);
                if (v < 0) return;
                c.write(p[1], m, 10);
                c.write(p[1], m, 20);
                out.say("read={}", c.read(p[0], m, 4096));
                out.say("short={}", c.read(p[0], m, 5));
                out.say("rest={}", c.read(p[0], m, 4096));
              }},

    FieldCase{"tee_rules",
              "LTP tee01/tee02",
              "tee leaves its source, takes what fits, refuses one pipe twice",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 65536);
                int p[2]{}, q[2]{};
                c.pipe(p);
                c.pipe(q);
                c.write(p[1], m, 10000);
                out.say("tee={}", c.tee(p[0], q[1], 65536, 0));
                out.say("again={}", c.tee(p[0], q[1], 65536, 0));
                out.say("src={}", c.read(p[0], m, 65536));
                out.say("dst={}", c.read(q[0], m, 65536));
                out.say("same={}", c.tee(p[0], p[1], 10, 0));
                out.say("file={}", c.tee(fd(c.open("a", O_RDWR)), p[1], 10, 0));
                out.say("empty={}", c.tee(p[0], q[1], 10, SPLICE_F_NONBLOCK));
                c.close(p[1]);
                out.say("end={}", c.tee(p[0], q[1], 10, 0));
              }},

    FieldCase{"pipe_sigpipe",
              "coreutils yes / Node EPIPE",
              "write and splice to a pipe without readers",
              {100, 0, 0},
              [](SystemCalls& c, Answers& out) {
                int p[2]{};
                c.pipe(p);
                c.close(p[0]);
                const int f = fd(c.open("a", O_RDONLY));
                out.say("poll={:x}", polled(c, p[1], POLLOUT));
                c.splice(f, nullptr, p[1], nullptr, 10, 0);
                out.say("not reached");
              }},

    FieldCase{"vmsplice_file_map",
              "vmsplice of a mapped file (uutils cat, libkcapi#162)",
              "a page of a file mapping through a pipe; then the file changes",
              {8192, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR));
                const auto m = static_cast<UserAddress>(c.mmap(UserAddress::Null, 8192, PROT_READ, MAP_SHARED, f, 0));
                int p[2]{};
                c.pipe(p);
                out.say("r={}", c.vmsplice(p[1], m + 10, 5000, SPLICE_F_GIFT));
                const auto b = memory(c, 8192);
                c.fill(b, std::byte{200}, 8192);
                c.pwrite(f, b, 8192, 0);
                c.fill(b, std::byte{0}, 8192);
                out.say("read={}", c.read(p[0], b, 8192));
                out.say("byte={}", byte_at(c, b));
              }},

    FieldCase{"splice_file_file",
              "cp by splice (fcat, coreutils)",
              "file, pipe, file with offsets; the target grows",
              {100000, 10, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDONLY)), g = fd(c.open("b", O_RDWR));
                int p[2]{};
                c.pipe(p);
                std::int64_t i = 1, o = 5;
                Value t = 0, n;
                while ((n = c.splice(f, &i, p[1], nullptr, 1 << 20, 0)) > 0) {
                  while (n > 0) {
                    const Value k = c.splice(p[0], nullptr, g, &o, static_cast<std::uint64_t>(n), SPLICE_F_MOVE);
                    if (k <= 0) {
                      out.say("k={}", k);
                      return;
                    }
                    n -= k;
                    t += k;
                  }
                }
                FileStatus st;
                c.fstat(g, st);
                out.say("moved={} size={} o={} pos={}", t, st.size, o, c.lseek(g, 0, SEEK_CUR));
              }},

    FieldCase{"pipe_packets",
              "pipe2(2) O_DIRECT",
              "packets are split at pages, kept apart, cut by short reads, and pass through splice and tee",
              {10000, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 65536);
                int p[2]{}, q[2]{};
                out.say("pipe={}", c.pipe(p, O_DIRECT | O_NONBLOCK));
                c.pipe(q, O_NONBLOCK);
                out.say("write={}", c.write(p[1], m, 9000));
                out.say("read={}", c.read(p[0], m, 65536));
                out.say("short={}", c.read(p[0], m, 100));
                out.say("rest={}", c.read(p[0], m, 65536));
                out.say("none={}", c.read(p[0], m, 65536));
                c.write(p[1], m, 10);
                c.write(p[1], m, 20);
                out.say("tee={} splice={}", c.tee(p[0], q[1], 65536, 0), c.splice(p[0], nullptr, q[1], nullptr, 15, 0));
                for (int i = 0; i < 5; ++i) out.say("through={}", c.read(q[0], m, 8));
                out.say("left={}", c.read(p[0], m, 65536));
                c.write(q[1], m, 100);
                c.fcntl(q[1], F_SETFL, O_DIRECT | O_NONBLOCK);
                c.write(q[1], m, 200);
                c.write(q[1], m, 300);
                for (int i = 0; i < 3; ++i) out.say("mixed={}", c.read(q[0], m, 65536));
                const int f = fd(c.open("a", O_RDONLY));
                c.splice(f, nullptr, q[1], nullptr, 5000, 0);
                out.say("file={}", c.read(q[0], m, 65536));
                c.write(p[1], m, 10);
                c.write(p[1], m, 20);
                out.say("vmsplice={}", c.vmsplice(p[0], m, 15, SPLICE_F_NONBLOCK));
                out.say("then={}", c.read(p[0], m, 65536));
              }},

    FieldCase{"pipe_unreadable_tail",
              "write(2) EFAULT",
              "a write that cannot be read, to a full pipe whose last page has room",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 65536);
                int p[2]{};
                c.pipe(p, O_NONBLOCK);
                out.say("fill={}", c.write(p[1], m, 61810));
                out.say("bad={}", c.write(p[1], UserAddress{4096}, 1));
                out.say("good={}", c.write(p[1], m, 1));
                out.say("page={}", c.write(p[1], UserAddress{4096}, 4096));
              }},

    FieldCase{"pipe_of_truncated_file",
              "splice(2) NOTES",
              "pages in a pipe whose file shrinks and grows again",
              {8192, 5000, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR)), g = fd(c.open("b", O_RDWR));
                const auto m = memory(c, 8192);
                c.fill(m, std::byte{200}, 8192);
                int p[2]{};
                c.pipe(p);
                out.say("splice={}", c.splice(f, nullptr, p[1], nullptr, 8192, 0));
                out.say("shorter={} append={}", c.ftruncate(f, 4096), c.pwrite(f, m, 1, 4096));
                out.say("read={} bytes={} {}", c.read(p[0], m, 8192), byte_at(c, m + 4096), byte_at(c, m + 4097));
                const auto last =
                    static_cast<UserAddress>(c.mmap(UserAddress::Null, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, g, 0));
                c.fill(last + 5000, std::byte{9}, 10);
                out.say("vmsplice={}", c.vmsplice(p[1], last + 4096, 4096, 0));
                c.open("b", O_WRONLY | O_TRUNC);
                out.say("read={} bytes={} {}", c.read(p[0], m, 8192), byte_at(c, m + 903), byte_at(c, m + 904));
              }},
};

}  // namespace

std::span<const FieldCase> pipe_cases() { return kCases; }

}  // namespace sluice::field_cases
