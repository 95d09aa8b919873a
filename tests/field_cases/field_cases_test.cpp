// SPDX-License-Identifier: Apache-2.0
// That the comparison of answers finds what it is there to find.
#include <gtest/gtest.h>

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

TEST(FieldCases, ValuesOfCallsAreShownByTheNamesOfErrors) {
  EXPECT_EQ(answer(-EAGAIN), "EAGAIN");
  EXPECT_EQ(answer(17), "17");
}

}  // namespace
}  // namespace sluice::field_cases
