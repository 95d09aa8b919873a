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

/// pread of single pages, cycling over `source` bytes of the file into `destination` bytes of memory (multiples of the
/// page size). Both are walked in order, so a set that fits in a cache level is served by it.
Primitive read_page(Bytes source, Bytes destination);

/// All of fixed size; read_page makes more.
const std::vector<Primitive>& primitives();
/// Null when there is none of that name.
const Primitive* find_primitive(const std::string& name);

}  // namespace sluice::calibration
