// SPDX-License-Identifier: Apache-2.0
#include "tools/native/program_observer.h"

#include "tools/native/measured_region.h"

namespace sluice::native {

std::int64_t ProgramObserver::clock_ns() { return monotonic_ns() - m_calls.memory().began_at_ns(); }

// The clock is read last at the begin and first at the end, so that reading the rest is not measured.

void ProgramObserver::measure_begins(std::string_view /*name*/) {
  m_open.push_back({m_calls.used(), 0, 0});
  m_open.back().process_ns = resource_use().cpu_ns;
  m_open.back().at_ns = monotonic_ns();
}

void ProgramObserver::measure_ends(std::string_view name) {
  const std::int64_t now = monotonic_ns();
  const Reading& begin = m_open.back();
  Record measured = record(RecordKind::Measure);
  measured.number = now - begin.at_ns;
  measured.process_ns = resource_use().cpu_ns - begin.process_ns;
  measured.used = m_calls.used() - begin.used;
  m_open.pop_back();
  m_calls.memory().append(measured, name);
}

void ProgramObserver::sample(std::string_view name, double value) {
  Record taken = record(RecordKind::Sample);
  taken.value = value;
  m_calls.memory().append(taken, name);
}

void ProgramObserver::count(std::string_view name, std::int64_t n) {
  Record counted = record(RecordKind::Count);
  counted.number = n;
  m_calls.memory().append(counted, name);
}

void ProgramObserver::check(bool holds, std::string_view where, std::string_view text) {
  Record checked = record(RecordKind::Check);
  checked.number = holds ? 1 : 0;
  m_calls.memory().append(checked, text, where);
}

void ProgramObserver::print(std::string_view line) { m_calls.memory().append(record(RecordKind::Print), line); }

void ProgramObserver::failed(std::string_view message) { m_calls.memory().append(record(RecordKind::Failed), message); }

}  // namespace sluice::native
