// SPDX-License-Identifier: Apache-2.0
// A pipe: a ring of references to pages (fs/pipe.c). What write() puts in are copies in the pipe's own pages; what
// splice puts in are the pages of others.
//
//   slots   [ f0 | f1 | f2 |    |    |    ]      each: a fragment of a page, and whether write() may append to it
//             ^front         ^ next push
//
// Rules
// - The lock is held while bytes are copied, as in Linux; it is given back before a task waits.
// - A reader gets what is there and waits only for the first byte. A writer waits until all of its bytes are in.
// - The pipe owns one reference on the page of each fragment.
#pragma once

#include <memory>
#include <vector>

#include "kernel_sim/fs/file.h"
#include "kernel_sim/ipc/pipe_config.h"

namespace sluice::ipc {

/// What all pipes of a kernel share.
struct PipeSystem {
  hal::Machine& machine;
  mm::FrameAllocator& frames;
  base::Ledger& ledger;
  sched::Scheduler& scheduler;
  const PipeConfig& config;
  std::uint64_t user_pages = 0;  ///< slots of all pipes of the one user
  /// Held while two pipes are locked, so that opposite directions cannot block each other.
  sched::Mutex two_pipes{scheduler};
};

class Pipe final : public fs::SpliceSink, public fs::SpliceSource {
 public:
  /// Internal: the pipe that sendfile keeps per task. Pages only pass through it, so it is no place of its own.
  enum class Kind : std::uint8_t { User, Internal };
  explicit Pipe(PipeSystem& system, Kind kind = Kind::User);
  ~Pipe() override;

  /// Who moves something, for listeners (epoll) hear of it as Linux tells its waiters. A write always tells of data,
  /// even one that found no room; a read tells of space when the pipe was full; splice and its like when they moved
  /// something.
  enum class Mover : std::uint8_t { ReadOrWrite, Splice };

  // --- read and write -----------------------------------------------------------------------------------------
  /// Packets: a write makes packets of at most a page each, and a read takes one and drops what it has no room for.
  enum class Form : std::uint8_t { Bytes, Packets };
  Result<Bytes> read(mm::UserMemory& memory, VirtAddr to, Bytes size, bool non_blocking, Form form,
                     Mover mover = Mover::ReadOrWrite);
  /// EPIPE without a reader; the caller raises SIGPIPE.
  Result<Bytes> write(mm::UserMemory& memory, VirtAddr from, Bytes size, bool non_blocking, Form form);

  // --- splice: under the lock -----------------------------------------------------------------------------------
  [[nodiscard]] unsigned free_slots() const override { return m_slots - used(); }
  bool push(const mm::Fragment& fragment, Place from) override;
  /// Gives back a reference that found no room.
  void let_go(const mm::Fragment& fragment) { m_system.frames.put(fragment); }
  [[nodiscard]] unsigned fragments() const override { return used(); }
  [[nodiscard]] mm::Fragment peek(unsigned i) const override { return m_ring[(m_front + i) % m_slots].fragment; }
  void consume(Bytes size) override;
  [[nodiscard]] Place place() const override;
  /// Adds a further reference on (a part of) fragment `i` to `to`, as tee does.
  void share(unsigned i, Bytes size, Pipe& to);

  /// Runs `work` under the lock after waiting for data (0 when there will be none), or for a free slot (EPIPE when
  /// nobody reads), and wakes the other side.
  template <class Work>
  Result<Bytes> with_data(bool non_blocking, Work&& work, Mover mover = Mover::Splice);
  template <class Work>
  Result<Bytes> with_space(bool non_blocking, Work&& work, Mover mover = Mover::Splice);
  /// Both at once, for what goes from pipe to pipe.
  template <class Work>
  static Result<Bytes> with_two(Pipe& in, Pipe& out, bool non_blocking, Work&& work);
  /// Waits without keeping the lock. False: no data will come.
  Result<bool> wait_for_data(bool non_blocking);
  Result<void> wait_for_space(bool non_blocking);

  // --- ends and size --------------------------------------------------------------------------------------------
  void add_reader() { ++m_readers; }
  void add_writer() { ++m_writers; }
  void drop_reader();
  void drop_writer();
  [[nodiscard]] bool has_readers() const { return m_readers > 0; }
  [[nodiscard]] bool has_writers() const { return m_writers > 0; }
  [[nodiscard]] bool empty() const { return m_used == 0; }
  [[nodiscard]] bool full() const { return m_used == m_slots; }
  [[nodiscard]] Bytes size() const { return m_slots * kPageSize; }
  /// F_SETPIPE_SZ: rounds up to a power of two of pages and returns the new size. EINVAL, EPERM, EBUSY.
  Result<Bytes> resize(std::uint64_t size);
  /// Drops what is in it.
  void clear();
  sched::WaitQueue& readers_queue() { return m_wait_data; }
  sched::WaitQueue& writers_queue() { return m_wait_space; }

