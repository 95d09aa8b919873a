// SPDX-License-Identifier: Apache-2.0
// The general form of a run: processes that run functions of Lua programs, the files that they find, and the arguments
// that they are given.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernel_sim/programs/lua/program.h"
#include "models/base/parameters.h"
#include "tools/scenario/file_placement.h"

namespace sluice::scenario {

/// A file that programs open by its name.
struct FileChoice : base::Parameters {
  static constexpr const char* kSource = "the scenario's choice";

  std::string name{};
  std::string path{};  ///< of this host, whose bytes it has; empty: made from the seed
  Bytes size = parameter(size, "size", 4_KiB, {0, 1024_GiB}, "size of the file", kSource);
  unsigned seed = parameter(seed, "seed", 1, {0, 1'000'000'000}, "what its bytes are made from", kSource);
  base::Fraction cached =
      parameter(cached, "cached", base::Fraction{}, {base::Fraction{}, base::Fraction{1'000'000}},
                "part of the file, from its beginning, that lies in the page cache when the run starts", kSource);
  FilePlacement placement =
      choice(placement, "placement", FilePlacement::Contiguous, kFilePlacementNames, kFilePlacementHelp, kSource);
  bool hot = parameter(hot, "hot", false, "core 0 has just read that part, so that its caches hold what fits", kSource);
};

enum class SchedulingClass : std::uint8_t {
  Normal,
  Batch,  ///< does not preempt others when it wakes up
};

/// `copies` processes that run one function of a program.
struct ProcessChoice : base::Parameters {
  static constexpr const char* kSource = "the scenario's choice";

  std::string name{};
  std::string function{};
  std::shared_ptr<const lua::Program> program{};
  std::vector<unsigned> cores{};  ///< of the copies in turn; empty: any core
  unsigned copies = parameter(copies, "copies", 1, {1, 1024}, "how many processes run it", kSource);
  Picoseconds start = parameter(start, "start", 0_us, {0_us, 1'000'000_ms}, "when they start", kSource);
  SchedulingClass scheduling = choice(scheduling, "class", SchedulingClass::Normal, {"normal", "batch"},
                                      "batch: SCHED_BATCH, it does not preempt others when it wakes up", kSource);

  /// The name of one of them: "load", or "load.0" when there are several.
  [[nodiscard]] std::string name_of(unsigned copy) const {
    return copies == 1 ? name : name + "." + std::to_string(copy);
  }
};

inline constexpr const char* kArgumentKind = "argument";

/// What every process gets as its first value: a table. Each argument is a parameter of the run.
class Arguments : public base::Parameters {
 public:
  /// False when there is one of that name.
  bool add(const std::string& name, const std::string& text);
  [[nodiscard]] bool empty() const { return m_values.empty(); }
  [[nodiscard]] const base::ParameterDescriptions& descriptions() const { return *m_descriptions; }
  [[nodiscard]] lua::Value table() const;

 private:
  std::vector<std::pair<std::string, std::string>> m_values;
  std::shared_ptr<base::ParameterDescriptions> m_descriptions = std::make_shared<base::ParameterDescriptions>();
};

struct Programs {
  std::vector<FileChoice> files;
  std::vector<ProcessChoice> processes;
  Arguments arguments;

  /// Whether this is the form of the run.
  [[nodiscard]] bool any() const { return !processes.empty(); }
};

}  // namespace sluice::scenario
