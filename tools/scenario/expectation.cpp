// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/expectation.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tools/results/json_io.h"
#include "tools/results/paths.h"

namespace sluice::scenario {
namespace {

using results::Json;

bool equal(double want, double got) { return std::abs(want - got) <= 1e-9 * std::abs(want); }

bool holds(const results::Expected& entry, bool is_number) {
  if (!is_number) return entry.want == entry.got;
  if (!entry.got->is_number()) return false;
  const double value = entry.got->get<double>();
  return (!entry.want || equal(entry.want->get<double>(), value)) && (!entry.min || value >= *entry.min) &&
         (!entry.max || value <= *entry.max);
}

}  // namespace

double Amount::of(const results::RunResult& run) const {
  const double files = run.workload ? static_cast<double>(run.workload->transfers()) : 1;
  return fixed + per_round * run.rounds() + per_file * files;
}

bool speak_of_end(const std::vector<Expectation>& expectations, const std::string& process) {
  return std::any_of(expectations.begin(), expectations.end(), [&](const Expectation& expectation) {
    return expectation.path == "processes." + process + ".ends";
  });
}

std::vector<results::Expected> evaluate(const std::vector<Expectation>& expectations, const results::RunResult& run,
                                        const std::vector<std::string>& changed) {
  const Json json = results::to_json(run);
  std::vector<results::Expected> entries;
  for (const Expectation& expectation : expectations) {
    results::Expected entry{.what = expectation.path};
    entry.want = expectation.want;
    if (expectation.number) entry.want = Json(expectation.number->of(run));
    if (expectation.min) entry.min = expectation.min->of(run);
    if (expectation.max) entry.max = expectation.max->of(run);
    if (const Json* got = results::find_value(json, expectation.path)) entry.got = *got;
    entry.holds = entry.got && holds(entry, !expectation.want);
    if (!entry.holds && !changed.empty()) entry.differs_because = fmt::format("{}", fmt::join(changed, ", "));
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace sluice::scenario
