// SPDX-License-Identifier: Apache-2.0
#include "tools/calibrate/solve.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "tools/native/calibration/estimators.h"

namespace sluice::calibrate {
namespace {

/// Far above the rounding of simulated time, near the size of real costs.
constexpr double kProbe = 1000;  // ns
/// A KiB at the fastest rate that parameters allow, 1 TB/s.
constexpr double kShortestKib = 1.024;  // ns
/// A change of the target per change of the parameter below which the target does not depend on it.
constexpr double kLeastEffect = 1e-3;

/// Σ weight x time; nothing when a time is missing.
std::optional<double> sum(const Target& target, const std::map<std::string, double>& times) {
  double total = 0;
  for (const Term& term : target) {
    const auto found = times.find(term.primitive);
    if (found == times.end()) return std::nullopt;
    total += term.weight * found->second;
  }
  return total;
}

std::optional<Timing> sum(const Target& target, const Timings& measured) {
  Timing total;
  for (const Term& term : target) {
    const auto found = measured.find(term.primitive);
    if (found == measured.end()) return std::nullopt;
    const Timing& timing = found->second;
    total.nanoseconds += term.weight * timing.nanoseconds;
    total.rounds.resize(std::max(total.rounds.size(), timing.rounds.size()));
    for (std::size_t i = 0; i < total.rounds.size(); ++i) {
      const bool has_round = i < timing.rounds.size() && timing.rounds[i] > 0;
      total.rounds[i] += term.weight * (has_round ? timing.rounds[i] : timing.nanoseconds);
    }
  }
  return total;
}

class RowSolver {
 public:
  RowSolver(const Row& row, const Simulate& simulate, scenario::Configuration& configuration)
      : m_row(row), m_simulate(simulate), m_configuration(configuration) {
    for (const Term& term : row.target) m_primitives.push_back(term.primitive);
  }

  /// What is found; sets the parameters when it is a measurement.
  Finding solve(const Timings& measured) {
    const auto wanted = sum(m_row.target, measured);
    if (!wanted) return kept("not measured");
    const double spread = spread_of(wanted->nanoseconds, wanted->rounds);
    // Standard error of a median: 1.25 standard deviations, 1.35 of which are an interquartile range, by sqrt(n).
    const double error = std::abs(wanted->nanoseconds) * spread * 1.25 / 1.35 /
                         std::sqrt(static_cast<double>(std::max<std::size_t>(wanted->rounds.size(), 1)));
    if (error > kTooNoisy * std::abs(wanted->nanoseconds) && error > kNegligible * largest_term(measured)) {
      return kept(fmt::format("too noisy: {:.3g} ns +- {:.3g}", wanted->nanoseconds, error));
    }
    const std::vector<std::string> before = values();
    const auto at_zero = simulated_at(0);
    const auto at_probe = simulated_at(kProbe);
    restore(before);
    if (!at_zero || !at_probe) return kept("the simulated kernel cannot do it");
    const double effect = (*at_probe - *at_zero) / kProbe;
    if (std::abs(effect) < kLeastEffect) return kept("has no effect here");
    const double first = (wanted->nanoseconds - *at_zero) / effect;
    const double solution = refine(first, wanted->nanoseconds);
    const auto reached = simulated_at(std::max(solution, 0.0));
    const double miss = reached ? std::abs(*reached - wanted->nanoseconds) : 0;
    if (first > 0 && miss > kTooFar * std::abs(wanted->nanoseconds) && miss > kNegligible * largest_term(measured)) {
      restore(before);
      return kept(fmt::format("no value of it gives the {:.0f} ns that were measured", wanted->nanoseconds));
    }
    return {"", true, spread, solution < 0 ? m_row.why + fmt::format("; {:.3g} ns, taken as 0", solution) : m_row.why};
  }

 private:
  [[nodiscard]] double largest_term(const Timings& measured) const {
    double largest = 0;
    for (const Term& term : m_row.target) largest = std::max(largest, measured.at(term.primitive).nanoseconds);
    return largest;
  }
  [[nodiscard]] static Finding kept(std::string why) { return {"", false, 0, std::move(why)}; }

  std::optional<double> simulated_at(double nanoseconds) {
    set(nanoseconds);
    return sum(m_row.target, m_simulate(m_configuration, m_primitives));
  }

  /// A line of a copy costs at least what the memory needs for it, so that a target may have a kink: the first solution
  /// is bettered by Newton's method where it misses by more than a hundredth.
  double refine(double solution, double wanted) {
    constexpr unsigned kSteps = 3;
    for (unsigned i = 0; i < kSteps && solution > 0; ++i) {
      const auto here = simulated_at(solution);
      if (!here || std::abs(*here - wanted) <= std::abs(wanted) / 100) break;
      const double step = solution / 4;
      const auto beyond = simulated_at(solution + step);
      const double slope = beyond ? (*beyond - *here) / step : 0;
      if (std::abs(slope) < kLeastEffect) break;
      solution += (wanted - *here) / slope;
    }
    return solution;
  }

  void set(double nanoseconds) {
    scenario::ParameterIndex index{m_configuration};
    for (const Share& share : m_row.parameters) {
      const double value = nanoseconds * share.share;
      if (index.find(share.parameter)->kind() == "byte rate") {
        // The cost is the time of a KiB.
        const double bytes_per_s = 1024 / std::max(value, kShortestKib) * 1e9;
        index.set(share.parameter, fmt::format("{:.0f} B/s", bytes_per_s), {});
      } else if (index.find(share.parameter)->get().ends_with("cycles")) {
        const double hertz = static_cast<double>(m_configuration.machine.cpu.frequency.value());
        index.set(share.parameter, fmt::format("{:.3f} cycles", value * 1e-9 * hertz), {});
      } else {
        index.set(share.parameter, fmt::format("{:.0f} ps", value * 1000), {});
      }
    }
  }
  std::vector<std::string> values() {
    scenario::ParameterIndex index{m_configuration};
    std::vector<std::string> texts;
    for (const Share& share : m_row.parameters) texts.push_back(index.find(share.parameter)->get());
    return texts;
  }
  void restore(const std::vector<std::string>& texts) {
    scenario::ParameterIndex index{m_configuration};
    for (std::size_t i = 0; i < texts.size(); ++i) index.set(m_row.parameters[i].parameter, texts[i], {});
  }

  const Row& m_row;
  const Simulate& m_simulate;
  scenario::Configuration& m_configuration;
  std::vector<std::string> m_primitives;
};

}  // namespace

double spread_of(double value, const std::vector<double>& rounds) {
  std::vector<double> values = rounds;
  std::erase(values, 0.0);
  const double range = calibration::quantile(values, 0.75) - calibration::quantile(values, 0.25);
  return value == 0 ? std::numeric_limits<double>::infinity() : range / std::abs(value);
}

std::vector<Finding> solve(const std::vector<Row>& rows, const Timings& measured, const Simulate& simulate,
                           scenario::Configuration& configuration, unsigned sweeps,
                           const std::function<void(std::size_t done, std::size_t of)>& progress) {
  std::vector<Finding> findings;
  for (unsigned sweep = 0; sweep < sweeps; ++sweep) {
    findings.clear();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (progress) progress(sweep * rows.size() + i, sweeps * rows.size());
      Finding finding = RowSolver{rows[i], simulate, configuration}.solve(measured);
      for (const Share& share : rows[i].parameters) {
        finding.parameter = share.parameter;
        findings.push_back(finding);
      }
    }
  }
  return findings;
}

}  // namespace sluice::calibrate
