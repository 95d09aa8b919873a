// SPDX-License-Identifier: Apache-2.0
// How well a model's predictions agree with measurements of the same quantity. Nothing is fitted here.
//
// A grid has cells: one strategy at one point. Percentages are of the measured value; positive: predicted too much.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::analysis {

/// A cell that repeats worse says little about the model: it does not count for the worst one.
inline constexpr double kSteadySpread = 0.05;

struct Cell {
  std::string strategy;
  std::size_t point = 0;  ///< of the grid; strategies are compared within one
  double predicted = 0;
  double measured = 0;  ///< a median, > 0
  double spread = 0;    ///< of the measurement, relative (SampleSummary::spread)

  [[nodiscard]] double error_percent() const { return 100 * (predicted / measured - 1); }
  [[nodiscard]] bool steady() const { return spread <= kSteadySpread; }
};

struct ErrorSummary {
  double mape_percent = 0;           ///< mean of the absolute errors, over all cells
  std::optional<std::size_t> worst;  ///< index of the steady cell with the largest absolute error
  std::vector<std::size_t> unsteady;
};
ErrorSummary summarise_errors(std::span<const Cell> cells);

/// Kendall's tau of the strategies' order: (concordant - discordant) / all, over the pairs of cells of one point whose
/// measurements differ by more than the larger spread of the two. Equal predictions are neither. Nothing without pairs.
std::optional<double> kendall_tau(std::span<const Cell> cells);

/// Whether two measurements differ by more than the larger of their spreads.
bool differ(const Cell& a, const Cell& b);

}  // namespace sluice::analysis
