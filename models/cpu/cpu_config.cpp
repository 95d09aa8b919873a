// SPDX-License-Identifier: Apache-2.0
#include "models/cpu/cpu_config.h"

namespace sluice::cpu {
namespace {

void describe_lines(base::ParameterTable& table, const std::string& verb, LineCosts& costs) {
  const std::string source = "estimate: single-thread copy rates of Intel server cores by working set";
  const std::string help = "cost to " + verb + " one 64-byte line of a stream found in ";
  table.add(verb + "_l1", costs.l1, help + "the core's L1 data cache", source);
  table.add(verb + "_l2", costs.l2, help + "the core's L2 cache", source);
  table.add(verb + "_llc", costs.llc, help + "the last-level cache", source);
  table.add(verb + "_peer", costs.peer, help + "another core's cache, modified there", source);
  table.add(verb + "_memory", costs.memory, help + "DRAM, beside the wait for its bandwidth", source);
}

}  // namespace

void CpuConfig::describe(base::ParameterTable& table) {
  table.add("cores", cores, {1, 64}, "number of cores", "a platform's choice");
  table.add("frequency", frequency, {Frequency{100'000'000}, Frequency{10'000'000'000}},
            "clock of the cores; costs given in cycles scale with it",
            "Xeon Gold 6226R on technical.city: base frequency");
  describe_lines(table, "read", read);
  describe_lines(table, "write", write);
  const std::string latencies = "estimate, recalled from the Intel optimization manual: Skylake Server";
  table.add("latency_l1", latency_l1, "load-to-use latency of an L1 hit; a page-table walk pays it per step",
            latencies);
  table.add("latency_l2", latency_l2, "load-to-use latency of an L2 hit", latencies);
  table.add("latency_llc", latency_llc, "load-to-use latency of a last-level hit; a miss pays it before DRAM",
            latencies);
  table.add("copy_start", copy_start, "start of a bulk copy (rep movsb with ERMS)",
            "estimate, recalled from the Intel optimization manual");
  table.add("checksum_line", checksum_line, "adding up one line for a checksum, beside reading it",
            "estimate: 16 bytes per cycle");
  table.add("idle_exit", idle_exit, "from an interrupt to the first instruction on an idle core",
            "estimate: shallow idle state (C1)");
}

}  // namespace sluice::cpu
