// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/hal/systemc/systemc_machine.h"

#include <algorithm>
#include <utility>

#include "models/base/result.h"
#include "models/fabric/dma.h"
#include "models/fabric/memory_map.h"

namespace sluice::hal {

static_assert(kWorks <= cpu::kAccounts && static_cast<unsigned>(Work::Idle) == 0);
static_assert(static_cast<int>(Mode::Interrupt) == static_cast<int>(cpu::Mode::Interrupt));

struct SystemcMachine::Context {
  std::string name;
  Body body;
  sc_core::sc_event resumed;
  bool granted = false;  // holds a core; an event alone could be missed by a thread that has not started yet
  unsigned core = 0;
};

SystemcMachine::SystemcMachine(platform::Machine& models)
    : m_models(models),
      m_holder(models.cores.size()),
      m_start_request(models.cores.size()),
      m_due(models.cores.size()) {
  for (unsigned i = 0; i < models.cores.size(); ++i) {
    models.cores[i]->set_interrupt_hooks({
        .take = [this, i](unsigned vector) { take_interrupt(i, vector); },
        .returned_to_task =
            [this, i] {
              m_core = i;
              if (m_returned) m_returned();
            },
        .returned_to_idle = [this, i] { returned_to_idle(i); },
        .acknowledge =
            [this](unsigned vector) {
              // The core's own timer is no message and has nothing to acknowledge.
              if (vector != fabric::kTimerVector) m_models.interrupts->acknowledge(vector);
            },
    });
  }
  sc_core::sc_spawn_options options;
  options.spawn_method();
  options.dont_initialize();
  options.set_sensitivity(&m_timer_event);
  sc_core::sc_spawn([this] { timers_due(); }, "timers", &options);
}

SystemcMachine::~SystemcMachine() = default;

template <class Operation>
decltype(auto) SystemcMachine::on_core(Work work, Operation&& operation) {
  core().set_account(static_cast<unsigned>(work));
  return on_core(std::forward<Operation>(operation));
}

template <class Operation>
decltype(auto) SystemcMachine::on_core(Operation&& operation) {
  const unsigned self = m_core;
  struct Restore {
    unsigned& core;
    unsigned value;
    ~Restore() { core = value; }
  } restore{m_core, self};
  return operation(*m_models.cores[self]);
}

template <class Operation>
void SystemcMachine::for_each_sharer(Operation&& operation) {
  const PhysAddr root = core().translation().root();
  for (const auto& other : m_models.cores) {
    if (other->translation().root() == root) operation(other->translation());
  }
}

// --- one core -----------------------------------------------------------------------------------------------------

void SystemcMachine::execute(Picoseconds cost, Work work) {
  on_core(work, [&](cpu::Core& c) { c.consume(cost); });
}
Mode SystemcMachine::mode() const { return static_cast<Mode>(core().mode()); }
void SystemcMachine::set_mode(Mode mode) { core().set_mode(static_cast<cpu::Mode>(mode)); }
Picoseconds SystemcMachine::user_time() const { return core().times().user; }

void SystemcMachine::load(PhysAddr from, std::span<std::byte> to) {
  on_core(Work::Memory, [&](cpu::Core& c) { c.load(from, to); });
}
void SystemcMachine::store(PhysAddr to, std::span<const std::byte> from) {
  on_core(Work::Memory, [&](cpu::Core& c) { c.store(to, from); });
}
void SystemcMachine::copy(PhysAddr from, PhysAddr to, Bytes size) {
  on_core(Work::Copy, [&](cpu::Core& c) { c.copy(from, to, size); });
}
void SystemcMachine::continue_copy(PhysAddr from, PhysAddr to, Bytes size) {
  on_core(Work::Copy, [&](cpu::Core& c) { c.continue_copy(from, to, size); });
}
void SystemcMachine::zero(PhysAddr at, Bytes size) {
  on_core(Work::Memory, [&](cpu::Core& c) { c.zero(at, size); });
}
std::uint32_t SystemcMachine::checksum(PhysAddr at, Bytes size, std::uint32_t sum) {
  return on_core(Work::Memory, [&](cpu::Core& c) { return c.checksum(at, size, sum); });
}
std::uint64_t SystemcMachine::mmio_read(PhysAddr reg, unsigned size) {
  return on_core(Work::Registers, [&](cpu::Core& c) { return c.mmio_read(reg, size); });
}
void SystemcMachine::mmio_write(PhysAddr reg, unsigned size, std::uint64_t value) {
  on_core(Work::Registers, [&](cpu::Core& c) { c.mmio_write(reg, size, value); });
}

// --- address translation ------------------------------------------------------------------------------------------

void SystemcMachine::set_page_table(PhysAddr root) { core().translation().set_root(root); }

tl::expected<Translation, PageFault> SystemcMachine::translate(VirtAddr address, Access access, bool user) {
  static_assert(static_cast<int>(Access::Execute) == static_cast<int>(fabric::TranslationAccess::Execute));
  const auto result = on_core(Work::Translation, [&](cpu::Core& c) {
    return c.translate(address, static_cast<fabric::TranslationAccess>(access), user);
  });
  if (!result) return tl::unexpected{PageFault{address, access, result.error().present, user}};
  return Translation{result->address, result->contiguous};
}

void SystemcMachine::flush_tlb(VirtAddr address, Bytes size) {
  for_each_sharer([&](fabric::AddressTranslation& translation) { translation.flush(address, size); });
}
void SystemcMachine::flush_tlb() {
  for_each_sharer([](fabric::AddressTranslation& translation) { translation.flush(); });
}

// --- contexts -------------------------------------------------------------------------------------------------------

unsigned SystemcMachine::core_count() const { return static_cast<unsigned>(m_models.cores.size()); }

Contexts::Id SystemcMachine::create(std::string name, Body body) {
  const Id id = static_cast<Id>(m_contexts.size());
  m_contexts.push_back(std::make_unique<Context>());
  Context& context = *m_contexts.back();
  context.name = std::move(name);
  context.body = std::move(body);
  sc_core::sc_spawn_options options;
  // A Lua program takes 420 KiB when it nests calls from C as deep as Lua allows; system calls down to a driver and an
  // interrupt come on top. What nobody touches takes no memory of the host.
  options.set_stack_size(std::size_t{1} << 20);
  sc_core::sc_spawn([this, &context] { run_context(context); }, sc_core::sc_gen_unique_name("task"), &options);
  return id;
}

void SystemcMachine::run_context(Context& context) {
  while (!context.granted) sc_core::wait(context.resumed);
  context.granted = false;
  m_core = context.core;
  core().set_mode(cpu::Mode::Kernel);
  const std::optional<Id> next = context.body();
  core().synchronise();
  m_core = context.core;
  const unsigned self = m_core;
  m_holder[self] = next;
  if (next) {
    grant(*next, self);
  } else {
    core().vacate();
  }
}

void SystemcMachine::grant(Id id, unsigned core) {
  Context& context = *m_contexts.at(id);
  m_holder[core] = id;
  context.core = core;
  context.granted = true;
  context.resumed.notify(sc_core::SC_ZERO_TIME);  // also legal before the simulation starts
}

std::optional<Contexts::Id> SystemcMachine::current() const {
  if (core().in_interrupt()) return {};
  return m_holder[m_core];
}

void SystemcMachine::synchronise() {
  on_core([](cpu::Core& c) { c.synchronise(); });
}

void SystemcMachine::switch_to(std::optional<Id> next) {
  const unsigned from = m_core;
  cpu::Core& left = core();
  const Id self = m_holder[from].value();
  if (next == self) return;
  Context& caller = *m_contexts[self];
  left.synchronise();
  m_core = from;
  m_holder[from] = next;
  if (next) {
    grant(*next, from);
  } else {
    left.vacate();
  }
  while (!caller.granted) sc_core::wait(caller.resumed);
  caller.granted = false;
  m_core = caller.core;
  core().set_mode(cpu::Mode::Kernel);  // only kernel code switches
}

void SystemcMachine::start(Id context, unsigned target) {
  ensure(!m_holder[target] && !m_start_request[target], "a context is started on a core that is not idle");
  cpu::Core& other = *m_models.cores[target];
  if (other.occupied()) {  // its interrupt thread has it
    m_start_request[target] = context;
    return;
  }
  if (m_models.cores[m_core]->occupied()) on_core([](cpu::Core& c) { c.synchronise(); });
  other.occupy();
  grant(context, target);
}

// --- interrupts and timers
// ---------------------------------------------------------------------------------------------

void SystemcMachine::set_handler(unsigned vector, unsigned core, Handler handler) {
  m_handlers[vector] = std::move(handler);
  m_models.interrupts->route(vector, core);
}

void SystemcMachine::take_interrupt(unsigned core, unsigned vector) {
  m_core = core;
  if (vector == fabric::kTimerVector) {
    for (auto& [id, handler] : std::exchange(m_due[core], {})) {
      handler();
      m_core = core;
    }
    return;
  }
  const auto found = m_handlers.find(vector);
  if (found != m_handlers.end()) found->second();
  m_core = core;
}

void SystemcMachine::returned_to_idle(unsigned core) {
  const auto request = std::exchange(m_start_request[core], std::nullopt);
  if (!request) return;
  m_models.cores[core]->occupy();
  grant(*request, core);
}

Interrupts::TimerId SystemcMachine::start_timer_on(unsigned core, Picoseconds delay, Handler handler) {
  const TimerId id = m_next_timer++;
  const std::int64_t at = (now() + delay).count();
  m_timers.emplace(std::pair{at, id}, Timer{core, std::move(handler)});
  m_timer_instants.emplace(id, at);
  arm_timers();
  return id;
}

void SystemcMachine::interrupt_core(unsigned core, Handler handler) {
  start_timer_on(core, m_models.interrupts->delivery_latency(), std::move(handler));
}

bool SystemcMachine::cancel_timer(TimerId timer) {
  if (const auto found = m_timer_instants.extract(timer)) {
    m_timers.erase({found.mapped(), timer});
    return true;
  }
  for (auto& due : m_due) {
    if (std::erase_if(due, [&](const auto& entry) { return entry.first == timer; }) > 0) return true;
  }
  return false;
}

/// The event stays where it is when the first timer is cancelled, and timers_due() then finds nothing due: most timers
/// are cancelled, and a cancelled event of SystemC takes room until its time comes.
void SystemcMachine::arm_timers() {
  if (m_timers.empty()) return;
  const Picoseconds at{m_timers.begin()->first.first};
  if (m_armed && *m_armed <= at) return;
  m_armed = at;
  m_timer_event.notify(fabric::to_sc_time(at) - sc_core::sc_time_stamp());  // the earliest notification counts
}

void SystemcMachine::timers_due() {
  m_armed.reset();
  const std::int64_t time = fabric::to_picoseconds(sc_core::sc_time_stamp()).count();
  while (!m_timers.empty() && m_timers.begin()->first.first <= time) {
    auto entry = m_timers.extract(m_timers.begin());
    m_timer_instants.erase(entry.key().second);
    const unsigned core = entry.mapped().core;
    m_due[core].emplace_back(entry.key().second, std::move(entry.mapped().handler));
    m_models.cores[core]->interrupt(fabric::kTimerVector, Picoseconds{time});
  }
  arm_timers();
}

// --- the back door
// -----------------------------------------------------------------------------------------------------

Bytes SystemcMachine::memory_size() const { return m_models.memory->size(); }
std::span<std::byte> SystemcMachine::memory(PhysAddr at, Bytes size) { return m_models.memory->at(at, size); }

std::vector<DeviceInfo> SystemcMachine::devices() const {
  std::vector<DeviceInfo> found;
  for (const platform::Machine::Slot& slot : m_models.slots) {
    found.push_back({slot.name, slot.kind->name, fabric::register_window(slot.window), slot.first_vector});
  }
  return found;
}

void SystemcMachine::load_from_disk(std::size_t disk, Bytes disk_offset, PhysAddr to, Bytes size) {
  const auto* controller = dynamic_cast<const disk::DiskController*>(m_models.slots.at(disk).device.get());
  base::ensure(controller != nullptr, "a file system lies on a disk");
  const disk::DiskImage& image = controller->image();
  if (image.named(disk_offset, size, m_loaded)) {
    m_models.memory->put(to, size, m_loaded);
  } else {
    image.read(disk_offset, m_models.memory->to_overwrite(to, size));
  }
  m_models.ledger.declare(to, image.shadow(disk_offset, size), size);
}

}  // namespace sluice::hal
