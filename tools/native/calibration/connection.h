// SPDX-License-Identifier: Apache-2.0
// A TCP connection over loopback with both ends in this process, past what is special about its first segments.
#pragma once

#include "tools/native/calibration/session.h"

namespace sluice::calibration {

class Connection {
 public:
  explicit Connection(Session& session);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Bytes of buffer().
  void send(Bytes size, int flags = 0);
  /// Takes so many bytes off the receiver's queue, without copying.
  void discard(Bytes size);
  /// A recv that finds nothing.
  void look();

  [[nodiscard]] int sender() const { return m_sender; }
  [[nodiscard]] UserAddress buffer() const { return m_buffer; }
  static constexpr Bytes kRoom = 64_KiB;  ///< of the buffer

 private:
  Session& m_session;
  UserAddress m_buffer;
  int m_listener = -1;
  int m_sender = -1;
  int m_receiver = -1;
};

}  // namespace sluice::calibration
