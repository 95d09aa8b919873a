// SPDX-License-Identifier: Apache-2.0
// Runs a program through the interface that both kernels implement, and writes down what they answer.
//
// Two processes: exactly one runs at a time. The one that runs passes a byte through a pipe when the next step belongs
// to the other, and waits for one. When a process dies the other sees the end of its pipe; the parent then reaps the
// child, so that everything the child held has been given back before the next step.
#pragma once

#include "kernel_sim/system_calls.h"
#include "tests/differential/program.h"
#include "tests/differential/transcript.h"

namespace sluice::differential {

/// The program's main: its result is the exit status. `program` and `transcript` outlive all of its processes.
int interpret(kernel_sim::SystemCalls& calls, const Program& program, Transcript& transcript);

}  // namespace sluice::differential
