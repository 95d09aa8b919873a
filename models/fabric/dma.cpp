// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/dma.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "models/base/result.h"

namespace sluice::fabric {

void take_data(const tlm::tlm_generic_payload& write, std::byte* to) {
  const auto* extension = write.get_extension<DmaExtension>();
  if (extension == nullptr || extension->named == nullptr || extension->named->empty()) {
    std::memcpy(to, write.get_data_ptr(), write.get_data_length());
    return;
  }
  for (const base::ShadowPiece& piece : extension->named->pieces)
    extension->named->contents->make(piece, to + piece.at);
}

DmaPort::DmaPort(const char* socket_name) : bus(socket_name) { m_payload.set_extension(&m_extension); }

DmaPort::~DmaPort() { m_payload.clear_extension(&m_extension); }  // else the payload would delete a member

DmaPort::Completion DmaPort::read(BusAddr from, std::span<std::byte> to, Picoseconds earliest, Place place,
                                  base::Shadow* shadow, base::NamedBytes* named) {
  if (named != nullptr) named->clear();
  return transport(tlm::TLM_READ_COMMAND, from, to.data(), to.size(), earliest, place, shadow, named);
}

DmaPort::Completion DmaPort::write(BusAddr to, std::span<const std::byte> from, Picoseconds earliest, Place place,
                                   const base::Shadow* shadow, const base::NamedBytes* named) {
  // TLM has one pointer for both directions; a target only reads what comes with a write.
  return transport(tlm::TLM_WRITE_COMMAND, to, const_cast<std::byte*>(from.data()), from.size(), earliest, place,
                   const_cast<base::Shadow*>(shadow), const_cast<base::NamedBytes*>(named));
}

DmaPort::Completion DmaPort::transport(tlm::tlm_command command, BusAddr address, std::byte* data, Bytes size,
                                       Picoseconds earliest, Place place, base::Shadow* shadow,
                                       base::NamedBytes* named) {
  base::ensure(size <= std::numeric_limits<unsigned>::max(), "one DMA call moves less than 4 GiB");
  const Picoseconds now = to_picoseconds(sc_core::sc_time_stamp());
  earliest = std::max(earliest, now);
  if (size == 0) return {tlm::TLM_OK_RESPONSE, earliest, earliest};

  m_extension.device_place = place;
  m_extension.shadow = shadow;
  m_extension.named = named;
  m_extension.spread = Picoseconds{};
  m_extension.sent = Picoseconds{};
  m_payload.set_command(command);
  m_payload.set_address(address.value());
  m_payload.set_data_ptr(reinterpret_cast<unsigned char*>(data));
  m_payload.set_data_length(static_cast<unsigned>(size));
  m_payload.set_streaming_width(static_cast<unsigned>(size));
  m_payload.set_dmi_allowed(false);
  m_payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);

  sc_core::sc_time delay = to_sc_time(earliest - now);
  bus->b_transport(m_payload, delay);
  const Picoseconds done = now + to_picoseconds(delay);
  const bool through_link = m_extension.sent > Picoseconds{};
  return {m_payload.get_response_status(), done, through_link ? m_extension.sent : done};
}

}  // namespace sluice::fabric
