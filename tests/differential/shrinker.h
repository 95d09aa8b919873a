// SPDX-License-Identifier: Apache-2.0
// Delta debugging: the shortest program that still shows a difference.
#pragma once

#include <functional>

#include "tests/differential/program.h"

namespace sluice::differential {

/// Takes steps out of `program`, then makes its arguments simpler, for as long as `still_differs` holds of the result.
Program shrink(Program program, const std::function<bool(const Program&)>& still_differs);

}  // namespace sluice::differential
