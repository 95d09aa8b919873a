// SPDX-License-Identifier: Apache-2.0
// The hal over the SystemC models: threads of control as SC_THREADs, time through the cores, timers as events.
#pragma once

#include <systemc>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "kernel_sim/hal/machine.h"
#include "models/platform/machine.h"

namespace sluice::hal {

class SystemcMachine : private Cpu, private Contexts, private Interrupts, private BackDoor {
 public:
  explicit SystemcMachine(platform::Machine& models);
  ~SystemcMachine() override;

  Machine machine() { return {*this, *this, *this, *this, devices()}; }
  /// Lets SystemC time catch up with the running core: after it, what other processes see is up to date.
  void synchronise() override;
  /// The time of the running core.
  [[nodiscard]] Picoseconds time() const { return core().now(); }

 private:
  struct Context;
  struct Timer {
    unsigned core;
    Handler handler;
  };
  cpu::Core& core() const { return *m_models.cores[m_core]; }
  /// Runs an operation that may wait on the current core, and makes that core current again.
  template <class Operation>
  decltype(auto) on_core(Operation&& operation);
  template <class Operation>
  decltype(auto) on_core(Work work, Operation&& operation);
  /// The translation units of all cores that have the current address space loaded.
  template <class Operation>
  void for_each_sharer(Operation&& operation);

  // Cpu
  [[nodiscard]] Picoseconds now() const override { return core().now(); }
  [[nodiscard]] Frequency frequency() const override { return core().frequency(); }
  void execute(Picoseconds cost, Work work) override;
  [[nodiscard]] Mode mode() const override;
  void set_mode(Mode mode) override;
  [[nodiscard]] Picoseconds user_time() const override;
  void load(PhysAddr from, std::span<std::byte> to) override;
  void store(PhysAddr to, std::span<const std::byte> from) override;
  void copy(PhysAddr from, PhysAddr to, Bytes size) override;
  void continue_copy(PhysAddr from, PhysAddr to, Bytes size) override;
  void zero(PhysAddr at, Bytes size) override;
  std::uint32_t checksum(PhysAddr at, Bytes size, std::uint32_t sum) override;
  void set_page_table(PhysAddr root) override;
  tl::expected<Translation, PageFault> translate(VirtAddr address, Access access, bool user) override;
  void flush_tlb(VirtAddr address, Bytes size) override;
  void flush_tlb() override;
  std::uint64_t mmio_read(PhysAddr reg, unsigned size) override;
  void mmio_write(PhysAddr reg, unsigned size, std::uint64_t value) override;
  // Contexts
  [[nodiscard]] unsigned core_count() const override;
  Id create(std::string name, Body body) override;
  [[nodiscard]] std::optional<Id> current() const override;
  [[nodiscard]] unsigned current_core() const override { return m_core; }
  [[nodiscard]] bool in_interrupt() const override { return core().in_interrupt(); }
  void switch_to(std::optional<Id> next) override;
  void start(Id context, unsigned core) override;
  // Interrupts
  void set_handler(unsigned vector, unsigned core, Handler handler) override;
  void set_return_hook(Handler hook) override { m_returned = std::move(hook); }
  TimerId start_timer(Picoseconds delay, Handler handler) override {
    return start_timer_on(m_core, delay, std::move(handler));
  }
  TimerId start_timer_on(unsigned core, Picoseconds delay, Handler handler) override;
  void interrupt_core(unsigned core, Handler handler) override;
  bool cancel_timer(TimerId timer) override;
  // BackDoor
  [[nodiscard]] Bytes memory_size() const override;
  std::span<std::byte> memory(PhysAddr at, Bytes size) override;
  void load_from_disk(std::size_t disk, Bytes disk_offset, PhysAddr to, Bytes size) override;

  [[nodiscard]] std::vector<DeviceInfo> devices() const;
  void run_context(Context& context);
  void grant(Id context, unsigned core);
  void take_interrupt(unsigned core, unsigned vector);
  void returned_to_idle(unsigned core);
  void timers_due();
  void arm_timers();

  platform::Machine& m_models;
  unsigned m_core = 0;
  std::vector<std::unique_ptr<Context>> m_contexts;
  std::vector<std::optional<Id>> m_holder;         // by core
  std::vector<std::optional<Id>> m_start_request;  // by core: takes effect when its interrupt returns
  std::map<unsigned, Handler> m_handlers;          // by vector
  Handler m_returned;
  std::map<std::pair<std::int64_t, TimerId>, Timer> m_timers;   // by (instant, id)
  std::vector<std::vector<std::pair<TimerId, Handler>>> m_due;  // by core
  std::unordered_map<TimerId, std::int64_t> m_timer_instants;
  TimerId m_next_timer = 1;
  sc_core::sc_event m_timer_event;
  std::optional<Picoseconds> m_armed;  // when m_timer_event comes: not after the first timer
  base::NamedBytes m_loaded;
};

}  // namespace sluice::hal
