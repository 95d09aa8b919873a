// SPDX-License-Identifier: Apache-2.0
// The command line. This process reads, forks and reports; models are built in its children only.
#include <cstdlib>
#include <exception>
#include <new>
#include <system_error>

#include "models/base/result.h"
#include "tools/simulate/interrupts.h"
#include "tools/sluice/command_line.h"
#include "tools/sluice/exit_status.h"
#include "tools/sluice/streams.h"

// libsystemc refers to it; simulations here are started by simulate::run().
extern "C" int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

int main(int argc, char** argv) {
  using namespace sluice;
  setenv("SC_COPYRIGHT_MESSAGE", "DISABLE", 1);
  try {
    tool::hold_standard_streams();
    simulate::catch_interrupts();
    const int status = tool::carry_out(argc, argv);
    tool::finish_streams();
    return status;
  } catch (const simulate::Interrupted&) {
    tool::say("interrupted");
    return tool::kInterrupted;
  } catch (const base::InputError& refused) {
    tool::say(refused.what());
    return tool::kBadInput;
  } catch (const std::system_error& refused) {
    tool::say(std::string{"this host refused: "} + refused.what());
    return tool::kBadInput;
  } catch (const std::bad_alloc&) {
    tool::say("this host has too little memory");
    return tool::kBadInput;
  } catch (const std::exception& error) {
    tool::say(std::string{"unexpected error, please report it: "} + error.what());
    return tool::kRunFailed;
  }
}
