// SPDX-License-Identifier: Apache-2.0
// One main for all tests. A SystemC warning or error fails the test that caused it.
#include <systemc>

#include <gtest/gtest.h>

// libsystemc refers to it; simulations here are started by the tests.
int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

namespace {
void report(const sc_core::sc_report& what, const sc_core::sc_actions& /*actions*/) {
  if (what.get_severity() >= sc_core::SC_WARNING) ADD_FAILURE() << what.what();
}
}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  sc_core::sc_report_handler::set_handler(report);
  return RUN_ALL_TESTS();
}
