// SPDX-License-Identifier: Apache-2.0
// Where a core's time went. user + kernel + interrupt + idle = elapsed, by construction of the accounts, and checked.
#pragma once

#include <array>

#include "models/base/time.h"

namespace sluice::cpu {

/// The privilege level of running code, and so the account its time goes to.
enum class Mode : std::uint8_t { User, Kernel, Interrupt };

struct CoreTimes {
  Picoseconds user;
  Picoseconds kernel;
  Picoseconds interrupt;
  Picoseconds idle;

  [[nodiscard]] Picoseconds busy() const { return user + kernel + interrupt; }
  [[nodiscard]] Picoseconds total() const { return busy() + idle; }
  [[nodiscard]] Picoseconds& of(Mode mode) {
    return mode == Mode::User ? user : mode == Mode::Kernel ? kernel : interrupt;
  }
  CoreTimes operator-(const CoreTimes& o) const {
    return {user - o.user, kernel - o.kernel, interrupt - o.interrupt, idle - o.idle};
  }
};

/// Busy time by what the software says it is doing; the numbers are its own, and what it never named is under 0.
inline constexpr std::size_t kAccounts = 32;
using AccountTimes = std::array<Picoseconds, kAccounts>;

}  // namespace sluice::cpu
