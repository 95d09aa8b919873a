// SPDX-License-Identifier: Apache-2.0
// Platform descriptions: in what a machine and its kernel differ from another platform, or from the defaults.
//
//   schema: sluice.platform/1
//   description: ...
//   base: server-2020.yaml                                     # beside this file; without it: the defaults
//   without: [nic]                                             # devices that the base has and this machine has not
//   devices:                                                   # further devices, and where devices are attached
//     switch0: { kind: switch, pcie: { lanes: 16 } }           # at the root complex unless `at` says otherwise
//     disk1: { kind: disk, at: switch0, ssd_read_rate: 6 GB/s, pcie: { lanes: 4 } }
//     nic: { at: switch0 }
//   scale: { kernel: { by: 0.7, source: "estimate: ..." } }    # of the base: every cost of a section that is a time,
//                                                              # or a single parameter
//   nic:
//     rate: 25 Gbps                                            # a value
//     mtu: { value: 9000 B, source: "measured on this host" }  # or a value and where it comes from; a measured one
//                                                              # also with spread: 2 % and date: 2026-11-25
//   pcie: { nic: { lanes: 8 } }
//   kernel: { ... }
//
//   host: { cpu: model name, kernel: release, date: 2026-11-25, smallest_chunk: 4 KiB, largest_chunk: 1 MiB,
//           shared_core: 28 %, own_core: 0.978x }   (these two may be left out)
//
// `host` says of which machine the values were measured, and for which chunks they are meant. A device has a link of
// its own (pcie: { NAME: ... }) to what it is attached to; what belongs to a further NIC stands under its name (nic1: {
// wire: { propagation: 1 us } }).
#pragma once

#include "tools/scenario/configuration.h"

namespace sluice::scenario {

inline constexpr const char* kPlatformSchema = "sluice.platform/1";
inline constexpr std::size_t kMostBases = 4;  ///< platforms below a platform, one on the other

/// Makes machine, kernel and origins what a description says; throws InputError. Its place names the file.
void read_platform(const Node& root, Configuration& configuration);

/// Refuses, at `node`, a file that is not there.
void require_file(const Node& node, const std::string& what, const std::string& path);

/// A file named in `file`: beside it.
std::string beside(const std::string& file, const std::string& relative);

}  // namespace sluice::scenario
