// SPDX-License-Identifier: Apache-2.0
// Mappings.
#include <array>
#include <fcntl.h>

#include <sys/mman.h>

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
                for (const std::uint64_t piece : {1 << 20, 4096}) {
                  while (c.write(filler, m, piece) > 0) {
                  }
                }
                out.say("write={}", c.pwrite(f, m, 1, 0));
                out.say("longer={}", c.ftruncate(f, 4096));
                const auto p =
                    static_cast<UserAddress>(c.mmap(UserAddress::Null, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0));
                c.fill(p, std::byte{1}, 1);
                out.say("not reached");
              },
              Disk::Small},
};

}  // namespace

std::span<const FieldCase> memory_cases() { return kCases; }

}  // namespace sluice::field_cases
