// SPDX-License-Identifier: Apache-2.0
// The processes that a workload stands for: its senders, and over loopback its receivers.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/scenario/configuration.h"

namespace sluice::scenario {

struct Expansion {
  struct Sender {
    unsigned core;
    std::vector<unsigned> connections;  ///< by number, in ascending order
  };
  struct Connection {
    unsigned sender;
    unsigned receiver_core;       ///< over loopback
    std::vector<unsigned> cards;  ///< file i goes over number i modulo their number; over loopback none
  };
  std::vector<Sender> senders;
  std::vector<Connection> connections;

  /// Cores that have a process, counted from core 0 to the last one.
  [[nodiscard]] unsigned cores() const;
};

/// - Sender i runs on core i, modulo the number of cores. Connections go to senders in turn.
/// - Connections go over the machine's cards in turn. With fewer connections than cards, one connection's files go over
///   several cards in turn.
/// - Over loopback each connection has a receiver: on its sender's core, or with `cpus: 2` on the next one.
Expansion expand(const Configuration& configuration);
/// The same on a machine with so many cores and network cards.
Expansion expand(const Workload& workload, unsigned cores, unsigned cards);

/// A transfer is one file over one connection in one pass. Transfers are numbered by connections, of one by its passes,
/// and of one by its files.
inline std::uint64_t first_transfer(const Workload& workload, unsigned connection) {
  return std::uint64_t{connection} * workload.repeat * workload.count;
}

}  // namespace sluice::scenario
