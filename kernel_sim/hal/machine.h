// SPDX-License-Identifier: Apache-2.0
// The hardware as the kernel sees it: the only door to the models. SystemC-free, so that a fake machine can run the
// kernel in plain unit tests; the implementation over the models is in hal/systemc.
//
// Rules
// - Only these calls consume simulated time; kernel code between two of them is atomic. Interrupts come at calls that
//   consume time, so state that an interrupt handler also uses must be consistent whenever one of them is called.
// - Calls act on the core that runs the caller.
// - The kernel names memory by physical address (its direct map); no host pointer goes to a device.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <tl/expected.hpp>

#include "kernel_sim/hal/work.h"
#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::hal {

enum class Mode : std::uint8_t { User, Kernel, Interrupt };
enum class Access : std::uint8_t { Read, Write, Execute };

struct Translation {
  PhysAddr address;
  Bytes contiguous;  ///< bytes from `address` that the same translation covers (to the end of the 4 KiB or 2 MiB page)
};
/// As in the x86 error code: `present` means that the page was there and the permission was not.
struct PageFault {
  VirtAddr address;
  Access access;
  bool present;
  bool user;
};

/// One core: time, modes, memory as the kernel reaches it, address translation.
class Cpu {
 public:
  virtual ~Cpu() = default;

  // --- time -----------------------------------------------------------------------------------------------------
  /// The caller's time, which may be ahead of the devices' up to the next thing that can happen.
  [[nodiscard]] virtual Picoseconds now() const = 0;
  [[nodiscard]] virtual Frequency frequency() const = 0;
  /// Spends time in the current mode. The other calls name their own kind of work.
  virtual void execute(Picoseconds cost, Work work) = 0;
  void execute(CpuCost cost, Work work) { execute(cost.at(frequency()), work); }

  // --- mode -----------------------------------------------------------------------------------------------------
  [[nodiscard]] virtual Mode mode() const = 0;
  /// Which account time goes to; entering and leaving costs what the kernel charges for it.
  virtual void set_mode(Mode mode) = 0;
  /// What this core spent in user mode so far.
  [[nodiscard]] virtual Picoseconds user_time() const = 0;

  // --- memory by physical address, through the caches -------------------------------------------------------------
  virtual void load(PhysAddr from, std::span<std::byte> to) = 0;
  virtual void store(PhysAddr to, std::span<const std::byte> from) = 0;
  /// Reported to the ledger as a CPU copy. Ranges may cross pages and must not overlap.
  virtual void copy(PhysAddr from, PhysAddr to, Bytes size) = 0;
  /// The same without the cost of starting: goes on with a copy whose next pages lie somewhere else in memory.
  virtual void continue_copy(PhysAddr from, PhysAddr to, Bytes size) = 0;
  virtual void zero(PhysAddr at, Bytes size) = 0;
  /// Reads every byte and returns the 32-bit one's-complement partial sum added to `sum` (fold it to 16 bits for IP).
  /// The range starts at an even position of the checksummed data.
  virtual std::uint32_t checksum(PhysAddr at, Bytes size, std::uint32_t sum) = 0;

  // --- address translation -----------------------------------------------------------------------------------------
  /// Switches the address space (CR3). Without PCID this flushes the core's TLB.
  virtual void set_page_table(PhysAddr root) = 0;
  /// What the MMU makes of a user address now: TLB, else a walk of the tables in memory; sets accessed and dirty.
  /// `user` is false when the kernel touches user memory on behalf of a program.
  virtual tl::expected<Translation, PageFault> translate(VirtAddr address, Access access, bool user) = 0;
  /// Drops translations of the current address space on every core.
  virtual void flush_tlb(VirtAddr address, Bytes size) = 0;
  virtual void flush_tlb() = 0;

  // --- device registers ---------------------------------------------------------------------------------------------
  /// Reads wait for the answer; writes are posted. An access that no device answers reads as all ones.
  virtual std::uint64_t mmio_read(PhysAddr reg, unsigned size) = 0;
  virtual void mmio_write(PhysAddr reg, unsigned size, std::uint64_t value) = 0;

