// SPDX-License-Identifier: Apache-2.0
#include "models/base/ledger.h"

#include <algorithm>

#include <fmt/format.h>

#include "models/base/delivery.h"
#include "models/base/ledger_frames.h"

namespace sluice::base {
namespace {

constexpr std::array<std::string_view, kPlaces> kPlaceNames{
    "free",        "kernel.memory",          "disk.media",          "disk.buffer", "kernel.page_cache",
    "user.buffer", "kernel.socket_buffer",   "kernel.pipe",         "nic.fifo",    "wire",
    "peer",        "receiver.socket_buffer", "receiver.user_buffer"};
constexpr std::array<std::string_view, kMovers> kMoverNames{"cpu", "dma", "device", "reference"};
constexpr std::size_t kBreachesKept = 20;  // the first ones tell the story

constexpr std::size_t index_of(Place place) { return static_cast<std::size_t>(place); }
constexpr std::size_t index_of(Mover by) { return static_cast<std::size_t>(by); }
constexpr bool is_consuming(Place place) {
  return place == Place::DiskBuffer || place == Place::NicFifo || place == Place::Wire;
}

/// Calls `visit(frame, offset in frame, size)` for each page's part of a range.
template <class Visit>
void for_each_frame(PhysAddr address, Bytes size, Visit&& visit) {
  while (size > 0) {
    const Bytes piece = std::min(size, address.left_in_page());
    visit(Frame::of(address), address.page_offset(), piece);
    address += piece;
    size -= piece;
  }
}

}  // namespace

std::string_view name_of(Place place) { return kPlaceNames.at(index_of(place)); }
std::string_view name_of(Mover mover) { return kMoverNames.at(index_of(mover)); }

Bytes payload_in(const Shadow& shadow) {
  Bytes sum = 0;
  for (const ShadowPiece& piece : shadow) sum += piece.size;
  return sum;
}

void append_slice(Shadow& to, Bytes at, const Shadow& from, Bytes begin, Bytes size) {
  if (size == 0) return;  // a piece around the place would pass the test below
  const auto first = std::partition_point(from.begin(), from.end(),
                                          [&](const ShadowPiece& piece) { return piece.at + piece.size <= begin; });
  for (auto piece = first; piece != from.end() && piece->at < begin + size; ++piece) {
    ShadowPiece part = clipped(*piece, begin, begin + size);
    part.at = part.at - begin + at;
    append_piece(to, part);
  }
}

/// Everything the ledger remembers.
struct Ledger::Book {
  LedgerFrames frames;
  std::array<MoveTotal, kPlaces * kPlaces * kMovers> totals{};
  std::array<std::int64_t, kPlaces> held{};  // payload bytes in consuming places
  std::map<std::uint32_t, FileDelivery> deliveries;
  std::uint32_t times = 1;  // each byte is to be delivered
  Bytes delivered = 0;
  std::vector<std::string> breaches;
  std::size_t breaches_left_out = 0;
  Shadow scratch;

