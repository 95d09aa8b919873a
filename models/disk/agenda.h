// SPDX-License-Identifier: Apache-2.0
// What the disk controller does next: steps, each at its instant, those of one instant in the order of asking.
#pragma once

#include <systemc>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "models/fabric/dma.h"

namespace sluice::disk {

enum class Step : std::uint8_t {
  Fetch,
  CommandsArrived,
  SegmentsArrived,
  Transfer,
  RoomFree,
  PieceArrived,
  Sent,
  Complete,
  Interrupt
};

class Agenda {
 public:
  struct Due {
    Picoseconds at;
    std::uint64_t order;  // breaks ties in the order of asking
    Step step;
    std::uint32_t index;
    bool operator>(const Due& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  [[nodiscard]] Picoseconds now() const { return fabric::to_picoseconds(sc_core::sc_time_stamp()); }
  void schedule(Picoseconds at, Step step, std::uint32_t index = 0) {
    m_due.push({at, m_order++, step, index});
    // Steps are also scheduled from register writes, while the engine sleeps. The earliest notification wins.
    m_wake.notify(fabric::to_sc_time(std::max(at, now()) - now()));
  }
  /// Takes the next step whose instant has come.
  std::optional<Due> take() {
    if (m_due.empty() || m_due.top().at > now()) return {};
    const Due due = m_due.top();
    m_due.pop();
    return due;
  }
  /// In the engine's process: until the next step, or one that is scheduled meanwhile.
  void wait() {
    if (!m_due.empty()) m_wake.notify(fabric::to_sc_time(m_due.top().at - now()));
    sc_core::wait(m_wake);
  }
  void clear() { m_due = {}; }

 private:
  sc_core::sc_event m_wake{"wake"};
  std::priority_queue<Due, std::vector<Due>, std::greater<>> m_due;
  std::uint64_t m_order = 0;
};

}  // namespace sluice::disk
