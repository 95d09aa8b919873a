// SPDX-License-Identifier: Apache-2.0
#include "tools/analysis/agreement.h"

#include <algorithm>
#include <cmath>

namespace sluice::analysis {

ErrorSummary summarise_errors(std::span<const Cell> cells) {
  ErrorSummary summary;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const double error = std::abs(cells[i].error_percent());
    summary.mape_percent += error / static_cast<double>(cells.size());
    if (!cells[i].steady()) {
      summary.unsteady.push_back(i);
    } else if (!summary.worst || error > std::abs(cells[*summary.worst].error_percent())) {
      summary.worst = i;
    }
  }
  return summary;
}

bool differ(const Cell& a, const Cell& b) {
  return std::abs(a.measured - b.measured) > std::max(a.spread * a.measured, b.spread * b.measured);
}

std::optional<double> kendall_tau(std::span<const Cell> cells) {
  int pairs = 0;
  int balance = 0;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    for (std::size_t j = i + 1; j < cells.size(); ++j) {
      if (cells[i].point != cells[j].point || !differ(cells[i], cells[j])) continue;
      const double product = (cells[i].predicted - cells[j].predicted) * (cells[i].measured - cells[j].measured);
      ++pairs;
      balance += product > 0 ? 1 : product < 0 ? -1 : 0;
    }
  }
  if (pairs == 0) return {};
  return static_cast<double>(balance) / pairs;
}

}  // namespace sluice::analysis
