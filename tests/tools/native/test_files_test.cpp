// SPDX-License-Identifier: Apache-2.0
#include "tools/native/test_files.h"

#include <fcntl.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/native/support.h"
#include "tools/native/process.h"

namespace sluice::tests {
namespace {

using native::TestFiles;

TestFiles make(const std::filesystem::path& directory, std::vector<Bytes> sizes) {
  std::vector<std::shared_ptr<const base::Content>> contents;
  for (const Bytes size : sizes) contents.push_back(base::make_synthetic_content(size, contents.size() + 1));
  return TestFiles::make(directory, contents);
}

TEST(TestFiles, HaveNoNameAndHoldTheirContent) {
  const Folder folder;
  const TestFiles files = make(folder.path(), {100'000, 0, 5});
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  ASSERT_EQ(files.paths().size(), 3U);
  EXPECT_EQ(files.bytes(), 100'005U);
  EXPECT_EQ(files.pages(), 25U + 0U + 1U);
  std::ifstream file{TestFiles::root().string() + files.paths()[0], std::ios::binary};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  EXPECT_TRUE(base::make_synthetic_content(100'000, 1)->equals(0, bytes_of(text)));
  EXPECT_EQ(text.size(), 100'000U);
}

TEST(TestFiles, AProgramOpensThemByPath) {
  const Folder folder;
  const TestFiles files = make(folder.path(), {4096});
  native::HostSystemCalls calls{{.root = TestFiles::root()}};
  const int status = run_as_process(calls, [&](SystemCalls& c) {
    const auto fd = c.open(files.paths()[0], O_RDONLY);
    kernel_sim::FileStatus found;
    return fd >= 0 && c.fstat(static_cast<int>(fd), found) == 0 && found.size == 4096 ? 0 : 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(TestFiles, AreInThePageCacheWhenWarmAndNotWhenCold) {
  const Folder folder;
  const TestFiles files = make(folder.path(), {1'000'000, 3});
  try {
    files.cool();
  } catch (const base::InputError& refused) {
    GTEST_SKIP() << refused.what();  // a temporary folder in memory
  }
  EXPECT_EQ(files.resident_pages(), 0U);
  files.warm();
  EXPECT_EQ(files.resident_pages(), 245U + 1U);
  files.cool();
  EXPECT_EQ(files.resident_pages(), 0U);
}

TEST(TestFiles, AFileOfTheHostIsOnlyRead) {
  const Folder folder;
  folder.write("file", 10'000);
  std::filesystem::permissions(folder.path() / "file", std::filesystem::perms::owner_read);
  const TestFiles files = TestFiles::open(folder.path() / "file");
  EXPECT_EQ(files.bytes(), 10'000U);
  files.warm();
  EXPECT_EQ(files.resident_pages(), files.pages());
}

std::string complaint(const std::function<void()>& work) {
  try {
    work();
  } catch (const base::InputError& refused) {
    return refused.what();
  }
  return "";
}

TEST(TestFiles, NoSpaceIsSaidBeforeAnythingIsWritten) {
  const Folder folder;
  EXPECT_THAT(complaint([&] { make(folder.path(), {Bytes{1} << 60}); }), testing::HasSubstr("no space for test files"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(TestFiles, AMissingDirectoryIsOneLine) {
  EXPECT_EQ(complaint([] { make("/no/such/directory", {1}); }), "native: /no/such/directory: ENOENT");
}

TEST(TestFiles, APageCacheThatCannotBeEmptiedIsSaid) {
  if (!std::filesystem::is_directory("/dev/shm")) GTEST_SKIP() << "no file system in memory here";
  const TestFiles files = make("/dev/shm", {8192});
  EXPECT_THAT(complaint([&] { files.cool(); }), testing::HasSubstr("2 of 2 pages stay in the page cache"));
}

}  // namespace
}  // namespace sluice::tests
