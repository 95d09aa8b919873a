// SPDX-License-Identifier: Apache-2.0
#include "models/disk/disk_controller.h"

#include <algorithm>
#include <utility>

#include "models/fabric/memory_map.h"

namespace sluice::disk {
namespace {

constexpr std::size_t kCommandIds = 1 << 16;

}  // namespace

DiskController::DiskController(sc_core::sc_module_name name, const DiskConfig& config, std::shared_ptr<DiskImage> image,
                               base::Ledger& ledger)
    : sc_module(name),
      registers("registers"),
      dma("dma"),
      m_config(config),
      m_image(std::move(image)),
      m_medium(make_medium(config)),
      m_interrupt(dma, config.coalesce_completions, config.coalesce_time, m_statistics.interrupts),
      m_active(config.queue_depth),
      m_ids_in_use(kCommandIds),
      m_data(m_config, *m_image, *m_medium, ledger, dma, m_agenda, m_active, m_statistics) {
  add_registers();
  abort_all();
  sc_core::sc_spawn_options options;
  options.set_stack_size(256 * 1024);
  sc_core::sc_spawn([this] { run_engine(); }, "engine", &options);
}

// --- registers ------------------------------------------------------------------------------------------------------

template <class Field>
void DiskController::add_ring_register(const fabric::Register& reg, Field& field) {
  registers.add(
      reg, [&field] { return std::uint64_t{field}; },
      [this, &field](std::uint64_t value) {
        if (!m_ready) field = static_cast<Field>(value);
      });
}

void DiskController::add_registers() {
  const auto constant = [this](const fabric::Register& reg, std::uint64_t value) {
    registers.add_read_only(reg, [value] { return value; });
  };
  registers.add(
      reg::kControl, [this] { return std::uint64_t{m_ready ? control::kEnable : 0}; },
      [this](std::uint64_t value) { write_control(value); });
  registers.add_read_only(
      reg::kStatus, [this] { return std::uint64_t{(m_ready ? status::kReady : 0) | (m_fatal ? status::kFatal : 0)}; });
  constant(reg::kCapacity, m_image->capacity() / kBlockSize);
  constant(reg::kQueueDepth, m_config.queue_depth);
  constant(reg::kMaxTransfer, m_config.max_transfer);
  constant(reg::kMaxSegments, m_config.max_segments);
  add_ring_register(reg::kSqBase, m_submission_base);
  add_ring_register(reg::kSqSize, m_submission_size);
  add_ring_register(reg::kCqBase, m_completion_base);
  add_ring_register(reg::kCqSize, m_completion_size);
  registers.add(
      reg::kVector, [this] { return std::uint64_t{m_interrupt.vector()}; },
      [this](std::uint64_t value) {
        if (!m_ready) static_cast<void>(m_interrupt.set_vector(value));
      });
  registers.add(
      reg::kSqTail, [this] { return std::uint64_t{m_submissions.tail()}; },
      [this](std::uint64_t value) { ring_submission_doorbell(value); });
  registers.add(
      reg::kCqHead, [this] { return std::uint64_t{m_completions.head()}; },
      [this](std::uint64_t value) { ring_completion_doorbell(value); });
  registers.add(
      reg::kInterruptMask, [this] { return std::uint64_t{m_interrupt.masked()}; },
      // Nobody can be told of a message that does not arrive, here or later; the driver's time-out finds out.
      [this](std::uint64_t value) { static_cast<void>(m_interrupt.set_masked((value & 1) != 0)); });
  registers.add_read_only(reg::kIgnoredDoorbells, [this] { return std::uint64_t{m_ignored_doorbells}; });
}

void DiskController::write_control(std::uint64_t value) {
  if ((value & control::kReset) != 0) {
    abort_all();
    m_submission_base = m_completion_base = 0;
    m_submission_size = m_completion_size = m_ignored_doorbells = 0;
    m_interrupt.reset();
    ++m_statistics.resets;
    return;
  }
  const bool enable = (value & control::kEnable) != 0;
  if (!enable && m_ready) abort_all();
  if (!enable || m_ready || m_fatal) return;
  const bool legal = fabric::is_ring_size(m_submission_size, kMaxRing) &&
                     fabric::is_ring_size(m_completion_size, kMaxRing) && m_submission_base % sizeof(Command) == 0 &&
                     m_completion_base % sizeof(CompletionEntry) == 0;
  m_fatal = !legal;
  m_ready = legal;
  if (!legal) return;
  m_submissions = fabric::DescriptorRing{m_submission_size};
  m_completions = fabric::CompletionRing{m_completion_size};
}

void DiskController::ignore_doorbell() {
  ++m_ignored_doorbells;
  ++m_statistics.ignored_doorbells;
}

void DiskController::ring_submission_doorbell(std::uint64_t tail) {
  if (!m_ready || !m_submissions.ring_doorbell(tail)) return ignore_doorbell();
  schedule_fetch(now() + m_config.doorbell_latency);
}

void DiskController::ring_completion_doorbell(std::uint64_t head) {
  if (!m_ready || !m_completions.set_head(head)) return ignore_doorbell();
  write_completions();
}

// --- the engine: an agenda of steps, each at its instant ------------------------------------------------------------

void DiskController::run_engine() {
  while (true) {
    while (const auto due = m_agenda.take()) {
      take(*due);
      m_data.start_waiting_pieces();
    }
    m_agenda.wait();
  }
}

void DiskController::take(const Agenda::Due& due) {
  switch (due.step) {
    case Step::Fetch:
      return fetch();
    case Step::CommandsArrived:
      return accept_commands();
    case Step::SegmentsArrived:
      return accept_segments(due.index);
    case Step::Transfer:
      return m_data.begin(due.index);
    case Step::RoomFree:
      return m_data.start_write(due.index);
    case Step::PieceArrived:
      return m_data.piece_arrived(due.index);
    case Step::Sent:
      return m_data.link_free();
    case Step::Complete:
      return complete(due.index);
    case Step::Interrupt:
      return send_interrupt();
  }
}

// 1. One read of the ring for several commands; one such read at a time.
void DiskController::fetch() {
  const auto free_slots = static_cast<std::uint32_t>(m_free_slots.size());
  const auto run =
      m_reader.read(dma, m_submissions, BusAddr{m_submission_base}, std::min(m_config.fetch_batch, free_slots));
  m_fetching = false;
  if (!run.ok) return stop_with_fatal();
  if (run.descriptors.empty()) return;
  m_fetching = true;
  m_fetched = run.descriptors;
  m_agenda.schedule(run.ready, Step::CommandsArrived);
}

void DiskController::accept_commands() {
  m_fetching = false;
  m_submissions.complete(static_cast<std::uint32_t>(m_fetched.size()));
  m_statistics.descriptors += m_fetched.size();
  for (const Command& command : m_fetched) {
    const Slot slot = m_free_slots.back();
    m_free_slots.pop_back();
    m_active[slot].command = command;
    m_active[slot].status = Status::Success;
    m_active[slot].pieces_left = 0;
    accept(slot);
  }
  m_statistics.most_active =
      std::max(m_statistics.most_active, static_cast<unsigned>(m_active.size() - m_free_slots.size()));
  if (m_submissions.unfetched() > 0) schedule_fetch(now());
}

// 2. The scatter-gather list comes with the command or from memory.
void DiskController::accept(Slot slot) {
  Active& active = m_active[slot];
  if (m_ids_in_use[active.command.command_id]) return fail(slot, Status::CommandIdConflict);
  m_ids_in_use[active.command.command_id] = true;
  const CommandLimits limits{m_image->capacity() / kBlockSize, m_config.max_transfer, m_config.max_segments};
  const Status verdict = validate(active.command, limits);
  if (verdict != Status::Success) return fail(slot, verdict);
  m_accepted.push_back(slot);
  active.listed = !moves_data(active.command) || active.command.segment_count == 1;
  if (active.listed) return begin_in_order();

  // The list is read at once, and taken as arrived later: the driver keeps it until completion.
  m_segments.resize(active.command.segment_count);
  const auto read =
      dma.read(BusAddr{active.command.segment_list}, std::as_writable_bytes(std::span{m_segments}), now());
  m_statistics.descriptors += m_segments.size();
  active.status = read.ok() ? validate_target(active, m_segments) : Status::DmaError;
  active.segments.assign(m_segments);
  m_agenda.schedule(read.done, Step::SegmentsArrived, slot);
}

void DiskController::accept_segments(Slot slot) {
  m_active[slot].listed = true;
  begin_in_order();
}

/// A command does not overtake one whose list is still on its way: a stream that the driver asks for in order reaches
/// the medium in order.
void DiskController::begin_in_order() {
  while (!m_accepted.empty() && m_active[m_accepted.front()].listed) {
    const Slot slot = m_accepted.front();
    m_accepted.pop_front();
    begin(slot);
  }
}

// 3. The processor spends its time on the command; then the data path moves its data.
void DiskController::begin(Slot slot) {
  Active& active = m_active[slot];
  if (active.status != Status::Success) return fail(slot, active.status);
  if (moves_data(active.command) && active.command.segment_count == 1) {
    const std::span<const SgElement> one{&active.command.inline_segment, 1};
    const Status verdict = validate_target(active, one);
    if (verdict != Status::Success) return fail(slot, verdict);
    active.segments.assign(one);
  }
  const Picoseconds ready = m_processor.reserve(now(), m_config.command_overhead).end;
  if (moves_data(active.command)) return m_agenda.schedule(ready, Step::Transfer, slot);
  m_agenda.schedule(std::max(ready, m_data.durable()), Step::Complete, slot);  // flush
}

// 4. The data are on their way, and nothing overtakes them: tell the driver.
void DiskController::complete(Slot slot) {
  const Active& active = m_active[slot];
  switch (static_cast<Opcode>(active.command.opcode)) {
    case Opcode::Read:
      ++m_statistics.reads;
      break;
    case Opcode::Write:
      ++m_statistics.writes;
      break;
    case Opcode::Flush:
      ++m_statistics.flushes;
      break;
  }
  if (active.status != Status::Success) ++m_statistics.failed;
  CompletionEntry entry;
  entry.command_id = active.command.command_id;
  entry.status = static_cast<std::uint16_t>(active.status);
  m_finished.push_back(entry);
  m_free_slots.push_back(slot);
  if (m_submissions.unfetched() > 0) schedule_fetch(now());
  write_completions();
}

void DiskController::write_completions() {
  while (!m_finished.empty() && !m_completions.full()) {
    CompletionEntry entry = m_finished.front();
    m_finished.pop_front();
    entry.sq_head = static_cast<std::uint16_t>(m_submissions.head());
    entry.phase = m_completions.phase();
    const BusAddr to{m_completion_base + std::uint64_t{m_completions.tail()} * sizeof entry};
    const auto written = dma.write(to, std::as_bytes(std::span{&entry, 1}), now());
    if (!written.ok()) return stop_with_fatal();
    m_completions.put();
    if (entry.status != static_cast<std::uint16_t>(Status::CommandIdConflict)) m_ids_in_use[entry.command_id] = false;
    m_interrupt.event(now());
  }
  schedule_interrupt();
}

// 5. A message takes the same way as the entry and does not overtake it, so it follows at once.
void DiskController::schedule_interrupt() {
  const auto due = m_interrupt.due();
  if (!due) return;
  if (*due <= now()) return send_interrupt();
  m_agenda.schedule(*due, Step::Interrupt);
}

void DiskController::send_interrupt() {
  if (const auto due = m_interrupt.due(); !due || *due > now()) return;  // raised since it was scheduled
  static_cast<void>(m_interrupt.raise_due());
  schedule_interrupt();
}

// --- helpers --------------------------------------------------------------------------------------------------------

void DiskController::schedule_fetch(Picoseconds at) {
  if (std::exchange(m_fetching, true)) return;
  m_agenda.schedule(at, Step::Fetch);
}

Status DiskController::validate_target(const Active& active, std::span<const SgElement> segments) const {
  const Status verdict = validate_segments(segments, size_of(active.command));
  if (verdict != Status::Success || !is_read(active.command)) return verdict;
  const SgElement rings[] = {
      {m_submission_base, static_cast<std::uint32_t>(m_submission_size * sizeof(Command)), 0},
      {m_completion_base, static_cast<std::uint32_t>(m_completion_size * sizeof(CompletionEntry)), 0}};
  return overlap(segments, rings) ? Status::InvalidSegments : Status::Success;
}

void DiskController::fail(Slot slot, Status status) {
  m_active[slot].status = status;
  m_agenda.schedule(m_processor.reserve(now(), m_config.command_overhead).end, Step::Complete, slot);
}

void DiskController::stop_with_fatal() {
  abort_all();
  m_fatal = true;
}

void DiskController::abort_all() {
  m_data.abort();
  m_ready = m_fatal = false;
  m_agenda.clear();
  m_fetching = false;
  m_accepted.clear();
  m_free_slots.clear();
  for (Slot slot = m_config.queue_depth; slot-- > 0;) m_free_slots.push_back(slot);
  m_finished.clear();
  m_ids_in_use.assign(kCommandIds, false);
  m_submissions = {};
  m_completions = {};
  m_interrupt.forget();
}

}  // namespace sluice::disk
