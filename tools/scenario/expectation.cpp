// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/expectation.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace sluice::scenario {
namespace {

using Json = nlohmann::ordered_json;

const Json* walk(const Json& from, std::string_view path) {
  const Json* at = &from;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const std::string key{path.substr(0, dot)};
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    if (at->is_object() && at->contains(key)) {
      at = &(*at)[key];
    } else if (at->is_array()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (error != std::errc{} || end != key.data() + key.size() || index >= at->size()) return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

bool equal(const Json& want, const Json& got) {
  if (!want.is_number() || !got.is_number()) return want == got;
  const double wanted = want.get<double>();
  return std::abs(wanted - got.get<double>()) <= 1e-9 * std::abs(wanted);
}

bool holds(const Expectation& expectation, const Json& got) {
  if (expectation.want) return equal(*expectation.want, got);
  if (!got.is_number()) return false;
  const double value = got.get<double>();
  return (!expectation.min || value >= *expectation.min) && (!expectation.max || value <= *expectation.max);
}

bool has_keys_of_its_own(const std::string& path) {
  return path == "system_calls" || path == "moves" || path == "settings" || path == "point" || path == "features";
}

}  // namespace

const std::vector<std::string>& result_paths() {
  static const std::vector<std::string> paths{"payload_bytes",
                                              "throughput_bytes_per_s",
                                              "system_calls",
                                              "moves",
                                              "settings",
                                              "point",
                                              "features",
                                              "workload.files",
                                              "workload.file_bytes",
                                              "workload.chunk_bytes",
                                              "workload.page_cache",
                                              "delivered.bytes",
                                              "delivered.sha256",
                                              "delivered.intact",
                                              "time.elapsed_ns",
                                              "time.cpu_user_ns",
                                              "time.cpu_kernel_ns",
                                              "time.cpu_irq_ns",
                                              "time.cpu_idle_ns",
                                              "mode_switches",
                                              "context_switches",
                                              "interrupts",
                                              "page_faults_minor",
                                              "page_faults_major",
                                              "tlb_misses",
                                              "dma_descriptors",
                                              "mmio_accesses",
                                              "wire_frames",
                                              "copies.cpu",
                                              "copies.dma",
                                              "bytes.cpu",
                                              "bytes.pio",
                                              "bytes.dma",
                                              "bytes.overhead_cpu",
                                              "bytes.overhead_dma",
                                              "bytes.dram_read",
                                              "bytes.dram_written",
                                              "bytes.pcie_payload",
                                              "bytes.pcie_wire",
                                              "latency_ns.p50",
                                              "latency_ns.p99",
                                              "latency_ns.p999",
                                              "latency_ns.max",
                                              "bound.static_bytes_per_s",
                                              "bound.static_limited_by",
                                              "bound.demand_bytes_per_s",
                                              "bound.demand_limited_by"};
  return paths;
}

bool is_result_path(const std::string& path) {
  const std::string counts = "counts.";
  const std::string bare = path.starts_with(counts) ? path.substr(counts.size()) : path;
  return std::any_of(result_paths().begin(), result_paths().end(), [&](const std::string& known) {
    return bare == known || (has_keys_of_its_own(known) && bare.starts_with(known + "."));
  });
}

const Json* find_value(const Json& run, const std::string& path) {
  if (const Json* value = walk(run, path)) return value;
  return walk(run, "counts." + path);
}

Json evaluate(const std::vector<Expectation>& expectations, const Json& run) {
  Json entries = Json::array();
  for (const Expectation& expectation : expectations) {
    const Json* got = find_value(run, expectation.path);
    Json entry{{"what", expectation.path}};
    if (expectation.want) entry["want"] = *expectation.want;
    if (expectation.min) entry["min"] = *expectation.min;
    if (expectation.max) entry["max"] = *expectation.max;
    entry["got"] = got ? *got : Json{};
    entry["holds"] = got && holds(expectation, *got);
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace sluice::scenario
