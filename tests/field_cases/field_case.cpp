// SPDX-License-Identifier: Apache-2.0
#include "tests/field_cases/field_case.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "models/base/result.h"
#include "tests/field_cases/answers.h"
#include "tools/native/host_system_calls.h"

namespace sluice::field_cases {

namespace {

constexpr std::string_view kCommon = "common.lua";

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file{path};
  if (!file) throw base::InputError{path.string() + " cannot be read"};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (std::size_t end = 0; (end = text.find(at)) != std::string_view::npos; text.remove_prefix(end + 1))
    parts.emplace_back(text.substr(0, end));
  parts.emplace_back(text);
  return parts;
}

std::uint64_t number_in(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) throw base::InputError{text + ": no size of a file"};
  return number;
}

/// A line of list_cases.
FieldCase case_in(const std::string& line, const std::shared_ptr<const lua::Program>& program) {
  const std::vector<std::string> parts = split(line, '\t');
  if (parts.size() != 8) throw base::InputError{program->name() + ": a case needs `source` and `about`: " + line};
  FieldCase found{.id = parts[0], .source = parts[1], .about = parts[2], .difference = parts[7], .program = program};
  for (std::size_t i = 0; i < found.file_sizes.size(); ++i) found.file_sizes[i] = number_in(parts[3 + i]);
  if (parts[6] == "small") found.disk = Disk::Small;
  if (!std::ranges::binary_search(program->functions(), found.id))
    throw base::InputError{program->name() + " has no function " + found.id};
  return found;
}

/// A function that nobody calls would be a case that never runs. One that is forked, or handles a signal, is named.
void check_functions(const std::string& text, const std::string& name, const std::vector<FieldCase>& cases) {
  const lua::Program alone{name, text};
  for (const std::string& function : alone.functions()) {
    const bool is_case = std::ranges::find(cases, function, &FieldCase::id) != cases.end();
    if (!is_case && text.find('"' + function + '"') == std::string::npos)
      throw base::InputError{name + ": " + function + " is neither in `cases` nor named"};
  }
}

std::vector<FieldCase> cases_of(const std::filesystem::path& path, const std::string& common) {
  const std::string text = read_text(path);
  const std::string name = path.filename().string();
  const auto program = std::make_shared<const lua::Program>(name, text + common);
  Text lines;
  Answers listed{lines, [] { return 0.0; }};
  native::HostSystemCalls calls;  // list_cases makes none
  if (program->run(calls, listed, "list_cases", {}) != 0) throw base::InputError{std::string{lines.all()}};
  std::vector<FieldCase> cases;
  for (const std::string& line : lines.lines()) cases.push_back(case_in(line, program));
  check_functions(text, name, cases);
  return cases;
}

}  // namespace

std::vector<FieldCase> load_cases(const std::filesystem::path& folder) {
  const std::string common = read_text(folder / kCommon);
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator{folder}) {
    if (entry.path().extension() == ".lua" && entry.path().filename() != kCommon) paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<FieldCase> all;
  try {
    for (const auto& path : paths) {
      for (FieldCase& found : cases_of(path, common)) all.push_back(std::move(found));
    }
  } catch (const lua::ProgramError& error) {
    throw base::InputError{error.what()};
  }
  return all;
}

}  // namespace sluice::field_cases
