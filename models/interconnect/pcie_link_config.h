// SPDX-License-Identifier: Apache-2.0
// Parameters of one PCI Express link.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::interconnect {

struct PcieLinkConfig : base::Parameters {
  static constexpr const char* kModel = "Neugebauer et al., SIGCOMM 2018, published model (pcie-bench/pcie-model)";

  unsigned generation = parameter(generation, "generation", 3, {1, 5}, "2.5, 5, 8, 16 or 32 GT/s per lane",
                                  "PCI Express base specification 5.0");
  unsigned lanes = parameter(lanes, "lanes", 8, {1, 16}, "1, 2, 4, 8, 12 or 16", "PCI Express base specification 5.0");
  Bytes max_payload = parameter(max_payload, "max_payload", 256, {128, 4096},
                                "largest payload of a write or completion (MPS), a power of two", kModel);
  Bytes max_read_request = parameter(max_read_request, "max_read_request", 512, {128, 4096},
                                     "largest read request (MRRS), a power of two", kModel);
  Picoseconds latency = parameter(latency, "latency", 150_ns, {0_ps, 100_us},
                                  "one way, logic of both ends and propagation, without serialisation",
                                  "estimate (64 B read round trip of 500 to 600 ns, pcie-bench, recalled)");
  unsigned tags = parameter(tags, "tags", 64, {1, 1024}, "read requests that the device keeps outstanding", "estimate");
  Bytes ack_limit = parameter(
      ack_limit, "ack_limit", 0, {0, 1_MiB}, "bytes between two acknowledgements; 0: the specification's formula",
      "estimate: the formula, recalled from PCI Express base specification 5.0, tables 3-7 to 3-9");
  Bytes flow_control_limit =
      parameter(flow_control_limit, "flow_control_limit", 0, {0, 1_MiB},
                "bytes between two flow-control updates; 0: the specification's formula",
                "estimate: the formula, recalled from PCI Express base specification 5.0, tables 2-46 to 2-48");
  bool ecrc = parameter(ecrc, "ecrc", false, "end-to-end checksum, 4 more bytes per packet", kModel);

  static std::vector<base::Rule<PcieLinkConfig>> rules();
  /// What makes the link impossible (a number of lanes that does not exist) in a phrase; empty when all is well.
  [[nodiscard]] std::string problem() const;
};

}  // namespace sluice::interconnect
