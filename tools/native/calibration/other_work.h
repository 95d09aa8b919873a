// SPDX-License-Identifier: Apache-2.0
// What lies between two calls of one kind in a program that moves data: other calls, and copies. They leave first-level
// caches, branch predictors and TLB filled with other code and data, so that a call takes longer than in a loop of its
// own.
#pragma once

#include "tools/native/calibration/connection.h"

namespace sluice::calibration {

class OtherWork {
 public:
  explicit OtherWork(Session& session);
  ~OtherWork();
  OtherWork(const OtherWork&) = delete;
  OtherWork& operator=(const OtherWork&) = delete;

  /// A write to a pipe and a read of it, each of more than a first-level cache holds, and a page to a socket and out
  /// of it between them: no other call goes through as much code.
  void operator()();

 private:
  static constexpr Bytes kSize = 48_KiB;  // an empty pipe takes it at once

  Session& m_session;
  UserAddress m_buffer;
  Connection m_connection;
  int m_pipe[2] = {-1, -1};
};

}  // namespace sluice::calibration
