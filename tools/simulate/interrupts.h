// SPDX-License-Identifier: Apache-2.0
// Signals that ask the process to end: they become an exception where it waits, so that every owner cleans up.
#pragma once

#include <poll.h>
#include <stdexcept>
#include <vector>

namespace sluice::simulate {

/// Ctrl-C, a request to terminate, or a terminal that was closed.
class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// From now on every signal that would end the process, and that a process may handle, ends the next wait with
/// Interrupted. A signal that is ignored stays ignored (nohup, a shell's background job). A write to a pipe without a
/// reader, or beyond the permitted size of a file, is an error of that write and no signal.
void catch_interrupts();
/// Throws Interrupted when one of them came.
void stop_if_interrupted();
/// Gives the signals back their ordinary effect: for a child process.
void release_interrupts();

/// Waits until `descriptor` is ready for `events` of poll(), at most `milliseconds`; a negative descriptor is never
/// ready. Returns whether it is. Throws Interrupted.
bool wait_for(int descriptor, short events, int milliseconds);
/// The same for several, as poll() would: says in each what has come.
void wait_for(std::vector<pollfd>& descriptors, int milliseconds);

}  // namespace sluice::simulate
