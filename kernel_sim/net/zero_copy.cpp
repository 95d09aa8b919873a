// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/zero_copy.h"

#include <ctime>

#include <linux/errqueue.h>

namespace sluice::net {

bool ErrorQueue::add(const ZeroCopyCalls& calls) {
  if (!m_records.empty() && m_records.back().data + 1 == calls.first) {
    m_records.back().data += calls.count;
    return false;
  }
  m_records.push_back({.origin = SO_EE_ORIGIN_ZEROCOPY,
                       .code = static_cast<std::uint8_t>(calls.copied ? SO_EE_CODE_ZEROCOPY_COPIED : 0),
                       .info = calls.first,
                       .data = calls.first + calls.count - 1});
  return true;
}

std::optional<kernel_sim::SocketError> ErrorQueue::take() {
  if (m_records.empty()) return {};
  const kernel_sim::SocketError first = m_records.front();
  m_records.pop_front();
  return first;
}

}  // namespace sluice::net
