// SPDX-License-Identifier: Apache-2.0
// Limits, version-dependent behaviour and costs of the network stack and of the NIC driver.
#pragma once

#include "models/base/parameters.h"

namespace sluice::net {

struct NetConfig : base::Parameters {
  static constexpr const char* kEstimate = "estimate";
  static constexpr const char* kPrototypeKernel = "prototype-kernel, J. Brouer";
  static constexpr base::Range<Picoseconds> kTimes{1_us, 1000_ms * 60};

  // --- features and limits of TCP ---------------------------------------------------------------------------------
  bool gso = parameter(
      gso, "gso", true,
      "TCP builds large packets whatever the interface can do, and they are cut at transmit (always since 4.17)",
      "Linux net/core/sock.c sk_setup_caps");
  Bytes gso_max_size =
      parameter(gso_max_size, "gso_max_size", 65536, {4_KiB, 65536}, "largest packet that TCP builds, with headers",
                "Linux include/linux/netdevice.h GSO_LEGACY_MAX_SIZE");
  unsigned splice_batch = parameter(
      splice_batch, "splice_batch", 16, {1, 16},
      "pages that splice hands to TCP in one call; 1 before Linux 6.5, which also let the tail of a sendfile that met "
      "the end of its file wait for the cork's timer",
      "Linux fs/splice.c splice_to_socket, do_splice_eof");
  unsigned max_fragments = parameter(max_fragments, "max_fragments", 17, {1, 17}, "page fragments of a packet",
                                     "Linux include/linux/skbuff.h MAX_SKB_FRAGS");
  bool grow_packets = parameter(
      grow_packets, "grow_packets", true,
      "a packet that waits in the queue takes bytes from the next one until it is two segments or more; false "
      "before Linux 6.10",
      "Linux net/ipv4/tcp_output.c tcp_grow_skb");
  Bytes wmem_default = parameter(wmem_default, "wmem_default", 16_KiB, {4_KiB, 1_GiB}, "send buffer of a new socket",
                                 "Linux net/ipv4/tcp.c tcp_wmem[1]");
  Bytes wmem_max = parameter(wmem_max, "wmem_max", 4_MiB, {4_KiB, 1_GiB}, "send buffer that autotuning reaches",
                             "Linux net/ipv4/tcp.c tcp_wmem[2]");
  Bytes rmem_default = parameter(rmem_default, "rmem_default", 128_KiB, {4_KiB, 1_GiB},
                                 "receive buffer of a new socket", "Linux net/ipv4/tcp.c tcp_rmem[1]");
  Bytes rmem_max = parameter(rmem_max, "rmem_max", 6_MiB, {4_KiB, 1_GiB}, "receive buffer that autotuning reaches",
                             "Linux net/ipv4/tcp.c tcp_rmem[2]");
  Bytes sndbuf_max = parameter(sndbuf_max, "sndbuf_max", 212'992, {4_KiB, 1_GiB},
                               "most that SO_SNDBUF can ask for; the kernel doubles it",
                               "Linux net.core.wmem_max, 212992 before 6.17");
  Bytes rcvbuf_max = parameter(rcvbuf_max, "rcvbuf_max", 212'992, {4_KiB, 1_GiB},
                               "most that SO_RCVBUF can ask for; the kernel doubles it",
                               "Linux net.core.rmem_max, 212992 before 6.17");
  Bytes unix_buffer = parameter(unix_buffer, "unix_buffer", 212'992, {4608, 1_GiB},
                                "send and receive buffer of a new AF_UNIX socket; only sent bytes are counted",
                                "Linux include/net/sock.h SK_WMEM_DEFAULT, SK_RMEM_DEFAULT");
  Bytes udp_buffer = parameter(udp_buffer, "udp_buffer", 212'992, {2304, 1_GiB},
                               "send and receive buffer of a new UDP socket, as memory of packets",
                               "Linux net.core.rmem_default, wmem_default: SK_RMEM_DEFAULT, SK_WMEM_DEFAULT");
  bool autocork =
      parameter(autocork, "autocork", true, "a small write waits while earlier packets are still in the interface",
                "Linux tcp_autocorking: on by default, commit f54b311142a9");
  Bytes limit_output = parameter(limit_output, "limit_output", 1_MiB, {4_KiB, 1_GiB},
                                 "bytes of one connection in the interface and its queue (TCP small queues)",
                                 "Linux net/ipv4/tcp_ipv4.c tcp_limit_output_bytes");
  Bytes optmem_max = parameter(optmem_max, "optmem_max", 128_KiB, {1_KiB, 1_GiB},
                               "memory of a socket for records of calls with MSG_ZEROCOPY, which get ENOBUFS beyond",
                               "Linux net.core.optmem_max, 131072 since 6.7");
  Bytes memory_lock = parameter(memory_lock, "memory_lock", 8_MiB, {64_KiB, 1024_GiB},
                                "pages that a user lends by MSG_ZEROCOPY at a time, with two more for each call",
                                "Linux include/uapi/linux/resource.h MLOCK_LIMIT, the default of RLIMIT_MEMLOCK");
  unsigned initial_window =
      parameter(initial_window, "initial_window", 10, {1, 1000}, "initial congestion window in segments",
                "Linux include/net/tcp.h TCP_INIT_CWND 10, as RFC 6928");
  unsigned quick_acks =
      parameter(quick_acks, "quick_acks", 16, {0, 1000}, "segments of a new connection that are acknowledged at once",
                "Linux include/net/tcp.h TCP_MAX_QUICKACKS 16");
  Picoseconds delayed_ack = parameter(delayed_ack, "delayed_ack", 40_ms, kTimes, "longest wait with an acknowledgment",
                                      "Linux include/net/tcp.h TCP_DELACK_MIN HZ/25");
  Picoseconds rto_min = parameter(rto_min, "rto_min", 200_ms, kTimes, "shortest retransmission time-out",
                                  "Linux include/net/tcp.h TCP_RTO_MIN HZ/5");
  Picoseconds rto_initial =
      parameter(rto_initial, "rto_initial", 1000_ms, kTimes, "retransmission time-out before the first measurement",
                "Linux include/net/tcp.h TCP_TIMEOUT_INIT 1*HZ, as RFC 6298");
  unsigned syn_retries = parameter(syn_retries, "syn_retries", 6, {0, 127}, "repetitions of the opening segment",
                                   "Linux include/net/tcp.h TCP_SYN_RETRIES 6");
  unsigned retries =
      parameter(retries, "retries", 15, {1, 255}, "repetitions of a segment before the connection is given up",
                "Linux include/net/tcp.h TCP_RETR2 15");
  Bytes skb_overhead = parameter(
      skb_overhead, "skb_overhead", 832, {256, 8192}, "bytes a packet is accounted for beside its payload (truesize)",
      "receive windows of Linux 6.18 over loopback (TCP_INFO): what they leave free for packets");

