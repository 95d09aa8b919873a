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
constexpr std::chrono::seconds kTimeLimit{15};

class HostSide final : public Side {
 public:
  Outcome run(const Program& program) override {
    if (fills_disk(program) && !m_small_disks) return {.not_possible = true};
    m_folder.empty();
    Transcript& transcript = fresh_transcript();
    const int status = native::run_as_process(m_calls,
                                              [&](kernel_sim::SystemCalls& calls) {
                                                if (fills_disk(program)) mount_small_disk(m_folder.path(), kSmallDisk);
                                                place_files(m_folder.path(), program.file_sizes);
                                                become_simulated_user(kMostDescriptors);
                                                return interpret(calls, program, transcript);
                                              },
                                              {.placement = {}, .time_limit = kTimeLimit});
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
      return {.status = status, .problem = "killed: out of time or memory"};
    return {.status = status};
  }

 private:
  PrivateFolder m_folder;
  native::HostSystemCalls m_calls{{.root = m_folder.path()}};
  bool m_small_disks = native::run_as_process(m_calls, [this](kernel_sim::SystemCalls&) {
                         return mount_small_disk(m_folder.path(), kSmallDisk) ? 0 : 1;
                       }) == 0;
};

}  // namespace

std::unique_ptr<Side> make_host_side() { return std::make_unique<HostSide>(); }

}  // namespace sluice::differential
