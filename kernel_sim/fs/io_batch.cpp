// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/fs_services.h"

namespace sluice::fs {

class IoBatch::Piece final : public block::Bio {
 public:
  Piece(IoBatch& batch, block::Direction direction, std::uint64_t first_sector)
      : Bio(direction, first_sector), m_batch(batch) {}
  void finished(bool success) override {
    m_batch.m_failed |= !success;
    if (--m_batch.m_pending == 0) m_batch.m_services.scheduler.wake_all(m_batch.m_waiters);
  }

 private:
  IoBatch& m_batch;
};

std::unique_ptr<block::Bio> IoBatch::make_bio(block::Direction direction, std::uint64_t first_sector) {
  ++m_pending;
  return std::make_unique<Piece>(*this, direction, first_sector);
}

Result<void> IoBatch::wait() {
  while (m_pending > 0) m_services.scheduler.wait(m_waiters, "the disk");
  if (m_failed) return refuse(EIO);
  return {};
}

}  // namespace sluice::fs