  // --- costs of TCP and of the stack ------------------------------------------------------------------------------
  CpuCost socket_create = parameter(socket_create, "socket_create", CpuCost::time(1'500_ns), "socket()", kEstimate);
  CpuCost send_call = parameter(send_call, "send_call", CpuCost::time(180_ns),
                                "tcp_sendmsg without its packets: lock, checks, push", kEstimate);
  CpuCost splice_call = parameter(splice_call, "splice_call", CpuCost::time(100_ns),
                                  "a batch of pages handed from a pipe to tcp_sendmsg (splice_to_socket)", kEstimate);
  CpuCost push =
      parameter(push, "push", CpuCost::time(50_ns),
                "a look at what may be sent now, at the end of a call (tcp_push, tcp_write_xmit)", kEstimate);
  CpuCost copy_fragment = parameter(copy_fragment, "copy_fragment", CpuCost::time(30_ns),
                                    "one piece copied into a packet, without the copy itself", kEstimate);
  CpuCost splice_fragment =
      parameter(splice_fragment, "splice_fragment", CpuCost::time(22_ns), "one page referenced by a packet", kEstimate);
  CpuCost zero_copy_call =
      parameter(zero_copy_call, "zero_copy_call", CpuCost::time(24_ns),
                "MSG_ZEROCOPY: the record of a call made or extended, without its pages (mm.pin_page)",
                "as skb_allocate: the record is an empty packet");
  CpuCost zero_copy_told = parameter(zero_copy_told, "zero_copy_told", CpuCost::time(18_ns),
                                     "MSG_ZEROCOPY: the record of calls put in the error queue, or joined and freed",
                                     "as skb_free: the record is an empty packet");
  CpuCost error_record = parameter(error_record, "error_record", CpuCost::time(150_ns),
                                   "one look into the error queue (ip_recv_error)", "estimate, as receive_call");
  CpuCost receive_call = parameter(receive_call, "receive_call", CpuCost::time(150_ns),
                                   "tcp_recvmsg without copies: lock, checks, window", kEstimate);
  CpuCost unix_send_call =
      parameter(unix_send_call, "unix_send_call", CpuCost::time(180_ns),
                "unix_stream_sendmsg without its packets: checks, locks of both ends", "estimate, as send_call");
  CpuCost unix_receive_call =
      parameter(unix_receive_call, "unix_receive_call", CpuCost::time(150_ns),
                "unix_stream_read_generic without copies: locks, target", "estimate, as receive_call");
  CpuCost skb_allocate = parameter(skb_allocate, "skb_allocate", CpuCost::time(24_ns),
                                   "allocating and initializing a packet", kPrototypeKernel);
  CpuCost skb_free =
      parameter(skb_free, "skb_free", CpuCost::time(18_ns), "freeing a packet, without its pages", kPrototypeKernel);
  CpuCost fragment_free = parameter(fragment_free, "fragment_free", CpuCost::time(5_ns),
                                    "one page fragment of a freed packet, without freeing the page", kEstimate);
  CpuCost tcp_transmit = parameter(tcp_transmit, "tcp_transmit", CpuCost::time(500_ns),
                                   "TCP and IP output of one packet, whatever its size", kEstimate);
  CpuCost acknowledge = parameter(acknowledge, "acknowledge", CpuCost::time(400_ns),
                                  "TCP and IP output of a packet without payload", kEstimate);
  CpuCost queue_transmit = parameter(queue_transmit, "queue_transmit", CpuCost::time(200_ns),
                                     "transmit queue and its lock, per packet", kEstimate);
  CpuCost software_segment = parameter(software_segment, "software_segment", CpuCost::time(150_ns),
                                       "cutting off one segment in software, without copies", kEstimate);
  CpuCost tcp_receive = parameter(tcp_receive, "tcp_receive", CpuCost::time(250_ns),
                                  "IP and TCP input of one packet with payload", kEstimate);
  CpuCost tcp_acknowledged = parameter(tcp_acknowledged, "tcp_acknowledged", CpuCost::time(250_ns),
                                       "IP and TCP input of one packet without payload", kEstimate);
  CpuCost timer = parameter(timer, "timer", CpuCost::time(100_ns), "a TCP timer that expires", kEstimate);

  // --- the loopback device ----------------------------------------------------------------------------------------
  unsigned backlog_max =
      parameter(backlog_max, "backlog_max", 1000, {1, 1'000'000}, "packets that wait for a core's soft interrupt",
                "Linux net.core.netdev_max_backlog");
  CpuCost loopback_transmit = parameter(loopback_transmit, "loopback_transmit", CpuCost::time(150_ns),
                                        "one packet handed to the receiving side by the loopback device", kEstimate);
  CpuCost loopback_receive = parameter(loopback_receive, "loopback_receive", CpuCost::time(150_ns),
                                       "one packet taken from the backlog up to IP", kEstimate);
  CpuCost backlog_poll = parameter(backlog_poll, "backlog_poll", CpuCost::time(100_ns),
                                   "a soft interrupt for the backlog, without packets", kEstimate);

  // --- the NIC driver ---------------------------------------------------------------------------------------------
  unsigned tx_ring = parameter(tx_ring, "tx_ring", 1024, {32, 32768}, "transmit descriptors, a power of two",
                               "Linux mlx5 en.h MLX5E_PARAMS_DEFAULT_LOG_SQ_SIZE 10");
  unsigned rx_ring = parameter(rx_ring, "rx_ring", 1024, {8, 32768}, "receive descriptors, a power of two",
                               "Linux mlx5 en.h MLX5E_PARAMS_DEFAULT_LOG_RQ_SIZE 10");
  unsigned napi_weight =
      parameter(napi_weight, "napi_weight", 64, {1, 1024}, "packets per poll of a device", "Linux NAPI_POLL_WEIGHT");
  unsigned napi_budget = parameter(napi_budget, "napi_budget", 300, {1, 100000}, "packets per receive soft interrupt",
                                   "Linux netdev_budget");
  Picoseconds napi_time = parameter(napi_time, "napi_time", 2_ms, kTimes, "longest receive soft interrupt",
                                    "Linux netdev_budget_usecs at HZ=1000");
  CpuCost tx_packet =
      parameter(tx_packet, "tx_packet", CpuCost::time(100_ns), "driver: one packet handed to the device", kEstimate);
  CpuCost tx_descriptor = parameter(tx_descriptor, "tx_descriptor", CpuCost::time(12_ns),
                                    "driver: mapping one fragment for DMA, filling its descriptor", kEstimate);
  CpuCost tx_complete = parameter(tx_complete, "tx_complete", CpuCost::time(40_ns),
                                  "driver: one transmitted packet unmapped and given back", kEstimate);
  CpuCost napi_poll =
      parameter(napi_poll, "napi_poll", CpuCost::time(100_ns), "driver: one poll, without packets", kEstimate);
  CpuCost rx_packet =
      parameter(rx_packet, "rx_packet", CpuCost::time(119_ns), "driver and stack entry: one received packet",
                "drop in the stack, 118.9 ns: prototype-kernel, J. Brouer");

  /// Payload that a packet of gso_max_size holds beside the largest headers (sk_setup_caps).
  [[nodiscard]] Bytes largest_packet_payload() const { return gso_max_size - (kMaxTcpHeader + 1); }
  static constexpr Bytes kZeroCopyRecord = 576;  ///< SKB_TRUESIZE(0), asked for before a record is made
  static constexpr Bytes kMaxTcpHeader = 320;    ///< MAX_TCP_HEADER
};

}  // namespace sluice::net
