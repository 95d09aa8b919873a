// SPDX-License-Identifier: Apache-2.0
// One TCP connection (struct tcp_sock).
//
// - A task owns it during a call (lock_sock). What soft interrupts bring meanwhile goes to the backlog and is processed
//   when the owner lets go (release_sock), in the owner's time.
// - Sequence numbers are counted in 64 bits without wrapping; the wire carries the low 32.
//
//      m_una          m_next           m_write
//   ─────┼──────────────┼────────────────┼────►      m_unacked: sent     m_unsent: not sent (or to be sent again)
//        └─ m_unacked ──┴── m_unsent ────┘
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "kernel_sim/fs/file.h"
#include "kernel_sim/net/congestion.h"
#include "kernel_sim/net/delayed_ack.h"
#include "kernel_sim/net/memory_reserve.h"
#include "kernel_sim/net/net_config.h"
#include "kernel_sim/net/port_table.h"
#include "kernel_sim/net/receive_window.h"
#include "kernel_sim/net/skb.h"
#include "kernel_sim/net/socket_options.h"
#include "kernel_sim/net/tcp_timer.h"
#include "kernel_sim/net/zero_copy.h"
#include "kernel_sim/sched/scheduler.h"
#include "kernel_sim/system_calls.h"
#include "models/base/ledger.h"

namespace sluice::net {

class Stack;

class TcpConnection final : public std::enable_shared_from_this<TcpConnection>, public PortHolder {
 public:
  enum class State : std::uint8_t {
    Closed,
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    Closing,
    TimeWait,
    CloseWait,
    LastAck
  };
  struct SendFlags {
    bool more = false;
    bool non_blocking = false;
    bool zero_copy = false;  ///< lend the program's pages, when SO_ZEROCOPY is on
  };
  struct ReceiveFlags {
    bool non_blocking = false;
    bool peek = false;
    bool truncate = false;  ///< throw the bytes away instead of copying them
    bool wait_all = false;
    bool whole_runs = false;  ///< fragments that continue each other are one piece
  };

  explicit TcpConnection(Stack& stack);
  /// Consumes no time.
  ~TcpConnection();
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  // --- for the socket: calls of tasks -----------------------------------------------------------------------------
  Result<void> bind(kernel_sim::Endpoint local);
  Result<void> connect(kernel_sim::Endpoint peer, bool non_blocking);
  /// connect to AF_UNSPEC. EOPNOTSUPP for a connection.
  Result<void> forget_peer();
  /// Connections that came in wait to be accepted, at most `backlog` + 1 of them. EINVAL, EADDRINUSE.
  Result<void> listen(int backlog);
  /// EINVAL when not listening, EAGAIN.
  Result<std::shared_ptr<TcpConnection>> accept(bool non_blocking);
  Result<Bytes> send(mm::UserMemory& memory, VirtAddr from, Bytes size, SendFlags flags);
  Result<Bytes> send_pages(fs::SpliceSource& source, Bytes size, SendFlags flags);
  /// No more pages follow the ones that were sent with `more`.
  void end_of_pages();
  Result<Bytes> receive_to(mm::UserMemory& memory, VirtAddr to, Bytes size, ReceiveFlags flags);
  Result<Bytes> receive_pages(fs::SpliceSink& sink, Bytes size, ReceiveFlags flags);
  /// The oldest record of the error queue (inet_recv_error); EAGAIN.
  Result<kernel_sim::SocketError> receive_error();
  Result<void> shutdown(int how);
  Result<void> set_option(int level, int option, int value);
  Result<int> option(int level, int option);
  void close();
  /// As close, from the last reference to the socket, in a soft interrupt.
  void close_from_interrupt();
  [[nodiscard]] bool needs_close() const {
    return m_entered || !m_received.empty() || m_holds_port || m_state == State::Listen;
  }
  [[nodiscard]] std::int16_t poll() const;
  [[nodiscard]] sched::WaitQueue& wait_queue() { return m_waiters; }

