// SPDX-License-Identifier: Apache-2.0
#include "models/nic/nic_config.h"

namespace sluice::nic {

void NicConfig::describe(base::ParameterTable& table) {
  table.add("rate", rate, {BitRate{1'000'000}, BitRate{1'600'000'000'000}}, "line rate of the port, each direction",
            "IEEE 802.3by");
  table.add("gather", gather, "a packet may have several descriptors",
            "estimate: common to controllers since about 2000");
  table.add("checksum_offload", checksum_offload, "the device inserts the TCP checksum",
            "estimate: common to controllers since about 2000");
  table.add("segmentation_offload", segmentation_offload,
            "the device cuts a large packet into frames (TSO); needs checksum_offload",
            "estimate: common to controllers since about 2005");
  table.add("mtu", mtu, {576, 9216}, "largest IP packet", "IEEE 802.3; jumbo frames by convention");
  table.add("tx_fifo", tx_fifo, {20_KiB, 64_MiB},
            "transmit packet buffer; a packet larger than half of it goes in parts",
            "estimate: 10 Gb/s controllers have about 160 KiB");
  table.add("rx_fifo", rx_fifo, {20_KiB, 64_MiB}, "receive packet buffer; frames that do not fit are dropped",
            "estimate: 10 Gb/s controllers have about 512 KiB");
  table.add("tx_coalesce_frames", tx_coalesce_frames, {1, 4096},
            "transmit interrupt after so many packets at the latest", "Linux mlx5 en.h: default of 32 packets");
  table.add("tx_coalesce_time", tx_coalesce_time, {0_ps, 10_ms},
            "transmit interrupt so long after the first finished packet at the latest",
            "Linux mlx5 en.h: default of 16 us");
  table.add("rx_coalesce_frames", rx_coalesce_frames, {1, 4096}, "receive interrupt after so many frames at the latest",
            "Linux mlx5 en.h: default of 32 packets");
  table.add("rx_coalesce_time", rx_coalesce_time, {0_ps, 10_ms},
            "receive interrupt so long after the first frame at the latest",
            "estimate: mlx5 has 16 us, or 3 us after the last completion");
  table.add("descriptor_batch", descriptor_batch, {1, 1024}, "descriptors fetched by one DMA read at most",
            "estimate: 64 descriptors of 16 B are 1 KiB");
  table.add("packet_processing", packet_processing, {0_ps, 1_ms},
            "time the transmit engine is busy with a packet before it fetches its bytes; limits the packet rate",
            "estimate: about 16 million packets per second");
}

void WireConfig::describe(base::ParameterTable& table) {
  table.add("propagation", propagation, {0_ps, 1000_ms}, "one-way delay of the cable, switches included",
            "estimate: 10 m of cable at 5 ns/m");
}

void PeerConfig::describe(base::ParameterTable& table) {
  table.add("ack_segments", ack_segments, {1, 1024},
            "full segments per acknowledgment; larger for a peer that merges segments (GRO)",
            "RFC 1122, 4.2.3.2: an acknowledgment for at least every second full segment");
  table.add("gro", gro, "frames that arrive back to back are merged and acknowledged as one segment",
            "Linux netdev_features.h: in NETIF_F_SOFT_FEATURES, on by default");
  table.add("acknowledge_push", acknowledge_push,
            "a segment with PSH is acknowledged at once, as Linux does when the reader has emptied the socket",
            "estimate, recalled from Linux tcp_cleanup_rbuf");
  table.add("quick_acks", quick_acks, {0, 1024},
            "first data segments of a connection that are acknowledged at once each",
            "Linux include/net/tcp.h TCP_MAX_QUICKACKS 16");
  table.add("delayed_ack", delayed_ack, {0_ps, 500_ms}, "longest delay of an acknowledgment",
            "Linux include/net/tcp.h TCP_DELACK_MIN HZ/25; RFC 1122 allows less than 500 ms");
  table.add("receive_window", receive_window, {4_KiB, 64_MiB - 1_KiB}, "advertised receive window, rounded down to KiB",
            "estimate: tcp_rmem of a tuned Linux server");
  table.add("turnaround", turnaround, {0_ps, 1000_ms},
            "from the last bit of a segment to the first bit of the answer: interrupt and stack of the peer",
            "estimate: interrupt, softirq and receive path of a server");
  table.add("initial_sequence", initial_sequence, {0, 0xFFFF'FFFFU}, "first sequence number that the peer sends",
            "choice: arbitrary");
}

}  // namespace sluice::nic
