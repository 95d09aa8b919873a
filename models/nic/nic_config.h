// SPDX-License-Identifier: Apache-2.0
// Parameters of the network controller, the wire and the station at its other end. No SystemC.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::nic {

struct NicConfig {
  BitRate rate{25'000'000'000};
  bool gather = true;
  bool checksum_offload = true;
  bool segmentation_offload = true;  ///< reported to software only together with checksum_offload
  Bytes mtu = 1500;                  ///< reset value of the MTU register
  Bytes tx_fifo = 160_KiB;
  Bytes rx_fifo = 512_KiB;
  unsigned tx_coalesce_frames = 32;  ///< packets handed over by software, not frames cut from them
  Picoseconds tx_coalesce_time = 16_us;
  unsigned rx_coalesce_frames = 32;
  Picoseconds rx_coalesce_time = 8_us;
  unsigned descriptor_batch = 64;
  Picoseconds packet_processing = 60_ns;

  void describe(base::ParameterTable& table);
};

struct WireConfig {
  Picoseconds propagation = 50_ns;

  void describe(base::ParameterTable& table);
};

/// The responder at the other end.
struct PeerConfig {
  unsigned ack_segments = 2;
  bool gro = false;  ///< merges the frames of a burst before TCP sees them
  bool acknowledge_push = true;
  unsigned quick_acks = 16;
  Picoseconds delayed_ack = 40_ms;
  Bytes receive_window = 4_MiB;
  Picoseconds turnaround = 10_us;
  unsigned initial_sequence = 1'000'000;

  void describe(base::ParameterTable& table);
};

}  // namespace sluice::nic
