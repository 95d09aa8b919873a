// SPDX-License-Identifier: Apache-2.0
#include "models/irq/pending_logic.h"

namespace sluice::irq {

bool PendingVectors::arrive(unsigned vector) {
  Vector& state = m_vectors[vector];
  ++state.statistics.messages;
  if (state.pending) {
    ++state.statistics.coalesced;
    return false;
  }
  state.pending = true;
  state.announced = m_enabled[state.core];
  return state.announced;
}

void PendingVectors::acknowledge(unsigned vector) {
  Vector& state = m_vectors[vector];
  if (!state.pending) return;
  state.pending = false;
  ++state.statistics.accepted;
}

std::optional<unsigned> PendingVectors::next_unannounced() {
  for (unsigned vector = 0; vector < fabric::kVectors; ++vector) {
    Vector& state = m_vectors[vector];
    if (!state.pending || state.announced || !m_enabled[state.core]) continue;
    state.announced = true;
    return vector;
  }
  return std::nullopt;
}

}  // namespace sluice::irq
