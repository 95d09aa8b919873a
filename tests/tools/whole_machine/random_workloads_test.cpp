// SPDX-License-Identifier: Apache-2.0
// Conservation under random workloads on random machines: a run checks by itself that every byte arrives once and
// unchanged, that consuming places give out what they took, that frames are given back, that the accounts of the cores
// add up and that no bound is passed; here it is asked a thousand times.
//
// A failure prints its seed and the command that repeats it.
#include "tests/tools/whole_machine/random_machine.h"
#include "tests/tools/whole_machine/runs.h"

namespace sluice::tests {
namespace {

constexpr std::uint32_t kSeed = 20'261;
constexpr int kWorkloads = 1'000;
constexpr int kShards = 10;  // so that they run side by side

class RandomWorkloads : public WholeMachine, public testing::WithParamInterface<int> {
 protected:
  RandomMachine m_random;
};

TEST_P(RandomWorkloads, KeepEveryByteFrameAndPicosecond) {
  const std::string scenario = m_folder.path("scenario.yaml");
  for (int i = GetParam(); i < kWorkloads; i += kShards) {
    m_random.seed(kSeed + static_cast<std::uint32_t>(i));
    m_folder.write("scenario.yaml", m_random.scenario());
    std::string arguments = "run -q " + scenario;
    for (const std::string& setting : m_random.machine()) arguments += fmt::format(" --set '{}'", setting);
    const Outcome outcome = sluice(arguments, m_folder.path(""));
    ASSERT_EQ(outcome.status, 0) << "seed " << kSeed + static_cast<std::uint32_t>(i) << ": " << arguments << "\n"
                                 << read_all(scenario) << outcome.err;
  }
}

INSTANTIATE_TEST_SUITE_P(Shard, RandomWorkloads, testing::Range(0, kShards));

}  // namespace
}  // namespace sluice::tests