  // --- for the stack ----------------------------------------------------------------------------------------------
  /// Of a listening socket: the opening packet of a new connection, in a soft interrupt. Takes it over.
  void receive_syn(Skb& skb);
  /// A packet for this connection, in a soft interrupt. Takes it over.
  void receive(Skb& skb);
  /// A timer may have expired, or the interface gave packets back.
  void look_at_timers();
  void resume_output();
  /// The interface and its queue now hold the packet, which is accounted for the connection until it leaves.
  static void packet_entered(Skb& skb, const std::shared_ptr<TcpConnection>& connection);
  static void packet_left(Skb& skb);
  /// A packet refers no more to the pages of these calls; `copied`: to copies instead. With the last one its program is
  /// told, unless it has closed the socket.
  static void release_pages(std::shared_ptr<ZeroCopyCalls> calls, bool copied);

  // --- queries ----------------------------------------------------------------------------------------------------
  [[nodiscard]] State state() const { return m_state; }
  /// The handshake is over, and the end has not come.
  [[nodiscard]] bool connected() const;
  [[nodiscard]] Claim claim() const override;
  [[nodiscard]] kernel_sim::Endpoint local() const { return m_local; }
  [[nodiscard]] kernel_sim::Endpoint peer() const { return m_peer; }
  [[nodiscard]] const Reno& congestion() const { return m_congestion; }
  [[nodiscard]] std::uint32_t segment_size() const { return m_mss; }
  /// In the receive queue.
  [[nodiscard]] Bytes received_bytes() const { return m_received_bytes; }
  [[nodiscard]] Bytes send_buffer() const { return m_send_buffer; }
  [[nodiscard]] Bytes queued_memory() const { return m_queued_memory; }
  [[nodiscard]] Bytes in_interface() const { return m_in_interface; }
  [[nodiscard]] std::uint64_t unacknowledged() const { return m_next - m_una; }

 private:
  friend class Stack;
  friend class TcpTimer;
  struct UserBytes;
  struct UserPages;
  struct PipePages;
  enum class Owner : std::uint8_t { Nobody, Task, SoftInterrupt };
  /// How far the program's own attempt to connect has come (struct socket, SS_*), which it learns by calling again.
  enum class Attempt : std::uint8_t { None, Begun, Known, Ended };
  static constexpr unsigned kSomaxconn = 4096;                        // net.core.somaxconn
  enum Nagle : unsigned { kNagleOff = 1, kCork = 2, kPushOnce = 4 };  // TCP_NAGLE_*

  // tcp_connection.cpp: ownership, opening and closing
  void lock();
  bool try_enter();
  void unlock();
  void process_backlog();
  /// `events`: what listeners are told, of <poll.h>; 0: the state changed.
  void wake(std::uint32_t events = 0);
  void wake_readers();
  void wake_writers();
  /// False: a signal came first.
  [[nodiscard]] bool wait_until(bool (TcpConnection::*condition)() const, std::string_view what);
  [[nodiscard]] bool handshake_over() const { return m_state != State::SynSent; }
  [[nodiscard]] bool may_send_or_failed() const;
  [[nodiscard]] bool readable() const;
  [[nodiscard]] bool readable_or_over() const { return readable() || m_receive_shutdown || m_error != 0; }
  [[nodiscard]] bool acceptable_or_over() const { return !m_accept_queue.empty() || m_state != State::Listen; }
  void stop_listening();
  void become_acceptable();
  void answer_syn(const Skb& skb);
  Result<void> connect_owned(kernel_sim::Endpoint peer, bool non_blocking);
  Result<void> start_handshake(kernel_sim::Endpoint peer);
  void disconnect();
  Result<void> wait_connected(bool non_blocking);
  [[nodiscard]] int take_error();
  void set_quick_ack(int value);
  Result<void> set_owned_option(int level, int option, int value);
  Result<void> set_window_clamp(int value);
  Result<void> set_fast_open(int value);
  /// TCP_MAXSEG of either end.
  void limit_segments(std::uint32_t with_timestamps);
  void enter_established(unsigned opening_repeated);
  void start_fin();
  void close_owned();
  void reset(int error);
  void finish();
  void drop_received();
  void handle_deferred();

