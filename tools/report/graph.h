// SPDX-License-Identifier: Apache-2.0
// The observed data flow as a picture for Graphviz: places are nodes, moves are edges with mover and bytes. One frame
// per run, in it user space, kernel, hardware and what lies beyond the machine one above the other, as such pictures
// are usually drawn. Moves are numbered in the order in which a byte takes them.
#pragma once

#include <string>

#include "tools/report/run_text.h"

namespace sluice::report {

/// DOT text for all runs that have moves, with a title and a legend.
std::string data_flow_graph(const std::string& title, const Runs& runs);

}  // namespace sluice::report
