// SPDX-License-Identifier: Apache-2.0
// What MSG_ZEROCOPY costs beside its pages: numbers for calls, limits, and the word that a buffer is free again.
#include <algorithm>
#include <poll.h>
#include <utility>

#include "kernel_sim/net/stack.h"
#include "kernel_sim/net/tcp_connection.h"

namespace sluice::net {

/// msg_zerocopy_realloc: the call joins those of the packet that its bytes will be appended to, or begins anew.
/// ENOBUFS when the socket has too many records or the user too many pages locked.
Result<std::shared_ptr<ZeroCopyCalls>> TcpConnection::begin_zero_copy(Bytes size) {
  const NetConfig& config = m_stack.m_config;
  m_stack.spend(config.zero_copy_call, hal::Work::SocketCall);
  Skb* const tail = m_unsent.back();
  std::shared_ptr<ZeroCopyCalls> calls = tail != nullptr ? tail->zero_copy : nullptr;
  const bool joins = calls != nullptr && calls->count != ZeroCopyCalls::kMostCalls &&
                     calls->bytes + size <= ZeroCopyCalls::kMostBytes &&
                     calls->first + calls->count == m_zero_copy.next;
  if (!joins && m_zero_copy.record_memory + NetConfig::kZeroCopyRecord > config.optmem_max) return refuse(ENOBUFS);
  const std::uint64_t pages = size / kPageSize + 2;  // at worst (mm_account_pinned_pages)
  if (m_stack.m_locked_pages + pages > config.memory_lock / kPageSize) return refuse(ENOBUFS);
  if (!joins) {
    calls = std::make_shared<ZeroCopyCalls>();
    calls->connection = shared_from_this();
    calls->first = m_zero_copy.next;
    m_zero_copy.record_memory += config.skb_overhead;
  }
  m_stack.m_locked_pages += pages;
  calls->pages += pages;
  calls->bytes += size;
  ++calls->count;
  ++m_zero_copy.next;
  return calls;
}

/// msg_zerocopy_put_abort: the call failed, and the next one gets its number.
void TcpConnection::take_back_call(ZeroCopyCalls& calls) {
  --m_zero_copy.next;
  --calls.count;
}

void TcpConnection::release_pages(std::shared_ptr<ZeroCopyCalls> calls, bool copied) {
  calls->copied = calls->copied || copied;
  if (calls.use_count() > 1) return;
  const std::shared_ptr<TcpConnection> connection = std::move(calls->connection);
  connection->tell_of(*calls);
}

/// __msg_zerocopy_callback.
void TcpConnection::tell_of(const ZeroCopyCalls& calls) {
  m_stack.m_locked_pages -= calls.pages;
  m_stack.spend(m_stack.m_config.zero_copy_told, hal::Work::Packet);
  const bool tells = calls.count > 0 && !m_orphan;
  if (!tells || !m_zero_copy.queue.add(calls)) {
    m_zero_copy.record_memory -= m_stack.m_config.skb_overhead;
  }
  if (tells) wake(POLLERR);
}

/// ip_recv_error, sock_dequeue_err_skb.
Result<kernel_sim::SocketError> TcpConnection::receive_error() {
  m_stack.spend(m_stack.m_config.error_record, hal::Work::SocketCall);
  const std::optional<kernel_sim::SocketError> record = m_zero_copy.queue.take();
  if (!record) return refuse(EAGAIN);
  m_zero_copy.record_memory -= m_stack.m_config.skb_overhead;
  if (!m_zero_copy.queue.empty()) wake(POLLERR);
  return *record;
}

}  // namespace sluice::net
