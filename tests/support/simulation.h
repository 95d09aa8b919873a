// SPDX-License-Identifier: Apache-2.0
// Fixture of device tests: one SystemC simulation per test case, each case in its own process.
#pragma once

#include <systemc>

#include <functional>

#include <gtest/gtest.h>

namespace sluice::tests {

/// A test derives from it, builds its modules in the body, and calls run(). Stimuli are functions that run as an
/// SC_THREAD and may wait.
class Simulation : public testing::Test {
 protected:
  void SetUp() override {
    static bool used = false;
    ASSERT_FALSE(used) << "SystemC elaborates once per process: run one device test per process (ctest does)";
    used = true;
  }
  /// Runs `body` as a thread from time 0; call before run().
  void thread(std::function<void()> body, const char* name = "stimulus") {
    sc_core::sc_spawn_options options;
    options.set_stack_size(256 * 1024);
    sc_core::sc_spawn(std::move(body), sc_core::sc_gen_unique_name(name), &options);
  }
  void run() { sc_core::sc_start(); }
  void run(const sc_core::sc_time& duration) { sc_core::sc_start(duration); }
};

}  // namespace sluice::tests
