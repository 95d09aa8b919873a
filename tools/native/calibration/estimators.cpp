// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/estimators.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sluice::calibration {
namespace {

constexpr std::size_t kLeastPoints = 2;

struct Piece {
  double height = 0;
  double misfit = 0;
};

Piece fit_piece(std::span<const double> y) {
  Piece piece{quantile({y.begin(), y.end()}, 0.5), 0};
  for (const double value : y) piece.misfit += std::abs(std::log(value) - std::log(piece.height));
  return piece;
}

struct Staircase {
  std::vector<Step> steps;
  double misfit = std::numeric_limits<double>::infinity();
};

/// The best staircase of `left` steps for y[begin..], none of them below `floor`.
Staircase best_from(std::span<const double> y, std::size_t begin, std::size_t left, double floor) {
  if (left == 1) {
    if (begin >= y.size()) return {};
    const Piece piece = fit_piece(y.subspan(begin));
    if (piece.height < floor) return {};
    return {{{y.size(), piece.height}}, piece.misfit};
  }
  Staircase best;
  for (std::size_t end = begin + kLeastPoints; end < y.size(); ++end) {
    const Piece piece = fit_piece(y.subspan(begin, end - begin));
    if (piece.height < floor || piece.misfit >= best.misfit) continue;
    Staircase rest = best_from(y, end, left - 1, piece.height);
    if (rest.misfit + piece.misfit >= best.misfit) continue;
    best.misfit = rest.misfit + piece.misfit;
    best.steps = {{end, piece.height}};
    best.steps.insert(best.steps.end(), rest.steps.begin(), rest.steps.end());
  }
  return best;
}

}  // namespace

double quantile(std::vector<double> samples, double share) {
  if (samples.empty()) return 0;
  std::sort(samples.begin(), samples.end());
  const double rank = share * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, samples.size() - 1);
  return samples[below] + (samples[above] - samples[below]) * (rank - static_cast<double>(below));
}

double usual_mean(const std::vector<double>& samples) {
  const double most = kOutOfPlace * quantile(samples, 0.5);
  double sum = 0;
  std::size_t count = 0;
  for (const double sample : samples) {
    if (sample > most) continue;
    sum += sample;
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

Estimate estimate(const std::vector<double>& samples) {
  const double median = quantile(samples, 0.5);
  if (median == 0) return {};
  return {median, (quantile(samples, 0.75) - quantile(samples, 0.25)) / median};
}

Line theil_sen(std::span<const double> x, std::span<const double> y) {
  std::vector<double> slopes;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = i + 1; j < x.size(); ++j) {
      if (x[i] != x[j]) slopes.push_back((y[j] - y[i]) / (x[j] - x[i]));
    }
  }
  Line line;
  line.slope = quantile(slopes, 0.5);
  std::vector<double> rest;
  for (std::size_t i = 0; i < x.size(); ++i) rest.push_back(y[i] - line.slope * x[i]);
  line.intercept = quantile(rest, 0.5);
  return line;
}

std::vector<Step> fit_staircase(std::span<const double> y, std::size_t steps) {
  for (; steps > 0; --steps) {
    Staircase best = best_from(y, 0, steps, 0);
    if (!best.steps.empty()) return best.steps;
  }
  return {};
}

}  // namespace sluice::calibration
