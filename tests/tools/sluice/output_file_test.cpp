// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/output_file.h"

#include <gtest/gtest.h>

#include "models/base/result.h"
#include "tests/tools/scenario/support.h"
#include "tests/tools/sluice/process.h"

namespace sluice::tool {
namespace {

std::size_t files_in(const tests::Folder& folder) {
  const std::filesystem::directory_iterator all{folder.path("")};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST(OutputFile, AppearsWhenItIsCommitted) {
  const tests::Folder folder;
  {
    OutputFile file{folder.path("out")};
    EXPECT_FALSE(std::filesystem::exists(folder.path("out")));
    file.commit("text");
  }
  EXPECT_EQ(tests::read_all(folder.path("out")), "text");
  EXPECT_EQ(files_in(folder), 1U);
}

TEST(OutputFile, LeavesNothingBehindWhenItIsNot) {
  const tests::Folder folder;
  folder.write("out", "old");
  { const OutputFile file{folder.path("out")}; }
  EXPECT_EQ(tests::read_all(folder.path("out")), "old");
  EXPECT_EQ(files_in(folder), 1U);
}

TEST(OutputFile, IsWrittenThroughALink) {
  const tests::Folder folder;
  folder.write("out", "old");
  std::filesystem::create_symlink(folder.path("out"), folder.path("link"));
  OutputFile file{folder.path("link")};
  file.commit("text");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
  EXPECT_EQ(tests::read_all(folder.path("out")), "text");
}

TEST(OutputFile, RefusesAPathThatCannotBeWritten) {
  const tests::Folder folder;
  EXPECT_THROW(OutputFile{folder.path("none/out")}, base::InputError);
  EXPECT_THROW(OutputFile{folder.path("")}, base::InputError);
}

}  // namespace
}  // namespace sluice::tool
