// SPDX-License-Identifier: Apache-2.0
// The frames of one packet on the wire, as one object: what a segmenting controller sends at a time, or a run of
// acknowledgments. Frame times are arithmetic, so that no event per frame is needed. No SystemC.
#pragma once

#include <span>

#include "models/base/ledger.h"
#include "models/base/time.h"
#include "models/nic/buffer.h"
#include "models/nic/packet_format.h"

namespace sluice::nic {

/// Frame i carries payload bytes [i x frame_payload, ...), the last one what is left.
struct Burst {
  PacketHeader header;                    ///< of the first frame; payload_size and checksum as software wrote them
  unsigned frames = 1;                    ///< at least 1
  Bytes frame_payload = 0;                ///< payload bytes of every frame but the last
  std::uint32_t acknowledgment_step = 0;  ///< frame i acknowledges header.acknowledgment + i x this
  std::uint8_t last_flags = 0;            ///< flags that only the last frame has (PSH, FIN)
  bool checksum_inserted = false;         ///< by the device: right by construction; else header.checksum stands
  Buffer storage;                         ///< holds the payload, after other bytes
  Bytes payload_at = 0;                   ///< where in the storage the payload starts
  base::Shadow shadow;                    ///< of the payload

  // Set by the wire. Instants of the last bit at the far end.
  Picoseconds first_arrival;
  Picoseconds interval;  ///< between neighbours, except before a last frame that is shorter
  Picoseconds last_arrival;

  [[nodiscard]] std::span<const std::byte> payload() const { return storage.span(payload_at, payload_size()); }
  [[nodiscard]] Bytes payload_size() const { return storage.size - payload_at; }
  [[nodiscard]] Bytes payload_of(unsigned frame) const;
  [[nodiscard]] Picoseconds arrival_of(unsigned frame) const;
  /// Header of one frame: sequence, acknowledgment, flags and size are its own.
  [[nodiscard]] PacketHeader header_of(unsigned frame) const;
  /// Header bytes of one frame with the right TCP checksum.
  [[nodiscard]] HeaderBytes sealed_header(unsigned frame) const;
  /// Whether the TCP checksum that came with a frame that the device did not complete is right. One frame only.
  [[nodiscard]] bool checksum_is_right() const;
  /// Only the first `count` frames, at least one, were sent. Returns the shadow of the payload that was not.
  base::Shadow cut(unsigned count);
};

/// One end of the wire.
/// - Called with bursts in the order of their arrival, possibly ahead of it: the burst says when its frames arrive.
/// - Must not make anything visible before that.
class WireEnd {
 public:
  virtual ~WireEnd() = default;
  virtual void receive(Burst burst) = 0;
  /// When it needs the burst at the latest to answer in time; an instant that has passed: as soon as it is sent. Until
  /// then the sender can cut it off.
  [[nodiscard]] virtual Picoseconds needs(const Burst& burst) const = 0;
};

}  // namespace sluice::nic
