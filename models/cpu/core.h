// SPDX-License-Identifier: Apache-2.0
// One core. Software is host-compiled and runs on whichever SystemC process holds the core; what it does to the machine
// goes through the calls below, and only they consume time.
//
// A core runs ahead of SystemC time, but only up to the next event that can happen: until then nobody else can observe
// or change anything, so running ahead is exact and needs no quantum. Work that reaches beyond the next event waits for
// it, and an interrupt that it brings is taken before the work goes on.
#pragma once

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <functional>
#include <set>
#include <span>

#include "models/base/ledger.h"
#include "models/cpu/core_times.h"
#include "models/cpu/cpu_config.h"
#include "models/fabric/core_memory.h"
#include "models/fabric/interrupt_sink.h"
#include "models/fabric/translation.h"

namespace sluice::cpu {

/// What a core is connected to beside its register bus.
struct CoreConnections {
  fabric::CoreMemory& caches;
  fabric::PhysicalMemory& memory;
  fabric::AddressTranslation& translation;
  base::Ledger& ledger;
  Picoseconds memory_latency{};  ///< of DRAM, beyond the caches
};

class Core : public sc_core::sc_module, public fabric::InterruptSink {
 public:
  tlm_utils::simple_initiator_socket<Core> bus;  ///< device registers

  Core(sc_core::sc_module_name name, unsigned index, const CpuConfig& config, CoreConnections connections);

  [[nodiscard]] unsigned index() const { return m_index; }
  [[nodiscard]] Frequency frequency() const { return m_config.frequency; }

  // --- occupancy: whose software runs (the owner of the threads decides) ------------------------------------------
  /// Somebody runs from now on. The core must be idle.
  void occupy();
  /// Nobody runs from now on. The caller has synchronised.
  void vacate();
  [[nodiscard]] bool occupied() const { return m_occupied; }

  // --- interrupts -------------------------------------------------------------------------------------------------
  /// `take` runs in interrupt mode for each vector, lowest first: on the interrupted software's thread, or on the
  /// core's own thread when it was idle. `returned_to_task` runs on the thread of what was interrupted, in its mode;
  /// `returned_to_idle` on the core's own thread.
  struct InterruptHooks {
    std::function<void(unsigned vector)> take;
    std::function<void()> returned_to_task;
    std::function<void()> returned_to_idle;
    std::function<void(unsigned vector)> acknowledge;  ///< tells the interrupt controller
  };
  void set_interrupt_hooks(InterruptHooks hooks) { m_hooks = std::move(hooks); }
  void interrupt(unsigned vector, Picoseconds at) override;
  [[nodiscard]] bool in_interrupt() const { return m_in_interrupt; }

  // --- time ---------------------------------------------------------------------------------------------------------
  [[nodiscard]] Picoseconds now() const;
  [[nodiscard]] Mode mode() const { return m_mode; }
  void set_mode(Mode mode) { m_mode = mode; }
  /// Which account time goes to from now on, below kAccounts. An interrupt leaves it as it was.
  void set_account(unsigned account) { m_account = account; }
  /// Spends time in the current mode.
  void consume(Picoseconds duration);
  /// Lets SystemC time catch up. Needed before anything that another process can see.
  void synchronise();
  /// Accounts up to the current SystemC time, from any process.
  [[nodiscard]] CoreTimes times() const;
  /// The busy part of them by account.
  [[nodiscard]] AccountTimes account_times() const;

  // --- memory, through the caches
  // -------------------------------------------------------------------------------------
  void load(PhysAddr from, std::span<std::byte> to);
  void store(PhysAddr to, std::span<const std::byte> from);
  void copy(PhysAddr from, PhysAddr to, Bytes size);
  /// The same without the cost of starting.
  void continue_copy(PhysAddr from, PhysAddr to, Bytes size);
  void zero(PhysAddr at, Bytes size);
  std::uint32_t checksum(PhysAddr at, Bytes size, std::uint32_t sum);

  // --- address translation
  // --------------------------------------------------------------------------------------------
  tl::expected<fabric::Translated, fabric::TranslationFault> translate(VirtAddr address,
                                                                       fabric::TranslationAccess access, bool user);
  fabric::AddressTranslation& translation() { return m_connections.translation; }

  // --- device registers
  // -------------------------------------------------------------------------------------------------
  std::uint64_t mmio_read(PhysAddr reg, unsigned size);
  void mmio_write(PhysAddr reg, unsigned size, std::uint64_t value);

 private:
  void run_interrupts_when_idle();
  void take_interrupts();
  void advance(Picoseconds duration, bool interruptible);
  void charge(Picoseconds worked);
  [[nodiscard]] Picoseconds horizon() const;
  struct Touch {  // a run within one page
    PhysAddr address;
    Bytes size;
    fabric::AccessKind kind;
  };
  Picoseconds cost_of(const Touch* touches, std::size_t count);
  Picoseconds first_line_cost(PhysAddr at, Bytes size);
  Picoseconds touch_cost(PhysAddr at, Bytes size, fabric::AccessKind kind) {
    const Touch touch{at, size, kind};
    return cost_of(&touch, 1);
  }
  Picoseconds transport(tlm::tlm_command command, PhysAddr reg, unsigned size, std::uint64_t& value);

  const unsigned m_index;
  const CpuConfig m_config;
  CoreConnections m_connections;
  std::array<Picoseconds, fabric::kHitLevels> m_latency;
  std::array<Picoseconds, fabric::kHitLevels> m_read_line;
  std::array<Picoseconds, fabric::kHitLevels> m_write_line;
  Picoseconds m_copy_start;

  bool m_occupied = false;
  bool m_in_interrupt = false;
  Mode m_mode = Mode::Kernel;
  Picoseconds m_ahead;  // local time = SystemC time + this
  CoreTimes m_times;
  unsigned m_account = 0;
  AccountTimes m_account_times{};
  Picoseconds m_idle_since;
  bool m_waiting = false;  // inside advance(), since m_wait_began
  Picoseconds m_wait_began;

  InterruptHooks m_hooks;
  std::set<unsigned> m_pending;
  sc_core::sc_event m_interrupt_arrived;
  tlm::tlm_generic_payload m_payload;
};

}  // namespace sluice::cpu
