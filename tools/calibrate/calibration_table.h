// SPDX-License-Identifier: Apache-2.0
// Which primitive determines which parameter. The table is all there is of formulas:
//
//   A row says that its parameters take the value at which the row's target (a sum of times of primitives, each with a
//   weight) is on the simulated kernel what it is on the host, all other parameters being as they are.
//
// What the model charges elsewhere on the same path is thereby subtracted by the model itself, and a calibration is
// consistent with the model that it is made for. A time depends linearly on a cost, so that two simulations solve a
// row; rows are in an order in which each depends on those before it.
#pragma once

#include <string>
#include <vector>

namespace sluice::calibrate {

struct Term {
  double weight;
  std::string primitive;
};
/// Sum of weight x time.
using Target = std::vector<Term>;

struct Share {
  std::string parameter;
  double share = 1;  ///< of what the row finds; the shares of a row add up to 1
};

struct Row {
  std::vector<Share> parameters;
  Target target;
  std::string why;  ///< what the target isolates, for the written file
};

const std::vector<Row>& calibration_table();
/// So many rows at the beginning of the table touch no more memory than L1 holds.
inline constexpr int kRowsInL1 = 2;

}  // namespace sluice::calibrate
