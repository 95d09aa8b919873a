// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/child.h"

#include <csignal>
#include <cstdlib>
#include <new>
#include <system_error>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/base/result.h"

namespace sluice::tool {
namespace {

using testing::HasSubstr;

std::string failure_of(const std::function<RunResult()>& work, const ChildLimits& limits = {}) {
  const RunResult result = run_in_child(work, limits);
  return result.contains("failures") ? result["failures"].at(0).get<std::string>() : "none";
}

TEST(Child, ReturnsItsResult) {
  const RunResult result = run_in_child([] { return RunResult{{"answer", 42}}; }, {});
  EXPECT_EQ(result["answer"], 42);
}

TEST(Child, ReturnsAResultThatDoesNotFitInAPipe) {
  const std::string large(5'000'000, 'x');
  EXPECT_EQ(run_in_child([&] { return RunResult{{"text", large}}; }, {})["text"], large);
}

TEST(Child, ACrashIsAFailedRun) {
  EXPECT_THAT(failure_of([]() -> RunResult {
                std::signal(SIGABRT, SIG_DFL);
                std::abort();
              }),
              HasSubstr("crashed: Aborted"));
  EXPECT_THAT(failure_of([]() -> RunResult { _exit(3); }), HasSubstr("without a result, status 3"));
}

TEST(Child, ExceptionsAreFailedRuns) {
  EXPECT_THAT(failure_of([]() -> RunResult { throw base::SimulatorBug{"two is one"}; }),
              HasSubstr("error in the simulator, please report it: two is one"));
  EXPECT_THAT(failure_of([]() -> RunResult { throw std::bad_alloc{}; }), HasSubstr("too little memory"));
}

TEST(Child, AChildThatIsKilledProbablyLackedMemory) {
  EXPECT_THAT(failure_of([]() -> RunResult {
                std::raise(SIGKILL);
                return {};
              }),
              testing::ContainsRegex("was killed.*memory.*[0-9]+ MiB"));
}

TEST(Child, WhatTheHostRefusesTheChildIsBadInput) {
  EXPECT_THROW(run_in_child(
                   []() -> RunResult {
                     throw std::system_error{EMFILE, std::generic_category()};
                   },
                   {}),
               base::InputError);
}

TEST(Child, BadInputFoundByTheChildIsBadInputHere) {
  EXPECT_THROW(run_in_child([]() -> RunResult { throw base::InputError{"late"}; }, {}), base::InputError);
}

TEST(Child, ARunThatTakesTooLongIsEnded) {
  const ChildLimits limits{std::chrono::seconds{1}, {}};
  EXPECT_EQ(failure_of(
                []() -> RunResult {
                  while (true) pause();
                },
                limits),
            "did not end within 1 s (--timeout)");
}

TEST(Child, AnInterruptEndsTheWaitAndTheChild) {
  catch_interrupts();
  std::raise(SIGINT);
  EXPECT_THROW(run_in_child([]() -> RunResult { return {}; }, {}), Interrupted);
}

}  // namespace
}  // namespace sluice::tool
