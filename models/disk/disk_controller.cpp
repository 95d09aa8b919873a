// SPDX-License-Identifier: Apache-2.0
#include "models/disk/disk_controller.h"

#include <algorithm>
#include <cstring>
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
      m_ledger(ledger),
      m_medium(make_medium(config)),
      m_interrupt(dma, config.coalesce_completions, config.coalesce_time, m_statistics.interrupts),
      m_wake("wake"),
      m_active(config.queue_depth),
      m_ids_in_use(kCommandIds),
      m_buffer(config.buffer_size),
      m_data(config.piece_size) {
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
    while (!m_agenda.empty() && m_agenda.top().at <= now()) {
      const Due due = m_agenda.top();
      m_agenda.pop();
      take(due);
      start_waiting_pieces();
    }
    if (!m_agenda.empty()) m_wake.notify(fabric::to_sc_time(m_agenda.top().at - now()));
    sc_core::wait(m_wake);
  }
}

void DiskController::take(const Due& due) {
  switch (due.step) {
    case Step::Fetch:
      return fetch();
    case Step::CommandsArrived:
      return accept_commands();
    case Step::SegmentsArrived:
      return accept_segments(due.index);
    case Step::Transfer:
      return split_into_pieces(due.index);
    case Step::RoomFree:
      return start_write(due.index);
    case Step::PieceArrived:
      if (!is_read(m_active[m_pieces[due.index].slot])) return finish_write(due.index);
      m_outgoing.push_back(due.index);
      return send_waiting_piece();
    case Step::Sent:
      m_sending = false;
      return send_waiting_piece();
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
  schedule(run.ready, Step::CommandsArrived);
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
  schedule(read.done, Step::SegmentsArrived, slot);
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

// 3. The processor spends its time on the command; then data are moved in pieces.
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
  if (moves_data(active.command)) return schedule(ready, Step::Transfer, slot);
  schedule(std::max(ready, m_durable), Step::Complete, slot);  // flush
}

void DiskController::split_into_pieces(Slot slot) {
  Active& active = m_active[slot];
  const Bytes size = size_of(active.command);
  active.done = now();
  for (Bytes begin = 0; begin < size; begin += m_config.piece_size) {
    if (m_free_pieces.empty()) {
      m_free_pieces.push_back(static_cast<PieceIndex>(m_pieces.size()));
      m_pieces.emplace_back();
    }
    const PieceIndex index = m_free_pieces.back();
    m_free_pieces.pop_back();
    m_pieces[index].slot = slot;
    m_pieces[index].begin = begin;
    m_pieces[index].size = std::min(m_config.piece_size, size - begin);
    m_waiting.push_back(index);
    ++active.pieces_left;
  }
}

void DiskController::start_waiting_pieces() {
  while (!m_waiting.empty() && start(m_waiting.front())) m_waiting.pop_front();
}

// 4. A piece takes room in the buffer. A read is then with the medium; a write is first read from memory.
bool DiskController::start(PieceIndex index) {
  const Piece& piece = m_pieces[index];
  const Active& active = m_active[piece.slot];
  const auto room_at = m_buffer.take(piece.size, now());
  if (!room_at) return false;
  if (!is_read(active)) {
    // A write reads memory when there is room and not before: dated far ahead it would hold up the links meanwhile.
    schedule(*room_at, Step::RoomFree, index);
    return true;
  }
  const Bytes offset = active.command.first_block * kBlockSize + piece.begin;
  schedule(m_medium->read(*room_at, offset, piece.size), Step::PieceArrived, index);
  return true;
}

void DiskController::start_write(PieceIndex index) {
  Piece& piece = m_pieces[index];
  Active& active = m_active[piece.slot];
  piece.data.resize(piece.size);
  piece.shadow.clear();
  Picoseconds arrived = now();
  active.segments.for_each_part(piece.begin, piece.size, [&](BusAddr from, Bytes size, Bytes at) {
    if (active.status != Status::Success) return;
    m_slice.clear();
    const auto read = dma.read(from, std::span{piece.data}.subspan(at, size), now(), Place::DiskBuffer, &m_slice);
    if (!read.ok()) {
      active.status = Status::DmaError;
      return;
    }
    append_slice(piece.shadow, at, m_slice, 0, size);
    arrived = std::max(arrived, read.done);
  });
  schedule(arrived, Step::PieceArrived, index);
}

// 5a. Read data have come from the medium: out to memory, one piece when the link has taken the one before. So a
// completion entry waits for one piece at most, however far the medium is ahead of the link.
void DiskController::send_waiting_piece() {
  while (!m_sending && !m_outgoing.empty()) {
    const PieceIndex index = m_outgoing.front();
    m_outgoing.pop_front();
    const Picoseconds sent = send(index);
    m_buffer.give_back(m_pieces[index].size, sent);
    piece_done(index, sent);
    m_sending = sent > now();
    if (m_sending) schedule(sent, Step::Sent);
  }
}

/// Returns when the link has taken the last byte.
Picoseconds DiskController::send(PieceIndex index) {
  Piece& piece = m_pieces[index];
  Active& active = m_active[piece.slot];
  if (active.status != Status::Success) return now();  // an earlier piece met an error
  const Bytes offset = active.command.first_block * kBlockSize + piece.begin;
  const std::span<std::byte> data = std::span{m_data}.first(piece.size);
  if (!m_image->named(offset, piece.size, m_named)) m_image->read(offset, data);
  piece.shadow = m_image->shadow(offset, piece.size);
  m_ledger.moved(Place::DiskMedia, Place::DiskBuffer, Mover::Device, piece.shadow, piece.size);

  Picoseconds sent = now();
  Bytes lost = 0;
  active.segments.for_each_part(piece.begin, piece.size, [&](BusAddr to, Bytes size, Bytes at) {
    m_slice.clear();
    append_slice(m_slice, 0, piece.shadow, at, size);
    fabric::DmaPort::Completion written{tlm::TLM_INCOMPLETE_RESPONSE, {}, {}};
    if (active.status == Status::Success) {
      const base::NamedBytes named = m_named.slice(at, size);
      written = dma.write(to, data.subspan(at, size), now(), Place::DiskBuffer, &m_slice, &named);
    }
    if (!written.ok()) {
      active.status = Status::DmaError;
      lost += payload_in(m_slice);
      return;
    }
    m_statistics.bytes_read += size;
    sent = std::max(sent, written.sent);
  });
  if (lost > 0) m_ledger.dropped(Place::DiskBuffer, lost);
  return sent;
}

// 5b. Write data have come from memory: on to the medium.
void DiskController::finish_write(PieceIndex index) {
  Piece& piece = m_pieces[index];
  Active& active = m_active[piece.slot];
  if (active.status != Status::Success) {
    m_ledger.dropped(Place::DiskBuffer, payload_in(piece.shadow));
    m_buffer.give_back(piece.size, now());
    return piece_done(index, now());
  }
  const Bytes offset = active.command.first_block * kBlockSize + piece.begin;
  m_image->write(offset, piece.data, piece.shadow);
  m_ledger.moved(Place::DiskBuffer, Place::DiskMedia, Mover::Device, piece.shadow, piece.size);
  m_statistics.bytes_written += piece.size;
  const Picoseconds durable = m_medium->write(now(), offset, piece.size);
  m_durable = std::max(m_durable, durable);
  m_buffer.give_back(piece.size, durable);
  piece_done(index, m_config.write_cache ? now() : durable);
}

void DiskController::piece_done(PieceIndex index, Picoseconds at) {
  const Slot slot = m_pieces[index].slot;
  Active& active = m_active[slot];
  active.done = std::max(active.done, at);
  m_pieces[index].shadow.clear();
  m_free_pieces.push_back(index);
  if (--active.pieces_left == 0) schedule(active.done, Step::Complete, slot);
}

// 6. The data are on their way, and nothing overtakes them: tell the driver.
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

// 7. A message takes the same way as the entry and does not overtake it, so it follows at once.
void DiskController::schedule_interrupt() {
  const auto due = m_interrupt.due();
  if (!due) return;
  if (*due <= now()) return send_interrupt();
  schedule(*due, Step::Interrupt);
}

void DiskController::send_interrupt() {
  if (const auto due = m_interrupt.due(); !due || *due > now()) return;  // raised since it was scheduled
  static_cast<void>(m_interrupt.raise_due());
  schedule_interrupt();
}

// --- helpers --------------------------------------------------------------------------------------------------------

void DiskController::schedule(Picoseconds at, Step step, std::uint32_t index) {
  m_agenda.push({at, m_order++, step, index});
  // Steps are also scheduled from register writes, while the engine sleeps. The earliest notification wins.
  m_wake.notify(fabric::to_sc_time(std::max(at, now()) - now()));
}

void DiskController::schedule_fetch(Picoseconds at) {
  if (std::exchange(m_fetching, true)) return;
  schedule(at, Step::Fetch);
}

Status DiskController::validate_target(const Active& active, std::span<const SgElement> segments) const {
  const Status verdict = validate_segments(segments, size_of(active.command));
  if (verdict != Status::Success || !is_read(active)) return verdict;
  const SgElement rings[] = {
      {m_submission_base, static_cast<std::uint32_t>(m_submission_size * sizeof(Command)), 0},
      {m_completion_base, static_cast<std::uint32_t>(m_completion_size * sizeof(CompletionEntry)), 0}};
  return overlap(segments, rings) ? Status::InvalidSegments : Status::Success;
}

void DiskController::fail(Slot slot, Status status) {
  m_active[slot].status = status;
  schedule(m_processor.reserve(now(), m_config.command_overhead).end, Step::Complete, slot);
}

void DiskController::stop_with_fatal() {
  abort_all();
  m_fatal = true;
}

void DiskController::abort_all() {
  for (const Piece& piece : m_pieces) {
    if (!piece.shadow.empty()) m_ledger.dropped(Place::DiskBuffer, payload_in(piece.shadow));
  }
  m_ready = m_fatal = false;
  m_agenda = {};
  m_fetching = false;
  m_accepted.clear();
  m_free_slots.clear();
  for (Slot slot = m_config.queue_depth; slot-- > 0;) m_free_slots.push_back(slot);
  m_pieces.clear();
  m_free_pieces.clear();
  m_waiting.clear();
  m_outgoing.clear();
  m_sending = false;
  m_finished.clear();
  m_buffer.reset();
  m_ids_in_use.assign(kCommandIds, false);
  m_submissions = {};
  m_completions = {};
  m_interrupt.forget();
}

}  // namespace sluice::disk
