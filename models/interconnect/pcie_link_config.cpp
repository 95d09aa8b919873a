// SPDX-License-Identifier: Apache-2.0
#include "models/interconnect/pcie_link_config.h"

#include <algorithm>
#include <array>
#include <bit>

namespace sluice::interconnect {

namespace {

bool is_width(unsigned lanes) {
  constexpr std::array<unsigned, 6> kWidths{1, 2, 4, 8, 12, 16};
  return std::find(kWidths.begin(), kWidths.end(), lanes) != kWidths.end();
}
bool is_size(Bytes n) { return std::has_single_bit(n) && n >= 128 && n <= 4096; }
bool leaves_room(Bytes limit) { return limit == 0 || limit >= 32; }

}  // namespace

std::vector<base::Rule<PcieLinkConfig>> PcieLinkConfig::rules() {
  using Config = PcieLinkConfig;
  return {
      {{"generation"},
       "generation must be 1 to 5",
       [](const Config& c) { return c.generation >= 1 && c.generation <= 5; }},
      {{"lanes"}, "lanes must be 1, 2, 4, 8, 12 or 16", [](const Config& c) { return is_width(c.lanes); }},
      {{"max_payload"},
       "max_payload must be a power of two from 128 B to 4096 B",
       [](const Config& c) { return is_size(c.max_payload); }},
      {{"max_read_request"},
       "max_read_request must be a power of two from 128 B to 4096 B",
       [](const Config& c) { return is_size(c.max_read_request); }},
      {{"tags"}, "tags must be at least 1", [](const Config& c) { return c.tags != 0; }},
      {{"ack_limit"}, "ack_limit must be 0 or at least 32 B", [](const Config& c) { return leaves_room(c.ack_limit); }},
      {{"flow_control_limit"},
       "flow_control_limit must be 0 or at least 32 B",
       [](const Config& c) { return leaves_room(c.flow_control_limit); }},
  };
}

std::string PcieLinkConfig::problem() const { return broken_rule(*this); }

}  // namespace sluice::interconnect
