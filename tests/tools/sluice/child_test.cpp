// SPDX-License-Identifier: Apache-2.0
#include "tools/simulate/child.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <new>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "models/base/result.h"
#include "tools/native/shared.h"

namespace sluice::simulate {
namespace {

using testing::HasSubstr;

std::string failure_of(const std::function<Json()>& work, const ChildLimits& limits = {}) {
  const Json result = run_in_child(work, limits);
  return result.contains("failures") ? result["failures"].at(0).get<std::string>() : "none";
}

TEST(Child, ReturnsItsResult) {
  const Json result = run_in_child([] { return Json{{"answer", 42}}; }, {});
  EXPECT_EQ(result["answer"], 42);
}

TEST(Child, ReturnsAResultThatDoesNotFitInAPipe) {
  const std::string large(5'000'000, 'x');
  EXPECT_EQ(run_in_child([&] { return Json{{"text", large}}; }, {})["text"], large);
}

TEST(Child, ACrashIsAFailedRun) {
  EXPECT_THAT(failure_of([]() -> Json {
                std::signal(SIGABRT, SIG_DFL);
                std::abort();
              }),
              HasSubstr("crashed: Aborted"));
  EXPECT_THAT(failure_of([]() -> Json { _exit(3); }), HasSubstr("without a result, status 3"));
}

TEST(Child, ExceptionsAreFailedRuns) {
  EXPECT_THAT(failure_of([]() -> Json { throw base::SimulatorBug{"two is one"}; }),
              HasSubstr("error in the simulator, please report it: two is one"));
  EXPECT_THAT(failure_of([]() -> Json { throw std::bad_alloc{}; }), HasSubstr("too little memory"));
}

TEST(Child, AChildThatIsKilledProbablyLackedMemory) {
  EXPECT_THAT(failure_of([]() -> Json {
                std::raise(SIGKILL);
                return {};
              }),
              testing::ContainsRegex("was killed.*memory.*[0-9]+ MiB"));
}

TEST(Child, WhatTheHostRefusesTheChildIsBadInput) {
  EXPECT_THROW(run_in_child(
                   []() -> Json {
                     throw std::system_error{EMFILE, std::generic_category()};
                   },
                   {}),
               base::InputError);
}

TEST(Child, BadInputFoundByTheChildIsBadInputHere) {
  EXPECT_THROW(run_in_child([]() -> Json { throw base::InputError{"late"}; }, {}), base::InputError);
}

TEST(Child, ARunThatTakesTooLongIsEnded) {
  const ChildLimits limits{std::chrono::seconds{1}, {}};
  EXPECT_EQ(failure_of(
                []() -> Json {
                  while (true) pause();
                },
                limits),
            "did not end within 1 s (--timeout)");
}

TEST(Child, ResultsComeInTheOrderOfTheWorks) {
  std::vector<Work> works;
  for (int i = 0; i < 6; ++i) {
    works.push_back([i] {
      usleep(static_cast<useconds_t>(6 - i) * 10'000);
      return Json{{"answer", i}};
    });
  }
  for (const unsigned at_once : {1U, 3U, 100U}) {
    const std::vector<Outcome> outcomes = run_in_children(works, at_once, {});
    ASSERT_EQ(outcomes.size(), works.size());
    for (int i = 0; i < 6; ++i) EXPECT_EQ(outcomes[static_cast<std::size_t>(i)].result["answer"], i);
    EXPECT_GE(outcomes[0].took.count(), 0.06) << "the whole time of the child";
  }
}

TEST(Child, NoMoreRunAtOnceThanAskedFor) {
  struct Counts {
    std::atomic<int> now = 0;
    std::atomic<int> most = 0;
  };
  native::Shared<Counts> counts;
  const Work work = [&] {
    const int here = ++counts->now;
    for (int most = counts->most; here > most && !counts->most.compare_exchange_weak(most, here);) {
    }
    usleep(20'000);
    --counts->now;
    return Json{{"failures", Json::array()}};
  };
  run_in_children(std::vector<Work>(8, work), 3, {});
  EXPECT_EQ(counts->most, 3);
  EXPECT_EQ(counts->now, 0);
}

TEST(Child, TheFirstBadInputIsToldAndNothingAfterItIsStarted) {
  native::Shared<std::atomic<int>> started;
  const auto refuse = [&](const char* message, useconds_t after) {
    return Work{[&started, message, after]() -> Json {
      ++*started;
      usleep(after);
      throw base::InputError{message};
    }};
  };
  std::vector<Work> works{refuse("the first", 200'000), refuse("the second", 0)};
  for (int i = 0; i < 10; ++i) works.push_back(refuse("one after it", 300'000));
  try {
    run_in_children(works, 3, {});
    FAIL();
  } catch (const base::InputError& refused) {
    EXPECT_STREQ(refused.what(), "the first");
  }
  EXPECT_LE(*started, 3);
}

TEST(Child, TheOthersGoOnWhenOneTakesTooLong) {
  const Work endless = []() -> Json {
    while (true) pause();
  };
  const Work quick = [] { return Json{{"answer", 1}}; };
  const std::vector<Outcome> outcomes = run_in_children({endless, quick, quick}, 2, {std::chrono::seconds{1}, {}});
  EXPECT_THAT(outcomes[0].result["failures"].at(0).get<std::string>(), HasSubstr("did not end"));
  EXPECT_EQ(outcomes[1].result["answer"], 1);
  EXPECT_EQ(outcomes[2].result["answer"], 1);
}

TEST(Child, AnInterruptEndsTheWaitAndTheChild) {
  catch_interrupts();
  std::raise(SIGINT);
  EXPECT_THROW(run_in_child([]() -> Json { return {}; }, {}), Interrupted);
}

}  // namespace
}  // namespace sluice::simulate
