// SPDX-License-Identifier: Apache-2.0
#include "models/base/content.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "models/base/result.h"

namespace sluice::base {
namespace {

using testing::HasSubstr;

std::vector<std::byte> bytes_of(const Content& content, Bytes offset, Bytes size) {
  std::vector<std::byte> bytes(size);
  content.read(offset, bytes);
  return bytes;
}

/// A directory of the test's own, removed afterwards.
class FileContentTest : public testing::Test {
 protected:
  FileContentTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sluice-content-XXXXXX").string();
    m_folder = ::mkdtemp(pattern.data());
  }
  ~FileContentTest() override { std::filesystem::remove_all(m_folder); }
  std::string path(const std::string& name) const { return (m_folder / name).string(); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream{path(name), std::ios::binary} << text;
    return path(name);
  }
  std::string error_of(const std::string& path) const {
    try {
      open_file_content(path);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }
  std::filesystem::path m_folder;
};

TEST(SyntheticContent, EveryCutGivesTheSameBytes) {
  const auto content = make_synthetic_content(1000, 7);
  const auto whole = bytes_of(*content, 0, 1000);
  for (Bytes offset = 0; offset < 70; ++offset) {
    for (Bytes size = 0; size < 100; ++size) {
      const auto part = bytes_of(*content, offset, size);
      ASSERT_TRUE(std::equal(part.begin(), part.end(), whole.begin() + static_cast<std::ptrdiff_t>(offset)))
          << offset << " " << size;
      ASSERT_TRUE(content->equals(offset, part));
    }
  }
}

TEST(SyntheticContent, NoTwoAlignedWordsAreAlike) {
  const auto content = make_synthetic_content(1_MiB, 1);
  const auto bytes = bytes_of(*content, 0, 1_MiB);
  std::set<std::uint64_t> words;
  for (Bytes i = 0; i < 1_MiB; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    words.insert(word);
  }
  EXPECT_EQ(words.size(), 1_MiB / 8);
}

TEST(SyntheticContent, EqualsSeesASingleWrongBit) {
  const auto content = make_synthetic_content(200, 3);
  const auto right = bytes_of(*content, 5, 150);
  for (Bytes i = 0; i < 150; ++i) {
    auto wrong = right;
    wrong[i] ^= std::byte{0x10};
    EXPECT_FALSE(content->equals(5, wrong)) << i;
  }
  EXPECT_FALSE(content->equals(6, right));
  EXPECT_FALSE(content->equals(100, right)) << "beyond the end";
  EXPECT_FALSE(make_synthetic_content(200, 4)->equals(5, right)) << "another seed";
}

TEST(SyntheticContent, ReadingBeyondTheEndIsABugOfTheSimulator) {
  const auto content = make_synthetic_content(10, 3);
  EXPECT_THROW(bytes_of(*content, 5, 6), SimulatorBug);
}

TEST(Sha256, MatchesPublishedDigests) {
  struct Text final : Content {
    explicit Text(std::string t) : text(std::move(t)) {}
    [[nodiscard]] Bytes size() const override { return text.size(); }
    void read(Bytes offset, std::span<std::byte> to) const override {
      std::memcpy(to.data(), text.data() + offset, to.size());
    }
    std::string text;
  };
  // FIPS 180-4 examples: "abc", the empty message, a million times "a".
  EXPECT_EQ(sha256_of(Text{"abc"}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of(Text{""}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of(Text{std::string(1'000'000, 'a')}),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  const std::string text(9000, 'x');
  std::string changed = text;
  changed[8191] = 'y';
  const auto as_bytes = [](const std::string& s) { return std::as_bytes(std::span{s}); };
  EXPECT_TRUE(Text{text}.equals(0, as_bytes(text)));
  EXPECT_FALSE(Text{text}.equals(0, as_bytes(changed)));
}

TEST_F(FileContentTest, HoldsTheBytesOfTheFile) {
  const auto content = open_file_content(file("some", "hello, world"));
  EXPECT_EQ(content->size(), 12U);
  const auto bytes = bytes_of(*content, 7, 5);
  EXPECT_EQ(std::memcmp(bytes.data(), "world", 5), 0);
  EXPECT_TRUE(content->equals(7, bytes));
  EXPECT_FALSE(content->equals(6, bytes));
  EXPECT_FALSE(content->equals(8, bytes));
}

TEST_F(FileContentTest, AnEmptyFileIsFine) {
  const auto content = open_file_content(file("empty", ""));
  EXPECT_EQ(content->size(), 0U);
  content->read(0, {});
  EXPECT_TRUE(content->equals(0, {}));
}

TEST_F(FileContentTest, ErrorsNameTheFileAndTheReason) {
  EXPECT_EQ(error_of(path("nothing")), "cannot read '" + path("nothing") + "': there is no such file");
  EXPECT_EQ(error_of(m_folder.string()), "cannot read '" + m_folder.string() + "': it is a directory");
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_THAT(error_of(path("pipe")), HasSubstr("it is not a regular file"));
  const std::string closed = file("closed", "x");
  ASSERT_EQ(::chmod(closed.c_str(), 0), 0);
  if (::geteuid() != 0) {
    EXPECT_THAT(error_of(closed), HasSubstr("permission denied"));
  }
}

}  // namespace
}  // namespace sluice::base
