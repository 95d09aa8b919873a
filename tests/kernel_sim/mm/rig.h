// SPDX-License-Identifier: Apache-2.0
// A fake machine with a frame allocator and one address space, for tests of memory management.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include <sys/mman.h>

#include "kernel_sim/mm/address_space.h"
#include "kernel_sim/mm/address_space_memory.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "tests/support/fake_machine.h"

namespace sluice::mm {

inline constexpr int kReadWrite = PROT_READ | PROT_WRITE;
inline constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;

template <class T>
int error_of(const Result<T>& result) {
  return result ? 0 : result.error().value;
}

struct Rig {
  explicit Rig(std::uint32_t frame_count = 4096)
      : fake(16_MiB), machine(fake.machine()), frames(machine, fake.ledger(), config, Frame{0}, frame_count) {}

  /// Runs `body` as a task with an address space of its own loaded.
  void run(const std::function<void()>& body) {
    fake.run("task", [&] {
      space = std::make_unique<AddressSpace>(machine, frames, fake.ledger(), config);
      memory = std::make_unique<AddressSpaceMemory>(machine, frames, *space, config);
      machine.cpu.set_page_table(space->root());
      body();
      memory.reset();
      if (space) space->clear();
      space.reset();
    });
  }
  std::vector<std::byte> load(VirtAddr at, Bytes size) {
    std::vector<std::byte> bytes(size);
    outcome = memory->program_load(at, bytes);
    return bytes;
  }
  FaultOutcome store(VirtAddr at, std::uint8_t value) {
    const std::byte byte{value};
    return memory->program_store(at, std::span{&byte, 1});
  }

  tests::FakeMachine fake;
  hal::Machine machine;
  MmConfig config;
  FrameAllocator frames;
  std::unique_ptr<AddressSpace> space;
  std::unique_ptr<AddressSpaceMemory> memory;
  FaultOutcome outcome = FaultOutcome::Resolved;
};

/// A file of the given number of pages whose page i is filled with byte i + 1; `cached` pages are there at once, in
/// folios of 2^order pages.
class PagesObject final : public MappedObject {
 public:
  PagesObject(Rig& rig, std::uint64_t page_count) : pages(page_count), m_rig(rig) {}
  ~PagesObject() override { drop(); }
  void drop() {
    for (const auto& [index, folio] : m_folios) m_rig.frames.put_at_shutdown(folio.frame);
    m_folios.clear();
  }
  void cache(std::uint64_t index, unsigned order = 0) {
    if (cached_folio(index)) return;
    const Folio folio{index >> order << order, 1U << order,
                      m_rig.frames.allocate_at_boot(Place::PageCache, order).value()};
    for (std::uint64_t i = folio.first; i < folio.end(); ++i) {
      for (auto& byte : m_rig.fake.bytes(folio.frame_of(i).address(), kPageSize)) byte = static_cast<std::byte>(i + 1);
    }
    m_folios[folio.first] = folio;
  }
  void cache_all(unsigned order) {
    for (std::uint64_t i = 0; i < pages; i += 1U << order) cache(i, order);
  }
  [[nodiscard]] std::uint64_t page_count() const override { return pages; }
  Result<Folio> fault_page(const Fault& fault, bool& major) override {
    ++faults;
    if (fault.index >= pages) return refuse(EFAULT);
    major = !cached_folio(fault.index);
    cache(fault.index);
    m_rig.frames.get(frame_of(fault.index));
    return *cached_folio(fault.index);
  }
  std::optional<Folio> cached_folio(std::uint64_t index) override {
    const auto found = m_folios.upper_bound(index);
    if (found == m_folios.begin() || std::prev(found)->second.end() <= index) return {};
    return std::prev(found)->second;
  }
  void mapped_around(std::uint64_t count) override { around += count; }
  Result<void> page_dirtied(std::uint64_t index) override {
    if (full) return refuse(ENOSPC);
    dirtied.push_back(index);
    if (on_dirtied) on_dirtied();
    return {};
  }

  std::uint64_t pages;
  unsigned faults = 0;
  bool full = false;  ///< there is no room for what is written
  std::uint64_t around = 0;
  std::vector<std::uint64_t> dirtied;
  std::function<void()> on_dirtied;
  Frame frame_of(std::uint64_t index) { return cached_folio(index).value().frame_of(index); }

 private:
  Rig& m_rig;
  std::map<std::uint64_t, Folio> m_folios;  // by first page
};

}  // namespace sluice::mm
