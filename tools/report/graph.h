// SPDX-License-Identifier: Apache-2.0
// The observed data flow as a picture for Graphviz: places are nodes, moves are edges with mover and bytes. One frame
// per run, in it user space, kernel and hardware one above the other, as such pictures are usually drawn.
#pragma once

#include <string>

#include "tools/results/json.h"

namespace sluice::report {

/// DOT text for all runs that have moves.
std::string data_flow_graph(const Json& runs);

}  // namespace sluice::report
