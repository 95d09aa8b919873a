// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/net_config.h"

namespace sluice::net {

void NetConfig::describe(base::ParameterTable& table) {
  const std::string estimate = "estimate";
  const std::string prototype_kernel = "prototype-kernel, J. Brouer (PARAMETERS.md)";
  const base::Range<Picoseconds> times{1_us, Picoseconds{kPicosecondsPerSecond} * 60};

  table.add("gso", gso,
            "TCP builds large packets whatever the interface can do, and they are cut at transmit (always since 4.17)",
            "Linux net/core/sock.c sk_setup_caps");
  table.add("gso_max_size", gso_max_size, {4_KiB, 65536}, "largest packet that TCP builds, with headers",
            "Linux include/linux/netdevice.h GSO_LEGACY_MAX_SIZE");
  table.add(
      "splice_batch", splice_batch, {1, 16},
      "pages that splice hands to TCP in one call; 1 before Linux 6.5, which also let the tail of a sendfile that met "
      "the end of its file wait for the cork's timer",
      "Linux fs/splice.c splice_to_socket, do_splice_eof");
  table.add("max_fragments", max_fragments, {1, 17}, "page fragments of a packet",
            "Linux include/linux/skbuff.h MAX_SKB_FRAGS");
  table.add("grow_packets", grow_packets,
            "a packet that waits in the queue takes bytes from the next one until it is two segments or more; false "
            "before Linux 6.10",
            "Linux net/ipv4/tcp_output.c tcp_grow_skb");
  table.add("wmem_default", wmem_default, {4_KiB, 1_GiB}, "send buffer of a new socket",
            "Linux net/ipv4/tcp.c tcp_wmem[1]");
  table.add("wmem_max", wmem_max, {4_KiB, 1_GiB}, "send buffer that autotuning reaches",
            "Linux net/ipv4/tcp.c tcp_wmem[2]");
  table.add("rmem_default", rmem_default, {4_KiB, 1_GiB}, "receive buffer of a new socket",
            "Linux net/ipv4/tcp.c tcp_rmem[1]");
  table.add("rmem_max", rmem_max, {4_KiB, 1_GiB}, "receive buffer that autotuning reaches",
            "Linux net/ipv4/tcp.c tcp_rmem[2]");
  table.add("sndbuf_max", sndbuf_max, {4_KiB, 1_GiB}, "most that SO_SNDBUF can ask for; the kernel doubles it",
            "Linux net.core.wmem_max, 212992 before 6.17");
  table.add("rcvbuf_max", rcvbuf_max, {4_KiB, 1_GiB}, "most that SO_RCVBUF can ask for; the kernel doubles it",
            "Linux net.core.rmem_max, 212992 before 6.17");
  table.add("autocork", autocork, "a small write waits while earlier packets are still in the interface",
            "Linux tcp_autocorking: on by default, commit f54b311142a9");
  table.add("limit_output", limit_output, {4_KiB, 1_GiB},
            "bytes of one connection in the interface and its queue (TCP small queues)",
            "Linux net/ipv4/tcp_ipv4.c tcp_limit_output_bytes");
  table.add("initial_window", initial_window, {1, 1000}, "initial congestion window in segments",
            "Linux include/net/tcp.h TCP_INIT_CWND 10, as RFC 6928");
  table.add("quick_acks", quick_acks, {0, 1000}, "segments of a new connection that are acknowledged at once",
            "Linux include/net/tcp.h TCP_MAX_QUICKACKS 16");
  table.add("delayed_ack", delayed_ack, times, "longest wait with an acknowledgment",
            "Linux include/net/tcp.h TCP_DELACK_MIN HZ/25");
  table.add("rto_min", rto_min, times, "shortest retransmission time-out", "Linux include/net/tcp.h TCP_RTO_MIN HZ/5");
  table.add("rto_initial", rto_initial, times, "retransmission time-out before the first measurement",
            "Linux include/net/tcp.h TCP_TIMEOUT_INIT 1*HZ, as RFC 6298");
  table.add("syn_retries", syn_retries, {0, 127}, "repetitions of the opening segment",
            "Linux include/net/tcp.h TCP_SYN_RETRIES 6");
  table.add("retries", retries, {1, 255}, "repetitions of a segment before the connection is given up",
            "Linux include/net/tcp.h TCP_RETR2 15");
  table.add("skb_overhead", skb_overhead, {256, 8192}, "bytes a packet is accounted for beside its payload (truesize)",
            "receive windows of Linux 6.18 over loopback (TCP_INFO): what they leave free for packets");

  table.add("socket_create", socket_create, "socket()", estimate);
  table.add("send_call", send_call, "tcp_sendmsg without its packets: lock, checks, push", estimate);
  table.add("splice_call", splice_call, "a batch of pages handed from a pipe to tcp_sendmsg (splice_to_socket)",
            estimate);
  table.add("push", push, "a look at what may be sent now, at the end of a call (tcp_push, tcp_write_xmit)", estimate);
  table.add("copy_fragment", copy_fragment, "one piece copied into a packet, without the copy itself", estimate);
  table.add("splice_fragment", splice_fragment, "one page referenced by a packet", estimate);
  table.add("receive_call", receive_call, "tcp_recvmsg without copies: lock, checks, window", estimate);
  table.add("skb_allocate", skb_allocate, "allocating and initializing a packet", prototype_kernel);
  table.add("skb_free", skb_free, "freeing a packet, without its pages", prototype_kernel);
  table.add("fragment_free", fragment_free, "one page fragment of a freed packet, without freeing the page", estimate);
  table.add("tcp_transmit", tcp_transmit, "TCP and IP output of one packet, whatever its size", estimate);
  table.add("acknowledge", acknowledge, "TCP and IP output of a packet without payload", estimate);
  table.add("queue_transmit", queue_transmit, "transmit queue and its lock, per packet", estimate);
  table.add("software_segment", software_segment, "cutting off one segment in software, without copies", estimate);
  table.add("tcp_receive", tcp_receive, "IP and TCP input of one packet with payload", estimate);
  table.add("tcp_acknowledged", tcp_acknowledged, "IP and TCP input of one packet without payload", estimate);
  table.add("timer", timer, "a TCP timer that expires", estimate);

  table.add("backlog_max", backlog_max, {1, 1'000'000}, "packets that wait for a core's soft interrupt",
            "Linux net.core.netdev_max_backlog");
  table.add("loopback_transmit", loopback_transmit, "one packet handed to the receiving side by the loopback device",
            estimate);
  table.add("loopback_receive", loopback_receive, "one packet taken from the backlog up to IP", estimate);
  table.add("backlog_poll", backlog_poll, "a soft interrupt for the backlog, without packets", estimate);

  table.add("tx_ring", tx_ring, {32, 32768}, "transmit descriptors, a power of two",
            "Linux mlx5 en.h MLX5E_PARAMS_DEFAULT_LOG_SQ_SIZE 10");
  table.add("rx_ring", rx_ring, {8, 32768}, "receive descriptors, a power of two",
            "Linux mlx5 en.h MLX5E_PARAMS_DEFAULT_LOG_RQ_SIZE 10");
  table.add("napi_weight", napi_weight, {1, 1024}, "packets per poll of a device", "Linux NAPI_POLL_WEIGHT");
  table.add("napi_budget", napi_budget, {1, 100000}, "packets per receive soft interrupt", "Linux netdev_budget");
  table.add("napi_time", napi_time, times, "longest receive soft interrupt", "Linux netdev_budget_usecs at HZ=1000");
  table.add("tx_packet", tx_packet, "driver: one packet handed to the device", estimate);
  table.add("tx_descriptor", tx_descriptor, "driver: mapping one fragment for DMA, filling its descriptor", estimate);
  table.add("tx_complete", tx_complete, "driver: one transmitted packet unmapped and given back", estimate);
  table.add("napi_poll", napi_poll, "driver: one poll, without packets", estimate);
  table.add("rx_packet", rx_packet, "driver and stack entry: one received packet",
            "prototype-kernel: drop in the stack, 118.9 ns (PARAMETERS.md)");
}

NetCosts::NetCosts(const NetConfig& config, Frequency frequency)
    : socket_create(config.socket_create.at(frequency)),
      send_call(config.send_call.at(frequency)),
      splice_call(config.splice_call.at(frequency)),
      push(config.push.at(frequency)),
      copy_fragment(config.copy_fragment.at(frequency)),
      splice_fragment(config.splice_fragment.at(frequency)),
      receive_call(config.receive_call.at(frequency)),
      skb_allocate(config.skb_allocate.at(frequency)),
      skb_free(config.skb_free.at(frequency)),
      fragment_free(config.fragment_free.at(frequency)),
      tcp_transmit(config.tcp_transmit.at(frequency)),
      acknowledge(config.acknowledge.at(frequency)),
      queue_transmit(config.queue_transmit.at(frequency)),
      software_segment(config.software_segment.at(frequency)),
      tcp_receive(config.tcp_receive.at(frequency)),
      tcp_acknowledged(config.tcp_acknowledged.at(frequency)),
      timer(config.timer.at(frequency)),
      loopback_transmit(config.loopback_transmit.at(frequency)),
      loopback_receive(config.loopback_receive.at(frequency)),
      backlog_poll(config.backlog_poll.at(frequency)),
      tx_packet(config.tx_packet.at(frequency)),
      tx_descriptor(config.tx_descriptor.at(frequency)),
      tx_complete(config.tx_complete.at(frequency)),
      napi_poll(config.napi_poll.at(frequency)),
      rx_packet(config.rx_packet.at(frequency)) {}

}  // namespace sluice::net
