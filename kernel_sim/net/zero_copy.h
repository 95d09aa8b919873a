// SPDX-License-Identifier: Apache-2.0
// MSG_ZEROCOPY: packets refer to the program's own pages, and the program is told when none does any more (the
// msg_zerocopy functions of net/core/skbuff.c).
//
//   send ─► ZeroCopyCalls ◄── packets that refer to the pages
//                 │ with the last packet gone
//                 ▼
//            ErrorQueue ─► POLLERR, recvmsg(MSG_ERRQUEUE): "calls 3 to 7"
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "kernel_sim/system_calls.h"
#include "models/base/types.h"

namespace sluice::net {

class TcpConnection;

/// Calls in a row that are told of together, as long as a packet refers to their pages (struct ubuf_info_msgzc). Who
/// holds one gives it back by TcpConnection::release_pages.
struct ZeroCopyCalls {
  static constexpr Bytes kMostBytes = Bytes{1} << 19;  ///< "limit to a few TSO"
  static constexpr std::uint32_t kMostCalls = 0xFFFE;  ///< USHRT_MAX - 1

  std::shared_ptr<TcpConnection> connection;
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  Bytes bytes = 0;
  std::uint64_t pages = 0;  ///< accounted as locked
  bool copied = false;      ///< the bytes of some packet were copied after all
};

/// What a socket has to tell beside its bytes (sk_error_queue).
class ErrorQueue {
 public:
  [[nodiscard]] bool empty() const { return m_records.empty(); }
  /// Calls that follow those of the last record join it, whatever it says of copies (skb_zerocopy_notify_extend).
  /// Whether a new record was made.
  bool add(const ZeroCopyCalls& calls);
  std::optional<kernel_sim::SocketError> take();

 private:
  std::deque<kernel_sim::SocketError> m_records;
};

/// Of one connection.
struct ZeroCopyState {
  std::uint32_t next = 0;   ///< number of the next call (sk_zckey)
  Bytes record_memory = 0;  ///< of records that are used or wait in the queue (sk_omem_alloc)
  ErrorQueue queue;
};

}  // namespace sluice::net
