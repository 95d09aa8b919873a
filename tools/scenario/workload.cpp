// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/workload.h"

namespace sluice::scenario {

void Workload::describe(base::ParameterTable& table) {
  const std::string source = "the scenario's choice";
  const base::Range<Bytes> sizes{0, Bytes{1} << 40};
  const base::Range<unsigned> seeds{0, 1'000'000'000};
  if (form == Form::File) {
    table.add("file.size", size, sizes, "size of the synthetic file", source);
    table.add("file.seed", seed, seeds, "what its bytes are made from", source);
  }
  if (form == Form::Files) {
    table.add("files.count", count, {1, 1'000'000}, "number of files, sent one after the other", source);
    table.add("files.size", size, sizes, "size of each", source);
    table.add("files.seed", seed, seeds, "what the bytes of the first are made from; the next take the next numbers",
              source);
  }
  table.add("chunk", chunk, {1, 1_GiB}, "bytes asked for in one call", source);
  table.add_choice("page_cache", page_cache, {"cold", "warm"},
                   "warm: the files lie in the page cache when the run starts; CPU caches are cold", source);
  table.add("cpus", cpus, {1, 2}, "over loopback: sender and receiver on one core, or on one each", source);
  table.add_choice("regime", regime, {"default", "controlled"},
                   "over loopback; controlled: SCHED_BATCH and socket buffers of 212992 B at both ends, Reno", source);
}

}  // namespace sluice::scenario
