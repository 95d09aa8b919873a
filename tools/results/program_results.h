// SPDX-License-Identifier: Apache-2.0
// What the programs of a run reported, put together from what each process said: the same on both kernels.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/results/run_result.h"

namespace sluice::results {

/// What happened between two readings of the same process.
MeasureUse between(const MeasureUse& begin, const MeasureUse& end);

/// Of values that need not be sorted. Percentiles are nearest ranks.
SampleUse summary_of(std::vector<double> values);

class ProgramReport {
 public:
  void measured(std::string_view name, std::int64_t pid, const MeasureUse& use);
  void sample(std::string_view name, double value) { of(m_samples, name).push_back(value); }
  /// The samples of another run of the same programs.
  void add_samples(const ProgramReport& other);
  /// CPU times of measures become 1/`by` of what they are; what was waited for does not become shorter.
  void shorten(double by);
  void count(std::string_view name, std::int64_t n) { of(m_counted, name) += n; }
  void check(bool holds, const std::string& who, std::string_view where, std::string_view text);
  void print(const std::string& who, std::string_view line) { of(m_output, who).emplace_back(line); }
  void fail(const std::string& who, std::string_view message);

  /// Puts measures, samples, counters, checks, output and failures into a result.
  void add_to(RunResult& result) const;

 private:
  template <class T>
  static T& of(Named<T>& named, std::string_view name) {
    for (auto& [key, value] : named) {
      if (key == name) return value;
    }
    return named.emplace_back(std::string{name}, T{}).second;
  }

  /// By name, then by process.
  Named<std::map<std::int64_t, MeasureUse>> m_measures;
  Named<std::vector<double>> m_samples;
  Named<std::int64_t> m_counted;
  Named<std::vector<std::string>> m_output;
  std::vector<std::string> m_failures;
  std::uint64_t m_checks = 0;
};

/// One process that has ended, or never will.
struct EndedProcess {
  std::string name;  ///< of the scenario's process
  std::string how;   ///< "exit 0"
  ProcessUse use;    ///< copies and ends are not looked at
};

/// Processes of one name together, in the order in which the names first come.
Named<ProcessUse> by_name(const std::vector<EndedProcess>& processes);

/// How a process ended, from wait's status: "exit 0", "SIGBUS".
std::string how_it_ended(int status);

}  // namespace sluice::results
