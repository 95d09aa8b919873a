// SPDX-License-Identifier: Apache-2.0
// One interrupt of a device: events, gathered; a mask; a message (MSI-X) to the vector that the driver chose.
#pragma once

#include <cstdint>
#include <optional>

#include "models/fabric/coalescing_logic.h"
#include "models/fabric/dma.h"

namespace sluice::fabric {

/// Vector register after reset: no message is sent.
inline constexpr std::uint32_t kNoVector = 0xFFFF'FFFF;

/// - A message takes the way of the device's DMA and does not overtake what was written before it.
/// - Calls never wait. Those that may send say whether the message was lost (nothing answers at the vector's address).
class MessageInterrupt {
 public:
  enum class Sent : std::uint8_t { Nothing, Message, Lost };

  /// `events` and `time`: see Coalescing. `messages` counts those that were sent.
  MessageInterrupt(DmaPort& dma, unsigned events, Picoseconds time, std::uint64_t& messages)
      : m_dma(dma), m_coalescing(events, time), m_idle(m_coalescing), m_messages(messages) {}

  // --- registers ---
  /// False, and nothing changes, when there is no such vector.
  bool set_vector(std::uint64_t vector);
  [[nodiscard]] std::uint32_t vector() const { return m_vector; }
  /// Unmasking sends the message that waits.
  Sent set_masked(bool masked) { return m_cause.set_masked(masked) ? send() : Sent::Nothing; }
  [[nodiscard]] bool masked() const { return m_cause.masked(); }
  /// A due cause that the mask holds back.
  [[nodiscard]] bool pending() const { return m_cause.pending(); }
  void clear_pending() { m_cause.clear(); }
  /// No vector, not masked, nothing to tell.
  void reset();
  /// Not masked, nothing to tell.
  void forget();

  // --- the device's engine ---
  /// Software can see the event from `at` on.
  void event(Picoseconds at) { m_coalescing.add(at); }
  /// When to call raise_due().
  [[nodiscard]] std::optional<Picoseconds> due() const { return m_coalescing.due(); }
  /// Raises the cause if it is due: sends the message, or leaves it pending when masked.
  Sent raise_due();

 private:
  Sent send();

  DmaPort& m_dma;
  Coalescing m_coalescing;
  const Coalescing m_idle;  // what a reset returns to
  InterruptCause m_cause;
  std::uint32_t m_vector = kNoVector;
  std::uint64_t& m_messages;
};

}  // namespace sluice::fabric
