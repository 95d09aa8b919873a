// SPDX-License-Identifier: Apache-2.0
#include "tests/field_cases/runner.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <string.h>

#include <sys/wait.h>

#include "tests/differential/host_process.h"
#include "tests/differential/private_folder.h"
#include "tests/differential/simulated_kernel.h"
#include "tests/field_cases/answers.h"
#include "tools/native/process.h"
#include "tools/native/shared.h"

namespace sluice::field_cases {

namespace {

/// A program that takes longer waits for something that never comes. No case that ends needs a fifth of it.
constexpr std::chrono::seconds kHostLimit{6};
constexpr Picoseconds kSimulatedLimit{std::int64_t{60} * 1'000'000'000'000};
/// Of the host's time. A kernel that goes in circles is found by it.
constexpr std::chrono::seconds kPatience{60};
constexpr differential::Surroundings kSurroundings{.memory = 256_MiB, .disk = 16_MiB, .descriptors = 400};

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return std::string{"ends with SIG"} + sigabbrev_np(WTERMSIG(status));
  return "exits with " + std::to_string(WEXITSTATUS(status));
}

/// Nothing when the host gives no small disk.
std::optional<std::string> run_on_host(const FieldCase& field_case) {
  constexpr int kNoSmallDisk = 99;
  const differential::PrivateFolder folder;
  native::HostSystemCalls calls{{.root = folder.path()}};
  const native::Shared<Text> text;
  const auto start = std::chrono::steady_clock::now();
  Answers out{*text, [start] {
                return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
              }};
  const auto main = [&](kernel_sim::SystemCalls& c) {
    if (field_case.disk == Disk::Small && !differential::mount_small_disk(folder.path(), kSurroundings.disk))
      return kNoSmallDisk;
    differential::place_files(folder.path(), field_case.file_sizes);
    differential::become_simulated_user(kSurroundings.descriptors);
    return field_case.program->run(c, out, field_case.id, {});
  };
  const int status = native::run_as_process(calls, main, {.placement = {}, .time_limit = kHostLimit});
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoSmallDisk) return {};
  text->add(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "waits for ever" : how_it_ended(status));
  return std::string{text->all()};
}

void simulate(const FieldCase& field_case, Text& text) {
  differential::SimulatedKernel kernel{field_case.file_sizes, kSurroundings};
  Answers out{text, [&] { return kernel.now_ms(); }};
  try {
    const auto main = [&](kernel_sim::SystemCalls& c) { return field_case.program->run(c, out, field_case.id, {}); };
    text.add(how_it_ended(kernel.run(main, kSimulatedLimit)));
    const std::string problem = kernel.check_memory();
    if (!problem.empty()) text.add(problem);
  } catch (const tests::Blocked&) {
    text.add("waits for ever");
  } catch (const std::exception& error) {
    text.add(error.what());
  }
}

std::string run_simulated(const FieldCase& field_case) {
  const native::Shared<Text> text;
  const pid_t process = native::start_process(
      [&] {
        simulate(field_case, *text);
        return 0;
      },
      {});
  const auto ended = native::wait_for_process(process, kPatience);
  if (!ended) {
    native::kill_process(process);
    text->add("the simulation does not end");
  } else if (*ended != 0) {
    text->add("the simulator " + how_it_ended(*ended));
  }
  return std::string{text->all()};
}

/// Times agree within what a timer tick, a busy core and a slower machine make of them.
bool same_time(std::string_view host, std::string_view simulated) {
  constexpr double kMarginMs = 6;
  constexpr double kMarginPart = 0.35;
  const auto number_at = [](std::string_view line) { return line.find_last_of(' ', line.size() - 4) + 1; };
  if (host.substr(0, number_at(host)) != simulated.substr(0, number_at(simulated))) return false;
  const double a = std::strtod(host.data() + number_at(host), nullptr);
  const double b = std::strtod(simulated.data() + number_at(simulated), nullptr);
  return std::fabs(a - b) <= kMarginMs + kMarginPart * std::max(a, b);
}

bool same(const std::string& host, const std::string& simulated) {
  if (host.starts_with(kError)) return false;
  if (host.starts_with('~') && simulated.starts_with('~')) return same_time(host, simulated);
  return host == simulated;
}

}  // namespace

bool Comparison::agrees() const {
  return std::ranges::all_of(lines, [](const Line& line) { return line.same; });
}

Comparison compare(std::string_view host, std::string_view simulated) {
  const auto left = lines_of(host);
  const auto right = lines_of(simulated);
  Comparison comparison;
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    const std::string a = i < left.size() ? left[i] : "";
    const std::string b = i < right.size() ? right[i] : "";
    comparison.lines.push_back({a, b, same(a, b)});
  }
  return comparison;
}

std::optional<Comparison> run(const FieldCase& field_case) {
  constexpr int kTries = 3;
  const std::string simulated = run_simulated(field_case);
  const int tries = field_case.difference.empty() ? kTries : 1;
  std::optional<Comparison> comparison;
  for (int i = 0; i < tries && !(comparison && comparison->agrees()); ++i) {
    const auto host = run_on_host(field_case);
    if (!host) return {};
    comparison = compare(*host, simulated);
  }
  return comparison;
}

std::string run_simulated_here(const FieldCase& field_case) {
  Text text;
  simulate(field_case, text);
  return std::string{text.all()};
}

}  // namespace sluice::field_cases
