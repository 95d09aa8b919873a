// SPDX-License-Identifier: Apache-2.0
// The machine as a graph of what is built: core parts, devices, switches and far ends are vertices, links are edges.
// Answers whether the machine can work, which way data go, and how fast payload can be at best.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "models/platform/machine_description.h"

namespace sluice::platform {

/// Throws InputError ("name: ...") when the machine cannot send a file: a device is missing, out of reach, or attached
/// to what is not there.
void check(const MachineDescription& machine, const std::string& name);

/// The most that can pass, in payload bytes per second, and the edge that sets it ("nic.wire", "pcie.disk", ...).
struct Bound {
  std::uint64_t bytes_per_s = 0;
  std::string limited_by;
};

class Topology {
 public:
  /// Edge capacities are goodputs for file data: PCIe without TLP overhead, the wire without frames, headers and gaps
  /// at full segments, a disk's medium at its rate. `warm`: the files are in memory, the disks take no part and each
  /// byte is read from DRAM at least once, unless the CPU caches may hold it (`in_caches`).
  Topology(const MachineDescription& machine, bool warm, bool in_caches = false);
  ~Topology();
  Topology(const Topology&) = delete;
  Topology& operator=(const Topology&) = delete;

  /// Max-flow from the media of all disks to memory and on to all peers; warm, from memory to the peers. Rounded up, so
  /// that no run can pass it by rounding. Over loopback bytes need not leave memory: warm there is no such bound, and
  /// it is 0 and nameless. The limit named is the first edge of the minimum cut on the way.
  [[nodiscard]] Bound static_bound() const;
  /// The links on a shortest way between two vertices ("disk.media", "switch0", "memory", "nic.wire"); empty when there
  /// is none.
  [[nodiscard]] std::vector<std::string> route(const std::string& from, const std::string& to) const;

 private:
  struct Graph;
  std::unique_ptr<Graph> m_graph;
  bool m_warm;
};

}  // namespace sluice::platform
