// SPDX-License-Identifier: Apache-2.0
// The names of parameters stand in one place each: what else needs a list of them takes it from there.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include "tools/scenario/configuration.h"

namespace sluice::tests {
namespace {

/// Who spells out so many names of one section has made a list of them.
constexpr std::size_t kAList = 5;

/// Section ("kernel.net") -> names ("gso").
std::map<std::string, std::set<std::string>> names_by_section() {
  scenario::Configuration configuration;
  std::map<std::string, std::set<std::string>> sections;
  for (const std::string& key : scenario::ParameterIndex{configuration}.names()) {
    const auto dot = key.rfind('.');
    sections[key.substr(0, dot)].insert(key.substr(dot + 1));
  }
  return sections;
}

/// Calls visit(path without extension, text) for each source file.
template <class Visit>
void for_each_source(Visit&& visit) {
  const std::filesystem::path root = SLUICE_SOURCE_DIR;
  for (const char* folder : {"models", "kernel_sim", "tools"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator{root / folder}) {
      if (entry.path().extension() != ".h" && entry.path().extension() != ".cpp") continue;
      std::ifstream file{entry.path()};
      visit(std::filesystem::path{entry.path()}.replace_extension().string(),
            std::string{std::istreambuf_iterator<char>{file}, {}});
    }
  }
}

/// Folder and name without extension, so that a header and its source are one place -> its string literals.
std::map<std::string, std::set<std::string>> literals_of_the_sources() {
  std::map<std::string, std::set<std::string>> literals;
  const std::regex literal{"\"([a-z0-9_]+)\""};
  for_each_source([&](const std::string& place, const std::string& text) {
    auto& of_place = literals[place];
    for (std::sregex_iterator found{text.begin(), text.end(), literal}, end; found != end; ++found) {
      of_place.insert((*found)[1]);
    }
  });
  return literals;
}

TEST(Names, OfParametersAreListedInOnePlace) {
  const auto literals = literals_of_the_sources();
  ASSERT_GT(literals.size(), 100U);
  unsigned lists = 0;
  for (const auto& [section, names] : names_by_section()) {
    std::vector<std::string> places;
    for (const auto& [place, of_place] : literals) {
      std::size_t spelled = 0;
      for (const std::string& name : names) spelled += of_place.contains(name) ? 1 : 0;
      if (spelled >= kAList) places.push_back(place);
    }
    std::string all;
    for (const std::string& place : places) all += " " + place;
    EXPECT_LE(places.size(), 1U) << section << " is listed in" << all;
    lists += static_cast<unsigned>(places.size());
  }
  EXPECT_GE(lists, 5U) << "the test no longer sees the lists";
}

TEST(Names, OfChoicesAreListedInOnePlace) {
  std::map<std::string, std::set<std::string>> lists;  // as written in a source -> the parameters
  scenario::Configuration configuration;
  scenario::ParameterIndex{configuration}.for_each([&](const std::string& key, const base::Parameter& parameter) {
    if (parameter.kind() != "choice") return;
    lists[std::regex_replace("\"" + parameter.allowed() + "\"", std::regex{", "}, "\", \"")].insert(key);
  });
  ASSERT_GE(lists.size(), 3U);
  for (const auto& [list, parameters] : lists) {
    std::string all;
    unsigned places = 0;
    for_each_source([&](const std::string& place, const std::string& text) {
      for (auto at = text.find(list); at != std::string::npos; at = text.find(list, at + 1)) {
        all += " " + place;
        ++places;
      }
    });
    EXPECT_EQ(places, 1U) << list << ", of " << *parameters.begin() << ", is listed in" << all;
  }
}

}  // namespace
}  // namespace sluice::tests
