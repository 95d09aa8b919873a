// SPDX-License-Identifier: Apache-2.0
// Mappings.
#include <array>
#include <cstring>
#include <fcntl.h>

#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "tests/field_cases/field_case.h"

namespace sluice::field_cases {

namespace {

const std::array kCases = {
    FieldCase{"mmap_sigbus",
              "cpp-httplib#1930 lighttpd#56 firebuild#762",
              "a load after the file was truncated",
              {8192, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR));
                const auto m = static_cast<UserAddress>(c.mmap(UserAddress::Null, 8192, PROT_READ, MAP_SHARED, f, 0));
                out.say("before={}", byte_at(c, m + 4096));
                c.ftruncate(f, 4096);
                out.say("first page ok={}", byte_at(c, m + 100));
                byte_at(c, m + 4096);
                out.say("not reached");
              }},

    FieldCase{"mmap_tail",
              "mmap(2) NOTES",
              "bytes stored behind the end are in the page and not in the file",
              {5000, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR));
                const auto m =
                    static_cast<UserAddress>(c.mmap(UserAddress::Null, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0));
                c.fill(m + 5000, std::byte{9}, 100);
                out.say("seen={}", byte_at(c, m + 5050));
                c.fsync(f);
                c.ftruncate(f, 6000);
                out.say("after growth={}", byte_at(c, m + 5050));
                const auto b = memory(c, 4096);
                out.say("read={}", c.pread(f, b, 10, 5050));
                out.say("byte={}", byte_at(c, b));
              }},

    FieldCase{"madv_dontneed",
              "jemalloc/Go runtime MADV_DONTNEED/FREE",
              "private pages read 0 again; a file mapping reads the file again",
              {4096, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto m = memory(c, 4096);
                c.fill(m, std::byte{5}, 4096);
                out.say("adv={}", c.madvise(m, 4096, MADV_DONTNEED));
                out.say("byte={}", byte_at(c, m));
                out.say("free={}", c.madvise(m, 4096, MADV_FREE));
                const int f = fd(c.open("a", O_RDWR));
                const auto p = static_cast<UserAddress>(
                    c.mmap(UserAddress::Null, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0));
                const unsigned was = byte_at(c, p);
                c.fill(p, std::byte(was + 1), 1);
                c.madvise(p, 4096, MADV_DONTNEED);
                out.say("again={}", byte_at(c, p) == was);
                out.say("hugepage={} seq={} willneed={} dump={}", c.madvise(m, 4096, MADV_HUGEPAGE),
                        c.madvise(p, 4096, MADV_SEQUENTIAL), c.madvise(p, 4096, MADV_WILLNEED),
                        c.madvise(p, 4096, MADV_DONTDUMP));
                out.say("bad={}", c.madvise(p, 4096, 999));
              }},

    FieldCase{"mmap_flags",
              "JVM/MySQL/Varnish mmap flags",
              "MAP_HUGETLB, MAP_LOCKED, MAP_SHARED|ANON, MAP_FIXED_NOREPLACE, MAP_SHARED_VALIDATE, MAP_NORESERVE",
              {4096, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto tell = [&](const char* n, int protection, int flags, int file) {
                  const Value v = c.mmap(UserAddress::Null, 4096, protection, flags, file, 0);
                  out.say("{}={}", n, succeeded(v));
                };
                const int f = fd(c.open("a", O_RDONLY)), w = fd(c.open("a", O_WRONLY));
                tell("shared anon", PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
                tell("validate", PROT_READ, MAP_SHARED_VALIDATE, f);
                tell("validate+sync", PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, f);
                tell("shared write of ro", PROT_WRITE, MAP_SHARED, f);
                tell("private write of ro", PROT_WRITE, MAP_PRIVATE, f);
                tell("wronly", PROT_READ, MAP_PRIVATE, w);
                tell("noreserve", PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
                tell("stack", PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_GROWSDOWN, -1);
                tell("exec", PROT_READ | PROT_EXEC, MAP_PRIVATE, f);
                tell("neither", PROT_READ, MAP_ANONYMOUS, -1);
                tell("hugetlb", PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
              }},

    FieldCase{"mmap_offset",
              "mmap(2), Kafka index files",
              "unaligned offset, zero size, mapping of an empty file, MAP_SHARED seen by read at once",
              {10000, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR)), e = fd(c.open("c", O_RDWR));
                const auto map = [&](std::uint64_t n, int file, std::int64_t o) {
                  const Value v = c.mmap(UserAddress::Null, n, PROT_READ | PROT_WRITE, MAP_SHARED, file, o);
                  out.say("{}", succeeded(v));
                  return static_cast<UserAddress>(v);
                };
                map(4096, f, 100);
                map(0, f, 0);
                map(4096, e, 0);
                const auto m = map(10000, f, 4096);
                c.fill(m, std::byte{42}, 10);
                const auto b = memory(c, 4096);
                c.pread(f, b, 10, 4096);
                out.say("read sees={}", byte_at(c, b));
                int p[2]{};
                c.pipe(p);
                std::int64_t o = 4096;
                c.sendfile(p[1], f, &o, 10);
                c.fill(m, std::byte{43}, 10);
                c.read(p[0], b, 10);
                out.say("pipe sees={}", byte_at(c, b));
                out.say("dir={}", c.mmap(UserAddress::Null, 4096, PROT_READ, MAP_SHARED, fd(c.open(".", O_RDONLY)), 0));
              }},

    FieldCase{"private_trunc",
              "julia#28245 cpython#148650",
              "a private copy of a page is lost with the file's truncation: SIGBUS",
              {8192, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR));
                const auto m = static_cast<UserAddress>(
                    c.mmap(UserAddress::Null, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, f, 0));
                c.fill(m + 4096, std::byte{9}, 10);
                c.ftruncate(f, 4096);
                out.say("byte={}", byte_at(c, m + 4096));
              }},

    FieldCase{"min_full_disk",
              "h2o#909",
              "a store into a hole of a full disk",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR)), filler = fd(c.open("b", O_RDWR));
                const auto m = memory(c, 1 << 20);
                fill_disk(c, filler, m);
                out.say("write={}", c.pwrite(f, m, 1, 0));
                out.say("longer={}", c.ftruncate(f, 4096));
                const auto p =
                    static_cast<UserAddress>(c.mmap(UserAddress::Null, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0));
                c.fill(p, std::byte{1}, 1);
                out.say("not reached");
              },
              Disk::Small},

    FieldCase{"mmap_rules",
              "mmap(2)",
              "flags that are refused, dropped or done, by kind of mapping",
              {65536, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR));
                constexpr int kReadWrite = PROT_READ | PROT_WRITE;
                constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;
                const auto tell = [&](int flags, int file, std::uint64_t size = 4096) {
                  const Value at = c.mmap(UserAddress::Null, size, kReadWrite, flags, file, 0);
                  out.say("{:#x} {} {}: {}", flags, file < 0 ? "anonymous" : "file", size, succeeded(at));
                  if (at > 0) c.munmap(static_cast<UserAddress>(at), size);
                };
                for (const int flags :
                     {MAP_GROWSDOWN | MAP_PRIVATE, MAP_GROWSDOWN | MAP_SHARED, 8, 0, MAP_SHARED | 0x40000000,
                      MAP_SHARED_VALIDATE | 0x40000000, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE,
                      MAP_SHARED_VALIDATE | 0x200000, MAP_PRIVATE | 0x200000, MAP_PRIVATE | MAP_HUGETLB,
                      MAP_PRIVATE | 22 << MAP_HUGE_SHIFT,
                      MAP_PRIVATE | MAP_LOCKED | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_NORESERVE |
                          MAP_DENYWRITE | MAP_EXECUTABLE})
                  tell(flags, f);
                for (const int flags :
                     {MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, kAnonymous | MAP_GROWSDOWN,
                      MAP_SHARED_VALIDATE | MAP_ANONYMOUS, 8 | MAP_ANONYMOUS, 4 | MAP_ANONYMOUS,
                      8 | MAP_ANONYMOUS | MAP_LOCKED, kAnonymous | MAP_LOCKED, kAnonymous | MAP_32BIT,
                      kAnonymous | MAP_HUGETLB, kAnonymous | MAP_HUGETLB | 22 << MAP_HUGE_SHIFT,
                      kAnonymous | MAP_HUGETLB | 21 << MAP_HUGE_SHIFT, kAnonymous | MAP_HUGETLB | 30 << MAP_HUGE_SHIFT,
                      kAnonymous | MAP_HUGETLB | MAP_NORESERVE, MAP_ANONYMOUS | MAP_HUGETLB, kAnonymous | 0x200000})
                  tell(flags, -1);
                tell(kAnonymous | MAP_HUGETLB, -1, 0);
                tell(MAP_PRIVATE | MAP_HUGETLB, -1);
                int p[2]{};
                c.pipe(p);
                const int s = fd(c.socket(AF_INET, SOCK_STREAM, 0));
                for (const std::int64_t offset : {std::int64_t{0}, std::int64_t{-4096}, std::int64_t{-65536}})
                  for (const int file : {p[0], p[1], s})
                    out.say("{}: {}", offset, c.mmap(UserAddress::Null, 4096, kReadWrite, MAP_SHARED, file, offset));
                out.say("low={}", c.mmap(UserAddress::Null, 4096, kReadWrite, kAnonymous | MAP_32BIT, -1, 0) <
                                      std::int64_t{1} << 31);
              }},

    FieldCase{"mmap_lock_limit",
              "mlock(2) RLIMIT_MEMLOCK",
              "8 MiB of memory may be locked",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const auto lock = [&](std::uint64_t size) {
                  return c.mmap(UserAddress::Null, size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
                };
                out.say("9 MiB={}", lock(9 << 20));
                const Value most = lock(6 << 20);
                out.say("6 MiB={} 3 MiB={}", succeeded(most), lock(3 << 20));
                c.munmap(static_cast<UserAddress>(most), 4 << 20);
                out.say("after munmap={}", succeeded(lock(3 << 20)));
              }},

    FieldCase{"stack_grows_down",
              "mmap(2) MAP_GROWSDOWN",
              "a store below the mapping extends it, one far below does not",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const Value at =
                    c.mmap(UserAddress::Null, 16 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
                const auto base = static_cast<UserAddress>(at);
                c.munmap(base, 16 << 20);
                const Value stack = c.mmap(base + (15 << 20), 4096, PROT_READ | PROT_WRITE,
                                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0);
                out.say("mapped={}", succeeded(stack));
                const auto top = base + (15 << 20);
                c.fill(top + static_cast<std::uint64_t>(-4096), std::byte{3}, 4096);
                c.fill(top + static_cast<std::uint64_t>(-(4 << 20)), std::byte{4}, 1);
                out.say("bytes={} {} {}", byte_at(c, top + static_cast<std::uint64_t>(-1)),
                        byte_at(c, top + static_cast<std::uint64_t>(-(4 << 20))),
                        byte_at(c, top + static_cast<std::uint64_t>(-(2 << 20))));
                c.fill(top + static_cast<std::uint64_t>(-(9 << 20)), std::byte{5}, 1);
                out.say("not reached");
              }},

    FieldCase{"huge_pages_missing",
              "JVM/PostgreSQL huge pages",
              "a mapping of huge pages that nobody reserved",
              {0, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const Value at = c.mmap(UserAddress::Null, 4096, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);
                out.say("mapped={}", succeeded(at));
                byte_at(c, static_cast<UserAddress>(at));
                out.say("not reached");
              }},

    FieldCase{"advice_table",
              "madvise(2)",
              "every advice on every kind of mapping",
              {65536, 0, 0},
              [](SystemCalls& c, Answers& out) {
                const int f = fd(c.open("a", O_RDWR)), ro = fd(c.open("a", O_RDONLY));
                constexpr int kReadWrite = PROT_READ | PROT_WRITE;
                const auto map = [&](int protection, int flags, int file) {
                  return static_cast<UserAddress>(c.mmap(UserAddress::Null, 65536, protection, flags, file, 0));
                };
                const UserAddress kinds[] = {map(kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, -1),
                                             map(kReadWrite, MAP_SHARED | MAP_ANONYMOUS, -1),
                                             map(kReadWrite, MAP_SHARED, f),
                                             map(kReadWrite, MAP_PRIVATE, f),
                                             map(PROT_READ, MAP_SHARED, f),
                                             map(PROT_READ, MAP_SHARED, ro),
                                             map(PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1),
                                             map(PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1),
                                             map(kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1),
                                             map(kReadWrite, 8 | MAP_ANONYMOUS, -1),
                                             UserAddress::Null,
                                             UserAddress{1}};
                for (const int advice : {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,  11,  12,  13,  14,  15, 16,
                                         17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 100, 101, 102, 103, 104, -1}) {
                  std::string line;
                  for (const UserAddress at : kinds) line += " " + answer(c.madvise(at, 4096, advice));
                  out.say("{}:{} empty {}", advice, line, c.madvise(kinds[0], 0, advice));
                }
              }},

    FieldCase{
        "advice_does",
        "madvise(2)",
        "REMOVE, guards, POPULATE, and what a child gets",
        {65536, 65536, 0},
        [](SystemCalls& c, Answers& out) {
          const int f = fd(c.open("a", O_RDWR));
          constexpr int kReadWrite = PROT_READ | PROT_WRITE;
          const auto file = static_cast<UserAddress>(c.mmap(UserAddress::Null, 65536, kReadWrite, MAP_SHARED, f, 0));
          const auto shared =
              static_cast<UserAddress>(c.mmap(UserAddress::Null, 65536, kReadWrite, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
          const auto m = memory(c, 65536), b = memory(c, 4096);
          for (const UserAddress at : {file, shared, m}) c.fill(at, std::byte{5}, 65536);
          c.fsync(f);
          out.say("remove={} {}", c.madvise(file + 8192, 8192, MADV_REMOVE),
                  c.madvise(shared + 4096, 4096, MADV_REMOVE));
          out.say("file {} {} {} {}", byte_at(c, file + 8191), byte_at(c, file + 8192), byte_at(c, file + 16383),
                  byte_at(c, file + 16384));
          out.say("shared {} {}", byte_at(c, shared + 4095), byte_at(c, shared + 4096));
          c.pread(f, b, 4096, 12288);
          out.say("read {} hole at {} data at {}", byte_at(c, b), c.lseek(f, 0, SEEK_HOLE),
                  c.lseek(f, 8192, SEEK_DATA));
          const auto spare = memory(c, 16384);
          out.say("populate {} {}", c.madvise(spare, 16384, MADV_POPULATE_READ),
                  c.madvise(spare, 16384, MADV_POPULATE_WRITE));
          c.ftruncate(f, 4096);
          out.say("behind the end {} {}", c.madvise(file, 8192, MADV_POPULATE_READ),
                  c.madvise(file + 4096, 4096, MADV_WILLNEED));
          out.say("guard {} populate {}", c.madvise(spare + 4096, 4096, 102),
                  c.madvise(spare, 16384, MADV_POPULATE_READ));
          int p[2]{};
          c.pipe(p);
          out.say("write from it {} gone {}", c.write(p[1], spare + 4096, 10), c.madvise(spare + 4096, 4096, 103));
          out.say("byte {}", byte_at(c, spare + 4096));
          c.madvise(m, 4096, MADV_WIPEONFORK);
          c.madvise(m + 8192, 4096, MADV_DONTFORK);
          const UserAddress inherited = m;
          c.fork(
              [](SystemCalls& k, std::span<const std::byte> bytes) {
                UserAddress at{};
                std::memcpy(&at, bytes.data(), sizeof at);
                if (byte_at(k, at) != 0 || byte_at(k, at + 4096) != 5) return 1;
                byte_at(k, at + 8192);  // not mapped
                return 2;
              },
              std::as_bytes(std::span{&inherited, 1}));
          int status = 0;
          c.wait(-1, status);
          out.say("child {}", status);
          c.madvise(spare, 4096, 102);
          byte_at(c, spare);
          out.say("not reached");
        }},

    FieldCase{
        "zero_page_is_shared",
        "vmsplice of memory that was never written",
        "what was read or sent before the first store stays zero",
        {0, 0, 0},
        [](SystemCalls& c, Answers& out) {
          const auto m = memory(c, 8192), b = memory(c, 4096);
          int p[2]{};
          c.pipe(p);
          out.say("vmsplice={} byte={}", c.vmsplice(p[1], m, 10, 0), byte_at(c, m + 4096));
          c.fill(m, std::byte{9}, 8192);
          out.say("read={}", c.read(p[0], b, 4096));
          out.say("pipe {} memory {} {}", byte_at(c, b), byte_at(c, m), byte_at(c, m + 4096));
          const auto write_only = static_cast<UserAddress>(
              c.mmap(UserAddress::Null, 4096, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
          const auto untouched =
              static_cast<UserAddress>(c.mmap(UserAddress::Null, 4096, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
          out.say("populated={} untouched={}", c.vmsplice(p[1], write_only, 1, 0), c.vmsplice(p[1], untouched, 1, 0));
        }},

    FieldCase{
        "full_disk_writes",
        "databases on a full disk",
        "what works and what does not when no block is free",
        {8192, 0, 10},
        [](SystemCalls& c, Answers& out) {
          const int a = fd(c.open("a", O_RDWR)), filler = fd(c.open("b", O_RDWR)), last = fd(c.open("c", O_RDWR));
          const auto m = memory(c, 1 << 20);
          c.fill(m, std::byte{1}, 1 << 20);
          fill_disk(c, filler, m);
          out.say("over={} behind={} append={}", c.pwrite(a, m, 8192, 0), c.pwrite(a, m, 1, 8192),
                  c.pwrite(last, m, 4096, 10));
          FileStatus status;
          c.fstat(last, status);
          out.say("size={} grow={} shrink={}", status.size, c.ftruncate(a, 1 << 20), c.ftruncate(filler, 1 << 20));
          out.say("again={}", c.pwrite(a, m, 100000, 8192));
          fill_disk(c, filler, m);
          const int sparse = fd(c.open(".", O_TMPFILE | O_RDWR, 0600));
          c.ftruncate(sparse, 65536);
          out.say("sparse={} data={}", c.pwrite(sparse, m, 4096, 8192), c.lseek(sparse, 0, SEEK_DATA));
          int p[2]{};
          c.pipe(p);
          c.write(p[1], m, 8192);
          out.say("splice={} left={}", c.splice(p[0], nullptr, sparse, nullptr, 8192, 0), c.read(p[0], m, 65536));
          const auto over =
              static_cast<UserAddress>(c.mmap(UserAddress::Null, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0));
          c.fill(over, std::byte{2}, 8192);
          const auto private_copy =
              static_cast<UserAddress>(c.mmap(UserAddress::Null, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, a, 0));
          c.fill(private_copy, std::byte{3}, 4096);
          out.say("fsync={}", c.fsync(a));
          const auto hole =
              static_cast<UserAddress>(c.mmap(UserAddress::Null, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, sparse, 0));
          out.say("populate={} read into it={}", c.madvise(hole, 4096, MADV_POPULATE_WRITE),
                  c.pread(a, hole + 4096, 10, 0));
          c.fill(hole, std::byte{1}, 1);
          out.say("not reached");
        },
        Disk::Small},
};

}  // namespace

std::span<const FieldCase> memory_cases() { return kCases; }

}  // namespace sluice::field_cases
