// SPDX-License-Identifier: Apache-2.0
#include "models/nic/receive_queue.h"

#include <algorithm>
#include <utility>

namespace sluice::nic {

ReceiveQueue::ReceiveQueue(NicCore& core)
    : DescriptorQueue(core, core.config.rx_coalesce_frames, core.config.rx_coalesce_time,
                      core.statistics.rx_interrupts) {}

// --- registers ------------------------------------------------------------------------------------------------------

void ReceiveQueue::ring_doorbell(std::uint64_t tail) {
  if (!m_ring.ring_doorbell(tail)) return refuse();
  if (runs_low()) m_work.notify(sc_core::SC_ZERO_TIME);
}

void ReceiveQueue::reset() {
  reset_queue();
  m_done.clear();
}

// --- from the wire to memory ----------------------------------------------------------------------------------------

void ReceiveQueue::receive(Burst burst) {
  m_arriving.push_back(std::move(burst));
  if (m_arriving.size() == 1) m_work.notify(sc_core::SC_ZERO_TIME);
}

std::optional<Picoseconds> ReceiveQueue::next() const {
  const auto interrupt = m_interrupt.due();
  if (m_arriving.empty()) return interrupt;
  const Picoseconds arrival = m_arriving.front().arrival_of(m_next_frame);
  return interrupt ? std::min(*interrupt, arrival) : arrival;
}

void ReceiveQueue::run() {
  while (true) {
    // 1. Buffers are known before frames come.
    if (m_core.enabled && runs_low()) fetch_descriptors();

    // 2. Frames, then their descriptors, then the message: posted writes stay in order.
    take_arrived();
    count_lost(m_interrupt.raise_due());

    // 3. Sleep until the next frame or interrupt.
    const auto at = next();
    if (!at) {
      sc_core::wait(m_work);
    } else if (*at > NicCore::now()) {
      sc_core::wait(fabric::to_sc_time(*at - NicCore::now()), m_work);
    }
  }
}

void ReceiveQueue::take_arrived() {
  while (!m_arriving.empty() && m_arriving.front().arrival_of(m_next_frame) <= NicCore::now()) {
    // The burst stays in place while a frame is taken: that may wait for descriptors, and others arrive meanwhile.
    take_frame(m_arriving.front(), m_next_frame);
    if (++m_next_frame == m_arriving.front().frames) {
      m_arriving.pop_front();
      m_next_frame = 0;
    }
  }
  write_descriptors_back();
}

void ReceiveQueue::take_frame(const Burst& burst, unsigned frame) {
  const Bytes size = kAllHeaders + burst.payload_of(frame);
  if (m_core.enabled && m_fetched.empty()) fetch_descriptors();
  if (!m_fetched.empty()) {
    const std::uint64_t epoch = m_epoch;
    NicCore::wait_until(m_fetched.front().ready);
    if (epoch != m_epoch) m_fetched.clear();
  }
  if (!m_core.enabled || m_fetched.empty() || !fits(size)) {
    ++m_core.statistics.rx_dropped;
    return;
  }
  RxDescriptor descriptor = m_fetched.front().descriptor;
  if (descriptor.size < size) {
    // The buffer stays for a frame that fits.
    m_core.count_error(m_core.statistics.descriptor_errors);
    ++m_core.statistics.rx_dropped;
    return;
  }
  m_fetched.pop_front();
  const bool ok = write_frame(burst, frame, BusAddr{descriptor.address});
  // A buffer that could not be written goes back to software with size 0.
  descriptor.size = ok ? static_cast<std::uint16_t>(size) : std::uint16_t{0};
  descriptor.status = ok && m_core.config.checksum_offload ? kRxDone | kRxChecksumGood : kRxDone;
  m_done.push_back(descriptor);
  m_interrupt.event(NicCore::now());
}

bool ReceiveQueue::write_frame(const Burst& burst, unsigned frame, BusAddr to) {
  const HeaderBytes header = burst.sealed_header(frame);
  const Bytes payload_size = burst.payload_of(frame);
  const Bytes size = kAllHeaders + payload_size;
  std::span<const std::byte> bytes{header};
  if (payload_size > 0) {
    const auto payload = burst.payload().subspan(frame * burst.frame_payload, payload_size);
    m_frame.assign(header.begin(), header.end());
    m_frame.insert(m_frame.end(), payload.begin(), payload.end());
    bytes = m_frame;
  }
  base::Shadow shadow;
  if (!burst.shadow.empty()) {
    base::append_slice(shadow, kAllHeaders, burst.shadow, frame * burst.frame_payload, payload_size);
  }
  m_core.ledger.moved(Place::Wire, Place::NicFifo, base::Mover::Device, shadow, size);
  const auto completion = m_core.dma.write(to, bytes, NicCore::now(), Place::NicFifo, &shadow);
  if (!completion.ok()) {
    m_core.count_error(m_core.statistics.dma_errors);
    m_core.ledger.dropped(Place::NicFifo, base::payload_in(shadow));
    return false;
  }
  m_in_flight.push_back({completion.done, size});
  m_in_flight_bytes += size;
  ++m_core.statistics.rx_frames;
  return true;
}

/// Whether the FIFO has room: frames leave it when their bytes are in memory.
bool ReceiveQueue::fits(Bytes frame) {
  while (!m_in_flight.empty() && m_in_flight.front().done <= NicCore::now()) {
    m_in_flight_bytes -= m_in_flight.front().size;
    m_in_flight.pop_front();
  }
  return m_in_flight_bytes + frame <= m_core.config.rx_fifo;
}

/// Filled descriptors in as few writes as the end of the ring allows.
void ReceiveQueue::write_descriptors_back() {
  std::span<const RxDescriptor> left{m_done};
  while (!left.empty()) {
    const std::uint32_t head = m_ring.head();
    const auto run = left.first(std::min<std::size_t>(left.size(), m_ring.size() - head));
    if (!m_core.dma.write(m_base + head * sizeof(RxDescriptor), std::as_bytes(run), NicCore::now()).ok()) {
      m_core.count_error(m_core.statistics.dma_errors);
    }
    m_ring.complete(static_cast<std::uint32_t>(run.size()));
    left = left.subspan(run.size());
  }
  m_done.clear();
}

}  // namespace sluice::nic
