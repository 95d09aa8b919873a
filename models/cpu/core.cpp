// SPDX-License-Identifier: Apache-2.0
#include "models/cpu/core.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "models/base/internet_checksum.h"
#include "models/base/result.h"
#include "models/fabric/chunks.h"
#include "models/fabric/dma.h"

namespace sluice::cpu {
namespace {

using fabric::AccessKind;
using fabric::HitLevel;
using LineTimes = std::array<Picoseconds, fabric::kHitLevels>;

/// From the load of a line to its first byte.
LineTimes latencies(const CpuConfig& config, Picoseconds memory_latency) {
  const auto time = [&](const CpuCost& cost) { return cost.at(config.frequency); };
  const Picoseconds llc = time(config.latency_llc);
  LineTimes times;
  const auto set = [&](HitLevel level, Picoseconds latency) { times[static_cast<std::size_t>(level)] = latency; };
  set(HitLevel::L1, time(config.latency_l1));
  set(HitLevel::L2, time(config.latency_l2));
  set(HitLevel::Llc, llc);
  set(HitLevel::Peer, llc);
  set(HitLevel::Memory, llc + memory_latency);
  return times;
}

/// Little's law: with n lines on their way, one arrives every latency / n, however fast the core is.
LineTimes line_times(const LineCosts& costs, const CpuConfig& config, const LineTimes& latency) {
  LineTimes times;
  const auto set = [&](HitLevel level, const CpuCost& cost) {
    const auto at = static_cast<std::size_t>(level);
    times[at] = std::max(cost.at(config.frequency), latency[at] / config.lines_in_flight);
  };
  set(HitLevel::L1, costs.l1);
  set(HitLevel::L2, costs.l2);
  set(HitLevel::Llc, costs.llc);
  set(HitLevel::Peer, costs.peer);
  set(HitLevel::Memory, costs.memory);
  return times;
}

Picoseconds system_time() { return fabric::to_picoseconds(sc_core::sc_time_stamp()); }

}  // namespace

Core::Core(sc_core::sc_module_name name, unsigned index, const CpuConfig& config, CoreConnections connections)
    : sc_module(name),
      bus("bus"),
      m_index(index),
      m_config(config),
      m_connections(connections),
      m_latency(latencies(config, connections.memory_latency)),
      m_read_line(line_times(config.read, config, m_latency)),
      m_write_line(line_times(config.write, config, m_latency)),
      m_copy_start(config.copy_start.at(config.frequency)) {
  sc_core::sc_spawn_options options;
  options.set_stack_size(256 * 1024);  // interrupt handlers run the network stack
  sc_core::sc_spawn([this] { run_interrupts_when_idle(); }, "interrupts", &options);
}

// --- occupancy
// --------------------------------------------------------------------------------------------------------

void Core::occupy() {
  ensure(!m_occupied, "a core is taken that somebody holds");
  m_occupied = true;
  m_times.idle += system_time() - m_idle_since;
}

void Core::vacate() {
  ensure(m_ahead == Picoseconds{}, "a core is given up ahead of time");
  m_occupied = false;
  m_idle_since = system_time();
  if (!m_pending.empty()) m_interrupt_arrived.notify(sc_core::SC_ZERO_TIME);
}

// --- time
// -------------------------------------------------------------------------------------------------------------

Picoseconds Core::now() const { return system_time() + m_ahead; }

/// Time until something else in the machine can happen.
Picoseconds Core::horizon() const {
  const std::uint64_t time = sc_core::sc_time_to_pending_activity(sc_core::sc_get_curr_simcontext()).value();
  constexpr std::uint64_t kForever = std::numeric_limits<std::int64_t>::max();
  return Picoseconds{static_cast<std::int64_t>(std::min(time, kForever))};  // 2^64 - 1 when nothing is pending
}

void Core::consume(Picoseconds duration) { advance(duration, !m_in_interrupt); }

void Core::synchronise() {
  if (m_ahead > Picoseconds{}) {
    m_waiting = true;
    m_wait_began = system_time();
    sc_core::wait(fabric::to_sc_time(m_ahead));
    m_waiting = false;
    m_ahead = Picoseconds{};
  }
}

void Core::advance(Picoseconds duration, bool interruptible) {
  while (true) {
    if (interruptible && !m_pending.empty()) take_interrupts();
    if (duration == Picoseconds{}) return;
    if (m_ahead + duration <= horizon()) {
      m_ahead += duration;
      charge(duration);
      return;
    }
    // The next event comes before the work is done: let it happen.
    m_waiting = true;
    m_wait_began = system_time();
    const sc_core::sc_time end = fabric::to_sc_time(m_ahead + duration);
    if (interruptible) {
      sc_core::wait(end, m_interrupt_arrived);
    } else {
      sc_core::wait(end);
    }
    m_waiting = false;
    const Picoseconds passed = system_time() - m_wait_began;
    const Picoseconds worked = std::max(passed - m_ahead, Picoseconds{});
    m_ahead = std::max(m_ahead - passed, Picoseconds{});
    charge(worked);
    duration -= worked;
  }
}

void Core::charge(Picoseconds worked) {
  m_times.of(m_mode) += worked;
  m_account_times[m_account] += worked;
}

AccountTimes Core::account_times() const {
  AccountTimes times = m_account_times;
  if (m_occupied && m_waiting) times[m_account] += system_time() - m_wait_began - m_ahead;
  return times;
}

CoreTimes Core::times() const {
  CoreTimes times = m_times;
  if (!m_occupied) {
    times.idle += system_time() - m_idle_since;
  } else if (m_waiting) {
    // What was charged reaches to the local time at which the wait began; the wait itself is not charged yet.
    times.of(m_mode) += system_time() - m_wait_began - m_ahead;
  }
  return times;
}

// --- interrupts
// ---------------------------------------------------------------------------------------------------------

void Core::interrupt(unsigned vector, Picoseconds /*at*/) {
  m_pending.insert(vector);
  m_interrupt_arrived.notify();
}

void Core::run_interrupts_when_idle() {
  while (true) {
    while (m_occupied || m_pending.empty()) sc_core::wait(m_interrupt_arrived);
    occupy();
    m_mode = Mode::Interrupt;
    m_in_interrupt = true;
    m_account = 0;
    advance(m_config.idle_exit.at(m_config.frequency), false);
    m_in_interrupt = false;
    take_interrupts();
    synchronise();
    vacate();
    m_hooks.returned_to_idle();
  }
}

void Core::take_interrupts() {
  synchronise();
  const Mode interrupted = m_mode;
  const unsigned account = m_account;
  m_in_interrupt = true;
  m_mode = Mode::Interrupt;
  while (!m_pending.empty()) {
    const unsigned vector = *m_pending.begin();
    m_pending.erase(m_pending.begin());
    m_hooks.acknowledge(vector);
    m_hooks.take(vector);
  }
  m_in_interrupt = false;
  m_mode = interrupted;
  m_account = account;
  if (interrupted != Mode::Interrupt) m_hooks.returned_to_task();  // else the core was idle, or in a soft interrupt
}

// --- memory
// -------------------------------------------------------------------------------------------------------------

/// What the lines cost the core, or the wait for DRAM to have served them, whichever is longer.
Picoseconds Core::cost_of(const Touch* touches, std::size_t count) {
  Picoseconds cost;
  Picoseconds ready;
  for (const Touch& touch : std::span{touches, count}) {
    const auto outcome = m_connections.caches.access(m_index, touch.address, touch.size, touch.kind, now());
    const LineTimes& lines = touch.kind == AccessKind::Read ? m_read_line : m_write_line;
    for (std::size_t level = 0; level < fabric::kHitLevels; ++level) cost += lines[level] * outcome.lines[level];
    ready = std::max(ready, outcome.memory_ready);
  }
  return std::max(cost, ready - now());
}

void Core::load(PhysAddr from, std::span<std::byte> to) {
  std::memcpy(to.data(), m_connections.memory.at(from, to.size()).data(), to.size());
  fabric::for_each_page_piece(from, to.size(),
                              [&](PhysAddr at, Bytes size) { consume(touch_cost(at, size, AccessKind::Read)); });
}

void Core::store(PhysAddr to, std::span<const std::byte> from) {
  std::memcpy(m_connections.memory.to_overwrite(to, from.size()).data(), from.data(), from.size());
  m_connections.ledger.stored(to, from.size());
  fabric::for_each_page_piece(to, from.size(),
                              [&](PhysAddr at, Bytes size) { consume(touch_cost(at, size, AccessKind::Write)); });
}

/// Nothing of a copy is on its way yet when it begins: its first line is waited for, from wherever it lies.
Picoseconds Core::first_line_cost(PhysAddr at, Bytes size) {
  const Bytes in_line = std::min(size, kLineSize - at.value() % kLineSize);
  const auto outcome = m_connections.caches.access(m_index, at, in_line, AccessKind::Read, now());
  Picoseconds cost;
  for (std::size_t level = 0; level < fabric::kHitLevels; ++level) cost += m_latency[level] * outcome.lines[level];
  return std::max(cost, outcome.memory_ready - now());
}

void Core::copy(PhysAddr from, PhysAddr to, Bytes size) {
  if (size == 0) return;
  consume(m_copy_start + first_line_cost(from, size));
  continue_copy(from, to, size);
}

void Core::continue_copy(PhysAddr from, PhysAddr to, Bytes size) {
  while (size > 0) {
    const Bytes piece = std::min({size, from.left_in_page(), to.left_in_page()});
    m_connections.memory.copy(from, to, piece);
    m_connections.ledger.copied(from, to, piece, Mover::Cpu);
    const Touch touches[] = {{from, piece, AccessKind::Read}, {to, piece, AccessKind::Write}};
    consume(cost_of(touches, 2));
    from += piece;
    to += piece;
    size -= piece;
  }
}

void Core::zero(PhysAddr at, Bytes size) {
  consume(m_copy_start);
  fabric::for_each_page_piece(at, size, [&](PhysAddr page, Bytes piece) {
    std::memset(m_connections.memory.to_overwrite(page, piece).data(), 0, piece);
    m_connections.ledger.stored(page, piece);
    consume(touch_cost(page, piece, AccessKind::Write));
  });
}

std::uint32_t Core::checksum(PhysAddr at, Bytes size, std::uint32_t sum) {
  std::uint64_t position = 0;
  fabric::for_each_page_piece(at, size, [&](PhysAddr page, Bytes piece) {
    sum = base::internet_checksum_add(m_connections.memory.at(page, piece), sum, position % 2 != 0);
    position += piece;
    const std::uint64_t lines = divide_up(page.value() % kLineSize + piece, kLineSize);
    consume(touch_cost(page, piece, AccessKind::Read) + m_config.checksum_line.at(m_config.frequency) * lines);
  });
  return sum;
}

// --- address translation
// --------------------------------------------------------------------------------------------------

tl::expected<fabric::Translated, fabric::TranslationFault> Core::translate(VirtAddr address,
                                                                           fabric::TranslationAccess access,
                                                                           bool user) {
  const Picoseconds begin = now();
  const auto result = m_connections.translation.translate(address, access, user, begin);
  consume((result ? result->ready : result.error().ready) - begin);
  return result;
}

// --- device registers
// -----------------------------------------------------------------------------------------------------

Picoseconds Core::transport(tlm::tlm_command command, PhysAddr reg, unsigned size, std::uint64_t& value) {
  m_payload.set_command(command);
  m_payload.set_address(reg.value());
  m_payload.set_data_ptr(reinterpret_cast<unsigned char*>(&value));
  m_payload.set_data_length(size);
  m_payload.set_streaming_width(size);
  m_payload.set_byte_enable_ptr(nullptr);
  m_payload.set_dmi_allowed(false);
  m_payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  bus->b_transport(m_payload, delay);
  if (!m_payload.is_response_ok() && command == tlm::TLM_READ_COMMAND) value = ~std::uint64_t{0};
  return fabric::to_picoseconds(delay);
}

std::uint64_t Core::mmio_read(PhysAddr reg, unsigned size) {
  synchronise();
  std::uint64_t value = 0;
  const Picoseconds round_trip = transport(tlm::TLM_READ_COMMAND, reg, size, value);
  consume(round_trip);
  return value;
}

void Core::mmio_write(PhysAddr reg, unsigned size, std::uint64_t value) {
  synchronise();
  consume(transport(tlm::TLM_WRITE_COMMAND, reg, size, value));  // posted: held only until the write has left
}

}  // namespace sluice::cpu
