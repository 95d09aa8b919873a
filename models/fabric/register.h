// SPDX-License-Identifier: Apache-2.0
// A register as a data sheet gives it. The device's register bank and its driver use the same object, so that offset
// and width are said once. No SystemC.
#pragma once

#include "models/base/types.h"

namespace sluice::fabric {

struct Register {
  Bytes offset = 0;       ///< from the start of the device's window, a multiple of `size`
  unsigned size = 4;      ///< bytes: 4 or 8
  const char* name = "";  ///< as in the data sheet
};

}  // namespace sluice::fabric
