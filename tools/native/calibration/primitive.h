// SPDX-License-Identifier: Apache-2.0
// Primitives: the smallest things that a kernel does for a program, each timed by itself. None moves data from a file
// to a socket, so that nothing is fitted on what a calibrated model is to predict.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/native/calibration/session.h"

namespace sluice::calibration {

struct Primitive {
  std::string name;  ///< "read.page": unique, what is timed
  std::string help;  ///< what one operation is
  std::function<void(Session&)> run;
  Bytes file_size = 0;  ///< of the cached file that it needs at least; 0: none
};

/// System calls that do nothing, or next to nothing.
std::vector<Primitive> call_primitives();
/// Reading cached pages.
std::vector<Primitive> read_primitives();
/// Mappings and page faults.
std::vector<Primitive> memory_primitives();

/// Pipes, splice, vmsplice and tee.
std::vector<Primitive> pipe_primitives();
/// TCP over loopback, both ends in one process.
std::vector<Primitive> socket_primitives();
/// Two processes that wake each other.
std::vector<Primitive> task_primitives();
/// The disk, past the page cache.
std::vector<Primitive> disk_primitives();

/// pread of kRun at once, cycling over `source` bytes of the file into `destination` bytes of memory, both multiples of
/// it. They are walked in order, so a set that fits in a cache level is served by it. A run is long enough that what a
/// copy costs at its start does not matter, and no chunk of a grid.
Primitive read_run(Bytes source, Bytes destination);
inline constexpr Bytes kRun = 96_KiB;

/// send of kSentRun at once into a packet that is not full, cycling over `source` bytes of private memory, a multiple
/// of it. Where pread copies page by page, this is one copy: what each copy waits for at its start tells the two apart.
Primitive send_run(Bytes source);
inline constexpr Bytes kSentRun = 64_KiB;

/// All of fixed size; read_run and send_run make more.
const std::vector<Primitive>& primitives();
/// Null when there is none of that name.
const Primitive* find_primitive(const std::string& name);

}  // namespace sluice::calibration
