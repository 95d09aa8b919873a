// SPDX-License-Identifier: Apache-2.0
// One run of Lua programs as processes of this host, in a sandbox.
//
//   ProgramFolder folder{"/tmp"};
//   ProgramSample sample = run_programs(programs, folder, {.arguments = programs.arguments.table()});
//
// A program that crashes, never ends, forks without end, fills memory or the disk, or writes all over its memory ends
// with its sandbox, and what is known of it until then is reported.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tools/native/core_probe.h"
#include "tools/native/program_folder.h"
#include "tools/results/program_results.h"
#include "tools/scenario/programs.h"

namespace sluice::native {

struct ProgramOptions {
  lua::Value arguments = {lua::Table{}};  ///< what each process is given first
  std::chrono::milliseconds time_limit{600'000};
  std::string congestion_control = {};  ///< HostOptions
  /// Processes that may live at a time beside the scenario's own.
  unsigned forked = 512;
};

struct ProgramProcess {
  std::string who;  ///< "load.0"
  bool ended = false;
  int status = 0;  ///< in wait's encoding
  results::EndedProcess result;
};

struct ProgramSample {
  std::int64_t elapsed_ns = 0;   ///< until the last of the scenario's processes has ended
  std::int64_t cpu_user_ns = 0;  ///< of the programs, without their interpreters; the kernel's tick guesses this part
  std::int64_t cpu_kernel_ns = 0;
  std::vector<ProgramProcess> processes;
  results::ProgramReport report;
  Probes probes;                      ///< of the cores that the programs ran on
  std::vector<std::string> failures;  ///< of the run itself: a limit that it met
};

/// InputError for a core that this process may not use.
void check_cores(const scenario::Programs& programs);

/// Prepares the folder and runs. What this host refuses to the run is an InputError.
ProgramSample run_programs(const scenario::Programs& programs, ProgramFolder& folder, const ProgramOptions& options);

}  // namespace sluice::native
