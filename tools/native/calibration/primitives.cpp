// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {

const std::vector<Primitive>& primitives() {
  static const std::vector<Primitive> all = [] {
    std::vector<Primitive> list;
    for (const auto& part : {call_primitives(), read_primitives(), memory_primitives()}) {
      list.insert(list.end(), part.begin(), part.end());
    }
    return list;
  }();
  return all;
}

const Primitive* find_primitive(const std::string& name) {
  const auto& all = primitives();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Primitive& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace sluice::calibration
