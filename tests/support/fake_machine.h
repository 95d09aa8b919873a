// SPDX-License-Identifier: Apache-2.0
// A machine without SystemC for the kernel's logic tests: flat memory, time that only the CPU and timers move, devices
// as functions. Contexts are host threads of which exactly one runs at a time, so the sanitizers follow them.
//
//   FakeMachine fake;
//   fake.run("task", [&] { ... kernel code that may wait ... });   // returns when every context has finished
//
// run() throws Blocked, which names the blocked contexts, when nothing is left to happen.
#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "models/base/ledger.h"

namespace sluice::tests {

/// A context waits for what never comes.
struct Blocked : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class FakeMachine : private hal::Cpu, private hal::Contexts, private hal::Interrupts, private hal::BackDoor {
 public:
  explicit FakeMachine(Bytes memory_size = Bytes{64} << 20, unsigned cores = 1);
  ~FakeMachine() override;
  /// Unwinds blocked contexts. They may hold what was made after this machine and is destroyed before it: whoever owns
  /// both calls it first.
  void stop();

  hal::Machine machine() { return {*this, *this, *this, *this, devices}; }
  /// What firmware tells of; before machine() is asked for.
  std::vector<hal::DeviceInfo> devices;
  base::Ledger& ledger() { return m_ledger; }

  /// Creates a context, puts it on core 0 and runs until all contexts have finished.
  void run(std::string name, std::function<void()> body);
  /// As run, for a machine whose contexts a scheduler has created already; returns when all of them have finished or
  /// when only `background` of them are left and nothing can happen any more.
  void run_all(std::size_t background = 0);
  /// From this time on nothing happens any more: what has not ended then is blocked.
  void end_at(Picoseconds time) { m_end = time; }

  /// A device: register reads and writes at [base, base + size).
  void map_device(PhysAddr base, Bytes size, std::function<std::uint64_t(Bytes offset, unsigned size)> read,
                  std::function<void(Bytes offset, unsigned size, std::uint64_t value)> write);
  /// The handler of `vector` runs at `delay` from now.
  void raise_interrupt(unsigned vector, Picoseconds delay = Picoseconds{});
  /// `action` (a device's doing) runs at `delay` from now, outside any context.
  void after(Picoseconds delay, std::function<void()> action);
  /// What load_from_disk copies from; offset and destination.
  std::function<void(Bytes offset, std::span<std::byte> to)> disk_reader;

  [[nodiscard]] Picoseconds time() const { return m_now; }
  std::span<std::byte> bytes(PhysAddr at, Bytes size) { return memory(at, size); }
  [[nodiscard]] Bytes copied_bytes() const { return m_copied; }
  /// Copies of a range onto a part of itself, whose result is the processor's own affair. Here the source wins.
  [[nodiscard]] std::uint64_t overlapping_copies() const { return m_overlapping_copies; }
  /// Copies that were started.
  [[nodiscard]] std::uint64_t copies() const { return m_copies; }
  [[nodiscard]] Picoseconds spent(hal::Mode mode) const { return m_spent[static_cast<std::size_t>(mode)]; }

 private:
  struct Context;
  struct Device;
  // hal::Cpu
  [[nodiscard]] Picoseconds now() const override { return m_now; }
  [[nodiscard]] Frequency frequency() const override { return Frequency{1'000'000'000}; }
  void execute(Picoseconds cost, hal::Work work = hal::Work::Program) override;
  [[nodiscard]] hal::Mode mode() const override;
  void set_mode(hal::Mode mode) override;
  [[nodiscard]] Picoseconds user_time() const override {
    return m_user_time.contains(m_core) ? m_user_time.at(m_core) : Picoseconds{};
  }
  void load(PhysAddr from, std::span<std::byte> to) override;
  void store(PhysAddr to, std::span<const std::byte> from) override;
  void copy(PhysAddr from, PhysAddr to, Bytes size) override;
  void continue_copy(PhysAddr from, PhysAddr to, Bytes size) override;
  void zero(PhysAddr at, Bytes size) override;
  std::uint32_t checksum(PhysAddr at, Bytes size, std::uint32_t sum) override;
  void set_page_table(PhysAddr root) override { m_root[m_core] = root; }
  tl::expected<hal::Translation, hal::PageFault> translate(VirtAddr address, hal::Access access, bool user) override;
  void flush_tlb(VirtAddr, Bytes) override {}
  void flush_tlb() override {}
  std::uint64_t mmio_read(PhysAddr reg, unsigned size) override;
  void mmio_write(PhysAddr reg, unsigned size, std::uint64_t value) override;
  // hal::Contexts
  [[nodiscard]] unsigned core_count() const override { return m_cores; }
  hal::Contexts::Id create(std::string name, hal::Contexts::Body body) override;
  [[nodiscard]] std::optional<hal::Contexts::Id> current() const override;
  [[nodiscard]] unsigned current_core() const override { return m_core; }
  [[nodiscard]] bool in_interrupt() const override { return m_in_interrupt; }
  void switch_to(std::optional<hal::Contexts::Id> next) override;
  void start(hal::Contexts::Id context, unsigned core) override;
  // hal::Interrupts
  void set_handler(unsigned vector, unsigned core, Handler handler) override;
  void set_return_hook(Handler hook) override { m_returned = std::move(hook); }
  TimerId start_timer(Picoseconds delay, Handler handler) override {
    return start_timer_on(m_core, delay, std::move(handler));
  }
  TimerId start_timer_on(unsigned core, Picoseconds delay, Handler handler) override;
  void interrupt_core(unsigned core, Handler handler) override { start_timer_on(core, {}, std::move(handler)); }
  bool cancel_timer(TimerId timer) override;
  // hal::BackDoor
  [[nodiscard]] Bytes memory_size() const override { return m_memory_size; }
  std::span<std::byte> memory(PhysAddr at, Bytes size) override;
  void load_from_disk(std::size_t disk, Bytes disk_offset, PhysAddr to, Bytes size) override;

  struct Event {
    std::function<void()> action;
    bool interrupt;  // runs as an interrupt handler on `core`
    unsigned core;
  };
  /// True when an interrupt of this core was among them.
  bool run_due_events();
  void run_event(const Event& event);
  void loop(std::size_t background);
  void resume_and_wait(Context& context);

  base::Ledger m_ledger;
  Bytes m_memory_size;
  unsigned m_cores;
  std::byte* m_memory = nullptr;
  Picoseconds m_now;
  Picoseconds m_end{std::numeric_limits<std::int64_t>::max()};
  Picoseconds m_spent[3];
  std::map<unsigned, Picoseconds> m_user_time;  // by core
  Bytes m_copied = 0;
  std::uint64_t m_overlapping_copies = 0;
  std::uint64_t m_copies = 0;
  std::vector<PhysAddr> m_root;
  std::vector<std::optional<hal::Contexts::Id>> m_holder;  // by core
  std::vector<hal::Mode> m_interrupt_mode;
  unsigned m_core = 0;
  bool m_in_interrupt = false;
  bool m_stopping = false;
  std::map<std::pair<std::int64_t, std::uint64_t>, Event> m_events;  // by (time, order)
  std::uint64_t m_next_order = 1;
  std::vector<std::unique_ptr<Context>> m_contexts;
  std::vector<Device> m_devices;
  std::map<unsigned, std::pair<unsigned, Handler>> m_handlers;
  Handler m_returned;
  std::binary_semaphore m_loop_turn{0};  // the thread that runs the machine may go on
};

}  // namespace sluice::tests
