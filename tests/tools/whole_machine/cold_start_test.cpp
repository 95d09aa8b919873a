// SPDX-License-Identifier: Apache-2.0
// A cold file is cold: what mounting and opening have read is no part of the run.
#include "tests/tools/whole_machine/runs.h"

namespace sluice::tests {
namespace {

Variation cold(const std::string& size) {
  return {.file = "size: " + size + ", seed: 3", .page_cache = "cold", .strategies = "read_write, sendfile_gather"};
}

TEST_F(WholeMachine, AColdFileOnAnSsdPaysForSensingAtLeastOnePage) {
  for (const char* size : {"1 B", "4 KiB", "16 KiB", "24 KiB"}) {
    for (const char* page : {"4 KiB", "16 KiB"}) {
      for (const auto& [latency, least] :
           {std::pair{"60 us", 60e3}, std::pair{"1 ms", 1e6}, std::pair{"100 ms", 100e6}}) {
        Variation variation = cold(size);
        variation.set = {fmt::format("disk.ssd_read_latency={}", latency), fmt::format("disk.ssd_page_size={}", page)};
        for (const auto& [strategy, result] : run(variation)) {
          EXPECT_GE(elapsed(result), least) << strategy << ", " << size << ", pages of " << page;
          EXPECT_LT(elapsed(result), 2 * least + 200e3) << strategy << ", " << size << ", pages of " << page;
        }
      }
    }
  }
}

TEST_F(WholeMachine, AColdFileOnAHardDiskPaysForASeekAndHalfARotation) {
  for (const char* size : {"1 B", "4 KiB", "64 KiB"}) {
    for (const char* read_ahead : {"0 B", "512 KiB"}) {
      for (const auto& [seek, rpm, least] :
           {std::tuple{"8.5 ms", 7200, 8.5e6 + 30e9 / 7200}, std::tuple{"1 ms", 30000, 1e6 + 30e9 / 30000},
            std::tuple{"100 ms", 1000, 100e6 + 30e9 / 1000}}) {
        Variation variation = cold(size);
        variation.set = {"disk.medium=hdd", fmt::format("disk.hdd_average_seek={}", seek),
                         fmt::format("disk.hdd_rpm={}", rpm), fmt::format("disk.hdd_read_ahead={}", read_ahead)};
        for (const auto& [strategy, result] : run(variation)) {
          EXPECT_GE(elapsed(result), least) << strategy << ", " << size << ", seek " << seek;
          EXPECT_LT(elapsed(result), least + 2e6 + 60e9 / rpm) << strategy << ", " << size << ", seek " << seek;
        }
      }
    }
  }
}

}  // namespace
}  // namespace sluice::tests
