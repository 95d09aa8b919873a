// SPDX-License-Identifier: Apache-2.0
// The published JSON schemas, made from the descriptions. The files results.schema.json and crosscheck.schema.json hold
// what these return; a test compares them.
#pragma once

#include "tools/results/json.h"

namespace sluice::results {

Json results_schema();
Json crosscheck_schema();

}  // namespace sluice::results
