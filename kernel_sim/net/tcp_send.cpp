// SPDX-License-Identifier: Apache-2.0
// From the program into the queue (tcp_sendmsg): bytes are copied into the connection's page fragment, pages are
// referenced, and packets are sent as they fill.
#include <algorithm>
#include <utility>

#include "kernel_sim/net/socket.h"
#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

namespace {
constexpr unsigned kPacketsBetweenBacklog = 16;  // new packets after which a sender looks at the backlog
}  // namespace

/// Where bytes come from: `append` adds up to `most` to the packet and returns how many; 0 when the packet has no room
/// for another fragment.
struct TcpConnection::UserBytes {
  TcpConnection& connection;
  mm::UserMemory& memory;
  VirtAddr from;

  Result<void> begin(Bytes) { return {}; }
  void end(bool) {}
  Bytes memory_of(Bytes added) { return added; }
  Result<Bytes> append(Skb& skb, Bytes most) { return skb.linear ? append_linear(skb, most) : append_paged(skb, most); }

  Result<Bytes> append_linear(Skb& skb, Bytes most) {
    const Bytes size = std::min(most, connection.m_stack.skbs().linear_payload() - skb.size);
    if (size == 0) return 0;
    if (memory.copy_in(from, payload_address(skb) + skb.size, size) < size) return refuse(EFAULT);
    skb.size += static_cast<std::uint32_t>(size);
    from += size;
    return size;
  }

  Result<Bytes> append_paged(Skb& skb, Bytes most) {
    Stack& stack = connection.m_stack;
    PageFragment& block = stack.page_fragment();
    if (!block.refill()) return refuse(ENOMEM);
    const PhysAddr to = block.next();
    if (!stack.skbs().continues(skb, to) && skb.fragment_count >= stack.m_config.max_fragments) return 0;
    const Bytes size = std::min(most, block.room());
    stack.spend(stack.m_config.copy_fragment, hal::Work::Packet);
    connection.m_reserve.schedule(size);
    if (memory.copy_in(from, to, size) < size) return refuse(EFAULT);
    stack.skbs().append(skb, block.take(size), stack.m_config.max_fragments);
    from += size;
    return size;
  }
};

/// Pages of the program's buffer, lent until the last packet that refers to them is gone.
struct TcpConnection::UserPages {
  UserBytes bytes;  // where they begin, and for an interface to which packets are built linear
  std::shared_ptr<ZeroCopyCalls> calls;
  Bytes pinned_memory = 0;  // of the pages that were appended last

  Result<void> begin(Bytes size) {
    auto begun = bytes.connection.begin_zero_copy(size);
    if (!begun) return tl::unexpected{begun.error()};
    calls = std::move(*begun);
    calls->copied = calls->copied || bytes.connection.m_linear;
    return {};
  }
  void end(bool failed) {
    if (calls == nullptr) return;
    if (failed) bytes.connection.take_back_call(*calls);
    release_pages(std::move(calls), false);
  }
  Bytes memory_of(Bytes added) { return bytes.connection.m_linear ? added : pinned_memory; }

  /// skb_zerocopy_iter_stream: all or nothing where a page cannot be read.
  Result<Bytes> append(Skb& skb, Bytes most) {
    if (skb.linear) return bytes.append(skb, most);
    if (skb.zero_copy != nullptr && skb.zero_copy != calls) return 0;  // a packet is lent by one record of calls
    Stack& stack = bytes.connection.m_stack;
    const std::uint32_t before = skb.size;
    std::uint64_t pages = 0;
    while (skb.size - before < most && skb.fragment_count < Skb::kMaxFragments) {
      const Bytes done = skb.size - before;
      const Bytes fits = (Skb::kMaxFragments - skb.fragment_count) * kPageSize - (bytes.from + done).page_offset();
      const auto pinned = bytes.memory.pin(bytes.from + done, std::min(most - done, fits), hal::Access::Read);
      if (!pinned) {
        stack.skbs().truncate(skb, before);
        return refuse(EFAULT);
      }
      for (const mm::Fragment& page : *pinned) {
        if (stack.skbs().append_lent(skb, page)) {
          ++pages;
        } else {
          stack.m_frames.put(page);  // of a list of small buffers: more pieces than pages
        }
      }
    }
    const Bytes size = skb.size - before;
    if (size == 0) return 0;
    stack.spend(stack.m_config.splice_fragment * pages, hal::Work::Packet);
    for_each_piece(skb, before, size, [&](PhysAddr at, Bytes piece) {
      stack.m_ledger.passed_reference(stack.m_ledger.place_of(Frame::of(at)), Place::SocketBuffer, at, piece);
    });
    skb.zero_copy = calls;
    pinned_memory = pages * kPageSize;
    bytes.from += size;
    return size;
  }
};