 private:
  struct Slot {
    mm::Fragment fragment;
    bool mergeable = false;
    bool packet = false;
    Place from = Place::Pipe;
  };
  [[nodiscard]] unsigned used() const { return m_used; }
  Slot& at(unsigned i) { return m_ring[(m_front + i) % m_slots]; }
  Result<Bytes> write_all(mm::UserMemory& memory, VirtAddr from, Bytes size, bool non_blocking, Form form);
  void tell_readers();
  void tell_writers();
  void tell_both();
  Result<Bytes> resize_locked(std::uint64_t wanted);
  void append(const Slot& slot);
  Result<Bytes> merge(mm::UserMemory& memory, VirtAddr from, Bytes size);
  Bytes copy_to_user(mm::UserMemory& memory, VirtAddr to, Bytes size, Form form);
  Result<Bytes> fill_slot(mm::UserMemory& memory, VirtAddr from, Bytes size, Form form);
  void charge(CpuCost cost) { m_system.machine.cpu.execute(cost, hal::Work::Pipe); }

  PipeSystem& m_system;
  Kind m_kind;
  unsigned m_slots;
  std::vector<Slot> m_ring;
  unsigned m_front = 0;
  unsigned m_used = 0;
  unsigned m_readers = 0;
  unsigned m_writers = 0;
  sched::Mutex m_lock;
  sched::WaitQueue m_wait_data;
  sched::WaitQueue m_wait_space;
};

template <class Work>
Result<Bytes> Pipe::with_data(bool non_blocking, Work&& work, Mover mover) {
  for (;;) {
    const Result<bool> ready = wait_for_data(non_blocking);
    if (!ready) return tl::unexpected{ready.error()};
    if (!*ready) return 0;
    m_lock.lock();
    if (!empty()) break;
    m_lock.unlock();  // another reader was faster
  }
  const unsigned before = used();
  const bool was_full = full();
  const Result<Bytes> done = work();
  const bool freed = used() < before;
  m_lock.unlock();
  if (!full()) m_system.scheduler.wake_all(m_wait_space);
  if (freed && mover == Mover::Splice) m_wait_space.notify(0);
  if (freed && mover == Mover::ReadOrWrite && was_full) tell_writers();
  return done;
}

template <class Work>
Result<Bytes> Pipe::with_space(bool non_blocking, Work&& work, Mover mover) {
  for (;;) {
    if (const Result<void> ready = wait_for_space(non_blocking); !ready) return tl::unexpected{ready.error()};
    m_lock.lock();
    if (!full()) break;
    m_lock.unlock();
  }
  const Result<Bytes> done = work();
  const bool moved = done && *done > 0;
  m_lock.unlock();
  if (!empty()) m_system.scheduler.wake_all(m_wait_data);
  if (moved && mover == Mover::Splice) m_wait_data.notify(0);
  return done;
}

template <class Work>
Result<Bytes> Pipe::with_two(Pipe& in, Pipe& out, bool non_blocking, Work&& work) {
  sched::Mutex& two_pipes = in.m_system.two_pipes;
  for (;;) {
    const Result<bool> ready = in.wait_for_data(non_blocking);
    if (!ready) return tl::unexpected{ready.error()};
    if (const Result<void> space = out.wait_for_space(non_blocking); !space) return tl::unexpected{space.error()};
    if (!*ready) return 0;  // only now: a full pipe, or one that nobody reads, says so even when there is nothing
    two_pipes.lock();
    in.m_lock.lock();
    out.m_lock.lock();
    const unsigned before = in.used();
    const Bytes done = work();
    const bool freed = in.used() < before;
    out.m_lock.unlock();
    in.m_lock.unlock();
    two_pipes.unlock();
    if (!in.full()) in.m_system.scheduler.wake_all(in.m_wait_space);
    if (!out.empty()) out.m_system.scheduler.wake_all(out.m_wait_data);
    if (done > 0) out.m_wait_data.notify(0);
    if (freed) in.m_wait_space.notify(0);
    if (done > 0) return done;  // else others were faster at one of the ends
  }
}

}  // namespace sluice::ipc
