// SPDX-License-Identifier: Apache-2.0
#include "models/nic/peer_logic.h"

#include <algorithm>

namespace sluice::nic {
namespace {

constexpr Bytes kLargestSend = 64_KiB;
constexpr Bytes kLargestMerged = 64_KiB;  // GRO_LEGACY_MAX_SIZE, headers included
constexpr std::int64_t kPicosecondsPerMillisecond = 1'000'000'000;

/// Distance in sequence space (RFC 9293, section 3.4); negative when `to` lies before `from`.
std::int64_t distance(std::uint32_t from, std::uint32_t to) { return static_cast<std::int32_t>(to - from); }

}  // namespace

/// Whether the reader is woken by PSH and acknowledges what it read: the burst is there to its `end`.
bool AcknowledgmentPolicy::pushed(const Burst& burst, unsigned end) const {
  return m_config.acknowledge_push && end == burst.frames &&
         ((burst.last_flags | burst.header.flags) & tcp_flag::kPush) != 0;
}

/// tcp_gro_receive: a packet takes frames until one is pushed or short, or no more fit into 64 KiB.
bool AcknowledgmentPolicy::ends_merging(const Burst& burst, unsigned end) const {
  const bool push_or_end =
      end == burst.frames && ((burst.last_flags | burst.header.flags) & (tcp_flag::kPush | tcp_flag::kFin)) != 0;
  return push_or_end || burst.payload_of(end - 1) < m_segment ||
         m_merged + m_segment + kIpHeader + kTcpHeader >= kLargestMerged;
}

bool AcknowledgmentPolicy::end_merging() {
  m_merged = 0;
  const bool quick = m_quick_left > 0;
  if (quick) --m_quick_left;
  return quick || m_unacknowledged > threshold();
}

std::vector<AcknowledgmentPolicy::Run> AcknowledgmentPolicy::take(const Burst& burst, Accepted accepted) {
  std::vector<Run> runs;
  const Bytes size = burst.frame_payload;
  const auto first = static_cast<unsigned>(accepted.begin / size);
  const auto end = static_cast<unsigned>(base::divide_up(accepted.end, size));
  const auto received_by = [&](unsigned frame) { return std::min<Bytes>((frame + 1) * size, accepted.end); };
  m_segment = std::max(m_segment, burst.payload_of(first));

  const Bytes before = m_unacknowledged;
  Bytes acknowledged_to = accepted.begin;  // position in the burst
  bool any = false;
  unsigned next = first;
  const auto acknowledge = [&](unsigned frame, unsigned step, unsigned count) {
    runs.push_back({frame, step, count});
    next = frame + step * (count - 1) + 1;
    acknowledged_to = received_by(next - 1);
    any = true;
  };
  const auto pending_at = [&](unsigned frame) { return (any ? 0 : before) + received_by(frame) - acknowledged_to; };

  // A receiver that merges (GRO) sees what comes back to back as one large segment: one decision, at its end.
  if (m_config.gro) {
    m_unacknowledged = pending_at(end - 1);
    m_merged += accepted.size();
    if (!ends_merging(burst, end)) return runs;
    const bool due = end_merging();
    if (due || pushed(burst, end)) {
      acknowledge(end - 1, 1, 1);
      m_unacknowledged = 0;
    }
    return runs;
  }
  // 1. The first segments of a connection, one by one.
  if (m_quick_left > 0) {
    const unsigned count = std::min(m_quick_left, end - first);
    m_quick_left -= count;
    acknowledge(first, 1, count);
  }
  // 2. The first frame that passes the threshold, counting what was pending before.
  while (next < end && pending_at(end - 1) > threshold()) {
    const Bytes pending = (any ? 0 : before);
    const Bytes missing = threshold() < pending ? 0 : threshold() - pending;  // one byte more than this is enough
    auto frame = static_cast<unsigned>((acknowledged_to + missing) / size);
    frame = std::min(std::max(frame, next), end - 1);
    // 3. From there on every `step` frames, as long as the frames are full.
    const auto step = static_cast<unsigned>(threshold() / size + 1);
    const Bytes full = accepted.end / size;  // frames [0, full) end at a multiple of `size`
    const unsigned count = full > frame ? static_cast<unsigned>((full - 1 - frame) / step + 1) : 1;
    acknowledge(frame, step, count);
  }
  m_unacknowledged = end == first ? before : pending_at(end - 1);
  // 4. The reader empties the socket and acknowledges what was pushed.
  if (m_unacknowledged > 0 && pushed(burst, end)) {
    acknowledge(end - 1, 1, 1);
    m_unacknowledged = 0;
  }
  return runs;
}

PeerConnection::PeerConnection(const PeerConfig& config, const PacketHeader& syn, Bytes segment)
    : m_config(config),
      m_segment(segment),
      m_policy(config),
      m_send_next(config.initial_sequence),
      m_send_unacknowledged(config.initial_sequence),
      m_machine_window(syn.window) {
  m_reversed.source_address = syn.destination_address;
  m_reversed.destination_address = syn.source_address;
  m_reversed.source_port = syn.destination_port;
  m_reversed.destination_port = syn.source_port;
  m_receive_next = syn.sequence + 1;
}

PacketHeader PeerConnection::header(std::uint8_t flags, Picoseconds at) const {
  PacketHeader h = m_reversed;
  h.sequence = m_send_next;
  h.acknowledgment = m_receive_next;
  h.window = static_cast<std::uint32_t>(m_config.receive_window);
  h.flags = flags;
  h.timestamp = static_cast<std::uint32_t>(at.count() / kPicosecondsPerMillisecond);
  h.timestamp_echo = m_timestamp_recent;
  return h;
}

void PeerConnection::reply_single(std::uint8_t flags, Picoseconds at, std::vector<Reply>& replies) {
  Reply reply;
  reply.burst.header = header(flags, at);
  reply.burst.checksum_inserted = true;
  reply.first_ready = reply.last_ready = at + m_config.turnaround;
  replies.push_back(std::move(reply));
  if ((flags & tcp_flag::kAck) != 0) {
    m_policy.acknowledged();
    m_timer.reset();
    m_merging_ends.reset();
  }
}

void PeerConnection::reply_run(const Burst& burst, const AcknowledgmentPolicy::Run& run, Accepted accepted,
                               std::uint32_t acknowledgment_base, std::vector<Reply>& replies) {
  const unsigned last = run.first + run.step * (run.count - 1);
  const auto upto = [&](unsigned frame) {
    return static_cast<std::uint32_t>(std::min<Bytes>((frame + 1) * burst.frame_payload, accepted.end) -
                                      accepted.begin);
  };
  Reply reply;
  reply.burst.header = header(tcp_flag::kAck, burst.arrival_of(run.first));
  reply.burst.header.acknowledgment = acknowledgment_base + upto(run.first);
  reply.burst.frames = run.count;
  reply.burst.checksum_inserted = true;
  if (run.count > 1) {
    // The last frame of the run may be shorter than the others; it gets an answer of its own then.
    const bool even = upto(last) - upto(run.first) == (last - run.first) * burst.frame_payload;
    if (!even) reply.burst.frames = run.count - 1;
    reply.burst.acknowledgment_step = static_cast<std::uint32_t>(run.step * burst.frame_payload);
  }
  reply.first_ready = burst.arrival_of(run.first) + m_config.turnaround;
  reply.last_ready = burst.arrival_of(run.first + run.step * (reply.burst.frames - 1)) + m_config.turnaround;
  const bool cut = reply.burst.frames < run.count;
  replies.push_back(std::move(reply));
  if (cut) reply_run(burst, {last, 1, 1}, accepted, acknowledgment_base, replies);
}

Accepted PeerConnection::receive(const Burst& burst, std::vector<Reply>& replies) {
  while (timer() && *timer() < burst.first_arrival) timer_due(replies);
  m_latest = std::max(m_latest, burst.last_arrival);
  const std::uint8_t flags = burst.header.flags | burst.last_flags;
  if ((flags & tcp_flag::kReset) != 0) {
    m_closed = true;
    m_timer.reset();
    m_merging_ends.reset();
    return {};
  }
  if ((flags & tcp_flag::kSyn) != 0) {
    // The first one, or one sent again because our answer was late.
    if (burst.header.sequence + 1 != m_receive_next || m_send_next - m_config.initial_sequence > 1) return {};
    m_timestamp_recent = burst.header.timestamp;
    m_send_next = m_config.initial_sequence;
    reply_single(tcp_flag::kSyn | tcp_flag::kAck, burst.first_arrival, replies);
    m_send_next = m_config.initial_sequence + 1;
    return {};
  }
  take_acknowledgment(burst);
  const Accepted accepted = take_data(burst, replies);
  if ((flags & tcp_flag::kFin) != 0) take_fin(burst, replies);
  if (m_fin_sent && m_fin_received && m_send_unacknowledged == m_send_next) m_closed = true;
  if (!m_closed) pump(burst.last_arrival, replies);
  return accepted;
}

void PeerConnection::take_acknowledgment(const Burst& burst) {
  if ((burst.header.flags & tcp_flag::kAck) == 0) return;
  const std::uint32_t acknowledgment = burst.header.acknowledgment + (burst.frames - 1) * burst.acknowledgment_step;
  if (distance(m_send_unacknowledged, acknowledgment) < 0 || distance(acknowledgment, m_send_next) < 0) return;
  m_send_unacknowledged = acknowledgment;
  m_machine_window = burst.header.window;
}

Accepted PeerConnection::take_data(const Burst& burst, std::vector<Reply>& replies) {
  const Bytes size = burst.payload_size();
  const std::int64_t gap = distance(m_receive_next, burst.header.sequence);
  if (size == 0) {
    // A probe: out of the window on purpose, so that we say where we stand (RFC 9293, section 3.10.7.4).
    const bool probe = gap < 0 && ((burst.header.flags | burst.last_flags) & tcp_flag::kFin) == 0;
    if (probe) reply_single(tcp_flag::kAck, burst.first_arrival, replies);
    return {};
  }
  const Bytes skip = gap < 0 ? std::min(static_cast<Bytes>(-gap), size) : 0;
  const Bytes window = base::round_down(m_config.receive_window, Bytes{1} << kWindowScale);
  if (gap > 0 || skip == size || m_fin_received) {
    // Out of order or seen before: each frame is answered with what is expected (RFC 5681, section 4.2).
    Reply reply;
    reply.burst.header = header(tcp_flag::kAck, burst.first_arrival);
    reply.burst.frames = burst.frames;
    reply.burst.checksum_inserted = true;
    reply.first_ready = burst.first_arrival + m_config.turnaround;
    reply.last_ready = burst.last_arrival + m_config.turnaround;
    replies.push_back(std::move(reply));
    m_policy.acknowledged();
    m_timer.reset();
    m_merging_ends.reset();
    return {};
  }
  const Accepted accepted{skip, std::min(size, skip + window)};
  const std::uint32_t base = m_receive_next;
  m_timestamp_recent = burst.header.timestamp;
  const auto runs = m_policy.take(burst, accepted);
  for (const auto& run : runs) reply_run(burst, run, accepted, base, replies);
  m_receive_next += static_cast<std::uint32_t>(accepted.size());
  if (accepted.end < size) reply_single(tcp_flag::kAck, burst.last_arrival, replies);  // the rest passed the window
  m_merging_ends.reset();
  if (m_policy.unacknowledged() == 0) {
    m_timer.reset();
  } else if (m_policy.merging()) {
    m_merging_ends = burst.last_arrival + m_config.gro_pause;
  } else if (!m_timer || !runs.empty()) {
    // Runs from the first frame that is not acknowledged.
    const unsigned first = runs.empty() ? static_cast<unsigned>(skip / burst.frame_payload)
                                        : runs.back().first + runs.back().step * (runs.back().count - 1) + 1;
    m_timer = burst.arrival_of(std::min(first, burst.frames - 1)) + m_config.delayed_ack;
  }
  return accepted;
}

void PeerConnection::take_fin(const Burst& burst, std::vector<Reply>& replies) {
  const auto fin_at = burst.header.sequence + static_cast<std::uint32_t>(burst.payload_size());
  if (!m_fin_received) {
    if (fin_at != m_receive_next) return;  // data is missing before it
    ++m_receive_next;
    m_fin_received = true;
    m_close_wanted = true;
    // With nothing left to send, the acknowledgment and the peer's own FIN are one frame (see pump).
    if (unsent() > 0 || m_fin_sent) reply_single(tcp_flag::kAck, burst.last_arrival, replies);
    return;
  }
  reply_single(tcp_flag::kAck, burst.last_arrival, replies);  // sent again
}

/// What was merged goes up to TCP, at the end of the pause that shows that no more comes.
void PeerConnection::end_merging(std::vector<Reply>& replies) {
  const Picoseconds at = *m_merging_ends;
  m_merging_ends.reset();
  if (m_policy.end_merging()) {
    reply_single(tcp_flag::kAck, at, replies);
  } else if (!m_timer) {
    m_timer = at + m_config.delayed_ack;
  }
}

void PeerConnection::timer_due(std::vector<Reply>& replies) {
  if (!timer()) return;
  if (timer() == m_merging_ends) return end_merging(replies);
  const Picoseconds at = *m_timer;
  m_timer.reset();
  // The timer is the processing: no turnaround on top.
  reply_single(tcp_flag::kAck, at - m_config.turnaround, replies);
}

void PeerConnection::send(std::span<const std::byte> bytes, Picoseconds now, std::vector<Reply>& replies) {
  if (m_close_wanted || m_closed) return;
  if (unsent() == 0) {
    m_to_send.clear();
    m_sent = 0;
  }
  m_to_send.insert(m_to_send.end(), bytes.begin(), bytes.end());
  pump(now, replies);
}

void PeerConnection::close(Picoseconds now, std::vector<Reply>& replies) {
  m_close_wanted = true;
  pump(now, replies);
}

std::uint32_t PeerConnection::send_window_left() const {
  const std::uint32_t in_flight = m_send_next - m_send_unacknowledged;
  return m_machine_window > in_flight ? m_machine_window - in_flight : 0;
}

void PeerConnection::pump(Picoseconds at, std::vector<Reply>& replies) {
  at = std::max(at, m_latest);
  while (unsent() > 0) {
    // Whole segments, unless it is the end of what there is (as Linux does to avoid silly windows).
    Bytes size = std::min<Bytes>({unsent(), send_window_left(), kLargestSend});
    if (size < unsent()) size = base::round_down(size, m_segment);
    if (size == 0) return;
    Reply reply;
    reply.burst.header = header(tcp_flag::kAck, at);
    reply.burst.frame_payload = std::min(size, m_segment);
    reply.burst.frames = static_cast<unsigned>(base::divide_up(size, m_segment));
    reply.burst.last_flags = tcp_flag::kPush;
    reply.burst.checksum_inserted = true;
    reply.burst.storage = Buffer::of_size(size);
    std::copy_n(m_to_send.begin() + static_cast<std::ptrdiff_t>(m_sent), size, reply.burst.storage.bytes.get());
    reply.first_ready = reply.last_ready = at + m_config.turnaround;
    replies.push_back(std::move(reply));
    m_sent += size;
    m_send_next += static_cast<std::uint32_t>(size);
    m_policy.acknowledged();
    m_timer.reset();
    m_merging_ends.reset();
  }
  if (m_close_wanted && !m_fin_sent) {
    m_fin_sent = true;
    reply_single(tcp_flag::kFin | tcp_flag::kAck, at, replies);
    ++m_send_next;
  }
}

}  // namespace sluice::nic
