// SPDX-License-Identifier: Apache-2.0
#include "models/nic/receive_queue.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::nic {

ReceiveQueue::ReceiveQueue(NicCore& core)
    : DescriptorQueue(core), m_coalescing(core.config.rx_coalesce_frames, core.config.rx_coalesce_time) {}

// --- registers ------------------------------------------------------------------------------------------------------

void ReceiveQueue::ring_doorbell(std::uint64_t tail) {
  if (!m_ring.ring_doorbell(tail)) {
    refuse();
    return;
  }
  if (m_fetched.size() < m_core.config.descriptor_batch / 2) m_work.notify(sc_core::SC_ZERO_TIME);
}

void ReceiveQueue::set_masked(bool masked) {
  if (m_cause.set_masked(masked)) m_core.send_message(m_vector, m_core.statistics.rx_interrupts);
}

void ReceiveQueue::reset() {
  ++m_epoch;
  m_ring = {};
  m_base = {};
  m_vector = kNoVector;
  m_fetched.clear();
  m_done.clear();
  m_cause = {};
  m_halted = false;
}

// --- from the wire to memory ----------------------------------------------------------------------------------------

void ReceiveQueue::receive(Burst burst) {
  const auto before = due();
  m_coalescing.add(burst.first_arrival, burst.interval, burst.frames);
  m_arriving.push_back(std::move(burst));
  count_ahead();
  if (before != due()) m_work.notify(sc_core::SC_ZERO_TIME);
}

/// When the frames that have not been written yet fill half of the FIFO.
void ReceiveQueue::count_ahead() {
  const Bytes half = m_core.config.rx_fifo / 2;
  m_half_full.reset();
  Bytes bytes = 0;
  unsigned frame = m_next_frame;
  for (const Burst& burst : m_arriving) {
    const Bytes per_frame = kAllHeaders + burst.frame_payload;
    const Bytes all = (burst.frames - frame) * per_frame;
    if (bytes + all >= half) {
      m_half_full = burst.arrival_of(frame + static_cast<unsigned>(base::divide_up(half - bytes, per_frame)) - 1);
      return;
    }
    bytes += all;
    frame = 0;
  }
}

std::optional<Picoseconds> ReceiveQueue::due() const {
  const auto interrupt = m_coalescing.due();
  if (interrupt && m_half_full) return std::min(*interrupt, *m_half_full);
  return interrupt ? interrupt : m_half_full;
}

void ReceiveQueue::run() {
  while (true) {
    // 1. Buffers are known before frames come.
    if (m_core.enabled && m_fetched.size() < m_core.config.descriptor_batch / 2) fetch_descriptors();

    // 2. Sleep until a group of frames is due.
    const auto at = due();
    if (!at) {
      sc_core::wait(m_work);
      continue;
    }
    if (*at > NicCore::now()) {
      sc_core::wait(fabric::to_sc_time(*at - NicCore::now()), m_work);
      continue;
    }

    // 3. Write them, then their descriptors, then the message: posted writes stay in order.
    if (take_arrived() && m_cause.raise()) m_core.send_message(m_vector, m_core.statistics.rx_interrupts);
  }
}

void ReceiveQueue::fetch_descriptors() {
  const std::uint32_t count = m_ring.next_run(m_core.config.descriptor_batch);
  if (count == 0 || m_halted) return;
  std::array<RxDescriptor, 1024> batch;
  const std::span<RxDescriptor> fetched{batch.data(), count};
  const auto completion = m_core.dma.read(m_base + m_ring.fetch_index() * sizeof(RxDescriptor),
                                          std::as_writable_bytes(fetched), NicCore::now());
  if (!completion.ok()) {
    m_core.count_error(m_core.statistics.dma_errors);
    m_halted = true;
    return;
  }
  m_core.statistics.descriptors_fetched += count;
  m_ring.fetched(count);
  for (const RxDescriptor& descriptor : fetched) m_fetched.push_back({descriptor, completion.done});
}

bool ReceiveQueue::take_arrived() {
  const Picoseconds now = NicCore::now();
  while (!m_arriving.empty() && m_arriving.front().arrival_of(m_next_frame) <= now) {
    // The burst stays in place while a frame is taken: that may wait for descriptors, and others arrive meanwhile.
    take_frame(m_arriving.front(), m_next_frame);
    if (++m_next_frame == m_arriving.front().frames) {
      m_arriving.pop_front();
      m_next_frame = 0;
    }
  }
  const bool any = !m_done.empty();
  write_descriptors_back();

  // What has not arrived yet counts for the next group.
  m_coalescing.clear();
  unsigned skip = m_next_frame;
  for (const Burst& burst : m_arriving) {
    m_coalescing.add(burst.arrival_of(skip), burst.interval, burst.frames - skip);
    skip = 0;
  }
  count_ahead();
  return any;
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
