// SPDX-License-Identifier: Apache-2.0
#include "models/disk/data_path.h"

#include <algorithm>

namespace sluice::disk {

DataPath::DataPath(const DiskConfig& config, DiskImage& image, Medium& medium, base::Ledger& ledger,
                   fabric::DmaPort& dma, Agenda& agenda, std::vector<Active>& active, DiskStatistics& statistics)
    : m_config(config),
      m_image(image),
      m_medium(medium),
      m_ledger(ledger),
      m_dma(dma),
      m_agenda(agenda),
      m_active(active),
      m_statistics(statistics),
      m_buffer(config.buffer_size),
      m_data(config.piece_size) {}

void DataPath::begin(Slot slot) {
  Active& active = m_active[slot];
  const Bytes size = size_of(active.command);
  active.done = m_agenda.now();
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

void DataPath::start_waiting_pieces() {
  while (!m_waiting.empty() && start(m_waiting.front())) m_waiting.pop_front();
}

// A piece takes room in the buffer. A read is then with the medium; a write is first read from memory.
bool DataPath::start(PieceIndex index) {
  const Piece& piece = m_pieces[index];
  const Active& active = m_active[piece.slot];
  const auto room_at = m_buffer.take(piece.size, m_agenda.now());
  if (!room_at) return false;
  if (!is_read(active.command)) {
    // A write reads memory when there is room and not before: dated far ahead it would hold up the links meanwhile.
    m_agenda.schedule(*room_at, Step::RoomFree, index);
    return true;
  }
  const Bytes offset = active.command.first_block * kBlockSize + piece.begin;
  m_agenda.schedule(m_medium.read(*room_at, offset, piece.size), Step::PieceArrived, index);
  return true;
}

void DataPath::start_write(PieceIndex index) {
  Piece& piece = m_pieces[index];
  Active& active = m_active[piece.slot];
  piece.data.resize(piece.size);
  piece.shadow.clear();
  Picoseconds arrived = m_agenda.now();
  active.segments.for_each_part(piece.begin, piece.size, [&](BusAddr from, Bytes size, Bytes at) {
    if (active.status != Status::Success) return;
    m_slice.clear();
    const auto read =
        m_dma.read(from, std::span{piece.data}.subspan(at, size), m_agenda.now(), Place::DiskBuffer, &m_slice);
    if (!read.ok()) {
      active.status = Status::DmaError;
      return;
    }
    append_slice(piece.shadow, at, m_slice, 0, size);
    arrived = std::max(arrived, read.done);
  });
  m_agenda.schedule(arrived, Step::PieceArrived, index);
}

// Read data have come from the medium: out to memory, one piece when the link has taken the one before. So a
// completion entry waits for one piece at most, however far the medium is ahead of the link.
void DataPath::send_waiting_piece() {
  while (!m_sending && !m_outgoing.empty()) {
    const PieceIndex index = m_outgoing.front();
    m_outgoing.pop_front();
    const Picoseconds sent = send(index);
    m_buffer.give_back(m_pieces[index].size, sent);
    piece_done(index, sent);
    m_sending = sent > m_agenda.now();
    if (m_sending) m_agenda.schedule(sent, Step::Sent);
  }
}

void DataPath::piece_arrived(PieceIndex index) {
  if (!is_read(m_active[m_pieces[index].slot].command)) return finish_write(index);
  m_outgoing.push_back(index);
  send_waiting_piece();
}

void DataPath::link_free() {
  m_sending = false;
  send_waiting_piece();
}

/// Returns when the link has taken the last byte.
Picoseconds DataPath::send(PieceIndex index) {
  Piece& piece = m_pieces[index];
  Active& active = m_active[piece.slot];
  if (active.status != Status::Success) return m_agenda.now();  // an earlier piece met an error
  const Bytes offset = active.command.first_block * kBlockSize + piece.begin;
  const std::span<std::byte> data = std::span{m_data}.first(piece.size);
  if (!m_image.named(offset, piece.size, m_named)) m_image.read(offset, data);
  piece.shadow = m_image.shadow(offset, piece.size);
  m_ledger.moved(Place::DiskMedia, Place::DiskBuffer, Mover::Device, piece.shadow, piece.size);

  Picoseconds sent = m_agenda.now();
  Bytes lost = 0;
  active.segments.for_each_part(piece.begin, piece.size, [&](BusAddr to, Bytes size, Bytes at) {
    m_slice.clear();
    append_slice(m_slice, 0, piece.shadow, at, size);
    fabric::DmaPort::Completion written{tlm::TLM_INCOMPLETE_RESPONSE, {}, {}};
    if (active.status == Status::Success) {
      const base::NamedBytes named = m_named.slice(at, size);
      written = m_dma.write(to, data.subspan(at, size), m_agenda.now(), Place::DiskBuffer, &m_slice, &named);
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

// Write data have come from memory: on to the medium.
void DataPath::finish_write(PieceIndex index) {
  Piece& piece = m_pieces[index];
  Active& active = m_active[piece.slot];
  if (active.status != Status::Success) {
    m_ledger.dropped(Place::DiskBuffer, payload_in(piece.shadow));
    m_buffer.give_back(piece.size, m_agenda.now());
    return piece_done(index, m_agenda.now());
  }
  const Bytes offset = active.command.first_block * kBlockSize + piece.begin;
  m_image.write(offset, piece.data, piece.shadow);
  m_ledger.moved(Place::DiskBuffer, Place::DiskMedia, Mover::Device, piece.shadow, piece.size);
  m_statistics.bytes_written += piece.size;
  const Picoseconds durable = m_medium.write(m_agenda.now(), offset, piece.size);
  m_durable = std::max(m_durable, durable);
  m_buffer.give_back(piece.size, durable);
  piece_done(index, m_config.write_cache ? m_agenda.now() : durable);
}

void DataPath::piece_done(PieceIndex index, Picoseconds at) {
  const Slot slot = m_pieces[index].slot;
  Active& active = m_active[slot];
  active.done = std::max(active.done, at);
  m_pieces[index].shadow.clear();
  m_free_pieces.push_back(index);
  if (--active.pieces_left == 0) m_agenda.schedule(active.done, Step::Complete, slot);
}

void DataPath::abort() {
  for (const Piece& piece : m_pieces) {
    if (!piece.shadow.empty()) m_ledger.dropped(Place::DiskBuffer, payload_in(piece.shadow));
  }
  m_pieces.clear();
  m_free_pieces.clear();
  m_waiting.clear();
  m_outgoing.clear();
  m_sending = false;
  m_buffer.reset();
}

}  // namespace sluice::disk
