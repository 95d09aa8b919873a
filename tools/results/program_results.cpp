// SPDX-License-Identifier: Apache-2.0
#include "tools/results/program_results.h"

#include <algorithm>
#include <csignal>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/wait.h>

namespace sluice::results {
namespace {

void add_calls(Named<std::uint64_t>& to, const Named<std::uint64_t>& calls) {
  for (const auto& [name, made] : calls) {
    const auto same =
        std::find_if(to.begin(), to.end(), [&wanted = name](const auto& call) { return call.first == wanted; });
    if (same != to.end()) {
      same->second += made;
    } else if (made > 0) {
      to.emplace_back(name, made);
    }
  }
}

/// "exit 0", or "3 x exit 0, 1 x SIGBUS".
std::string ends_text(const Named<std::uint64_t>& ends) {
  if (ends.size() == 1) return ends.front().first;
  std::vector<std::string> parts;
  for (const auto& [how, times] : ends) parts.push_back(fmt::format("{} x {}", times, how));
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// Of what one kind of machine alone knows.
void add_known(std::optional<std::int64_t>& to, const std::optional<std::int64_t>& ns) {
  if (ns) to = to.value_or(0) + *ns;
}

}  // namespace

MeasureUse between(const MeasureUse& begin, const MeasureUse& end) {
  MeasureUse use{.times = 1,
                 .elapsed_ns = end.elapsed_ns - begin.elapsed_ns,
                 .cpu_ns = end.cpu_ns - begin.cpu_ns,
                 .mode_switches = end.mode_switches - begin.mode_switches,
                 .page_faults_minor = end.page_faults_minor - begin.page_faults_minor,
                 .page_faults_major = end.page_faults_major - begin.page_faults_major};
  if (end.user_ns && begin.user_ns) use.user_ns = *end.user_ns - *begin.user_ns;
  if (end.bytes_copied && begin.bytes_copied) use.bytes_copied = *end.bytes_copied - *begin.bytes_copied;
  if (end.bytes_dma && begin.bytes_dma) use.bytes_dma = *end.bytes_dma - *begin.bytes_dma;
  for (const auto& [name, made] : end.system_calls) {
    const std::uint64_t* const before = find(begin.system_calls, name);
    const std::uint64_t meanwhile = made - (before != nullptr ? *before : 0);
    if (meanwhile > 0) use.system_calls.emplace_back(name, meanwhile);
  }
  return use;
}

SampleUse summary_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += value;
  const auto rank = [&](std::size_t per_thousand) {
    return values[std::max<std::size_t>((values.size() * per_thousand + 999) / 1000, 1) - 1];
  };
  return {.count = values.size(),
          .min = values.front(),
          .mean = sum / static_cast<double>(values.size()),
          .p50 = rank(500),
          .p90 = rank(900),
          .p99 = rank(990),
          .p999 = rank(999),
          .max = values.back()};
}

void ProgramReport::measured(std::string_view name, std::int64_t pid, const MeasureUse& use) {
  MeasureUse& sum = of(m_measures, name)[pid];
  sum.times += use.times;
  sum.elapsed_ns += use.elapsed_ns;
  sum.cpu_ns += use.cpu_ns;
  add_known(sum.user_ns, use.user_ns);
  add_known(sum.interpreter_ns, use.interpreter_ns);
  sum.mode_switches += use.mode_switches;
  sum.page_faults_minor += use.page_faults_minor;
  sum.page_faults_major += use.page_faults_major;
  if (use.bytes_copied) sum.bytes_copied = sum.bytes_copied.value_or(0) + *use.bytes_copied;
  if (use.bytes_dma) sum.bytes_dma = sum.bytes_dma.value_or(0) + *use.bytes_dma;
  add_calls(sum.system_calls, use.system_calls);
}

void ProgramReport::add_samples(const ProgramReport& other) {
  for (const auto& [name, values] : other.m_samples) {
    std::vector<double>& all = of(m_samples, name);
    all.insert(all.end(), values.begin(), values.end());
  }
}

void ProgramReport::shorten(double by) {
  for (auto& [name, by_process] : m_measures) {
    for (auto& [pid, use] : by_process) {
      const auto shorter = std::llround(static_cast<double>(use.cpu_ns) / by);
      use.elapsed_ns = std::max<std::int64_t>(use.elapsed_ns - (use.cpu_ns - shorter), 0);
      use.cpu_ns = shorter;
    }
  }
}

void ProgramReport::check(bool holds, const std::string& who, std::string_view where, std::string_view text) {
  ++m_checks;
  if (!holds) m_failures.push_back(fmt::format("{}: {}: does not hold: {}", who, where, text));
}

void ProgramReport::fail(const std::string& who, std::string_view message) {
  m_failures.push_back(fmt::format("{}: {}", who, message));
}

void ProgramReport::add_to(RunResult& result) const {
  if (!m_measures.empty()) result.measures.emplace();
  for (const auto& [name, by_process] : m_measures) {
    MeasureUse all;
    for (const auto& [pid, use] : by_process) {
      all.times += use.times;
      all.elapsed_ns = std::max(all.elapsed_ns, use.elapsed_ns);
      all.cpu_ns += use.cpu_ns;
      add_known(all.user_ns, use.user_ns);
      add_known(all.interpreter_ns, use.interpreter_ns);
      all.mode_switches += use.mode_switches;
      all.page_faults_minor += use.page_faults_minor;
      all.page_faults_major += use.page_faults_major;
      if (use.bytes_copied) all.bytes_copied = std::max(all.bytes_copied.value_or(0), *use.bytes_copied);
      if (use.bytes_dma) all.bytes_dma = std::max(all.bytes_dma.value_or(0), *use.bytes_dma);
      add_calls(all.system_calls, use.system_calls);
    }
    result.measures->emplace_back(name, std::move(all));
  }
  if (!m_samples.empty()) result.samples.emplace();
  for (const auto& [name, values] : m_samples) result.samples->emplace_back(name, summary_of(values));
  if (!m_counted.empty()) result.counted = m_counted;
  if (m_checks > 0) result.checks = m_checks;
  if (!m_output.empty()) result.output = m_output;
  result.failures.insert(result.failures.end(), m_failures.begin(), m_failures.end());
}

Named<ProcessUse> by_name(const std::vector<EndedProcess>& processes) {
  Named<ProcessUse> all;
  Named<Named<std::uint64_t>> ends;
  for (const EndedProcess& process : processes) {
    const auto same =
        std::find_if(all.begin(), all.end(), [&](const auto& entry) { return entry.first == process.name; });
    if (same == all.end()) ends.emplace_back(process.name, Named<std::uint64_t>{});
    ProcessUse& use = same != all.end() ? same->second : all.emplace_back(process.name, ProcessUse{}).second;
    ++use.copies;
    use.cpu_ns += process.use.cpu_ns;
    add_known(use.user_ns, process.use.user_ns);
    add_known(use.interpreter_ns, process.use.interpreter_ns);
    use.mode_switches += process.use.mode_switches;
    use.page_faults_minor += process.use.page_faults_minor;
    use.page_faults_major += process.use.page_faults_major;
    use.voluntary_switches += process.use.voluntary_switches;
    use.involuntary_switches += process.use.involuntary_switches;
    add_calls(use.system_calls, process.use.system_calls);
    auto& of_name =
        std::find_if(ends.begin(), ends.end(), [&](const auto& entry) { return entry.first == process.name; })->second;
    add_calls(of_name, {{process.how, 1}});
  }
  for (auto& [name, use] : all) use.ends = ends_text(*find(ends, name));
  return all;
}

std::string how_it_ended(int status) {
  if (!WIFSIGNALED(status)) return fmt::format("exit {}", WEXITSTATUS(status));
  const char* const name = sigabbrev_np(WTERMSIG(status));
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", WTERMSIG(status));
}

}  // namespace sluice::results
