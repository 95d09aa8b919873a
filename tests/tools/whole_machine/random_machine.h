// SPDX-License-Identifier: Apache-2.0
// Random workloads on random machines, from a seed.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "kernel_sim/programs/strategy.h"

namespace sluice::tests {

class RandomMachine {
 public:
  void seed(std::uint32_t seed) { m_random.seed(seed); }
  template <class T>
  T pick(std::initializer_list<T> choices) {
    return pick(std::vector<T>{choices});
  }
  template <class T>
  T pick(const std::vector<T>& choices) {
    return choices[std::uniform_int_distribution<std::size_t>{0, choices.size() - 1}(m_random)];
  }
  std::uint64_t number(std::uint64_t low, std::uint64_t high) {
    return std::uniform_int_distribution<std::uint64_t>{low, high}(m_random);
  }
  const char* flag() { return pick({"true", "false"}); }
  /// Around powers of two and page ends, where mistakes are.
  std::uint64_t size() {
    const std::uint64_t around = std::uint64_t{1} << number(0, 20);
    return std::max<std::uint64_t>(1, around + number(0, 4) - std::min<std::uint64_t>(around, 2));
  }

  std::string workload() {
    const char* placement = pick({"contiguous", "contiguous", "scattered"});
    const std::string files =
        number(0, 3) == 0
            ? fmt::format("files: {{ count: {}, size: {} B, seed: {}, placement: {} }}", number(1, 20),
                          std::min<std::uint64_t>(size(), 65'536), number(1, 99), placement)
            : fmt::format("file: {{ size: {} B, seed: {}, placement: {} }}", size(), number(1, 99), placement);
    const std::uint64_t connections = number(0, 2) == 0 ? number(1, 5) : 1;
    return fmt::format("workload: {{ {}, chunk: {} B, page_cache: {}, connections: {}, workers: {}, repeat: {} }}\n",
                       files, number(1, 8) == 1 ? size() : 65'536U, pick({"cold", "warm"}), connections,
                       number(1, connections), number(1, 3));
  }

  std::vector<std::string> machine() {
    std::vector<std::string> settings = {
        fmt::format("nic.gather={}", flag()),
        fmt::format("nic.checksum_offload={}", flag()),
        fmt::format("nic.segmentation_offload={}", flag()),
        fmt::format("kernel.net.gso={}", flag()),
        fmt::format("nic.mtu={} B", pick({576, 1500, 4000, 9000})),
        fmt::format("nic.rate={} Gbps", pick({1, 10, 25, 100, 200})),
        fmt::format("nic.tx_coalesce_frames={}", number(1, 64)),
        fmt::format("nic.rx_coalesce_frames={}", number(1, 64)),
        fmt::format("peer.ack_segments={}", number(1, 8)),
        fmt::format("peer.gro={}", flag()),
        fmt::format("peer.receive_window={} KiB", pick({8, 64, 256, 4096})),
        fmt::format("cpu.cores={}", number(1, 3)),
        fmt::format("disk.queue_depth={}", pick({1, 2, 32, 256})),
        fmt::format("cache.ddio={}", flag()),
        fmt::format("pcie.nic.max_payload={} B", pick({128, 256, 512})),
        fmt::format("memory.size={} MiB", pick({72, 128, 1024})),
    };
    return settings;
  }

  /// A scenario of one strategy.
  std::string scenario() {
    return fmt::format(
        "schema: sluice/1\ndescription: random\nplatform: {}/scenarios/platforms/{}.yaml\n{}"
        "strategies: [{}]\n",
        SLUICE_SOURCE_DIR, pick({"server-2008", "server-2020", "server-2025"}), workload(),
        pick(kernel_sim::strategy_names()));
  }

 private:
  std::mt19937 m_random;
};

}  // namespace sluice::tests
