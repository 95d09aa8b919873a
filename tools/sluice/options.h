// SPDX-License-Identifier: Apache-2.0
// The command line, parsed.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice::tool {

enum class Command { Run, Compare, Check, Describe, Native, Calibrate, Crosscheck };

/// 0 and 1 are about results, 2 about the input.
enum ExitStatus : int { kAllHolds = 0, kRunFailed = 1, kBadInput = 2, kInterrupted = 130 };

/// What only native runs need.
struct NativeOptions {
  unsigned repetitions = 9;  ///< of each transfer that are measured
  unsigned warm_up = 1;      ///< of each before them
  std::string directory;     ///< for test files; empty: TMPDIR or /tmp
  bool verify = false;       ///< the receiver reads and hashes what it would discard
};

struct Options {
  Command command = Command::Compare;
  std::string scenario;             ///< path; may be empty for describe
  std::vector<std::string> sets;    ///< key=value
  std::string file;                 ///< payload instead of the scenario's
  std::string received;             ///< directory for what the peer got; empty: not kept
  std::string json;                 ///< path, or "-" for standard output; empty: none
  std::string graph;                ///< path; empty: none
  unsigned timeout_s = 600;         ///< wall time of one run
  std::string out;                  ///< calibrate: the platform file to write
  std::string folder;               ///< calibrate: where its test file goes; empty: beside `out`
  bool compare_primitives = false;  ///< calibrate: print measured and simulated times side by side
  bool dump_config = false;
  bool strace = false;
  bool quiet = false;
  NativeOptions native;
  std::string platform;      ///< crosscheck: a platform file instead of the scenario's; empty: as written
  std::string plot;          ///< crosscheck: path of the picture; empty: none
  bool counts_only = false;  ///< crosscheck: hold the counts against each other and no times
};

/// Parses the arguments. Help and mistakes are printed here; then the exit status is returned instead of options.
struct ParsedCommandLine {
  Options options;
  std::optional<int> exit_status;
};
ParsedCommandLine parse_command_line(int argc, char** argv);

}  // namespace sluice::tool
