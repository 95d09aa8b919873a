// SPDX-License-Identifier: Apache-2.0
// One TCP connection of the station at the other end of the wire: a responder that takes data in order and
// acknowledges by policy, on whole bursts in closed form. No SystemC.
//
// All instants are dates, usually ahead of the simulation: a burst is answered when it is handed to the wire, and the
// answers are dated by the arrival of its frames.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "models/nic/burst.h"
#include "models/nic/nic_config.h"

namespace sluice::nic {

/// Frames that the peer wants to send: the first one ready at `first_ready`, the last at `last_ready`.
struct Reply {
  Burst burst;
  Picoseconds first_ready;
  Picoseconds last_ready;
};

/// Which payload bytes of a burst were new and in order: [begin, end). Empty when none.
struct Accepted {
  Bytes begin = 0;
  Bytes end = 0;
  [[nodiscard]] Bytes size() const { return end - begin; }
};

/// When the receiver acknowledges: RFC 5681 section 4.2 with the particulars of Linux (byte-based threshold of
/// more than n - 1 full segments, quick acknowledgments at the start, pushed data at once).
class AcknowledgmentPolicy {
 public:
  explicit AcknowledgmentPolicy(const PeerConfig& config) : m_config(config), m_quick_left(config.quick_acks) {}

  /// Frames first, first + step, ... (count of them) are acknowledged.
  struct Run {
    unsigned first;
    unsigned step;
    unsigned count;
  };
  /// Frames [first, burst.frames) hold the payload bytes [accepted.begin, accepted.end) of the burst.
  std::vector<Run> take(const Burst& burst, Accepted accepted);
  /// An acknowledgment went out for another reason.
  void acknowledged() { m_unacknowledged = m_merged = 0; }
  /// What came is one large packet (GRO) that more may join: nothing is decided yet.
  [[nodiscard]] bool merging() const { return m_merged > 0; }
  /// No more joined it. True when it is to be acknowledged.
  bool end_merging();
  /// Bytes taken and not acknowledged yet.
  [[nodiscard]] Bytes unacknowledged() const { return m_unacknowledged; }

 private:
  [[nodiscard]] bool pushed(const Burst& burst, unsigned end) const;
  [[nodiscard]] bool ends_merging(const Burst& burst, unsigned end) const;
  [[nodiscard]] Bytes threshold() const { return (m_config.ack_segments - 1) * m_segment; }
  PeerConfig m_config;
  unsigned m_quick_left;
  Bytes m_unacknowledged = 0;
  Bytes m_merged = 0;   // of those not acknowledged: in the packet that frames still join
  Bytes m_segment = 0;  // largest seen
};

class PeerConnection {
 public:
  /// `syn` is the first frame seen, with SYN set. The peer sends segments of at most `segment` bytes.
  PeerConnection(const PeerConfig& config, const PacketHeader& syn, Bytes segment);

  /// Takes a burst of this connection and appends the answers, in order of their dates.
  Accepted receive(const Burst& burst, std::vector<Reply>& replies);
  /// Sends bytes to the machine as its window allows; not before `now`.
  void send(std::span<const std::byte> bytes, Picoseconds now, std::vector<Reply>& replies);
  /// Sends FIN after everything given to `send`.
  void close(Picoseconds now, std::vector<Reply>& replies);

  /// When the next thing is due, if one is: a delayed acknowledgment, or a look at frames that were merged.
  [[nodiscard]] std::optional<Picoseconds> timer() const {
    return m_merging_ends && (!m_timer || *m_merging_ends < *m_timer) ? m_merging_ends : m_timer;
  }
  void timer_due(std::vector<Reply>& replies);

  /// Both directions are closed (or the machine reset the connection).
  [[nodiscard]] bool closed() const { return m_closed; }
  [[nodiscard]] bool fin_received() const { return m_fin_received; }
  [[nodiscard]] Bytes unsent() const { return m_to_send.size() - m_sent; }

 private:
  [[nodiscard]] PacketHeader header(std::uint8_t flags, Picoseconds at) const;
  void reply_run(const Burst& burst, const AcknowledgmentPolicy::Run& run, Accepted accepted,
                 std::uint32_t acknowledgment_base, std::vector<Reply>& replies);
  void reply_single(std::uint8_t flags, Picoseconds at, std::vector<Reply>& replies);
  void take_acknowledgment(const Burst& burst);
  Accepted take_data(const Burst& burst, std::vector<Reply>& replies);
  void end_merging(std::vector<Reply>& replies);
  void take_fin(const Burst& burst, std::vector<Reply>& replies);
  void pump(Picoseconds at, std::vector<Reply>& replies);
  [[nodiscard]] std::uint32_t send_window_left() const;

  PeerConfig m_config;
  PacketHeader m_reversed;  // addresses and ports as the peer writes them
  Bytes m_segment;
  AcknowledgmentPolicy m_policy;

  std::uint32_t m_receive_next = 0;
  std::uint32_t m_timestamp_recent = 0;
  Picoseconds m_latest;                       // arrival of the latest frame processed: answers are not dated before it
  std::optional<Picoseconds> m_timer;         // of the delayed acknowledgment
  std::optional<Picoseconds> m_merging_ends;  // unless another frame comes before

  std::uint32_t m_send_next = 0;
  std::uint32_t m_send_unacknowledged = 0;
  std::uint32_t m_machine_window = 0;
  std::vector<std::byte> m_to_send;
  Bytes m_sent = 0;
  bool m_close_wanted = false;
  bool m_fin_sent = false;
  bool m_fin_received = false;
  bool m_closed = false;
};

}  // namespace sluice::nic
