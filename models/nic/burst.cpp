// SPDX-License-Identifier: Apache-2.0
#include "models/nic/burst.h"

#include <algorithm>
#include <utility>

namespace sluice::nic {
namespace {

constexpr std::size_t kTcpChecksumAt = kEthernetHeader + kIpHeader + 16;

}  // namespace

Bytes Burst::payload_of(unsigned frame) const {
  const Bytes begin = frame * frame_payload;
  return frame + 1 < frames ? frame_payload : payload_size() - std::min(begin, payload_size());
}

Picoseconds Burst::arrival_of(unsigned frame) const {
  return frame + 1 == frames ? last_arrival : first_arrival + interval * frame;
}

PacketHeader Burst::header_of(unsigned frame) const {
  PacketHeader own = header;
  own.sequence += static_cast<std::uint32_t>(frame * frame_payload);
  own.acknowledgment += frame * acknowledgment_step;
  own.payload_size = static_cast<std::uint16_t>(payload_of(frame));
  if (frame + 1 == frames) own.flags |= last_flags;
  return own;
}

HeaderBytes Burst::sealed_header(unsigned frame) const {
  PacketHeader own = header_of(frame);
  const auto bytes = payload().subspan(std::min<Bytes>(frame * frame_payload, payload_size()), own.payload_size);
  const auto checksum = static_cast<std::uint16_t>(~checksum_fold(checksum_add(bytes, tcp_header_sum(own))));
  own.checksum = 0;
  HeaderBytes sealed = encode(own);
  sealed[kTcpChecksumAt] = std::byte{static_cast<std::uint8_t>(checksum >> 8)};
  sealed[kTcpChecksumAt + 1] = std::byte{static_cast<std::uint8_t>(checksum)};
  return sealed;
}

base::Shadow Burst::cut(unsigned count) {
  const Bytes sent = std::min(count * frame_payload, payload_size());
  base::Shadow lost;
  base::append_slice(lost, 0, shadow, sent, payload_size() - sent);
  base::Shadow kept;
  base::append_slice(kept, 0, shadow, 0, sent);
  last_arrival = arrival_of(count - 1);
  if (count < frames) last_flags = 0;
  frames = count;
  shadow = std::move(kept);
  storage.size = payload_at + sent;
  return lost;
}

bool Burst::checksum_is_right() const {
  if (checksum_inserted) return true;
  const std::uint32_t sum = checksum_add(payload(), tcp_header_sum(header_of(0)));
  return checksum_fold(sum + header.checksum) == 0xFFFF;
}

}  // namespace sluice::nic
