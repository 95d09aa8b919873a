// SPDX-License-Identifier: Apache-2.0
// Parameters of the network controller, the wire and the station at its other end. No SystemC.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::nic {

struct NicConfig : base::Parameters {
  BitRate rate =
      parameter(rate, "rate", 25_Gbps, {1_Mbps, 1600_Gbps}, "line rate of the port, each direction", "IEEE 802.3by");
  bool gather = parameter(gather, "gather", true, "a packet may have several descriptors",
                          "estimate: common to controllers since about 2000");
  bool checksum_offload = parameter(checksum_offload, "checksum_offload", true, "the device inserts the TCP checksum",
                                    "estimate: common to controllers since about 2000");
  bool segmentation_offload = parameter(segmentation_offload, "segmentation_offload", true,
                                        "the device cuts a large packet into frames (TSO); needs checksum_offload",
                                        "estimate: common to controllers since about 2005");
  Bytes mtu = parameter(mtu, "mtu", 1500, {576, 9216}, "largest IP packet", "IEEE 802.3; jumbo frames by convention");
  Bytes tx_fifo = parameter(tx_fifo, "tx_fifo", 160_KiB, {20_KiB, 64_MiB},
                            "transmit packet buffer; a packet larger than half of it goes in parts",
                            "estimate: 10 Gb/s controllers have about 160 KiB");
  Bytes rx_fifo = parameter(rx_fifo, "rx_fifo", 512_KiB, {20_KiB, 64_MiB},
                            "receive packet buffer; frames that do not fit are dropped",
                            "estimate: 10 Gb/s controllers have about 512 KiB");
  unsigned tx_coalesce_frames =
      parameter(tx_coalesce_frames, "tx_coalesce_frames", 32, {1, 4096},
                "transmit interrupt after so many packets at the latest", "Linux mlx5 en.h: default of 32 packets");
  Picoseconds tx_coalesce_time = parameter(tx_coalesce_time, "tx_coalesce_time", 16_us, {0_ps, 10_ms},
                                           "transmit interrupt so long after the first finished packet at the latest",
                                           "Linux mlx5 en.h: default of 16 us");
  unsigned rx_coalesce_frames =
      parameter(rx_coalesce_frames, "rx_coalesce_frames", 32, {1, 4096},
                "receive interrupt after so many frames at the latest", "Linux mlx5 en.h: default of 32 packets");
  Picoseconds rx_coalesce_time = parameter(rx_coalesce_time, "rx_coalesce_time", 8_us, {0_ps, 10_ms},
                                           "receive interrupt so long after the first frame at the latest",
                                           "estimate: mlx5 has 16 us, or 3 us after the last completion");
  unsigned descriptor_batch =
      parameter(descriptor_batch, "descriptor_batch", 64, {1, 1024}, "descriptors fetched by one DMA read at most",
                "estimate: 64 descriptors of 16 B are 1 KiB");
  Picoseconds packet_processing =
      parameter(packet_processing, "packet_processing", 60_ns, {0_ps, 1_ms},
                "time the transmit engine is busy with a packet before it fetches its bytes; limits the packet rate",
                "estimate: about 16 million packets per second");
};

struct WireConfig : base::Parameters {
  Picoseconds propagation =
      parameter(propagation, "propagation", 50_ns, {0_ps, 1000_ms}, "one-way delay of the cable, switches included",
                "estimate: 10 m of cable at 5 ns/m");
};

/// The responder at the other end.
struct PeerConfig : base::Parameters {
  unsigned ack_segments = parameter(ack_segments, "ack_segments", 2, {1, 1024},
                                    "full segments per acknowledgment; larger for a peer that merges segments (GRO)",
                                    "RFC 1122, 4.2.3.2: an acknowledgment for at least every second full segment");
  bool gro = parameter(gro, "gro", false, "frames that arrive back to back are merged and acknowledged as one segment",
                       "Linux netdev_features.h: in NETIF_F_SOFT_FEATURES, on by default");
  Picoseconds gro_pause =
      parameter(gro_pause, "gro_pause", 8_us, {0_ps, 1_ms},
                "frames no further apart than this are back to back: the peer's interrupt waits for more of them",
                "Linux mlx5 en.h MLX5E_PARAMS_DEFAULT_RX_CQ_MODERATION_USEC 8");
  bool acknowledge_push =
      parameter(acknowledge_push, "acknowledge_push", true,
                "a segment with PSH is acknowledged at once, as Linux does when the reader has emptied the socket",
                "estimate, recalled from Linux tcp_cleanup_rbuf");
  unsigned quick_acks = parameter(quick_acks, "quick_acks", 16, {0, 1024},
                                  "first data segments of a connection that are acknowledged at once each",
                                  "Linux include/net/tcp.h TCP_MAX_QUICKACKS 16");
  Picoseconds delayed_ack =
      parameter(delayed_ack, "delayed_ack", 40_ms, {0_ps, 500_ms}, "longest delay of an acknowledgment",
                "Linux include/net/tcp.h TCP_DELACK_MIN HZ/25; RFC 1122 allows less than 500 ms");
  Bytes receive_window =
      parameter(receive_window, "receive_window", 4_MiB, {4_KiB, 64_MiB - 1_KiB},
                "advertised receive window, rounded down to KiB", "estimate: tcp_rmem of a tuned Linux server");
  Picoseconds turnaround =
      parameter(turnaround, "turnaround", 10_us, {0_ps, 1000_ms},
                "from the last bit of a segment to the first bit of the answer: interrupt and stack of the peer",
                "estimate: interrupt, softirq and receive path of a server");
  unsigned initial_sequence = parameter(initial_sequence, "initial_sequence", 1'000'000, {0, 0xFFFF'FFFFU},
                                        "first sequence number that the peer sends", "choice: arbitrary");
};

/// A controller with the cable in its port and the station at the far end.
struct ConnectedNicConfig {
  NicConfig nic;
  WireConfig wire;
  PeerConfig peer;
};

}  // namespace sluice::nic
