// SPDX-License-Identifier: Apache-2.0
#include "tools/results/json.h"

namespace sluice::results {

std::string json_text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace sluice::results
