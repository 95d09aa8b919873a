// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/transmit_queue.h"

#include <algorithm>

#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

namespace {

std::uint32_t add_ones_complement(std::uint32_t a, std::uint32_t b) {
  const std::uint64_t sum = std::uint64_t{a} + b;
  return static_cast<std::uint32_t>((sum & 0xFFFF'FFFFU) + (sum >> 32));
}
}  // namespace

std::uint32_t payload_sum(hal::Cpu& cpu, const Skb& skb, Bytes begin, Bytes size, std::uint32_t sum) {
  Bytes done = 0;
  for_each_piece(skb, begin, size, [&](PhysAddr address, Bytes piece) {
    std::uint16_t part = nic::checksum_fold(cpu.checksum(address, piece, 0));
    // A piece that starts at an odd byte has its bytes in the other halves of the words (RFC 1071, 2 B).
    if (done % 2 != 0) part = static_cast<std::uint16_t>((part << 8) | (part >> 8));
    sum = add_ones_complement(sum, part);
    done += piece;
  });
  return sum;
}

void TransmitQueue::add(Skb& skb) {
  m_waiting.push_back(skb);
  if (!m_running) run();
}

void TransmitQueue::run() {
  if (m_running) return;
  m_running = true;
  while (!m_device.stopped()) {
    Skb* const skb = next_ready();
    if (skb == nullptr) break;
    ++m_statistics.packets;
    m_statistics.frames += skb->frames;
    m_device.transmit(*skb, !m_ready.empty());
  }
  if (!m_ready.empty() || !m_waiting.empty()) ++m_statistics.stops;
  m_running = false;
}

/// The next packet in a form that the interface takes.
Skb* TransmitQueue::next_ready() {
  while (m_ready.empty()) {
    Skb* const skb = m_waiting.pop_front();
    if (skb == nullptr) return nullptr;
    skb->checksum_by_device = m_device.features().checksum;
    if (must_be_cut(*skb)) {
      cut(*skb);
    } else {
      if (!skb->checksum_by_device) fill_in_checksum(*skb);
      m_ready.push_back(*skb);
    }
  }
  return m_ready.pop_front();
}

bool TransmitQueue::must_be_cut(const Skb& skb) const {
  const DeviceFeatures& device = m_device.features();
  // Cutting makes new headers, so an interface that cannot insert checksums cannot segment (harmonize_features).
  const bool segmentation = device.segmentation && device.checksum && device.gather;
  const bool too_large = skb.size + nic::kAllHeaders >= m_config.gso_max_size;  // gso_features_check
  if (skb.segment != 0 && (!segmentation || too_large)) return true;
  return !device.gather && !skb.linear && skb.size > 0;
}

/// skb_segment, or for a single frame __skb_linearize: packets of one frame each, referring to the pages if the
/// interface gathers, else with a copy of the bytes.
void TransmitQueue::cut(Skb& skb) {
  const Bytes each = skb.segment != 0 ? skb.segment : skb.size;
  const std::uint64_t count = divide_up(skb.size, each);
  m_machine.cpu.execute(m_config.software_segment * count, hal::Work::TcpOutput);
  for (Bytes begin = 0; begin < skb.size; begin += each) {
    Skb* const segment = make_segment(skb, begin, std::min<Bytes>(each, skb.size - begin));
    if (segment == nullptr) {  // retransmission makes up for it
      ++m_statistics.out_of_memory;
      break;
    }
    m_ready.push_back(*segment);
    ++m_statistics.segments_cut;
  }
  if (skb.connection) TcpConnection::packet_left(skb);
  // __pskb_pull_tail says that it copied pages which a program lent. skb_segment copies as well, and does not.
  if (skb.zero_copy != nullptr && skb.segment == 0) skb.zero_copy->copied = true;
  m_skbs.release(skb);
}

Skb* TransmitQueue::make_segment(const Skb& from, Bytes begin, Bytes size) {
  const DeviceFeatures& device = m_device.features();
  const Result<Skb*> made = device.gather ? m_skbs.make_paged() : m_skbs.make_linear();
  if (!made) return nullptr;
  Skb& segment = **made;
  if (device.gather) {
    m_skbs.share(from, begin, size, segment);
    segment.zero_copy = from.zero_copy;
  } else {
    segment.size = static_cast<std::uint32_t>(size);
    PhysAddr to = payload_address(segment);
    for_each_piece(from, begin, size, [&](PhysAddr address, Bytes piece) {
      m_machine.cpu.copy(address, to, piece);
      to += piece;
    });
  }
  segment.header = from.header;
  segment.header.sequence += static_cast<std::uint32_t>(begin);
  segment.header.payload_size = static_cast<std::uint16_t>(size);
  if (begin + size < from.size) {
    segment.header.flags &= static_cast<std::uint8_t>(~(nic::tcp_flag::kPush | nic::tcp_flag::kFin));
  }
  segment.checksum_by_device = device.checksum;
  if (device.checksum) {
    m_machine.cpu.store(segment.header_address, nic::encode(segment.header));
  } else {
    fill_in_checksum(segment);
  }
  // The connection pays for the segments instead of the packet they were.
  segment.truesize = static_cast<std::uint32_t>(from.truesize * size / std::max(1U, from.size));
  if (from.connection) TcpConnection::packet_entered(segment, from.connection);
  return &segment;
}

void TransmitQueue::fill_in_checksum(Skb& skb) {
  const std::uint32_t header_sum = nic::checksum_fold(nic::tcp_header_sum(skb.header));
  const std::uint32_t sum = payload_sum(m_machine.cpu, skb, 0, skb.size, header_sum);
  skb.header.checksum = static_cast<std::uint16_t>(~nic::checksum_fold(sum));
  m_machine.cpu.store(skb.header_address, nic::encode(skb.header));
}

}  // namespace sluice::net
