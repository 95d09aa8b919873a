// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/comparison.h"

#include <algorithm>
#include <cstring>
#include <string.h>

#include <fmt/format.h>

#include "kernel_sim/kernel.h"
#include "tests/differential/rules.h"

namespace sluice::differential {

namespace {

std::string value_text(std::int64_t value) {
  if (value < 0 && value > -4096) {
    const char* name = strerrorname_np(static_cast<int>(-value));
    return name == nullptr ? std::to_string(value) : "-" + std::string{name};
  }
  return std::to_string(value);
}

std::string entry_text(const Entry& entry) {
  std::string text = value_text(entry.value);
  if (entry.also[0] != 0 || entry.also[1] != 0)
    text += fmt::format(" ({}, {})", value_text(entry.also[0]), value_text(entry.also[1]));
  return text;
}

std::optional<std::string> data_difference(std::span<const std::byte> host, std::span<const std::byte> simulated) {
  if (std::ranges::equal(host, simulated)) return {};
  if (host.size() != simulated.size()) return fmt::format("{} bytes on Linux, {} here", host.size(), simulated.size());
  const auto at = std::ranges::mismatch(host, simulated).in1 - host.begin();
  return fmt::format("byte {} of {}: {:#04x} on Linux, {:#04x} here", at, host.size(),
                     std::to_integer<unsigned>(host[static_cast<std::size_t>(at)]),
                     std::to_integer<unsigned>(simulated[static_cast<std::size_t>(at)]));
}

std::optional<std::string> entry_difference(const Entry& host, const Transcript& on_host, const Entry& simulated,
                                            const Transcript& on_simulated) {
  if (host.value != simulated.value || host.also != simulated.also || host.process != simulated.process)
    return entry_text(host) + " on Linux, " + entry_text(simulated) + " here";
  return data_difference(on_host.data_of(host), on_simulated.data_of(simulated));
}

/// Wherever the two differ, the first is zero.
bool zeroed(const Entry* one, const Transcript& on_one, const Entry* other, const Transcript& on_other) {
  if (one == nullptr || other == nullptr) return false;
  return std::ranges::equal(on_one.data_of(*one), on_other.data_of(*other),
                            [](std::byte a, std::byte b) { return a == b || a == std::byte{0}; });
}

bool allowed(const Disagreement& disagreement) {
  return std::ranges::any_of(rules(), [&](const Rule& rule) { return rule.allows(disagreement); });
}

/// The first answer that differs, whether a rule allows it or not.
std::optional<Difference> first_difference(std::span<const Entry> expected, const Transcript& on_host,
                                           std::span<const Entry> got, const Transcript& on_simulated,
                                           std::size_t& index) {
  for (index = 0; index < std::min(expected.size(), got.size()); ++index) {
    const Entry& host = expected[index];
    const Entry& simulated = got[index];
    const std::size_t step = std::min(host.step, simulated.step);
    if (host.step != simulated.step)
      return Difference{step, step == host.step ? "only Linux answered" : "only the simulated kernel answered"};
    if (const auto what = entry_difference(host, on_host, simulated, on_simulated)) return Difference{step, *what};
  }
  return {};
}

std::optional<Difference> difference_of_ends(std::size_t after, const Outcome& host, const Outcome& simulated) {
  if (!host.problem.empty() || !simulated.problem.empty()) {
    return Difference{after, fmt::format("Linux: {}; here: {}", host.problem.empty() ? "well" : host.problem,
                                         simulated.problem.empty() ? "well" : simulated.problem)};
  }
  if (host.status == simulated.status) return {};
  return Difference{after,
                    fmt::format("the end: {} on Linux, {} here", kernel_sim::Kernel::describe_status(host.status),
                                kernel_sim::Kernel::describe_status(simulated.status))};
}

}  // namespace

std::optional<Difference> compare(const Program& program, const Outcome& host, const Transcript& on_host,
                                  const Outcome& simulated, const Transcript& on_simulated) {
  const auto expected = on_host.all();
  const auto got = on_simulated.all();
  std::size_t index = 0;
  auto difference = first_difference(expected, on_host, got, on_simulated, index);
  const auto at = [&](std::span<const Entry> entries) { return index < entries.size() ? &entries[index] : nullptr; };
  if (!difference) {
    const Entry* next = at(expected) != nullptr ? at(expected) : at(got);
    const std::size_t after = next != nullptr ? next->step : program.steps.size();
    difference = difference_of_ends(after, host, simulated);
    if (!difference && next != nullptr) difference = Difference{after, "only one of them answered"};
  }
  // No rule allows a kernel that breaks.
  if (difference && simulated.problem.empty() && host.problem.empty() &&
      allowed({program, expected.first(index), at(expected), at(got), simulated.overlapping_copy,
               zeroed(at(expected), on_host, at(got), on_simulated),
               zeroed(at(got), on_simulated, at(expected), on_host)})) {
    return {};
  }
  return difference;
}

std::optional<Difference> differs(const Program& program, Side& host, Side& simulated) {
  const Outcome on_simulated = simulated.run(program);
  // Linux delivers over loopback in a soft interrupt: mostly before send returns, but on a busy machine later. The
  // simulated answer must be one that Linux gives.
  constexpr int kTriesWithSockets = 5;
  const int tries = uses_sockets(program) ? kTriesWithSockets : 1;
  std::optional<Difference> difference;
  for (int i = 0; i < tries; ++i) {
    const Outcome on_host = host.run(program);
    if (on_host.not_possible) return {};
    difference = compare(program, on_host, host.transcript(), on_simulated, simulated.transcript());
    if (!difference) break;
  }
  return difference;
}

}  // namespace sluice::differential