struct TcpConnection::PipePages {
  TcpConnection& connection;
  fs::SpliceSource& source;

  Result<void> begin(Bytes) { return {}; }
  void end(bool) {}
  Bytes memory_of(Bytes added) { return added; }
  Result<Bytes> append(Skb& skb, Bytes most) {
    Stack& stack = connection.m_stack;
    mm::Fragment fragment = source.peek(0);
    stack.spend(stack.m_config.splice_fragment, hal::Work::Packet);
    if (skb.linear) return copy(skb, fragment, most);
    if (!stack.skbs().continues(skb, fragment.address) && skb.fragment_count >= stack.m_config.max_fragments) return 0;
    fragment.size = static_cast<std::uint32_t>(std::min<Bytes>(fragment.size, most));
    stack.m_ledger.passed_reference(source.place(), Place::SocketBuffer, fragment.address, fragment.size);
    stack.m_frames.get(fragment);
    stack.skbs().append(skb, fragment, stack.m_config.max_fragments);
    source.consume(fragment.size);
    return fragment.size;
  }

  /// sock_no_sendpage: an interface that cannot gather, and a kernel that would not do it later.
  Result<Bytes> copy(Skb& skb, const mm::Fragment& fragment, Bytes most) {
    const Bytes room = connection.m_stack.skbs().linear_payload() - skb.size;
    const Bytes size = std::min({most, room, Bytes{fragment.size}});
    if (size == 0) return 0;
    connection.m_stack.m_machine.cpu.copy(fragment.address, payload_address(skb) + skb.size, size);
    skb.size += static_cast<std::uint32_t>(size);
    source.consume(size);
    return size;
  }
};

Result<Bytes> TcpConnection::send(mm::UserMemory& memory, VirtAddr from, Bytes size, SendFlags flags) {
  UserBytes bytes{*this, memory, from};
  if (!flags.zero_copy || m_options.zero_copy == 0 || size == 0) return send_from(bytes, size, flags);
  UserPages pages{bytes, nullptr};
  return send_from(pages, size, flags);
}

Result<Bytes> TcpConnection::send_pages(fs::SpliceSource& source, Bytes size, SendFlags flags) {
  PipePages pages{*this, source};
  return splice_to_socket(source, size, m_stack.m_config.splice_batch, flags.more, [&](Bytes bytes, bool more) {
    SendFlags batch_flags = flags;
    batch_flags.more = more;
    m_stack.spend(m_stack.m_config.splice_call, hal::Work::SocketCall);
    return send_from(pages, bytes, batch_flags);
  });
}

/// tcp_splice_eof, since Linux 6.5 as the batches are; before, the tail waited for the timer of a cork.
void TcpConnection::end_of_pages() {
  if (m_stack.m_config.splice_batch <= 1) return;
  lock();
  push(false, m_nagle, size_goal());
  unlock();
}

template <class Source>
Result<Bytes> TcpConnection::send_from(Source& source, Bytes size, SendFlags flags) {
  lock();
  m_stack.spend(m_stack.m_config.send_call, hal::Work::SocketCall);
  Bytes done = 0;
  int error = 0;
  if (const Result<void> begun = source.begin(size); !begun) {
    unlock();
    return refuse(begun.error().value);
  }
  if (const Result<void> ready = wait_connected(flags.non_blocking); !ready) error = ready.error().value;
  std::uint32_t goal = size_goal();
  unsigned fresh_packets = 0;
  bool full = false;  // the last packet takes no more fragments
  const auto over = [this] {
    return m_error != 0 || m_send_shutdown || m_state == State::Closed || m_state == State::Listen;
  };
  const auto failure = [&] { return !over() ? 0 : m_error != 0 ? take_error() : EPIPE; };
  // Looked at even for no bytes: whoever sends learns that nobody receives.
  if (error == 0) error = failure();
  while (error == 0 && done < size) {
    if (over()) {  // a call that has sent something leaves the error to the next
      if (done == 0) error = failure();
      break;
    }
    Skb* skb = m_unsent.back();
    if (skb == nullptr || full || !may_append(*skb, goal)) {
      full = false;
      if (!memory_free()) {
        if (done > 0) push(false, kPushOnce, goal);
        if (const Result<void> waited = wait_for_memory(flags.non_blocking); !waited) error = waited.error().value;
        goal = size_goal();
        continue;
      }
      if (++fresh_packets > kPacketsBetweenBacklog) {
        fresh_packets = 0;
        process_backlog();
        continue;
      }
      skb = new_packet();
      if (skb == nullptr) {
        error = ENOMEM;
        break;
      }
    }
    const Result<Bytes> added = source.append(*skb, std::min<Bytes>(goal - skb->size, size - done));
    if (!added) {
      error = added.error().value;
      if (skb->size == 0) {
        m_unsent.remove(*skb);
        uncharge_sending(skb->truesize);
        m_stack.skbs().release(*skb);
      }
      break;
    }
    if (*added == 0) {
      full = true;
      mark_push(*skb);
      continue;
    }
    account_append(*skb, *added, source.memory_of(*added));
    done += *added;
    if (done == size || skb->size < goal) continue;
    if (forced_push()) {
      mark_push(*skb);
      push_pending(kPushOnce);
    } else if (skb == m_unsent.front()) {
      write_out(kPushOnce, true);
    }
  }
  if (done > 0) push(flags.more, m_nagle, goal);
  source.end(done == 0);
  unlock();
  if (done > 0 || error == 0) return done;
  return refuse(error);
}

