// SPDX-License-Identifier: Apache-2.0
// Two processes that wake each other, on one core and on two.
#include <array>
#include <cstring>

#include <sys/mman.h>

#include "tools/native/calibration/other_work.h"
#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

/// A pipe's pages take it at once, and a second-level cache holds it.
constexpr Bytes kData = 48_KiB;

/// What a child is given.
struct Ends {
  int from_parent[2] = {};
  int to_parent[2] = {};
  int data[2] = {};
  int core = -1;  ///< that it moves to; -1: it stays on its parent's
};

/// The pipe's other end closed, a buffer mapped, on the core it is to be on. Null when the kernel refuses.
UserAddress begin_child(SystemCalls& calls, std::span<const std::byte> arguments, Ends& ends) {
  std::memcpy(&ends, arguments.data(), sizeof ends);
  for (const int end : {ends.from_parent[1], ends.to_parent[0], ends.data[0]}) calls.close(end);
  if (ends.core >= 0 && calls.sched_setaffinity(0, std::uint64_t{1} << ends.core) < 0) return UserAddress::Null;
  const auto buffer = calls.mmap(UserAddress::Null, kData, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer < 0) return UserAddress::Null;
  calls.fill(static_cast<UserAddress>(buffer), std::byte{1}, kData);
  return static_cast<UserAddress>(buffer);
}

/// Returns every byte until the parent closes its end.
int echo(SystemCalls& calls, std::span<const std::byte> arguments) {
  Ends ends{};
  const UserAddress at = begin_child(calls, arguments, ends);
  if (at == UserAddress::Null) return 1;
  while (calls.read(ends.from_parent[0], at, 1) == 1) {
    if (calls.write(ends.to_parent[1], at, 1) != 1) return 1;
  }
  return 0;
}

/// Puts kData into the pipe of data at every byte, and returns the byte.
int feed(SystemCalls& calls, std::span<const std::byte> arguments) {
  Ends ends{};
  const UserAddress at = begin_child(calls, arguments, ends);
  if (at == UserAddress::Null) return 1;
  while (calls.read(ends.from_parent[0], at, 1) == 1) {
    if (calls.write(ends.data[1], at, kData) != static_cast<std::int64_t>(kData)) return 1;
    if (calls.write(ends.to_parent[1], at, 1) != 1) return 1;
  }
  return 0;
}

class Child {
 public:
  Child(Session& session, SystemCalls::Entry entry, int core) : m_session(session) {
    m_ends.core = core;
    SystemCalls& calls = session.calls;
    for (int* pipe : {m_ends.from_parent, m_ends.to_parent, m_ends.data}) session.need("pipe", calls.pipe(pipe));
    m_process = session.need("fork", calls.fork(entry, std::as_bytes(std::span{&m_ends, 1})));
    for (const int end : {m_ends.from_parent[0], m_ends.to_parent[1], m_ends.data[1]}) calls.close(end);
  }
  void end() {
    for (const int end : {m_ends.from_parent[1], m_ends.to_parent[0], m_ends.data[0]}) m_session.calls.close(end);
    int status = 0;
    m_session.need("wait", m_session.calls.wait(m_process, status));
  }
  void tell(UserAddress byte) { m_session.need_all("write", m_session.calls.write(m_ends.from_parent[1], byte, 1), 1); }
  void hear(UserAddress byte) { m_session.need_all("read", m_session.calls.read(m_ends.to_parent[0], byte, 1), 1); }
  [[nodiscard]] int data() const { return m_ends.data[0]; }

 private:
  Session& m_session;
  Ends m_ends{};
  std::int64_t m_process = 0;
};

void round_trip(Session& session, int core) {
  constexpr unsigned kBatch = 16;
  const UserAddress buffer = session.map_buffer(kPageSize);
  Child child{session, echo, core};
  {
    OtherWork others{session};
    session.measure(kBatch, [&](Stopwatch& watch) {
      for (unsigned i = 0; i < kBatch; ++i) {
        others();
        watch.run([&] {
          child.tell(buffer);
          child.hear(buffer);
        });
      }
    });
  }
  child.end();
  session.calls.munmap(buffer, kPageSize);
}

void read_written(Session& session, int core) {
  constexpr unsigned kBatch = 8;
  const UserAddress buffer = session.map_buffer(kData);
  Child child{session, feed, core};
  session.measure(kBatch, [&](Stopwatch& watch) {
    for (unsigned i = 0; i < kBatch; ++i) {
      child.tell(buffer);
      child.hear(buffer);
      watch.run([&] { session.need_all("read", session.calls.read(child.data(), buffer, kData), kData); });
    }
  });
  child.end();
  session.calls.munmap(buffer, kData);
}

/// With a child on the session's other core.
std::function<void(Session&)> across(void (*run)(Session&, int)) {
  return [run](Session& session) { run(session, session.other_core()); };
}
std::function<void(Session&)> here(void (*run)(Session&, int)) {
  return [run](Session& session) { run(session, -1); };
}

}  // namespace

std::vector<Primitive> task_primitives() {
  return {
      {"task.round_trip", "a byte to another process on the core and back, through pipes", here(round_trip), 0},
      {"task.round_trip_across", "a byte to a process on an idle core and back, through pipes", across(round_trip), 0},
      {"task.read_written", "read of 48 KiB that a process on the core wrote to a pipe", here(read_written), 0},
      {"task.read_written_across", "read of 48 KiB that a process on another core wrote to a pipe",
       across(read_written), 0},
  };
}

}  // namespace sluice::calibration
