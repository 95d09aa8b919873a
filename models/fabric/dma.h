// SPDX-License-Identifier: Apache-2.0
// A device's way to memory: TLM-2.0 blocking transport with one extension, wrapped so that a device says
// "read these bytes" and learns when they are there.
#pragma once

#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>

#include <span>

#include "models/base/ledger.h"
#include "models/base/named_bytes.h"
#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::fabric {

/// PCIe requester id of a device function: bus 8 bits, device 5, function 3.
struct RequesterId {
  std::uint16_t value = 0;
  /// Device 0, function 0 of a bus.
  static constexpr RequesterId of_bus(unsigned bus) { return {static_cast<std::uint16_t>(bus << 8)}; }
};

/// Travels with every DMA. The root complex, which knows physical addresses, reports to the ledger.
/// - `device_place`: the place inside the device at the other end (KernelMemory for descriptors and completions,
///   which are never payload).
/// - `shadow`: filled by a read; given by a write. May be null for descriptors.
/// - `named`: the bytes by name. A read may answer with names and leave the data as it is; a write that has names moves
///   those and no data. Null: the initiator wants bytes, or has them.
/// - `spread`: a transfer does not pass a point in one instant. The bytes of a write arrive over this span after the
///   annotated delay; those of a read were ready over this span before the delay that comes back. A memory that leaves
///   it 0 on a read is taken to hand over all bytes at once; links set it on a write.
/// - `sent`: when the link has taken the last byte of a write, set by links.
struct DmaExtension : tlm::tlm_extension<DmaExtension> {
  RequesterId requester;
  Place device_place = Place::KernelMemory;
  base::Shadow* shadow = nullptr;
  base::NamedBytes* named = nullptr;
  Picoseconds spread;
  Picoseconds sent;

  tlm::tlm_extension_base* clone() const override { return new DmaExtension{*this}; }
  void copy_from(const tlm::tlm_extension_base& other) override { *this = static_cast<const DmaExtension&>(other); }
};

/// Puts what a write brings where `to` begins, also when it comes by name: for a target that keeps plain bytes.
void take_data(const tlm::tlm_generic_payload& write, std::byte* to);

inline Picoseconds to_picoseconds(const sc_core::sc_time& t) {
  return Picoseconds{static_cast<std::int64_t>(t.value())};  // the time resolution is 1 ps, see platform
}
inline Picoseconds now() { return to_picoseconds(sc_core::sc_time_stamp()); }
inline sc_core::sc_time to_sc_time(Picoseconds t) {
  return sc_core::sc_time::from_value(static_cast<std::uint64_t>(t.count()));
}

/// Blocking-transport DMA. Calls never wait: they reserve the links and memory on the way and return the instant at
/// which the transfer is complete, counted from the start of the simulation.
/// Errors (no memory behind the address, a fault) come back as a TLM response; the data is then undefined. A transfer
/// of no bytes is done at once. Ask when the data is there to be sent: resources on the way serve in the order of the
/// calls, so a call with a far `earliest` holds up those after it.
class DmaPort {
 public:
  struct Completion {
    tlm::tlm_response_status status = tlm::TLM_OK_RESPONSE;
    Picoseconds done;  ///< last byte arrived (read) or globally visible (write)
    Picoseconds sent;  ///< of a write: the link has taken the last byte, and what is written next cannot overtake it
    [[nodiscard]] bool ok() const { return status == tlm::TLM_OK_RESPONSE; }
  };

  explicit DmaPort(const char* socket_name);
  ~DmaPort();
  DmaPort(const DmaPort&) = delete;
  DmaPort& operator=(const DmaPort&) = delete;

  /// As firmware has numbered the device.
  void identify(RequesterId requester) { m_extension.requester = requester; }
  /// Reads `to.size()` bytes; the request leaves the device no earlier than `earliest` (an absolute time not before
  /// now). With `shadow`, learns what the bytes are; `place` is where in the device they go. With `named`, bytes that
  /// memory keeps by name come so, and `to` is then not written.
  Completion read(BusAddr from, std::span<std::byte> to, Picoseconds earliest, Place place = Place::KernelMemory,
                  base::Shadow* shadow = nullptr, base::NamedBytes* named = nullptr);
  /// With `named` that is not empty, those are written and `from` says their number only.
  Completion write(BusAddr to, std::span<const std::byte> from, Picoseconds earliest, Place place = Place::KernelMemory,
                   const base::Shadow* shadow = nullptr, const base::NamedBytes* named = nullptr);

  tlm_utils::simple_initiator_socket<DmaPort> bus;

 private:
  Completion transport(tlm::tlm_command command, BusAddr address, std::byte* data, Bytes size, Picoseconds earliest,
                       Place place, base::Shadow* shadow, base::NamedBytes* named);
  tlm::tlm_generic_payload m_payload;  // reused: no call allocates
  DmaExtension m_extension;            // attached to m_payload for the life of the port
};

}  // namespace sluice::fabric