Skb* TcpConnection::new_packet() {
  m_stack.spend(m_stack.m_config.skb_allocate, hal::Work::Packet);
  const Result<Skb*> made = m_linear ? m_stack.skbs().make_linear() : m_stack.skbs().make_paged();
  if (!made) return nullptr;
  Skb& skb = **made;
  skb.sequence = m_write;
  skb.truesize = static_cast<std::uint32_t>(m_stack.m_config.skb_overhead);
  charge_sending(skb.truesize);
  m_nagle &= ~unsigned{kPushOnce};
  m_unsent.push_back(skb);
  return &skb;
}

void TcpConnection::charge_sending(Bytes size) {
  m_queued_memory += size;
  m_reserve.charge(size);
}

void TcpConnection::uncharge_sending(Bytes size) {
  m_queued_memory -= std::min(m_queued_memory, size);
  m_reserve.uncharge(size);
}

bool TcpConnection::may_append(const Skb& skb, std::uint32_t goal) const {
  return skb.size < goal && !skb.fin && !skb.syn && skb.sequence >= m_highest && skb.references == 1;
}

/// `memory`: what the bytes take up, of a packet in pages.
void TcpConnection::account_append(Skb& skb, Bytes size, Bytes memory) {
  if (!skb.linear) {
    skb.truesize += static_cast<std::uint32_t>(memory);
    charge_sending(memory);
  } else if (skb.size == size) {  // a linear packet is charged its whole slot with its first bytes
    const auto slot = static_cast<std::uint32_t>(m_stack.skbs().linear_payload());
    skb.truesize += slot;
    charge_sending(slot);
  }
  skb.push = false;
  m_write += size;
}

/// tcp_xmit_size_goal: the largest multiple of the segment size in a large packet, and in half of the peer's window.
std::uint32_t TcpConnection::size_goal() const {
  if (!m_large) return m_mss;
  Bytes most = m_stack.m_config.largest_packet_payload();
  if (m_largest_window > 0) most = std::min<Bytes>(most, std::max<Bytes>(m_largest_window / 2, 68));
  return std::max(static_cast<std::uint32_t>(round_down(most, m_mss)), m_mss);
}

/// sk_stream_wait_memory. Whoever frees memory wakes only when a third is free, so that a sender fills packets.
Result<void> TcpConnection::wait_for_memory(bool non_blocking) {
  m_wants_space = true;
  if (non_blocking) return refuse(EAGAIN);
  const bool room = wait_until(&TcpConnection::may_send_or_failed, "room in a send buffer");
  if (!room && m_stack.m_scheduler.interrupted()) return refuse(EINTR);
  return {};
}

/// tcp_push: what a call leaves behind goes out, unless it waits for more (MSG_MORE, Nagle, auto-corking).
void TcpConnection::push(bool more, unsigned nagle, std::uint32_t goal) {
  Skb* const tail = m_unsent.back();
  if (tail == nullptr) return;
  if (!more || forced_push()) mark_push(*tail);
  if (should_autocork(*tail, goal)) {
    m_throttled = true;  // the interface's next completion sends it
    return;
  }
  if (!more) m_stack.spend(m_stack.m_config.push, hal::Work::TcpOutput);
  push_pending(more ? unsigned{kCork} : nagle);
}

void TcpConnection::mark_push(Skb& skb) {
  skb.push = true;
  m_pushed = m_write;
}

bool TcpConnection::should_autocork(const Skb& skb, std::uint32_t goal) const {
  return m_stack.m_config.autocork && skb.size < goal && !skb.fin && !m_unacked.empty() &&
         m_in_interface > skb.truesize;
}

}  // namespace sluice::net
