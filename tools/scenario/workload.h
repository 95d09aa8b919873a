// SPDX-License-Identifier: Apache-2.0
// What a run sends: files, in chunks, over connections that workers share, from a page cache that is cold, warm or hot.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "models/base/parameters.h"
#include "tools/results/workload_names.h"
#include "tools/scenario/file_placement.h"

namespace sluice::scenario {

enum class PageCache : std::uint8_t { Cold, Warm, Hot };

/// How sender and receiver are run where both are tasks of one machine.
enum class Regime : std::uint8_t {
  Default,     ///< as the kernel does it: buffers grow by autotuning, ordinary scheduling
  Controlled,  ///< SCHED_BATCH and socket buffers of kControlledSocketBuffer on both, Reno: repeats better
};
/// SO_SNDBUF and SO_RCVBUF asked for in the controlled regime: Linux's net.core.wmem_max, so nobody needs a privilege.
inline constexpr Bytes kControlledSocketBuffer = 212'992;
/// What the simulated kernel has and every user of Linux may choose. A host's default may be another that paces by
/// timers (BBR), which costs CPU time of its own.
inline constexpr const char* kControlledCongestionControl = "reno";

/// One file of the host, or `count` synthetic files of `size` bytes each, file number i made from `seed` + i.
struct Workload : base::Parameters {
  enum class Form : std::uint8_t { File, Files, Path };

  static constexpr const char* kSource = "the scenario's choice";
  static constexpr base::Range<Bytes> kSizes{0, 1024_GiB};
  static constexpr base::Range<unsigned> kSeeds{0, 1'000'000'000};
  static constexpr std::uint64_t kMostTransfers = 1'000'000;  ///< of a file over a connection

  Form form = Form::File;
  std::string path{};  ///< of Form::Path: the host's file
  // "file.size" or "files.size": the form says under which name they are set
  Bytes size = (parameter(size, "file.size", 64_KiB, kSizes, "size of the synthetic file", kSource),
                parameter(size, "files.size", 64_KiB, kSizes, "size of each", kSource));
  unsigned count =
      parameter(count, "files.count", 1, {1, 1'000'000}, "number of files, sent one after the other", kSource);
  unsigned seed = (parameter(seed, "file.seed", 1, kSeeds, "what its bytes are made from", kSource),
                   parameter(seed, "files.seed", 1, kSeeds,
                             "what the bytes of the first are made from; the next take the next numbers", kSource));
  // "file.placement" or "files.placement"
  FilePlacement placement =
      (choice(placement, "file.placement", FilePlacement::Contiguous, kFilePlacementNames, kFilePlacementHelp, kSource),
       choice(placement, "files.placement", FilePlacement::Contiguous, kFilePlacementNames, kFilePlacementHelp,
              kSource));
  Bytes chunk = parameter(chunk, "chunk", 64_KiB, {1, 1_GiB}, "bytes asked for in one call", kSource);
  PageCache page_cache =
      choice(page_cache, "page_cache", PageCache::Cold, results::kPageCacheNames,
             "warm: the files lie in the page cache when the run starts, and CPU caches are cold; hot: and core 0 has "
             "just read them, so that the CPU caches hold as much as fits",
             kSource);
  unsigned cpus =
      parameter(cpus, "cpus", 1, {1, 2}, "over loopback: sender and receiver on one core, or on one each", kSource);
  Regime regime =
      choice(regime, "regime", Regime::Default, results::kRegimeNames,
             "over loopback; controlled: SCHED_BATCH and socket buffers of 212992 B at both ends, Reno", kSource);

  unsigned connections = parameter(connections, results::kConnections, 1, {1, 1024},
                                   "connections at a time, each with all files to a receiver of its own", kSource);
  unsigned workers =
      parameter(workers, results::kWorkers, 1, {1, 1024},
                "processes that share the connections, on the machine's cores in turn; at most as many", kSource);
  unsigned repeat =
      parameter(repeat, results::kRepeat, 1, {1, 10'000}, "how often each connection sends all files", kSource);

  /// How often each file is delivered.
  [[nodiscard]] std::uint64_t deliveries() const { return std::uint64_t{connections} * repeat; }
  [[nodiscard]] std::uint64_t transfers() const { return count * deliveries(); }
  [[nodiscard]] Bytes payload() const { return size * transfers(); }
  /// In the page cache, hot or not.
  [[nodiscard]] bool warm() const { return page_cache != PageCache::Cold; }
  [[nodiscard]] bool hot() const { return page_cache == PageCache::Hot; }
  [[nodiscard]] const char* page_cache_name() const {
    return results::kPageCacheNames.begin()[static_cast<std::size_t>(page_cache)];
  }
  [[nodiscard]] const char* regime_name() const {
    return results::kRegimeNames.begin()[static_cast<std::size_t>(regime)];
  }
  [[nodiscard]] bool controlled() const { return regime == Regime::Controlled; }
  /// Whether the present form has the parameter: "file.size" or "files.size".
  [[nodiscard]] bool has(std::string_view parameter) const {
    if (parameter == "file.placement") return form != Form::Files;
    if (parameter.starts_with("file.")) return form == Form::File;
    if (parameter.starts_with("files.")) return form == Form::Files;
    return true;
  }
};

}  // namespace sluice::scenario
