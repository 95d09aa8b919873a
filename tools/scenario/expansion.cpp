// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/expansion.h"

#include <algorithm>

namespace sluice::scenario {

unsigned Expansion::cores() const {
  unsigned last = 0;
  for (const Sender& sender : senders) last = std::max(last, sender.core);
  for (const Connection& connection : connections) last = std::max(last, connection.receiver_core);
  return last + 1;
}

Expansion expand(const Configuration& configuration) {
  return expand(configuration.workload, configuration.machine.cpu.cores,
                static_cast<unsigned>(configuration.machine.all("nic").size()));
}

Expansion expand(const Workload& workload, unsigned cores, unsigned cards) {
  Expansion expansion;
  for (unsigned i = 0; i < workload.workers; ++i) expansion.senders.push_back({i % cores, {}});
  for (unsigned i = 0; i < workload.connections; ++i) {
    const unsigned sender = i % workload.workers;
    expansion.senders[sender].connections.push_back(i);
    Expansion::Connection& connection = expansion.connections.emplace_back();
    connection.sender = sender;
    connection.receiver_core = cards > 0 ? 0 : (expansion.senders[sender].core + workload.cpus - 1) % cores;
    if (cards > 0) connection.cards.push_back(i % cards);
    for (unsigned card = i + workload.connections; card < cards; card += workload.connections) {
      connection.cards.push_back(card);
    }
  }
  return expansion;
}

}  // namespace sluice::scenario
