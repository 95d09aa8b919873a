// SPDX-License-Identifier: Apache-2.0
// Where files lie: in one piece or in many, on one disk or on several.
#include "tests/tools/whole_machine/runs.h"

namespace sluice::tests {
namespace {

class FilePlacement : public WholeMachine {
 protected:
  Json measures_of(const std::string& scenario) {
    const Outcome outcome = sluice("run " + scenario + " --json -", m_folder.path(""));
    EXPECT_EQ(outcome.status, 0) << outcome.err << outcome.out;
    return outcome.status == 0 ? Json::parse(outcome.out)["runs"][0]["measures"] : Json{};
  }
  std::string programs(const std::string& devices, const std::string& files) {
    m_folder.write("read.lua",
                   "function main()\n"
                   "  local buffer = memory(64 * KiB)\n"
                   "  for _, name in ipairs{'first', 'second'} do\n"
                   "    local file = must(open(name, O_RDONLY))\n"
                   "    measure(name, function() while must(read(file, buffer, 64 * KiB)) > 0 do end end)\n"
                   "  end\n"
                   "end\n");
    return m_folder.write("scenario.yaml",
                          fmt::format("schema: sluice/1\nplatform:\n  schema: sluice.platform/1\n"
                                      "  base: {}/scenarios/platforms/loopback.yaml\n{}"
                                      "files: {{ {} }}\nprocesses: {{ main: {{ program: read.lua, run: main }} }}\n",
                                      SLUICE_SOURCE_DIR, devices, files));
  }
  static double time(const Json& measures, const char* name) { return measures[name]["elapsed_ns"]; }
};

TEST_F(FilePlacement, ScatteredFilesArriveWholeByEveryStrategy) {
  const Variation contiguous{.file = "size: 1 MiB, seed: 3", .page_cache = "cold"};
  Variation scattered = contiguous;
  scattered.file += ", placement: scattered";
  const Results in_one_piece = run(contiguous);
  for (const auto& [strategy, result] : run(scattered)) {
    EXPECT_TRUE(result["delivered"]["intact"]) << strategy;
    EXPECT_EQ(result["copies"], in_one_piece.at(strategy)["copies"]) << strategy;
  }
}

TEST_F(FilePlacement, AProgramsScatteredFileCostsAHardDiskASeekForEachPiece) {
  const Json measures = measures_of(programs(
      "  disk: { medium: hdd }\n", "first: { size: 640 KiB }, second: { size: 640 KiB, placement: scattered }"));
  // Ten pieces against one; read-ahead may have two of them on order at once.
  EXPECT_GT(time(measures, "second"), 4 * time(measures, "first"));
}

TEST_F(FilePlacement, ProgramsFilesLieOnTheDisksInTurnAndAreFoundAtTheRoot) {
  const Json measures =
      measures_of(programs("  devices: { disk1: { kind: disk, medium: hdd } }\n", "first: 64 KiB, second: 64 KiB"));
  EXPECT_LT(time(measures, "first"), 1e6);
  EXPECT_GT(time(measures, "second"), 4e6);  // a seek
}

}  // namespace
}  // namespace sluice::tests
