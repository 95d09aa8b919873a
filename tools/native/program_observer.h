// SPDX-License-Identifier: Apache-2.0
// What Lua programs on this host report, into the memory that survives them.
#pragma once

#include <vector>

#include "kernel_sim/programs/lua/observer.h"
#include "tools/native/program_calls.h"

namespace sluice::native {

class ProgramObserver : public lua::Observer {
 public:
  explicit ProgramObserver(const ProgramCalls& calls) : m_calls(calls) {}

  std::int64_t clock_ns() override;
  void measure_begins(std::string_view name) override;
  void measure_ends(std::string_view name) override;
  void sample(std::string_view name, double value) override;
  void count(std::string_view name, std::int64_t n) override;
  void check(bool holds, std::string_view where, std::string_view text) override;
  void print(std::string_view line) override;
  void failed(std::string_view message) override;

 private:
  struct Reading {
    ProgramUse used;
    std::int64_t process_ns;
    std::int64_t at_ns;
  };

  [[nodiscard]] Record record(RecordKind kind) const {
    Record made;
    made.kind = kind;
    made.slot = m_calls.slot();
    return made;
  }

  const ProgramCalls& m_calls;
  std::vector<Reading> m_open;  ///< measures that have begun, the innermost last
};

}  // namespace sluice::native
