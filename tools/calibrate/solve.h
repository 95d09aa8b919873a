// SPDX-License-Identifier: Apache-2.0
// Solves the rows of the calibration table: measured times in, parameters out.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tools/calibrate/calibration_table.h"
#include "tools/scenario/configuration.h"

namespace sluice::calibrate {

/// A measured time, over all and for each repetition of the whole measurement.
struct Timing {
  double nanoseconds = 0;
  std::vector<double> rounds;  ///< the same rounds in all timings; 0 where there is no value; empty: not repeated
};
using Timings = std::map<std::string, Timing>;

/// Simulated nanoseconds of each of these primitives; a primitive that could not be run is missing.
using Simulate = std::function<std::map<std::string, double>(const scenario::Configuration& configuration,
                                                             const std::vector<std::string>& primitives)>;

/// What became of a parameter.
struct Finding {
  std::string parameter;
  bool measured = false;  ///< it was set; otherwise it kept its value
  double spread = 0;      ///< interquartile range of the target over the rounds, as a share of it
  std::string note;       ///< what the target is, or why the parameter kept its value
};

/// A target is no measurement when its error is above this share of it and of the largest time that it is made from
/// too: a small difference of large times may be uncertain as such, and still say all that matters.
inline constexpr double kTooNoisy = 0.3;
inline constexpr double kNegligible = 0.03;
/// A solution is none when the simulated time misses the measured one by more than this share: the time jumps there,
/// for instance because tasks take turns otherwise.
inline constexpr double kTooFar = 0.05;

/// Interquartile range of a value that was measured in rounds, as a share of it. Rounds of 0 do not count.
double spread_of(double value, const std::vector<double>& rounds);

/// Sets the parameters of all rows in `configuration`, in `sweeps` passes over the table (a row may influence those
/// before it a little). Returns one finding for each parameter, in the order of the table.
/// - A row with a primitive that was not measured, or too noisily, or that this kernel cannot simulate, keeps its
/// values.
/// - A solution below zero becomes zero, and the finding says so.
/// `progress` is called before each row.
std::vector<Finding> solve(const std::vector<Row>& rows, const Timings& measured, const Simulate& simulate,
                           scenario::Configuration& configuration, unsigned sweeps,
                           const std::function<void(std::size_t done, std::size_t of)>& progress = {});

}  // namespace sluice::calibrate
