// SPDX-License-Identifier: Apache-2.0
// How exit and fatal signals leave a program: by unwinding to the root of its task. Private to this folder; programs
// never see it and never catch wholesale.
#pragma once

namespace sluice::syscalls {

struct ProcessEnd {
  int status;  ///< in wait's encoding
};

}  // namespace sluice::syscalls
