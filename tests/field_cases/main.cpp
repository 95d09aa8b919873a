// SPDX-License-Identifier: Apache-2.0
// field_cases [--jobs N] [--sim ID] [words]
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "models/base/result.h"
#include "tests/field_cases/answers.h"
#include "tests/field_cases/runner.h"
#include "tools/native/process.h"
#include "tools/native/shared.h"

// libsystemc, which comes with the network card's data sheet, refers to it. No model runs here.
extern "C" int sc_main(int /*argc*/, char* /*argv*/[]) { return 0; }

namespace sluice::field_cases {

namespace {

struct Options {
  unsigned jobs = 8;  // most cases wait most of their time
  std::string simulated;
  std::vector<std::string> words;
};

bool chosen(const FieldCase& field_case, const std::vector<std::string>& words) {
  return words.empty() ||
         std::ranges::any_of(words, [&](const auto& word) { return field_case.id.find(word) != std::string::npos; });
}

enum class Verdict : std::uint8_t { NotRun, Agrees, Differs, NotPossible };
constexpr std::size_t kMostCases = 256;
struct Result {
  Verdict verdict = Verdict::NotRun;
  bool only_times_differ = false;
  Text table;
};
struct Board {
  std::atomic<std::size_t> next{0};
  std::array<Result, kMostCases> results;
};

void take_case(const FieldCase& field_case, Result& result) {
  const auto comparison = run(field_case);
  result = {};
  if (comparison) {
    result.only_times_differ = std::ranges::all_of(
        comparison->lines, [](const auto& line) { return line.same || line.host.starts_with('~'); });
    for (const auto& line : comparison->lines)
      result.table.add(fmt::format("  {} {:<52} | {}", line.same ? ' ' : '!', line.host, line.simulated));
  }
  result.verdict = !comparison ? Verdict::NotPossible : comparison->agrees() ? Verdict::Agrees : Verdict::Differs;
}

/// A host that is busy with other cases is late: where nothing but times differ, a case runs again by itself.
void repeat_if_late(const FieldCase& field_case, Result& result) {
  constexpr int kMostRepeats = 4;
  const auto late = [&] { return result.verdict == Verdict::Differs && result.only_times_differ; };
  for (int i = 0; i < kMostRepeats && field_case.difference.empty() && late(); ++i) {
    native::wait_for_process(native::start_process(
                                 [&] {
                                   take_case(field_case, result);
                                   return 0;
                                 },
                                 {}),
                             {});
  }
}

/// What is wrong with this outcome; empty when it is the one that is expected.
std::string complaint(const FieldCase& field_case, Verdict verdict) {
  if (verdict == Verdict::NotRun) return "the process that ran it broke";
  if (verdict == Verdict::Differs && field_case.difference.empty()) return "it must agree with Linux";
  if (verdict == Verdict::Agrees && !field_case.difference.empty()) return "it agrees: take out its `differs`";
  return {};
}

std::string headline(const FieldCase& field_case, Verdict verdict) {
  switch (verdict) {
    case Verdict::NotPossible:
      return "not run: this host gives no small disk";
    case Verdict::Differs:
      return field_case.difference.empty() ? "DIFFERS" : fmt::format("differs: {}", field_case.difference);
    default:
      return "agrees";
  }
}

int run_all(const Options& options) {
  std::vector<FieldCase> cases = load_cases(FIELD_CASES_FOLDER);
  std::erase_if(cases, [&](const FieldCase& field_case) { return !chosen(field_case, options.words); });
  const native::Shared<Board> board;
  std::vector<pid_t> workers;
  for (unsigned i = 0; i < options.jobs; ++i) {
    workers.push_back(native::start_process(
        [&] {
          for (std::size_t mine; (mine = board->next++) < cases.size();) take_case(cases[mine], board->results[mine]);
          return 0;
        },
        {}));
  }
  for (const pid_t worker : workers) native::wait_for_process(worker, {});
  for (std::size_t i = 0; i < cases.size(); ++i) repeat_if_late(cases[i], board->results[i]);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Result& result = board->results[i];
    const std::string complaints = complaint(cases[i], result.verdict);
    std::cout << fmt::format("=== {:<24} {}   [{}]\n    {}\n", cases[i].id, headline(cases[i], result.verdict),
                             cases[i].source, cases[i].about);
    if (result.verdict != Verdict::Agrees || !options.words.empty()) std::cout << result.table.all();
    if (!complaints.empty()) std::cout << "    WRONG: " << complaints << '\n';
    wrong += complaints.empty() ? 0 : 1;
  }
  std::cout << fmt::format("{} cases, {} not as expected\n", cases.size(), wrong);
  return wrong == 0 ? 0 : 1;
}

int run_one_here(const std::string& id) {
  for (const FieldCase& field_case : load_cases(FIELD_CASES_FOLDER)) {
    if (field_case.id != id) continue;
    std::cout << run_simulated_here(field_case);
    return 0;
  }
  std::cerr << "no case is called " << id << '\n';
  return 2;
}

}  // namespace

}  // namespace sluice::field_cases

int main(int argc, char** argv) {
  sluice::field_cases::Options options;
  CLI::App app{"Small programs from the field on this host's Linux (left) and on the simulated kernel (right)"};
  app.add_option("words", options.words, "only cases whose id contains one of them");
  app.add_option("--jobs", options.jobs, "how many run at the same time")->capture_default_str();
  app.add_option("--sim", options.simulated, "this case on the simulated kernel alone, in this process");
  CLI11_PARSE(app, argc, argv);
  try {
    return options.simulated.empty() ? sluice::field_cases::run_all(options)
                                     : sluice::field_cases::run_one_here(options.simulated);
  } catch (const sluice::base::InputError& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
