// SPDX-License-Identifier: Apache-2.0
#include <chrono>

#include <sys/wait.h>

#include "tests/differential/host_process.h"
#include "tests/differential/interpreter.h"
#include "tests/differential/private_folder.h"
#include "tests/differential/sides.h"
#include "tools/native/process.h"

namespace sluice::differential {

namespace {

/// No run takes longer: a program never waits for anything but its own processes.
constexpr std::chrono::seconds kTimeLimit{60};

class HostSide final : public Side {
 public:
  Outcome run(const Program& program) override {
    m_folder.empty();
    place_files(m_folder.path(), program.file_sizes);
    Transcript& transcript = fresh_transcript();
    const int status = native::run_as_process(m_calls,
                                              [&](kernel_sim::SystemCalls& calls) {
                                                become_simulated_user(kMostDescriptors);
                                                return interpret(calls, program, transcript);
                                              },
                                              {.placement = {}, .time_limit = kTimeLimit});
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return {status, false, "killed: out of time or memory"};
    return {status, false, {}};
  }

 private:
  PrivateFolder m_folder;
  native::HostSystemCalls m_calls{{.root = m_folder.path()}};
};

}  // namespace

std::unique_ptr<Side> make_host_side() { return std::make_unique<HostSide>(); }

}  // namespace sluice::differential
