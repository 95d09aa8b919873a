// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/other_work.h"

namespace sluice::calibration {

OtherWork::OtherWork(Session& session)
    : m_session(session), m_buffer(session.map_buffer(kSize)), m_connection(session) {
  session.need("pipe", session.calls.pipe(m_pipe));
}

OtherWork::~OtherWork() {
  for (const int end : m_pipe) m_session.calls.close(end);
  m_session.calls.munmap(m_buffer, kSize);
}

void OtherWork::operator()() {
  m_session.need_all("write", m_session.calls.write(m_pipe[1], m_buffer, kSize), kSize);
  m_connection.send(kPageSize);  // less, and what the process sends next would be copied to unaligned addresses
  m_connection.discard(kPageSize);
  m_session.need_all("read", m_session.calls.read(m_pipe[0], m_buffer, kSize), kSize);
}

}  // namespace sluice::calibration
