// SPDX-License-Identifier: Apache-2.0
#include "models/interconnect/pcie_link_config.h"

#include <array>
#include <bit>

namespace sluice::interconnect {

void PcieLinkConfig::describe(base::ParameterTable& table) {
  const std::string model = "Neugebauer et al., SIGCOMM 2018, published model (pcie-bench/pcie-model)";
  table.add("generation", generation, {1, 5}, "2.5, 5, 8, 16 or 32 GT/s per lane",
            "PCI Express base specification 5.0");
  table.add("lanes", lanes, {1, 16}, "1, 2, 4, 8, 12 or 16", "PCI Express base specification 5.0");
  table.add("max_payload", max_payload, {128, 4096}, "largest payload of a write or completion (MPS), a power of two",
            model);
  table.add("max_read_request", max_read_request, {128, 4096}, "largest read request (MRRS), a power of two", model);
  table.add("latency", latency, {Picoseconds{}, 100_us},
            "one way, logic of both ends and propagation, without serialisation",
            "estimate (64 B read round trip of 500 to 600 ns, pcie-bench, recalled)");
  table.add("tags", tags, {1, 1024}, "read requests that the device keeps outstanding", "estimate");
  table.add("ack_limit", ack_limit, {0, 1_MiB}, "bytes between two acknowledgements; 0: the specification's formula",
            "estimate: the formula, recalled from PCI Express base specification 5.0, tables 3-7 to 3-9");
  table.add("flow_control_limit", flow_control_limit, {0, 1_MiB},
            "bytes between two flow-control updates; 0: the specification's formula",
            "estimate: the formula, recalled from PCI Express base specification 5.0, tables 2-46 to 2-48");
  table.add("ecrc", ecrc, "end-to-end checksum, 4 more bytes per packet", model);
}

std::string PcieLinkConfig::problem() const {
  if (generation < 1 || generation > 5) return "generation must be 1 to 5";
  constexpr std::array<unsigned, 6> widths{1, 2, 4, 8, 12, 16};
  bool width_exists = false;
  for (const unsigned width : widths) width_exists = width_exists || lanes == width;
  if (!width_exists) return "lanes must be 1, 2, 4, 8, 12 or 16";
  const auto is_size = [](Bytes n) { return std::has_single_bit(n) && n >= 128 && n <= 4096; };
  if (!is_size(max_payload)) return "max_payload must be a power of two from 128 B to 4096 B";
  if (!is_size(max_read_request)) return "max_read_request must be a power of two from 128 B to 4096 B";
  if (tags == 0) return "tags must be at least 1";
  const auto leaves_room = [](Bytes limit) { return limit == 0 || limit >= 32; };
  if (!leaves_room(ack_limit)) return "ack_limit must be 0 or at least 32 B";
  if (!leaves_room(flow_control_limit)) return "flow_control_limit must be 0 or at least 32 B";
  return {};
}

}  // namespace sluice::interconnect
