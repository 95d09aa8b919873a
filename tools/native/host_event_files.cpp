// SPDX-License-Identifier: Apache-2.0
#include <sys/syscall.h>

#include "tools/native/host_call.h"

namespace sluice::native {

using syscalls::Call;
using Value = SystemCalls::Value;

Value HostSystemCalls::eventfd(unsigned initial, int flags) {
  return call(Call::Eventfd, [&] { return raw(SYS_eventfd2, initial, flags); });
}

}  // namespace sluice::native
