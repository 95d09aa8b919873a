// SPDX-License-Identifier: Apache-2.0
// Ownership, opening, closing and options of a connection.
#include "kernel_sim/net/tcp_connection.h"

#include <climits>
#include <poll.h>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "kernel_sim/net/socket.h"
#include "kernel_sim/net/stack.h"

namespace sluice::net {

namespace {
constexpr std::uint32_t kTimestampsOption = 12;  // counted in the other end's limit, not in a segment's payload
constexpr std::uint32_t kDefaultSegment = 536;   // TCP_MSS_DEFAULT
}  // namespace

TcpConnection::TcpConnection(Stack& stack)
    : m_stack(stack),
      m_congestion(stack.m_config.initial_window),
      m_send_buffer(stack.m_config.wmem_default),
      m_rto_unmeasured(stack.m_config.rto_initial),
      m_receive_window(stack.m_config.rmem_default, stack.m_config.rmem_max),
      m_ack(stack.m_config.quick_acks, stack.m_config.delayed_ack) {}

TcpConnection::~TcpConnection() { m_stack.give_port(*this); }

// --- ownership -------------------------------------------------------------------------------------------------------

void TcpConnection::lock() {
  m_stack.m_scheduler.might_sleep();
  while (m_owner != Owner::Nobody) m_stack.m_scheduler.wait(m_lock_waiters, "a socket lock");
  m_owner = Owner::Task;
}

bool TcpConnection::try_enter() {
  if (m_owner != Owner::Nobody) return false;
  m_owner = Owner::SoftInterrupt;
  return true;
}

void TcpConnection::unlock() {
  // Time passes while the backlog is worked off, and more may come.
  while (!m_backlog.empty() || m_timers_deferred || m_output_deferred || m_close_deferred) {
    process_backlog();
    handle_deferred();
  }
  m_owner = Owner::Nobody;
  if (!m_lock_waiters.empty()) m_stack.m_scheduler.wake_one(m_lock_waiters);
}

void TcpConnection::process_backlog() {
  while (Skb* const skb = m_backlog.pop_front()) {
    process(*skb);
    m_stack.m_scheduler.cond_resched();  // as __release_sock; nothing happens in a soft interrupt
  }
}

void TcpConnection::receive(Skb& skb) {
  if (!try_enter()) {
    m_backlog.push_back(skb);
    return;
  }
  process(skb);
  unlock();
}

void TcpConnection::look_at_timers() {
  m_timers_deferred = true;
  if (try_enter()) unlock();
}

void TcpConnection::resume_output() {
  m_output_deferred = true;
  if (try_enter()) unlock();
}

void TcpConnection::handle_deferred() {
  if (std::exchange(m_timers_deferred, false)) {
    const Picoseconds now = m_stack.m_machine.cpu.now();
    m_stack.spend(m_stack.m_config.timer, hal::Work::TcpInput);
    if (m_retransmission.take_expired(now)) retransmission_timeout();
    if (m_probe.take_expired(now)) probe();
    if (m_ack_timer.take_expired(now) && m_ack.timed_out(rto())) send_acknowledgment();
  }
  if (std::exchange(m_output_deferred, false) && m_state != State::Closed) push_pending(m_nagle);
  if (std::exchange(m_close_deferred, false)) close_owned();
}

void TcpConnection::wake(std::uint32_t events) {
  if (!m_waiters.empty()) m_stack.m_scheduler.wake_all(m_waiters);
  m_waiters.notify(events);
}

/// sock_def_readable; behind the last byte tcp_fin tells of a new state first.
void TcpConnection::wake_readers() { wake(m_peer_finished ? 0 : kReadableEvents); }

/// sk_stream_write_space.
void TcpConnection::wake_writers() { wake(kWritableEvents); }

/// Sleeps without owning the connection until `condition` holds.
bool TcpConnection::wait_until(bool (TcpConnection::*condition)() const, std::string_view what) {
  unlock();
  while (!(this->*condition)() && !m_stack.m_scheduler.interrupted()) m_stack.m_scheduler.wait(m_waiters, what);
  lock();
  return (this->*condition)();
}

int TcpConnection::take_error() { return std::exchange(m_error, 0); }

// --- opening ---------------------------------------------------------------------------------------------------------

/// __inet_bind, inet_csk_get_port.
Result<void> TcpConnection::bind(kernel_sim::Endpoint local) {
  if (const auto checked = m_stack.check_local(local); !checked) return checked;
  // In TIME_WAIT the socket itself is over.
  if ((m_state != State::Closed && m_state != State::TimeWait) || m_holds_port) return refuse(EINVAL);
  const std::uint32_t before = std::exchange(m_local.address, local.address);
  if (const Result<void> taken = m_stack.take_port(*this, local.port); !taken) {
    m_local.address = before;
    return taken;
  }
  m_bound_address = local.address != 0;
  m_bound_port = local.port != 0;
  return {};
}

PortHolder::Claim TcpConnection::claim() const {
  return {.address = m_local.address,
          .reuse_address = m_options.reuse_address != 0,
          .reuse_port = m_options.reuse_port != 0,
          .listens = m_state == State::Listen};
}

Result<void> TcpConnection::connect(kernel_sim::Endpoint peer, bool non_blocking) {
  lock();
  const Result<void> result = connect_owned(peer, non_blocking);
  unlock();
  return result;
}

/// What is left of an attempt that failed. The end of a connection without close is not modelled.
Result<void> TcpConnection::forget_peer() {
  if (m_state != State::Closed) return refuse(EOPNOTSUPP);
  m_attempt = Attempt::None;
  return {};
}

bool TcpConnection::connected() const {
  return m_state != State::Closed && m_state != State::SynSent && m_state != State::Listen &&
         m_state != State::TimeWait;
}

/// __inet_stream_connect: the first call begins, and whichever call finds the outcome reports it, once.
Result<void> TcpConnection::connect_owned(kernel_sim::Endpoint peer, bool non_blocking) {
  const bool begins = m_attempt == Attempt::None;
  if (m_attempt == Attempt::Known) return refuse(EISCONN);
  if (m_attempt == Attempt::Ended) return refuse(EINVAL);
  if (begins) {
    if (m_state != State::Closed) return refuse(EISCONN);
    if (const Result<void> started = start_handshake(peer); !started) return started;
    m_attempt = Attempt::Begun;
  }
  if (m_state == State::SynSent) {
    if (non_blocking) return refuse(begins ? EINPROGRESS : EALREADY);
    if (!wait_until(&TcpConnection::handshake_over, "connect")) return refuse(EINTR);
  }
  if (m_state == State::Closed) {
    const int error = take_error();
    m_attempt = Attempt::None;
    disconnect();
    return refuse(error != 0 ? error : ECONNABORTED);
  }
  m_attempt = Attempt::Known;
  return {};
}

/// tcp_disconnect: the socket is as new, but for its options and for what bind chose.
void TcpConnection::disconnect() {
  if (m_state == State::SynSent) m_error = ECONNRESET;
  finish();
  drop_received();
  m_send_shutdown = m_receive_shutdown = m_peer_finished = false;
  if (!m_bound_address) m_local.address = 0;
}

Result<void> TcpConnection::start_handshake(kernel_sim::Endpoint peer) {
  if (const auto checked = check_inet(peer); !checked) return checked;
  if (peer.address == 0) peer.address = Stack::kLoopbackAddress;  // "this host"
  if (m_stack.route(peer.address) == nullptr) return refuse(ENETUNREACH);
  m_peer = peer;
  if (!m_bound_address) m_local.address = m_stack.source_address(peer.address);
  if (!m_holds_port) m_local.port = 0;
  if (const Result<void> entered = m_stack.enter(shared_from_this()); !entered) return entered;
  m_send_shutdown = m_receive_shutdown = m_peer_finished = false;
  m_attempts = 0;
  m_backoff = 0;
  m_state = State::SynSent;
  const Result<Skb*> syn = m_stack.skbs().make_paged();
  if (!syn) {
    finish();
    return refuse(ENOMEM);
  }
  (*syn)->syn = true;
  (*syn)->sequence = m_una;
  (*syn)->segment_limit = static_cast<std::uint16_t>(m_options.segment_size);
  m_unsent.push_back(**syn);
  sent_new_data(**syn);
  transmit(**syn);
  return {};
}

Result<void> TcpConnection::wait_connected(bool non_blocking) {
  if (m_state != State::SynSent) return {};
  if (non_blocking) return refuse(EAGAIN);
  if (!wait_until(&TcpConnection::handshake_over, "connect")) return refuse(EINTR);
  if (const int error = take_error(); error != 0) return refuse(error);
  return {};
}

/// `opening_repeated`: how often this end sent its SYN again.
void TcpConnection::enter_established(unsigned opening_repeated) {
  m_state = State::Established;
  start_congestion_control(opening_repeated);
  update_send_buffer();
  const Picoseconds now = m_stack.m_machine.cpu.now();
  m_receive_window.start(m_device_mss, now);
  m_ack.connected(now);
  wake();
}

// --- closing ---------------------------------------------------------------------------------------------------------

Result<void> TcpConnection::shutdown(int how) {
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return refuse(EINVAL);
  lock();
  if (m_state == State::Listen) {
    if (how != SHUT_WR) {
      stop_listening();
    } else {
      wake();
    }
    unlock();
    return {};
  }
  if (m_attempt == Attempt::Begun) {  // whoever shuts down knows, or wants no more
    const bool open = m_state != State::Closed && m_state != State::SynSent;
    m_attempt = open ? Attempt::Known : Attempt::Ended;
  }
  if (m_state == State::SynSent) {
    disconnect();
    m_attempt = Attempt::None;
    unlock();
    return {};
  }
  if (how != SHUT_WR) m_receive_shutdown = true;
  if (m_state == State::Closed || m_state == State::TimeWait) {
    if (how != SHUT_RD) m_send_shutdown = true;
    wake();
    unlock();
    return refuse(ENOTCONN);
  }
  if (how != SHUT_RD && !m_send_shutdown) start_fin();
  wake();
  unlock();
  return {};
}

/// Ends the sending direction: FIN goes out after what is queued.
void TcpConnection::start_fin() {
  m_send_shutdown = true;
  if (m_state == State::Established) {
    m_state = State::FinWait1;
  } else if (m_state == State::CloseWait) {
    m_state = State::LastAck;
  } else {
    return;
  }
  Skb* tail = m_unsent.back();
  if (tail == nullptr || tail->sequence < m_highest || tail->references > 1) {
    const Result<Skb*> made = m_stack.skbs().make_paged();
    if (!made) return;  // as if the FIN were lost for good; the peer's time-outs end the connection
    tail = *made;
    tail->sequence = m_write;
    m_unsent.push_back(*tail);
  }
  tail->fin = true;
  mark_push(*tail);
  ++m_write;
  push_pending(kNagleOff);
}

void TcpConnection::close() {
  lock();
  close_owned();
  unlock();
}

void TcpConnection::close_from_interrupt() {
  m_close_deferred = true;
  if (try_enter()) unlock();
}

void TcpConnection::close_owned() {
  m_orphan = true;
  m_receive_shutdown = true;
  if (m_state == State::Listen) {
    stop_listening();
  } else if (m_state == State::Closed || m_state == State::SynSent || m_state == State::TimeWait) {
    finish();
  } else if (!m_received.empty() || m_in_accept_queue) {  // nobody will read: tell the peer (RFC 2525, 2.17)
    send_control(nic::tcp_flag::kReset | nic::tcp_flag::kAck, m_next);
    finish();
  } else if (!m_send_shutdown) {
    start_fin();
  }
}

bool TcpConnection::may_send_or_failed() const {
  if (memory_free() || m_error != 0 || m_send_shutdown) return true;
  m_wants_space = true;
  return false;
}

void TcpConnection::reset(int error) {
  m_error = error;
  finish();
}

/// The end: nothing of it remains but what the interface still holds.
void TcpConnection::finish() {
  m_state = State::Closed;
  m_send_shutdown = true;
  m_receive_shutdown = true;
  m_retransmission.stop();
  m_probe.stop();
  m_ack_timer.stop();
  while (Skb* const skb = m_unacked.pop_front()) m_stack.skbs().release(*skb);
  while (Skb* const skb = m_unsent.pop_front()) m_stack.skbs().release(*skb);
  uncharge_sending(m_queued_memory);
  m_in_flight = 0;
  if (m_orphan || !m_bound_port) m_stack.give_port(*this);
  if (m_orphan) drop_received();
  if (std::exchange(m_entered, false)) m_stack.leave(*this);
  wake();
}

void TcpConnection::drop_received() {
  while (Skb* const skb = m_received.pop_front()) m_stack.skbs().release(*skb);
  m_reserve.uncharge(m_receive_window.memory());
  m_receive_window.freed(m_receive_window.memory());
  m_received_bytes = 0;
  m_front_used = 0;
}

// --- options and readiness -------------------------------------------------------------------------------------------

Result<void> TcpConnection::set_option(int level, int option, int value) {
  lock();
  const Result<void> result = set_owned_option(level, option, value);
  unlock();
  return result;
}

Result<void> TcpConnection::set_owned_option(int level, int option, int value) {
  if (level == SOL_SOCKET && option == SO_SNDBUF) {
    m_send_buffer = send_buffer_for(value, m_stack.m_config);
    m_send_buffer_fixed = true;
  } else if (level == SOL_SOCKET && option == SO_RCVBUF) {
    m_receive_window.fix_buffer(receive_buffer_for(value, m_stack.m_config));
  } else if (level == SOL_SOCKET && option == SO_RCVLOWAT) {
    m_receive_window.set_low_mark(value < 0 ? Bytes{INT_MAX} : static_cast<Bytes>(value));
    if (readable_or_over()) wake_readers();
  } else if (level == IPPROTO_TCP && option == TCP_NODELAY) {
    m_nagle = value != 0 ? m_nagle | kNagleOff | kPushOnce : m_nagle & ~unsigned{kNagleOff};
    if (value != 0) push_pending(m_nagle);
  } else if (level == IPPROTO_TCP && option == TCP_CORK) {
    m_nagle = value != 0 ? m_nagle | kCork : m_nagle & ~unsigned{kCork};
    if (value == 0 && (m_nagle & kNagleOff) != 0) m_nagle |= kPushOnce;
    if (value == 0) push_pending(m_nagle);
  } else if (level == IPPROTO_TCP && option == TCP_QUICKACK) {
    set_quick_ack(value);
  } else if (level == IPPROTO_TCP && option == TCP_WINDOW_CLAMP) {
    return set_window_clamp(value);
  } else if (level == IPPROTO_TCP && option == TCP_FASTOPEN) {
    return set_fast_open(value);
  } else {
    const Result<void> kept = m_options.set(level, option, value);
    if (kept && level == IPPROTO_TCP && option == TCP_NOTSENT_LOWAT && writable()) wake_writers();
    return kept;
  }
  return {};
}

/// tcp_set_window_clamp.
Result<void> TcpConnection::set_window_clamp(int value) {
  if (value == 0 && m_state != State::Closed && m_state != State::TimeWait) return refuse(EINVAL);
  const Bytes clamp = value == 0 ? 0 : std::max<Bytes>(static_cast<Bytes>(std::max(value, 0)), kLeastReceiveBuffer / 2);
  m_receive_window.set_clamp(clamp, announced_window());
  return {};
}

/// Taken as Linux takes it; no SYN carries data here.
Result<void> TcpConnection::set_fast_open(int value) {
  const bool idle = m_state == State::Closed || m_state == State::TimeWait || m_state == State::Listen;
  if (value < 0 || !idle) return refuse(EINVAL);
  m_fast_open = std::min(value, static_cast<int>(kSomaxconn));
  return {};
}

void TcpConnection::limit_segments(std::uint32_t with_timestamps) {
  if (with_timestamps == 0) return;
  m_device_mss = std::min(m_device_mss, with_timestamps - kTimestampsOption);
  m_mss = std::min(m_mss, m_device_mss);
}

/// __tcp_sock_set_quickack: an odd value leaves interactive mode, an even one but 0 only for what waits now.
void TcpConnection::set_quick_ack(int value) {
  m_ack.set_interactive(value == 0);
  const bool open = m_state == State::Established || m_state == State::CloseWait;
  if (value == 0 || !open || !m_ack.scheduled()) return;
  m_ack.push();
  after_reading(1);
  if ((value & 1) == 0) m_ack.set_interactive(true);
}

Result<int> TcpConnection::option(int level, int option) {
  if (level == SOL_SOCKET && option == SO_ERROR) return take_error();
  if (level == SOL_SOCKET && option == SO_TYPE) return SOCK_STREAM;
  if (level == SOL_SOCKET && option == SO_DOMAIN) return AF_INET;
  if (level == SOL_SOCKET && option == SO_PROTOCOL) return IPPROTO_TCP;
  if (level == SOL_SOCKET && option == SO_ACCEPTCONN) return m_state == State::Listen ? 1 : 0;
  if (level == SOL_SOCKET && option == SO_SNDBUF) return static_cast<int>(m_send_buffer);
  if (level == SOL_SOCKET && option == SO_RCVBUF) return static_cast<int>(m_receive_window.buffer());
  if (level == SOL_SOCKET && option == SO_RCVLOWAT) return static_cast<int>(m_receive_window.low_mark());
  if (level == IPPROTO_TCP && option == TCP_NODELAY) return (m_nagle & kNagleOff) != 0 ? 1 : 0;
  if (level == IPPROTO_TCP && option == TCP_CORK) return (m_nagle & kCork) != 0 ? 1 : 0;
  if (level == IPPROTO_TCP && option == TCP_QUICKACK) return m_ack.interactive() ? 0 : 1;
  if (level == IPPROTO_TCP && option == TCP_WINDOW_CLAMP) return static_cast<int>(m_receive_window.clamp());
  if (level == IPPROTO_TCP && option == TCP_FASTOPEN) return m_fast_open;
  if (level == IPPROTO_TCP && option == TCP_MAXSEG) {
    const bool idle = m_state == State::Closed || m_state == State::Listen;
    if (idle && m_options.segment_size != 0) return m_options.segment_size;
    return static_cast<int>(m_mss != 0 ? m_mss : kDefaultSegment);
  }
  if (level == IPPROTO_TCP && option == TCP_SYNCNT && m_options.syn_count == 0)
    return static_cast<int>(m_stack.m_config.syn_retries);
  if (level != SOL_SOCKET && level != IPPROTO_TCP && level != IPPROTO_IP) return refuse(EOPNOTSUPP);
  return m_options.get(level, option);
}

/// tcp_poll.
std::int16_t TcpConnection::poll() const {
  int bits = 0;
  if (m_state == State::Closed || (m_send_shutdown && m_receive_shutdown)) bits |= POLLHUP;
  if (m_error != 0 || !m_zero_copy.queue.empty()) bits |= POLLERR;
  if (m_state == State::Listen) return static_cast<std::int16_t>(m_accept_queue.empty() ? 0 : POLLIN | POLLRDNORM);
  if (m_state == State::SynSent) return static_cast<std::int16_t>(bits);
  if (m_receive_shutdown) bits |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (readable()) bits |= POLLIN | POLLRDNORM;
  if (m_send_shutdown || writable()) {
    bits |= POLLOUT | POLLWRNORM;
  } else {
    m_wants_space = true;
  }
  return static_cast<std::int16_t>(bits);
}

/// tcp_epollin_ready: as much as the low-water mark asks for, or as will come without a reader.
bool TcpConnection::readable() const {
  if (m_received_bytes == 0) return false;
  return m_received_bytes >= m_receive_window.low_mark() || m_receive_window.memory() > m_receive_window.buffer() ||
         announced_window() <= m_receive_window.measured_segment();
}

/// __sk_stream_is_writeable: a third of the buffer is free, and half of what may wait to be sent does.
bool TcpConnection::writable() const {
  return m_queued_memory < m_send_buffer && m_send_buffer - m_queued_memory >= m_queued_memory / 2 && few_not_sent(2);
}

// --- accounting of what the interface holds --------------------------------------------------------------------------

void TcpConnection::packet_entered(Skb& skb, const std::shared_ptr<TcpConnection>& connection) {
  skb.connection = connection;
  connection->m_in_interface += skb.truesize;
}

void TcpConnection::packet_left(Skb& skb) {
  skb.connection->m_in_interface -= skb.truesize;
  skb.connection.reset();
}

}  // namespace sluice::net