  // tcp_send.cpp: from the program into the queue
  template <class Source>
  Result<Bytes> send_from(Source& source, Bytes size, SendFlags flags);
  Skb* new_packet();
  [[nodiscard]] bool may_append(const Skb& skb, std::uint32_t goal) const;
  [[nodiscard]] std::uint32_t size_goal() const;
  [[nodiscard]] bool memory_free() const { return m_queued_memory < m_send_buffer && few_not_sent(1); }
  [[nodiscard]] bool few_not_sent(unsigned weight) const {
    return (m_write - m_next) * weight < m_options.most_not_sent();
  }
  [[nodiscard]] bool writable() const;
  Result<void> wait_for_memory(bool non_blocking);
  void account_append(Skb& skb, Bytes size, Bytes memory);
  void charge_sending(Bytes size);
  void uncharge_sending(Bytes size);
  void push(bool more, unsigned nagle, std::uint32_t goal);
  [[nodiscard]] bool forced_push() const { return m_write > m_pushed + m_largest_window / 2; }
  void mark_push(Skb& skb);
  [[nodiscard]] bool should_autocork(const Skb& skb, std::uint32_t goal) const;

  // tcp_zero_copy.cpp: pages that a program lends
  Result<std::shared_ptr<ZeroCopyCalls>> begin_zero_copy(Bytes size);
  void take_back_call(ZeroCopyCalls& calls);
  void tell_of(const ZeroCopyCalls& calls);

  // tcp_output.cpp: from the queue to the interface
  bool write_out(unsigned nagle, bool push_one);
  void push_pending(unsigned nagle);
  [[nodiscard]] bool nagle_holds(bool partial, unsigned nagle) const;
  [[nodiscard]] std::uint32_t most_segments() const;
  [[nodiscard]] bool should_defer(const Skb& skb, bool& limited_by_congestion) const;
  [[nodiscard]] std::uint32_t split_point(const Skb& skb, std::uint32_t most_frames, unsigned nagle) const;
  bool split(Skb& skb, std::uint32_t size);
  void grow(Skb& skb, Bytes most);
  [[nodiscard]] std::uint32_t frames_of(const Skb& skb) const;
  [[nodiscard]] bool too_much_in_interface(const Skb& skb);
  void sent_new_data(Skb& skb);
  void transmit(Skb& skb);
  void send_acknowledgment();
  void send_control(std::uint8_t flags, std::uint64_t sequence);
  void fill_header(Skb& skb, std::uint8_t flags);
  [[nodiscard]] std::uint32_t select_window();
  void update_send_buffer();
  void retransmission_timeout();
  void probe();
  void set_probe();
  [[nodiscard]] unsigned most_attempts(bool opening) const;
  [[nodiscard]] bool user_timed_out();
  [[nodiscard]] Picoseconds within_user_timeout(Picoseconds delay) const;

  // tcp_input.cpp: from the interface
  void process(Skb& skb);
  [[nodiscard]] bool is_predicted_data(const Skb& skb) const;
  void process_predicted_data(Skb& skb);
  [[nodiscard]] bool may_predict() const;
  void process_syn_sent(Skb& skb);
  bool process_syn_received(const Skb& skb);
  bool process_acknowledgment(const nic::PacketHeader& header);
  std::uint32_t drop_acknowledged(std::uint64_t acknowledged, std::uint32_t echo);
  void measure_rtt(Picoseconds rtt);
  void start_congestion_control(unsigned opening_repeated);
  [[nodiscard]] bool process_data(Skb& skb);
  void process_fin();
  void check_output_and_space();
  void acknowledge_soon();
  void delay_acknowledgment();
  /// The window of the last acknowledgment, and what is left of it.
  [[nodiscard]] Bytes last_window() const { return m_receive_edge - m_receive_told; }
  [[nodiscard]] Bytes announced_window() const;
  void queue_received(Skb& skb);
  void note_data_arrival(const Skb& skb, Bytes size, Bytes charged);
  void follow_window(std::uint64_t window);
  [[nodiscard]] Picoseconds rto() const;
  void rearm_retransmission();

  // tcp_receive.cpp: from the queue to the program
  template <class Take>
  Result<Bytes> receive_with(Bytes size, Bytes low_mark, ReceiveFlags flags, Take take);
  template <class Visit>
  void for_each_run(const Skb& skb, Bytes begin, Bytes size, Visit visit) const;
  void after_reading(Bytes copied);

