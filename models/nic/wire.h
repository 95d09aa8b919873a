// SPDX-License-Identifier: Apache-2.0
// A full-duplex cable between the controller and its peer. Each direction is a timeline; a burst is one reservation.
#pragma once

#include <systemc>

#include <array>
#include <deque>
#include <span>

#include "models/base/ledger.h"
#include "models/fabric/timeline.h"
#include "models/nic/burst.h"
#include "models/nic/nic_config.h"
#include "models/nic/wire_logic.h"

namespace sluice::nic {

enum class Direction : std::uint8_t { ToPeer, ToMachine };

class Wire {
 public:
  Wire(const NicConfig& nic, const WireConfig& config, base::Ledger& ledger);
  /// Who receives what is sent in this direction. Both must be set before anything is sent.
  void connect(Direction direction, WireEnd& end) { m_lanes[index(direction)].end = &end; }

  /// Reserves the wire for a burst, dates it, reports it to the ledger and hands it to the far end when that needs it.
  /// `ready`: see schedule_burst. Bursts of one direction leave in the order of the calls.
  BurstTiming send(Direction direction, Burst burst, std::span<const FrameReady> ready);
  /// Frames that have not begun by now are not sent, but for those of a burst that the far end has already taken.
  void cut(Direction direction);

  /// Wire time of a frame with `payload` bytes of TCP payload, gap included.
  [[nodiscard]] Picoseconds frame_time(Bytes payload) const;
  [[nodiscard]] Bytes mtu() const { return m_mtu; }
  [[nodiscard]] BitRate rate() const { return m_rate; }

  struct Statistics {
    std::uint64_t frames = 0;
    Bytes payload_bytes = 0;  ///< of TCP
    Bytes wire_bytes = 0;     ///< with headers, preamble, FCS and gap
  };
  [[nodiscard]] const Statistics& statistics(Direction direction) const { return m_lanes[index(direction)].statistics; }
  /// Time that frames and their gaps were on the wire, up to `now`.
  [[nodiscard]] Picoseconds busy(Direction direction, Picoseconds now) const {
    return m_lanes[index(direction)].timeline.busy_until(now);
  }

 private:
  struct Lane {
    fabric::Timeline timeline;
    WireEnd* end = nullptr;
    std::deque<Burst> under_way;  // that the far end does not need yet
    sc_core::sc_event needed;     // by the far end
    Statistics statistics;
  };
  static constexpr std::size_t index(Direction direction) { return static_cast<std::size_t>(direction); }

  void hand_over(Lane& lane);
  [[nodiscard]] Picoseconds begin_of(const Burst& burst, unsigned frame) const;

  BitRate m_rate;
  Bytes m_mtu;
  Picoseconds m_propagation;
  base::Ledger& m_ledger;
  std::array<Lane, 2> m_lanes;
};

}  // namespace sluice::nic
