// SPDX-License-Identifier: Apache-2.0
// Platform descriptions: which components a machine has, how they are linked, and their parameters.
//
//   schema: sluice.platform/1
//   description: ...
//   links:
//     - { name: pcie.nic, from: nic, to: root_complex, kind: pcie }
//   nic:
//     rate: 25 Gbps                                            # a value
//     mtu: { value: 9000 B, source: "measured on this host" }  # or a value and where it comes from; a measured one
//                                                              # also with spread: 2 % and date: 2026-11-25
//   pcie: { nic: { lanes: 8 } }
//   kernel: { ... }
//
//   host: { cpu: model name, kernel: release, date: 2026-11-25, smallest_chunk: 4 KiB, largest_chunk: 1 MiB,
//           shared_core: 28 %, core_probe: 4600 ns }   (these two may be left out)
//
// `host` says of which machine the values were measured, and for which chunks they are meant. A component exists when
// it has a section, which may be empty ("nic:").
#pragma once

#include "tools/scenario/configuration.h"

namespace sluice::scenario {

inline constexpr const char* kPlatformSchema = "sluice.platform/1";

/// Fills machine, kernel and sources from a description; throws InputError.
void read_platform(const Node& root, Configuration& configuration);

}  // namespace sluice::scenario