  Stack& m_stack;
  State m_state = State::Closed;
  kernel_sim::Endpoint m_local;
  kernel_sim::Endpoint m_peer;
  int m_error = 0;
  SocketOptions m_options;
  int m_fast_open = 0;
  bool m_entered = false;  // the stack knows it
  Attempt m_attempt = Attempt::None;
  bool m_holds_port = false;
  bool m_bound_address = false;  // bind named it, so that it stays when a connection ends
  bool m_bound_port = false;
  bool m_orphan = false;  // no descriptor refers to it
  bool m_send_shutdown = false;
  bool m_receive_shutdown = false;
  bool m_peer_finished = false;  // its FIN came: the end of its bytes, whatever happens to the connection (SOCK_DONE)
  sched::WaitQueue m_waiters;
  std::vector<std::shared_ptr<TcpConnection>> m_accept_queue;  // of a listening socket; few
  std::size_t m_backlog_limit = 0;
  std::weak_ptr<TcpConnection> m_listener;  // that this one came in by
  bool m_in_accept_queue = false;
  bool m_acknowledged_early = false;  // the peer answered a SYN-ACK, and data is waited for (TCP_DEFER_ACCEPT)

  MemoryReserve m_reserve;  // of both directions

  Owner m_owner = Owner::Nobody;
  sched::WaitQueue m_lock_waiters;
  SkbQueue m_backlog;
  bool m_timers_deferred = false;
  bool m_close_deferred = false;
  bool m_output_deferred = false;

  // sending
  std::uint32_t m_device_mss = 0;  // of full packets of the interface
  std::uint32_t m_mss = 0;         // now: at most half of the peer's window
  bool m_linear = false;           // packets are built linear: no gather and no GSO
  bool m_large = false;            // packets of several segments are built
  std::uint64_t m_initial = 0;
  std::uint64_t m_una = 0;
  std::uint64_t m_next = 0;
  std::uint64_t m_highest = 0;  // m_next before a time-out took it back
  std::uint64_t m_write = 0;
  std::uint64_t m_pushed = 0;
  std::uint64_t m_last_small_end = 0;  // of the last packet sent that was no multiple of the segment size (snd_sml)
  std::uint64_t m_window_end = 0;
  std::uint64_t m_largest_window = 0;
  SkbQueue m_unacked;
  SkbQueue m_unsent;
  std::uint32_t m_in_flight = 0;  // segments
  std::uint32_t m_most_in_flight = 0;
  std::uint64_t m_usage_end = 0;
  bool m_limited_by_congestion = false;
  unsigned m_nagle = 0;
  Reno m_congestion;
  Bytes m_queued_memory = 0;
  Bytes m_send_buffer = 0;
  bool m_send_buffer_fixed = false;
  mutable bool m_wants_space = false;  // somebody waits for, or polls, room to write (SOCK_NOSPACE)
  Bytes m_in_interface = 0;
  mutable bool m_throttled = false;
  ZeroCopyState m_zero_copy;

  // timing
  TcpTimer m_retransmission;
  TcpTimer m_probe;
  TcpTimer m_ack_timer;
  Picoseconds m_srtt;
  Picoseconds m_rttvar;
  Picoseconds m_rto_unmeasured;  // the time-out before there is a round trip to reckon from
  unsigned m_backoff = 0;
  unsigned m_attempts = 0;
  std::optional<Picoseconds> m_stalled_since;  // the first repetition or probe since the peer last moved

  // receiving
  std::uint64_t m_receive_next = 0;
  std::uint64_t m_receive_told = 0;  // acknowledged to the peer so far
  std::uint64_t m_receive_edge = 0;  // right edge of the window the peer knows
  std::uint32_t m_peer_timestamp = 0;
  bool m_predicts = false;  // the next header is expected to say nothing new (pred_flags)
  SkbQueue m_received;
  Bytes m_received_bytes = 0;
  std::uint32_t m_front_used = 0;  // bytes of the first received packet that were read
  ReceiveWindow m_receive_window;
  DelayedAck m_ack;
};

}  // namespace sluice::net
