// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel_sim/programs/lua/reference.h"

namespace sluice::lua {
namespace {

using ::testing::HasSubstr;

TEST(LuaReference, SignaturesSayWhatIsTakenAndGiven) {
  const std::string page = reference_page();
  for (const char* signature :
       {"`read(fd, buffer, size) -> value`", "`open(path, flags, [mode]) -> value`", "`pipe([flags]) -> fds`",
        "`fstat(fd) -> status`", "`sendfile(out_fd, in_fd, offset, size) -> value, offset`",
        "`accept(fd, [flags]) -> value, peer`", "`poll(entries, timeout_ms) -> value`"}) {
    EXPECT_THAT(page, HasSubstr(signature));
  }
}

TEST(LuaReference, ThePageInTheRepositoryIsTheOneThatTheTableGives) {
  std::ifstream file{SLUICE_SOURCE_DIR "/scenarios/programs/REFERENCE.md"};
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), reference_page())
      << "write it anew: sluice describe --programs > scenarios/programs/REFERENCE.md";
}

}  // namespace
}  // namespace sluice::lua
