// SPDX-License-Identifier: Apache-2.0
// That the comparison of answers finds what it is there to find.
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "models/base/result.h"
#include "tests/field_cases/answers.h"
#include "tests/field_cases/runner.h"

namespace sluice::field_cases {
namespace {

TEST(FieldCases, AnAnswerThatDiffersOrIsMissingIsADifference) {
  EXPECT_TRUE(compare("a=1\nexits with 0\n", "a=1\nexits with 0\n").agrees());
  EXPECT_FALSE(compare("a=1\nexits with 0\n", "a=2\nexits with 0\n").agrees());
  EXPECT_FALSE(compare("a=1\nexits with 0\n", "a=1\n").agrees());
}

TEST(FieldCases, ATimeMayDifferByItsMargin) {
  EXPECT_TRUE(compare("~wait 40.0 ms\n", "~wait 44.0 ms\n").agrees());
  EXPECT_FALSE(compare("~wait 40.0 ms\n", "~wait 0.1 ms\n").agrees());
  EXPECT_FALSE(compare("~wait 40.0 ms\n", "~other 40.0 ms\n").agrees());
  EXPECT_FALSE(compare("~wait 40.0 ms\n", "wait 40.0 ms\n").agrees());
}

TEST(FieldCases, AnErrorOfTheCaseItselfIsADifference) {
  const std::string error = std::string{kError} + "files.lua:3: no\n";
  EXPECT_FALSE(compare(error, error).agrees());
}

TEST(FieldCases, AFunctionThatNobodyCallsIsFound) {
  const auto folder = std::filesystem::temp_directory_path() / ("field_cases_test." + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  std::ofstream{folder / "common.lua"} << "function list_cases() print('known', 's', 'w', 5, 0, 0, 'small', '') end";
  std::ofstream{folder / "good.lua"} << "function known() fork(\"child\") end function child() end\n";
  const auto cases = load_cases(folder);
  ASSERT_EQ(cases.size(), 1U);
  EXPECT_EQ(cases[0].file_sizes[0], 5U);
  EXPECT_EQ(cases[0].disk, Disk::Small);
  std::ofstream{folder / "good.lua", std::ios::app} << "function forgotten() end\n";
  EXPECT_THROW(load_cases(folder), base::InputError);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sluice::field_cases
