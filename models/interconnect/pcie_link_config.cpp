// SPDX-License-Identifier: Apache-2.0
#include "models/interconnect/pcie_link_config.h"

#include <array>
#include <bit>

namespace sluice::interconnect {

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
