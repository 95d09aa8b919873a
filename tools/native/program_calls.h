// SPDX-License-Identifier: Apache-2.0
// The host's calls for programs in a sandbox: each process counts in a slot of its own, and what it does there is told
// from what its interpreter does between two calls.
#pragma once

#include "tools/native/host_system_calls.h"
#include "tools/native/program_memory.h"

namespace sluice::native {

class ProgramCalls : public HostSystemCalls {
 public:
  /// `most_alive` processes at a time: fork gives EAGAIN for one more. Finds out what looking costs.
  ProgramCalls(ProgramMemory& memory, std::int64_t most_alive, HostOptions options);

  /// This process is now that of the slot.
  void become(std::uint32_t slot);
  [[nodiscard]] std::uint32_t slot() const { return m_slot; }
  [[nodiscard]] ProgramMemory& memory() const { return m_memory; }
  /// Up to now.
  [[nodiscard]] const ProgramUse& used() const { return mine().used; }
  /// CPU time of what a program did, without the time of looking at it.
  [[nodiscard]] std::int64_t cpu_ns(const ProgramUse& use) const;

  Value fork(Entry entry, std::span<const std::byte> arguments) override;
  [[noreturn]] void exit(int status) override;
  Value wait(std::int64_t pid, int& status) override;
  /// The interpreter has the heap of the process to itself: the program gets one of its own, with Linux's rules.
  Value brk(kernel_sim::UserAddress end) override;
  /// Ends this process.
  [[noreturn]] void leave(int status);

  void load(kernel_sim::UserAddress from, std::span<std::byte> to) override;
  void store(kernel_sim::UserAddress to, std::span<const std::byte> from) override;
  void fill(kernel_sim::UserAddress to, std::byte value, std::uint64_t size) override;
  void compute(std::uint64_t work) override;

 protected:
  void leaves_program(std::optional<syscalls::Call> call) override;
  void enters_program() override;

 private:
  /// Asks now and then what this process's core is worth, in the interpreter's time.
  void probe_core();
  [[nodiscard]] ProcessSlot& mine() const { return m_memory.slot(m_slot); }

  ProgramMemory& m_memory;
  std::int64_t m_most_alive;
  std::uint32_t m_slot = 0;
  Usage m_left;  ///< when the program left its own code
  double m_looking_ns = 0;
  std::int64_t m_next_probe_ns = 0;
  std::uint64_t m_heap = 0;  ///< where the program's heap begins; 0: it was never asked for
  std::uint64_t m_heap_end = 0;
};

}  // namespace sluice::native