  template <class T>
  T load(PhysAddr from) {
    T value{};
    load(from, std::as_writable_bytes(std::span{&value, 1}));
    return value;
  }
  /// Never of a span itself: a span of mutable bytes means the bytes.
  template <class T>
  requires(!std::is_convertible_v<const T&, std::span<const std::byte>>) void store(PhysAddr to, const T& value) {
    store(to, std::as_bytes(std::span{&value, 1}));
  }
};

/// Threads of control. A context runs only while it holds a core; the scheduler decides who does.
class Contexts {
 public:
  using Id = std::uint32_t;
  /// The body returns who gets the core next (nobody: the core idles).
  using Body = std::function<std::optional<Id>()>;

  virtual ~Contexts() = default;
  [[nodiscard]] virtual unsigned core_count() const = 0;
  virtual Id create(std::string name, Body body) = 0;
  /// The context that runs the caller; nothing in an interrupt handler.
  [[nodiscard]] virtual std::optional<Id> current() const = 0;
  [[nodiscard]] virtual unsigned current_core() const = 0;
  [[nodiscard]] virtual bool in_interrupt() const = 0;

  /// Lets everything happen that is due by the caller's time; other cores' kernel code may run meanwhile. Right after
  /// it, switch_to, start and the end of a body take effect without time passing.
  virtual void synchronise() {}
  /// Gives the caller's core to `next` (nobody: the core idles) and returns when the caller is given a core again.
  virtual void switch_to(std::optional<Id> next) = 0;
  /// Puts a context on an idle core. From that core's interrupt handler it takes effect when the handler returns.
  virtual void start(Id context, unsigned core) = 0;
};

/// Interrupts and timers. Handlers run in interrupt mode on their core and must not block.
class Interrupts {
 public:
  using Handler = std::function<void()>;
  using TimerId = std::uint64_t;

  virtual ~Interrupts() = default;
  /// Interrupts of `vector` go to `core`.
  virtual void set_handler(unsigned vector, unsigned core, Handler handler) = 0;
  /// Called in the context of a task after an interrupt that came in user or kernel mode (which the mode says): the
  /// place to preempt it.
  virtual void set_return_hook(Handler hook) = 0;
  /// One shot, on the caller's core. Zero delay runs as soon as the core takes an interrupt.
  virtual TimerId start_timer(Picoseconds delay, Handler handler) = 0;
  /// The same on any core.
  virtual TimerId start_timer_on(unsigned core, Picoseconds delay, Handler handler) = 0;
  /// An interrupt from the caller's core to another: `handler` runs there when it has been delivered.
  virtual void interrupt_core(unsigned core, Handler handler) = 0;
  /// True when it had not run yet.
  virtual bool cancel_timer(TimerId timer) = 0;
};

/// What a loader or an in-circuit debugger could do: memory and disk without time. For preparing a machine (warm page
/// cache, in zero simulated time) and for looking at results; never on a measured path.
class BackDoor {
 public:
  virtual ~BackDoor() = default;
  [[nodiscard]] virtual Bytes memory_size() const = 0;
  virtual std::span<std::byte> memory(PhysAddr at, Bytes size) = 0;
  /// Copies bytes [offset, offset + size) of the disk into memory and declares to the ledger what they are. `disk` is
  /// its index in the machine's list of devices.
  virtual void load_from_disk(std::size_t disk, Bytes disk_offset, PhysAddr to, Bytes size) = 0;
};

/// A device as firmware tells of it.
struct DeviceInfo {
  std::string name;
  std::string kind;           ///< what its driver goes by
  PhysAddr registers;         ///< start of its register window
  unsigned first_vector = 0;  ///< of the interrupts that are its own
};

/// The whole machine, as handed to the kernel at boot.
struct Machine {
  Cpu& cpu;
  Contexts& contexts;
  Interrupts& interrupts;
  BackDoor& back_door;
  std::vector<DeviceInfo> devices = {};
};

}  // namespace sluice::hal
