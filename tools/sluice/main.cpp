// SPDX-License-Identifier: Apache-2.0
// The command line. This process reads, forks and reports; models are built in its children only.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "models/base/result.h"
#include "tools/simulate/child.h"
#include "tools/sluice/commands.h"

// libsystemc refers to it; simulations here are started by simulate().
extern "C" int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

int main(int argc, char** argv) {
  using namespace sluice;
  setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
  const tool::ParsedCommandLine parsed = tool::parse_command_line(argc, argv);
  if (parsed.exit_status) return *parsed.exit_status;
  try {
    tool::catch_interrupts();
    const int status = tool::carry_out(parsed.options);
    // A reader that has seen enough ("| head") is no mistake.
    if (std::fflush(stdout) != 0 && errno != EPIPE) {
      throw base::InputError{std::string{"standard output cannot be written: "} + std::strerror(errno)};
    }
    return status;
  } catch (const tool::Interrupted&) {
    std::fputs("sluice: interrupted\n", stderr);
    return tool::kInterrupted;
  } catch (const base::InputError& refused) {
    std::fprintf(stderr, "sluice: %s\n", refused.what());
    return tool::kBadInput;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice: unexpected error, please report it: %s\n", error.what());
    return tool::kRunFailed;
  }
}
