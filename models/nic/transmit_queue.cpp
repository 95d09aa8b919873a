// SPDX-License-Identifier: Apache-2.0
#include "models/nic/transmit_queue.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::nic {
namespace {

/// A long fragment at the start is fetched in parts, so that the first frame need not wait for the last byte.
constexpr Bytes kFirstFetch = 4_KiB;

}  // namespace

TransmitQueue::TransmitQueue(NicCore& core)
    : DescriptorQueue(core, core.config.tx_coalesce_frames, core.config.tx_coalesce_time,
                      core.statistics.tx_interrupts),
      m_fifo(core.config.tx_fifo) {}

// --- registers ------------------------------------------------------------------------------------------------------

void TransmitQueue::set_writeback(std::uint64_t address) {
  if (address % 4 != 0) return refuse();
  m_writeback = BusAddr{address};
}

void TransmitQueue::ring_doorbell(std::uint64_t tail) {
  if (!m_ring.ring_doorbell(tail)) return refuse();
  m_work.notify(sc_core::SC_ZERO_TIME);
}

void TransmitQueue::reset() {
  reset_queue();
  m_writeback = {};
  m_completions.clear();
  m_fifo.clear();
  m_work.notify(sc_core::SC_ZERO_TIME);
  m_finished.notify(sc_core::SC_ZERO_TIME);
}

// --- from the ring to the wire --------------------------------------------------------------------------------------

void TransmitQueue::run() {
  while (true) {
    // 1. The descriptors of a whole packet, fetched in batches.
    while (!take_packet()) sc_core::wait(m_work);
    const std::uint64_t epoch = m_epoch;
    const auto descriptors = static_cast<unsigned>(m_packet.size());
    NicCore::wait_until(m_fetched[descriptors - 1].ready);
    if (epoch != m_epoch) continue;
    m_fetched.erase(m_fetched.begin(), m_fetched.begin() + descriptors);
    if (runs_low()) fetch_descriptors();

    // 2. The rules; a packet that breaks one is counted, dropped, and its descriptors are done.
    const GatherList packet = GatherList::of(m_packet);
    const NicConfig& config = m_core.config;
    const TransmitFeatures features{config.gather, config.checksum_offload, config.segmentation_offload, m_core.mtu};
    if (packet.check(features) != DescriptorError::None) {
      m_core.count_error(m_core.statistics.descriptor_errors);
      complete(descriptors, NicCore::now());
      continue;
    }

    // 3. Its bytes, as the FIFO has room for them. The engine goes on to the next packet while they are on their way.
    transmit(packet, descriptors, NicCore::now() + config.packet_processing);
  }
}

/// Copies the descriptors of the next packet to m_packet. False when software has not posted all of it. A ring full of
/// descriptors without an end is taken whole, for software could never post more.
bool TransmitQueue::take_packet() {
  m_packet.clear();
  if (!m_core.enabled || m_halted) return false;
  for (std::size_t i = 0;; ++i) {
    if (i == m_fetched.size()) fetch_descriptors();
    if (i >= m_fetched.size()) return i > 0 && i + 1 == m_ring.size();
    m_packet.push_back(m_fetched[i].descriptor);
    if ((m_packet.back().flags & kTxEndOfPacket) != 0) return true;
  }
}

/// Not before `ready`. One wait for both, the packet's processing and room: a machine without segmentation offload
/// comes here for every frame.
void TransmitQueue::transmit(const GatherList& packet, unsigned descriptors, Picoseconds ready) {
  const std::uint64_t epoch = m_epoch;
  Picoseconds done = ready;
  Portion portion;
  do {
    portion = next_portion(packet, portion.payload_begin + portion.payload_size, m_fifo.capacity() / 2 - kAllHeaders);
    NicCore::wait_until(m_fifo.room_at(kAllHeaders + portion.payload_size, ready));
    if (epoch != m_epoch) return;
    ready = NicCore::now();
    FifoContent content = fetch(packet, portion, NicCore::now());
    done = std::max(done, content.done);
    if (!emit(packet, portion, std::move(content))) break;
  } while (!portion.last);
  complete(descriptors, done);
}