  void breach(std::string sentence) {
    if (breaches.size() < kBreachesKept) {
      breaches.push_back(std::move(sentence));
    } else {
      ++breaches_left_out;
    }
  }
  void check_readable(const FrameRecord& record, Frame frame, Bytes payload) {
    if (record.place != Place::Free) [[likely]]
      return;
    if (payload == 0 && !record.freed_with_payload) return;
    breach(fmt::format("payload was read from frame {:#x}, which is free", frame.number()));
  }
  void enter(Place place, Bytes payload) {
    if (is_consuming(place)) held[index_of(place)] += static_cast<std::int64_t>(payload);
  }
  void leave(Place place, Bytes payload) {
    if (!is_consuming(place)) return;
    std::int64_t& left = held[index_of(place)];
    const bool was_whole = left >= 0;
    left -= static_cast<std::int64_t>(payload);
    if (left < 0 && was_whole) {
      breach(fmt::format("{} gave out {} payload bytes that had not come in", name_of(place), -left));
    }
  }
  /// Learns of rewritten bytes; the first generation needs no book.
  void note_generations(const Shadow& shadow) {
    for (const ShadowPiece& piece : shadow) {
      if (piece.generation != 0) [[unlikely]] {
        deliveries[piece.file].known(piece.offset, piece.size, piece.generation);
      }
    }
  }
};

Ledger::Ledger() : m_book(std::make_unique<Book>()) {}
Ledger::~Ledger() = default;

void Ledger::assign(Frame frame, Place place) {
  FrameRecord& record = m_book->frames.at(frame);
  if (place == Place::Free) {
    record.freed_with_payload = record.freed_with_payload || record.many || record.size != 0;
    m_book->frames.clear(record);
  } else {
    record.freed_with_payload = false;
  }
  record.place = place;
}

Place Ledger::place_of(Frame frame) const {
  const FrameRecord* record = m_book->frames.find(frame);
  return record == nullptr ? Place::Free : record->place;
}

void Ledger::declare(PhysAddr at, const Shadow& shadow, Bytes size) {
  m_book->note_generations(shadow);
  put(at, shadow, 0, size);
}

void Ledger::stored(PhysAddr at, Bytes size) {
  for_each_frame(at, size, [&](Frame frame, Bytes begin, Bytes n) {
    m_book->frames.replace(m_book->frames.at(frame), begin, n, {});
  });
}

void Ledger::passed_reference(Place from, Place to, PhysAddr at, Bytes size) {
  if (!m_recording) return;
  count(from, to, Mover::Reference, payload_at(at, size), size);
}

void Ledger::copied(PhysAddr from, PhysAddr to, Bytes size, Mover by) {
  if (from < to + size && to < from + size) {
    copy_overlapping(from, to, size, by);
    return;
  }
  while (size > 0) {
    const Bytes piece = std::min({size, from.left_in_page(), to.left_in_page()});
    copy_within_pages(from, to, piece, by);
    from += piece;
    to += piece;
    size -= piece;
  }
}

void Ledger::copy_overlapping(PhysAddr from, PhysAddr to, Bytes size, Mover by) {
  // As memmove: the source is read as a whole before the destination changes.
  Shadow whole;
  collect(from, size, whole);
  for (Bytes done = 0; done < size;) {
    const PhysAddr source = from + done;
    const Bytes piece = std::min({size - done, source.left_in_page(), (to + done).left_in_page()});
    const Bytes payload = payload_at(source, piece);
    m_book->check_readable(m_book->frames.at(Frame::of(source)), Frame::of(source), payload);
    count(place_of(Frame::of(source)), place_of(Frame::of(to + done)), by, payload, piece);
    done += piece;
  }
  put(to, whole, 0, size);
}

void Ledger::copy_within_pages(PhysAddr from, PhysAddr to, Bytes size, Mover by) {
  const Bytes begin = from.page_offset();
  const Bytes to_begin = to.page_offset();
  const FrameRecord& source = m_book->frames.at(Frame::of(from));
  FrameRecord& destination = m_book->frames.at(Frame::of(to));
  if (!source.many) [[likely]] {
    ShadowPiece piece = clipped(source.piece(), begin, begin + size);
    piece.at = piece.at - begin + to_begin;  // meaningless, and unused, when it is empty
    m_book->check_readable(source, Frame::of(from), piece.size);
    count(source.place, destination.place, by, piece.size, size);
    m_book->frames.replace(destination, to_begin, size, std::span{&piece, piece.size == 0 ? 0U : 1U});
    return;
  }
  Shadow& pieces = m_book->scratch;
  pieces.clear();
  ShadowPiece room;
  Bytes payload = 0;
  for (const ShadowPiece& held : m_book->frames.pieces(source, room)) {
    ShadowPiece piece = clipped(held, begin, begin + size);
    if (piece.size == 0) continue;
    payload += piece.size;
    piece.at = piece.at - begin + to_begin;
    append_piece(pieces, piece);
  }
  m_book->check_readable(source, Frame::of(from), payload);
  count(source.place, destination.place, by, payload, size);
  m_book->frames.replace(destination, to_begin, size, pieces);
}

Shadow Ledger::read_by_device(PhysAddr from, Bytes size, Place to, Mover by) {
  Shadow shadow;
  Bytes total = 0;
  for_each_frame(from, size, [&](Frame frame, Bytes begin, Bytes n) {
    const Bytes payload = payload_at(frame.address() + begin, n);
    if (const FrameRecord* record = m_book->frames.find(frame)) m_book->check_readable(*record, frame, payload);
    count(place_of(frame), to, by, payload, n);
    total += payload;
  });
  collect(from, size, shadow);
  m_book->enter(to, total);
  return shadow;
}

void Ledger::written_by_device(Place from, const Shadow& shadow, PhysAddr to, Bytes size, Mover by) {
  m_book->note_generations(shadow);
  m_book->leave(from, payload_in(shadow));
  put(to, shadow, 0, size);
  for_each_frame(to, size, [&](Frame frame, Bytes begin, Bytes n) {
    count(from, place_of(frame), by, payload_at(frame.address() + begin, n), n);
  });
}

void Ledger::moved(Place from, Place to, Mover by, const Shadow& shadow, Bytes size) {
  const Bytes payload = payload_in(shadow);
  m_book->note_generations(shadow);
  m_book->leave(from, payload);
  m_book->enter(to, payload);
  count(from, to, by, payload, size);
}

void Ledger::dropped(Place from, Bytes size) {
  const Bytes held = static_cast<Bytes>(std::max<std::int64_t>(0, m_book->held[index_of(from)]));
  m_book->leave(from, std::min(size, held));
}

void Ledger::expect_deliveries(std::uint32_t times) { m_book->times = times; }

void Ledger::delivered(const Shadow& shadow) {
  for (const ShadowPiece& piece : shadow) {
    if (piece.size == 0) continue;
    const FileDelivery::Outcome outcome =
        m_book->deliveries[piece.file].deliver(piece.offset, piece.size, piece.generation, m_book->times);
    m_book->delivered += outcome.fresh;
    const auto report = [&](Bytes bytes, const std::string& what) {
      if (bytes == 0) return;
      m_book->breach(fmt::format("{} bytes of file {} within [{}, {}) reached the peer {}", bytes, piece.file,
                                 piece.offset, piece.offset + piece.size, what));
    };
    report(outcome.again, m_book->times == 1 ? "twice" : fmt::format("more than {} times", m_book->times));
    report(outcome.stale, "as they were before the file was written");
  }
}

std::vector<Move> Ledger::moves() const {
  std::vector<Move> result;
  for (std::size_t i = 0; i < m_book->totals.size(); ++i) {
    const MoveTotal& total = m_book->totals[i];
    if (total.payload == 0 && total.overhead == 0) continue;
    result.push_back({static_cast<Place>(i / kMovers / kPlaces), static_cast<Place>(i / kMovers % kPlaces),
                      static_cast<Mover>(i % kMovers), total});
  }
  return result;
}

MoveTotal Ledger::total_by(Mover by) const {
  MoveTotal sum;
  for (std::size_t i = index_of(by); i < m_book->totals.size(); i += kMovers) {
    sum.payload += m_book->totals[i].payload;
    sum.overhead += m_book->totals[i].overhead;
  }
  return sum;
}

Shadow Ledger::shadow_of(PhysAddr from, Bytes size) const {
  Shadow shadow;
  collect(from, size, shadow);
  return shadow;
}

std::int64_t Ledger::held_in(Place consuming) const { return m_book->held[index_of(consuming)]; }
Bytes Ledger::delivered_bytes() const { return m_book->delivered; }

std::vector<std::string> Ledger::breaches() const {
  std::vector<std::string> sentences = m_book->breaches;
  if (m_book->breaches_left_out > 0) {
    sentences.push_back(fmt::format("and {} more breaches of conservation", m_book->breaches_left_out));
  }
  return sentences;
}

void Ledger::count(Place from, Place to, Mover by, Bytes payload, Bytes size) {
  if (!m_recording) return;
  MoveTotal& total = m_book->totals[(index_of(from) * kPlaces + index_of(to)) * kMovers + index_of(by)];
  total.payload += payload;
  total.overhead += size - payload;
}

Bytes Ledger::payload_at(PhysAddr from, Bytes size) const {
  Bytes sum = 0;
  for_each_frame(from, size, [&](Frame frame, Bytes begin, Bytes n) {
    const FrameRecord* record = m_book->frames.find(frame);
    if (record == nullptr) return;
    ShadowPiece room;
    for (const ShadowPiece& piece : m_book->frames.pieces(*record, room)) sum += clipped(piece, begin, begin + n).size;
  });
  return sum;
}

void Ledger::put(PhysAddr to, const Shadow& shadow, Bytes shadow_begin, Bytes size) {
  Shadow& pieces = m_book->scratch;
  for_each_frame(to, size, [&](Frame frame, Bytes begin, Bytes n) {
    pieces.clear();
    append_slice(pieces, begin, shadow, shadow_begin, n);
    m_book->frames.replace(m_book->frames.at(frame), begin, n, pieces);
    shadow_begin += n;
  });
}

void Ledger::collect(PhysAddr from, Bytes size, Shadow& out) const {
  Bytes at = 0;
  for_each_frame(from, size, [&](Frame frame, Bytes begin, Bytes n) {
    if (const FrameRecord* record = m_book->frames.find(frame)) {
      ShadowPiece room;
      for (const ShadowPiece& held : m_book->frames.pieces(*record, room)) {
        ShadowPiece piece = clipped(held, begin, begin + n);
        if (piece.size == 0) continue;
        piece.at = piece.at - begin + at;
        append_piece(out, piece);
      }
    }
    at += n;
  });
}

}  // namespace sluice::base
