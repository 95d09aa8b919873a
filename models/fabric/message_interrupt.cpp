// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/message_interrupt.h"

#include <span>

#include "models/fabric/memory_map.h"

namespace sluice::fabric {

bool MessageInterrupt::set_vector(std::uint64_t vector) {
  if (vector >= kMsiSize / 16) return false;
  m_vector = static_cast<std::uint32_t>(vector);
  return true;
}

void MessageInterrupt::reset() {
  forget();
  m_vector = kNoVector;
}

void MessageInterrupt::forget() {
  m_coalescing = m_idle;
  m_cause = {};
}

MessageInterrupt::Sent MessageInterrupt::raise_due() {
  const Picoseconds now = to_picoseconds(sc_core::sc_time_stamp());
  const auto at = due();
  if (!at || *at > now) return Sent::Nothing;
  m_coalescing.told(now);
  return m_cause.raise() ? send() : Sent::Nothing;
}

/// A write of the vector number to the vector's address.
MessageInterrupt::Sent MessageInterrupt::send() {
  if (m_vector == kNoVector) return Sent::Nothing;
  ++m_messages;
  const Picoseconds now = to_picoseconds(sc_core::sc_time_stamp());
  const auto written = m_dma.write(msi_address(m_vector), std::as_bytes(std::span{&m_vector, 1}), now);
  return written.ok() ? Sent::Message : Sent::Lost;
}

}  // namespace sluice::fabric
