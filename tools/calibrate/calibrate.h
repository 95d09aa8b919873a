// SPDX-License-Identifier: Apache-2.0
// Measures the primitives of this host and says what a platform file of it holds.
#pragma once

#include <string>
#include <vector>

namespace sluice::calibrate {

struct Options {
  std::string name;             ///< of the platform file, for messages
  std::string folder;           ///< where the test file of 256 MiB goes
  bool compares = false;        ///< fill `comparison`
  bool shows_progress = false;  ///< on a terminal
};

struct Calibrated {
  std::string platform;            ///< the text of the platform file
  std::string comparison;          ///< measured and simulated time of each primitive, as a table
  std::vector<std::string> notes;  ///< what a person should know: values that could not be measured, and why
};

/// Throws InputError and Interrupted.
Calibrated run(const Options& options);

}  // namespace sluice::calibrate
