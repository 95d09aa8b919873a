// SPDX-License-Identifier: Apache-2.0
// Repetitions of a native run on one clock and on a core of one's own, as probes of the core tell (core_probe.h).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>
#include <vector>

#include "tools/native/core_probe.h"
#include "tools/scenario/configuration.h"

namespace sluice::crosscheck {

/// The core that times are worked out for.
struct ReferenceCore {
  double own_ratio = 0;  ///< of a core of one's own; 0: not known
  double clock = 0;      ///< hertz; 0: there is no calibration, and times stay as they are
  double longer = 1;     ///< times as long on a shared core, where a run's repetitions do not tell
};
/// That of a calibrated platform; nothing is known of another.
ReferenceCore reference_core(const scenario::Configuration& configuration);

/// Share of the probes that say that something else had a part of the core.
double shared_share(const native::Probes& probes, double own_ratio);
/// Whether a repetition tells what it takes on a core of its own: it had that nearly all the time, or during a quarter
/// of its windows.
bool tells(const native::Probes& probes, const ReferenceCore& core);

/// One repetition.
struct Observed {
  native::Probes probes;
  double cpu_ns = 0;
};
/// What becomes of it.
struct Settled {
  double shorter_by = 1;  ///< its CPU times are divided by this
  bool set_aside = false;
};

/// How the repetitions of one run become those of the reference core: the time of each becomes that of its clock, and
/// what was on a shared core counts less by what sharing costs this run. That the windows of all repetitions tell, else
/// repetitions that differ in their shares, else the calibration. Where the core was shared is known of each window,
/// and only as a share of a repetition without any. Repetitions that had the core seldom are set aside when at least
/// `enough` had it more often.
std::vector<Settled> settle(const std::vector<Observed>& repetitions, const ReferenceCore& core, std::size_t enough);

/// The same for samples with `probes`: `cpu_ns(sample)` is what a sample took, `shorten(sample, by)` divides it.
/// Returns those that are set aside.
template <class Sample, class CpuTime, class Shorten>
std::vector<Sample> settle(std::vector<Sample>& samples, const ReferenceCore& core, std::size_t enough,
                           CpuTime&& cpu_ns, Shorten&& shorten) {
  std::vector<Observed> observed;
  for (const Sample& sample : samples) observed.push_back({sample.probes, static_cast<double>(cpu_ns(sample))});
  const std::vector<Settled> settled = settle(observed, core, enough);
  std::vector<Sample> kept;
  std::vector<Sample> set_aside;
  for (std::size_t i = 0; i < settled.size(); ++i) {
    shorten(samples[i], settled[i].shorter_by);
    (settled[i].set_aside ? set_aside : kept).push_back(std::move(samples[i]));
  }
  samples = std::move(kept);
  return set_aside;
}

/// `samples` is not empty.
template <class Sample>
double mean_shared_share(const std::vector<Sample>& samples, const ReferenceCore& core) {
  double sum = 0;
  for (const Sample& sample : samples) sum += shared_share(sample.probes, core.own_ratio);
  return sum / static_cast<double>(samples.size());
}

/// Rounds of repetitions: those that are wanted, and with a calibration further ones of what too few tell about.
/// The further ones are up to three times as many, and take as long again at most.
class RepeatedRounds {
 public:
  RepeatedRounds(unsigned warm_up, unsigned wanted) : m_planned(warm_up + wanted), m_wanted(wanted) {}

  /// Whether there is another round; begins with it.
  bool next();
  [[nodiscard]] bool warms_up() const { return m_round < m_planned - m_wanted; }
  [[nodiscard]] bool is_planned() const { return m_round < m_planned; }
  /// Samples that tell what a run takes, with which it has enough of them.
  [[nodiscard]] std::size_t enough() const { return (m_wanted + 1) / 2; }
  /// Whether this round is to repeat a run that has these samples.
  template <class Sample>
  [[nodiscard]] bool repeats(const std::vector<Sample>& samples, const ReferenceCore& core) const {
    if (is_planned()) return true;
    const auto telling =
        std::ranges::count_if(samples, [&](const Sample& sample) { return tells(sample.probes, core); });
    return core.clock > 0 && static_cast<std::size_t>(telling) < enough();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr unsigned kFurther = 3;  // times as many

  unsigned m_planned;
  unsigned m_wanted;
  unsigned m_round = 0;
  bool m_begun = false;
  Clock::time_point m_began = Clock::now();
  Clock::time_point m_end;
};

}  // namespace sluice::crosscheck
