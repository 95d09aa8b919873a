// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_machine.h"

#include <algorithm>
#include <cstring>

#include <sys/mman.h>

#include "models/mmu/page_table_format.h"

namespace sluice::tests {

struct FakeMachine::Context {
  std::string name;
  hal::Contexts::Body body;
  std::thread thread;
  hal::Mode mode = hal::Mode::Kernel;
  unsigned core = 0;
  std::binary_semaphore turn{0};  // this thread may run
  bool runnable = false;          // holds a core
  bool finished = false;
  std::exception_ptr error;
};

struct FakeMachine::Device {
  PhysAddr base;
  Bytes size;
  std::function<std::uint64_t(Bytes, unsigned)> read;
  std::function<void(Bytes, unsigned, std::uint64_t)> write;
};

namespace {
struct Stopped {};  // unwinds a blocked context when the machine is destroyed
}  // namespace

FakeMachine::FakeMachine(Bytes memory_size, unsigned cores)
    : m_memory_size(memory_size), m_cores(cores), m_root(cores), m_holder(cores) {
  void* mapped = mmap(nullptr, memory_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc{};
  m_memory = static_cast<std::byte*>(mapped);
}

void FakeMachine::stop() {
  m_stopping = true;
  for (auto& context : m_contexts) {  // one after the other: blocked contexts unwind through code that shares state
    context->turn.release();
    if (context->thread.joinable()) context->thread.join();
  }
}

FakeMachine::~FakeMachine() {
  stop();
  munmap(m_memory, m_memory_size);
}

// --- running ------------------------------------------------------------------------------------------------------

void FakeMachine::run(std::string name, std::function<void()> body) {
  const hal::Contexts::Id id = create(std::move(name), [body = std::move(body)]() -> std::optional<hal::Contexts::Id> {
    body();
    return {};
  });
  start(id, 0);
  run_all();
}

void FakeMachine::run_all(std::size_t background) { loop(background); }

void FakeMachine::loop(std::size_t background) {
  while (true) {
    run_due_events();
    const auto unfinished = static_cast<std::size_t>(
        std::count_if(m_contexts.begin(), m_contexts.end(), [](const auto& c) { return !c->finished; }));
    const auto next =
        std::find_if(m_contexts.begin(), m_contexts.end(), [](const auto& c) { return c->runnable && !c->finished; });
    if (next != m_contexts.end() && m_now < m_end) {
      resume_and_wait(**next);
      continue;
    }
    if (unfinished == 0) return;
    if (!m_events.empty() && Picoseconds{m_events.begin()->first.first} < m_end) {
      m_now = std::max(m_now, Picoseconds{m_events.begin()->first.first});
      continue;
    }
    if (unfinished <= background) return;
    std::string blocked = "nothing left to happen; blocked:";
    for (const auto& context : m_contexts) {
      if (!context->finished) blocked += " " + context->name;
    }
    throw Blocked{blocked};
  }
}

/// Lets a context's thread run until it gives up its core or finishes.
void FakeMachine::resume_and_wait(Context& context) {
  m_core = context.core;
  context.turn.release();
  m_loop_turn.acquire();
  if (context.error) std::rethrow_exception(std::exchange(context.error, nullptr));
}

bool FakeMachine::run_due_events() {
  bool interrupted = false;
  while (!m_events.empty() && m_events.begin()->first.first <= m_now.count()) {
    const Event event = std::move(m_events.begin()->second);
    m_events.erase(m_events.begin());
    interrupted = interrupted || (event.interrupt && event.core == m_core);
    run_event(event);
  }
  return interrupted;
}

void FakeMachine::run_event(const Event& event) {
  const unsigned core = std::exchange(m_core, event.interrupt ? event.core : m_core);
  const bool nested = std::exchange(m_in_interrupt, m_in_interrupt || event.interrupt);
  event.action();
  m_in_interrupt = nested;
  m_core = core;
}

void FakeMachine::after(Picoseconds delay, std::function<void()> action) {
  m_events.emplace(std::pair{(m_now + delay).count(), m_next_order++}, Event{std::move(action), false, 0});
}

void FakeMachine::raise_interrupt(unsigned vector, Picoseconds delay) {
  m_events.emplace(std::pair{(m_now + delay).count(), m_next_order++},
                   Event{[this, vector] {
                           const auto found = m_handlers.find(vector);
                           if (found != m_handlers.end()) {
                             found->second.second();
                           }
                         },
                         true, m_handlers.contains(vector) ? m_handlers.at(vector).first : 0U});
}

// --- time and modes -------------------------------------------------------------------------------------------------

hal::Mode FakeMachine::mode() const {
  if (m_in_interrupt || !m_holder[m_core]) return hal::Mode::Interrupt;
  return m_contexts[*m_holder[m_core]]->mode;
}

void FakeMachine::set_mode(hal::Mode mode) {
  if (!m_in_interrupt && m_holder[m_core]) m_contexts[*m_holder[m_core]]->mode = mode;
}

void FakeMachine::execute(Picoseconds cost, hal::Work /*work*/) {
  do {
    Picoseconds step = cost;  // up to the next event, as far as one may interrupt
    if (!m_in_interrupt && !m_events.empty()) {
      step = std::clamp(Picoseconds{m_events.begin()->first.first} - m_now, Picoseconds{}, cost);
    }
    m_spent[static_cast<std::size_t>(mode())] += step;
    if (mode() == hal::Mode::User) m_user_time[m_core] += step;
    m_now += step;
    cost -= step;
    if (m_in_interrupt) continue;
    if (run_due_events() && mode() != hal::Mode::Interrupt && m_returned) m_returned();
  } while (cost > Picoseconds{});
}

// --- memory ---------------------------------------------------------------------------------------------------------

std::span<std::byte> FakeMachine::memory(PhysAddr at, Bytes size) {
  if (at.value() + size > m_memory_size) throw std::out_of_range{"fake machine: access beyond memory"};
  return {m_memory + at.value(), size};
}

void FakeMachine::load(PhysAddr from, std::span<std::byte> to) {
  std::memcpy(to.data(), memory(from, to.size()).data(), to.size());
  execute(1_ns);
}

void FakeMachine::store(PhysAddr to, std::span<const std::byte> from) {
  std::memcpy(memory(to, from.size()).data(), from.data(), from.size());
  m_ledger.stored(to, from.size());
  execute(1_ns);
}

void FakeMachine::copy(PhysAddr from, PhysAddr to, Bytes size) {
  ++m_copies;
  continue_copy(from, to, size);
}

void FakeMachine::continue_copy(PhysAddr from, PhysAddr to, Bytes size) {
  if (from < to + size && to < from + size) ++m_overlapping_copies;
  std::memmove(memory(to, size).data(), memory(from, size).data(), size);
  m_ledger.copied(from, to, size, Mover::Cpu);
  m_copied += size;
  execute(Picoseconds{static_cast<std::int64_t>(size) * 100});
}

void FakeMachine::zero(PhysAddr at, Bytes size) {
  std::memset(memory(at, size).data(), 0, size);
  m_ledger.stored(at, size);
  execute(Picoseconds{static_cast<std::int64_t>(size) * 50});
}

std::uint32_t FakeMachine::checksum(PhysAddr at, Bytes size, std::uint32_t sum) {
  std::uint64_t total = sum;
  const auto bytes = memory(at, size);
  for (std::size_t i = 0; i < bytes.size(); ++i) total += static_cast<std::uint64_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  while (total >> 32 != 0) total = (total & 0xFFFF'FFFFU) + (total >> 32);
  execute(Picoseconds{static_cast<std::int64_t>(size) * 50});
  return static_cast<std::uint32_t>(total);
}

tl::expected<hal::Translation, hal::PageFault> FakeMachine::translate(VirtAddr address, hal::Access access, bool user) {
  namespace pte = mmu::pte;
  const auto fault = [&](bool present) { return tl::unexpected{hal::PageFault{address, access, present, user}}; };
  if (!mmu::is_canonical(address)) return fault(false);
  PhysAddr table = m_root[m_core];
  bool writable = true;
  bool user_ok = true;
  bool executable = true;
  for (unsigned level = mmu::kLevels; level-- > 0;) {
    const PhysAddr at = mmu::entry_address(table, address, level);
    std::uint64_t entry = 0;
    std::memcpy(&entry, memory(at, sizeof entry).data(), sizeof entry);
    if ((entry & pte::kPresent) == 0) return fault(false);
    writable = writable && (entry & pte::kWritable) != 0;
    user_ok = user_ok && (entry & pte::kUser) != 0;
    executable = executable && (entry & pte::kNoExecute) == 0;
    const bool leaf = level == 0 || (level == mmu::kLargePageLevel && (entry & pte::kLargePage) != 0);
    if (leaf) {
      if ((access == hal::Access::Write && !writable) || (access == hal::Access::Execute && !executable) ||
          (user && !user_ok)) {
        return fault(true);
      }
      entry |= pte::kAccessed | (access == hal::Access::Write ? pte::kDirty : 0);
    } else {
      entry |= pte::kAccessed;
    }
    std::memcpy(memory(at, sizeof entry).data(), &entry, sizeof entry);
    if (leaf) {
      const Bytes page = level == 0 ? kPageSize : kLargePageSize;
      const Bytes offset = address.value() % page;
      return hal::Translation{PhysAddr{round_down(mmu::entry_target(entry).value(), page) + offset}, page - offset};
    }
    table = mmu::entry_target(entry);
  }
  return fault(false);
}

// --- devices ---------------------------------------------------------------------------------------------------------

void FakeMachine::map_device(PhysAddr base, Bytes size, std::function<std::uint64_t(Bytes, unsigned)> read,
                             std::function<void(Bytes, unsigned, std::uint64_t)> write) {
  m_devices.push_back({base, size, std::move(read), std::move(write)});
}

std::uint64_t FakeMachine::mmio_read(PhysAddr reg, unsigned size) {
  execute(500_ns);
  for (const Device& device : m_devices) {
    if (reg >= device.base && reg < device.base + device.size) return device.read(reg - device.base, size);
  }
  return ~std::uint64_t{0};
}

void FakeMachine::mmio_write(PhysAddr reg, unsigned size, std::uint64_t value) {
  execute(100_ns);
  for (const Device& device : m_devices) {
    if (reg >= device.base && reg < device.base + device.size) device.write(reg - device.base, size, value);
  }
}

void FakeMachine::load_from_disk(std::size_t /*disk*/, Bytes disk_offset, PhysAddr to, Bytes size) {
  if (disk_reader) disk_reader(disk_offset, memory(to, size));
}

// --- contexts
// ---------------------------------------------------------------------------------------------------------

hal::Contexts::Id FakeMachine::create(std::string name, hal::Contexts::Body body) {
  const auto id = static_cast<hal::Contexts::Id>(m_contexts.size());
  m_contexts.push_back(std::make_unique<Context>());
  Context& context = *m_contexts.back();
  context.name = std::move(name);
  context.body = std::move(body);
  context.thread = std::thread{[this, &context] {
    context.turn.acquire();
    std::optional<hal::Contexts::Id> next;
    try {
      if (!m_stopping) next = context.body();
    } catch (const Stopped&) {
    } catch (...) {
      context.error = std::current_exception();
    }
    if (!m_stopping) {
      m_holder[context.core] = next;
      if (next) {
        m_contexts[*next]->core = context.core;
        m_contexts[*next]->runnable = true;
      }
    }
    context.finished = true;
    context.runnable = false;
    if (!m_stopping) m_loop_turn.release();
  }};
  return id;
}

std::optional<hal::Contexts::Id> FakeMachine::current() const {
  if (m_in_interrupt) return {};
  return m_holder[m_core];
}

void FakeMachine::switch_to(std::optional<hal::Contexts::Id> next) {
  const auto self = m_holder[m_core];
  if (next == self) return;
  Context& caller = *m_contexts.at(self.value());
  m_holder[m_core] = next;
  caller.runnable = false;
  if (next) {
    m_contexts[*next]->core = m_core;
    m_contexts[*next]->runnable = true;
  }
  m_loop_turn.release();
  caller.turn.acquire();
  if (m_stopping) throw Stopped{};
}

void FakeMachine::start(hal::Contexts::Id context, unsigned core) {
  if (m_holder.at(core)) throw std::logic_error{"fake machine: start on a core that is not idle"};
  m_holder[core] = context;
  m_contexts.at(context)->core = core;
  m_contexts[context]->runnable = true;
}

// --- interrupts and timers
// ---------------------------------------------------------------------------------------------

void FakeMachine::set_handler(unsigned vector, unsigned core, Handler handler) {
  m_handlers[vector] = {core, std::move(handler)};
}

hal::Interrupts::TimerId FakeMachine::start_timer_on(unsigned core, Picoseconds delay, Handler handler) {
  const TimerId id = m_next_order++;
  m_events.emplace(std::pair{(m_now + delay).count(), id}, Event{std::move(handler), true, core});
  return id;
}

bool FakeMachine::cancel_timer(TimerId timer) {
  const auto found =
      std::find_if(m_events.begin(), m_events.end(), [&](const auto& e) { return e.first.second == timer; });
  if (found == m_events.end()) return false;
  m_events.erase(found);
  return true;
}

}  // namespace sluice::tests
