// SPDX-License-Identifier: Apache-2.0
// Parameters of one PCI Express link.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::interconnect {

struct PcieLinkConfig {
  unsigned generation = 3;       ///< 1 to 5: 2.5, 5, 8, 16, 32 GT/s per lane
  unsigned lanes = 8;            ///< 1, 2, 4, 8, 12 or 16
  Bytes max_payload = 256;       ///< MPS: a power of two, 128 to 4096
  Bytes max_read_request = 512;  ///< MRRS: a power of two, 128 to 4096
  Picoseconds latency = 150_ns;  ///< one way: logic of both ends and propagation, without serialisation
  unsigned tags = 64;            ///< read requests that the device keeps outstanding
  Bytes ack_limit = 0;           ///< bytes between two acknowledgement DLLPs; 0: as recommended by the specification
  Bytes flow_control_limit = 0;  ///< bytes between two flow-control DLLPs; 0: as recommended by the specification
  bool ecrc = false;             ///< 4 more bytes on each TLP

  void describe(base::ParameterTable& table);
  /// What makes the link impossible (a number of lanes that does not exist) in a phrase; empty when all is well.
  [[nodiscard]] std::string problem() const;
};

}  // namespace sluice::interconnect