TransmitQueue::FifoContent TransmitQueue::fetch(const GatherList& packet, const Portion& portion,
                                                Picoseconds earliest) {
  const Bytes header = portion.payload_begin == 0 ? kAllHeaders : 0;
  const Bytes begin = portion.payload_begin == 0 ? 0 : kAllHeaders + portion.payload_begin;
  const Bytes size = header + portion.payload_size;
  const Bytes frame = std::min(packet.frame_payload(), portion.payload_size);
  FifoContent content{Buffer::of_size(size), {}, {}, earliest, true};
  Bytes at = 0;
  base::Shadow shadow;
  base::NamedBytes named;
  const auto read = [&](BusAddr from, Bytes n) {
    shadow.clear();
    const auto completion =
        m_core.dma.read(from, {content.bytes.bytes.get() + at, n}, earliest, Place::NicFifo, &shadow, &named);
    if (!completion.ok()) {
      content.ok = false;
      return;
    }
    content.bytes.name(at, named);
    base::append_slice(content.shadow, at, shadow, 0, n);
    at += n;
    content.done = std::max(content.done, completion.done);
    const bool last = at == size;
    if (at >= header + frame || last) {
      const Bytes frames = frame == 0 ? 1 : last ? base::divide_up(portion.payload_size, frame) : (at - header) / frame;
      content.ready.push_back({static_cast<unsigned>(std::max<Bytes>(frames, 1)) - 1, content.done});
    }
  };
  packet.for_each_piece(begin, size, [&](BusAddr from, Bytes n) {
    while (n > 0 && content.ok) {
      const Bytes part = content.ready.empty() ? std::min(n, kFirstFetch) : n;
      read(from, part);
      from += part;
      n -= part;
    }
  });
  return content;
}

/// Hands a portion to the wire. False when the packet must be given up.
bool TransmitQueue::emit(const GatherList& packet, const Portion& portion, FifoContent content) {
  if (!content.ok) {
    drop(content, m_core.statistics.dma_errors);
    return false;
  }
  const bool first = portion.payload_begin == 0;
  if (first) {
    const bool readable = decode(content.bytes.span(0, std::min(kAllHeaders, content.bytes.size)), m_header);
    if (!readable || (!packet.segmented() && m_header.payload_size != packet.payload_size())) {
      drop(content, m_core.statistics.descriptor_errors);
      return false;
    }
  }
  const Bytes size = content.bytes.size;
  Burst burst = frames_of(m_header, packet, portion);
  burst.payload_at = first ? kAllHeaders : 0;
  if (first) {
    base::append_slice(burst.shadow, 0, content.shadow, kAllHeaders, portion.payload_size);
  } else {
    burst.shadow = std::move(content.shadow);
  }
  burst.storage = std::move(content.bytes);
  const Bytes frame_payload = burst.frame_payload;
  m_fifo.add(size, frame_payload, m_core.wire->send(Direction::ToPeer, std::move(burst), content.ready));
  if (portion.last) ++m_core.statistics.tx_packets;
  return true;
}

void TransmitQueue::drop(const FifoContent& content, std::uint64_t& error_kind) {
  m_core.count_error(error_kind);
  m_core.ledger.dropped(Place::NicFifo, base::payload_in(content.shadow));
}

// --- completion -----------------------------------------------------------------------------------------------------

void TransmitQueue::complete(unsigned descriptors, Picoseconds at) {
  if (!m_completions.empty()) at = std::max(at, m_completions.back().at);
  const Picoseconds now = NicCore::now();
  if (m_completions.empty()) m_finished.notify(fabric::to_sc_time(std::max(at, now) - now));
  m_completions.push_back({at, descriptors});
}

void TransmitQueue::run_completions() {
  while (true) {
    const Picoseconds now = NicCore::now();
    bool any = false;
    while (!m_completions.empty() && m_completions.front().at <= now) {
      m_ring.complete(m_completions.front().descriptors);
      m_core.statistics.tx_descriptors += m_completions.front().descriptors;
      m_completions.pop_front();
      m_interrupt.event(now);
      any = true;
    }
    if (any) write_head_back();
    count_lost(m_interrupt.raise_due());
    std::optional<Picoseconds> next = m_interrupt.due();
    if (!m_completions.empty()) next = next ? std::min(*next, m_completions.front().at) : m_completions.front().at;
    if (next) m_finished.notify(fabric::to_sc_time(*next - now));
    sc_core::wait(m_finished);
  }
}

void TransmitQueue::write_head_back() {
  if (m_writeback == BusAddr{}) return;
  const std::uint32_t head = m_ring.head();
  ++m_core.statistics.head_writebacks;
  if (!m_core.dma.write(m_writeback, std::as_bytes(std::span{&head, 1}), NicCore::now()).ok()) {
    m_core.count_error(m_core.statistics.dma_errors);
  }
}

}  // namespace sluice::nic
