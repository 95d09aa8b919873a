// SPDX-License-Identifier: Apache-2.0
// That the harness finds what it is there to find, shrinks it, and leaves nothing behind.
#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/differential/comparison.h"
#include "tests/differential/generator.h"
#include "tests/differential/printer.h"
#include "tests/differential/private_folder.h"
#include "tests/differential/rules.h"
#include "tests/differential/shrinker.h"

namespace sluice::differential {
namespace {

/// The simulated kernel with a planted bug: a truncation is one byte off.
class WrongTruncation final : public Side {
 public:
  Outcome run(const Program& program) override {
    Program changed = program;
    for (Step& step : changed.steps) {
      if (step.operation == Operation::Ftruncate) ++step.arguments[1];
    }
    return m_side->run(changed);
  }
  [[nodiscard]] const Transcript& transcript() const override { return m_side->transcript(); }

 private:
  std::unique_ptr<Side> m_side = make_simulated_side();
};

Step call(Operation operation, std::array<std::int64_t, kMostArguments> arguments, int process = 0) {
  return {operation, process, arguments};
}

TEST(Differential, APlantedBugIsFoundAndShrunkToTheCallsThatShowIt) {
  const auto host = make_host_side();
  WrongTruncation simulated;
  Program program{{10'000, 0, 0}, {}};
  program.steps = {
      call(Operation::Store, {0, 5000, 7}),     call(Operation::Open, {4, 0, O_RDWR, 0644}),
      call(Operation::Write, {4, 0, 4096}),     call(Operation::Ftruncate, {4, 7000}),
      call(Operation::Lseek, {4, 0, SEEK_END}), call(Operation::Fstat, {4}),
  };
  const auto still_differs = [&](const Program& candidate) { return differs(candidate, *host, simulated).has_value(); };
  const auto found = differs(program, *host, simulated);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->step, 4U);
  EXPECT_EQ(found->what, "7000 on Linux, 7001 here");
  const Program shrunk = shrink(program, still_differs);
  ASSERT_EQ(shrunk.steps.size(), 2U) << to_source(shrunk, 0);
  EXPECT_EQ(to_source(shrunk.steps[0]), "d0 = open(\"a\", O_RDWR, 0644);");
  EXPECT_EQ(to_source(shrunk.steps[1]), "ftruncate(d0, 0);");
}

TEST(Differential, ProcessesTakeTurnsAndTheirDeathsAreCompared) {
  const auto host = make_host_side();
  const auto simulated = make_simulated_side();
  Program program{{5000, 0, 0}, {}};
  program.steps = {
      call(Operation::Open, {0, 0, O_RDWR, 0644}),
      call(Operation::Mmap, {kRegionSize, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, 0, 0}),
      call(Operation::Pipe, {1, 2, O_NONBLOCK}),
      call(Operation::Fork, {}),
      call(Operation::Write, {2, 0, 10}, 1),
      call(Operation::Read, {1, 0, 100}),
      call(Operation::Ftruncate, {0, 100}),
      call(Operation::Load, {kRegionSize + 4096, 1}, 1),  // beyond the end by now: SIGBUS
      call(Operation::Lseek, {0, 0, SEEK_END}),
  };
  for (Side* side : {host.get(), simulated.get()}) {
    const Outcome outcome = side->run(program);
    EXPECT_EQ(outcome.problem, "");
    EXPECT_EQ(outcome.status, 0);
    const auto answers = side->transcript().all();
    const auto of_child = std::ranges::find(answers, 1, &Entry::process);
    ASSERT_NE(of_child, answers.end());
    EXPECT_EQ(of_child->value, 10);
    const auto read = std::ranges::find(answers, 5U, &Entry::step);
    EXPECT_EQ(read->value, 10);
    const auto reaped = std::ranges::find(answers, 8U, &Entry::step);
    EXPECT_EQ(reaped->also[0], SIGBUS);
  }
}

/// Soft interrupts are put off when the task that they interrupted has to give way.
TEST(Differential, SoftInterruptsThatWereLeftToTheirTaskAreNoProcessThatBlocks) {
  const auto simulated = make_simulated_side();
  Program program{{}, {}};
  program.steps = {
      call(Operation::SocketPair, {0, 0}),
      call(Operation::Fork, {}),
      call(Operation::Close, {0}, 1),
      call(Operation::Store, {kRegionSize, 1, 0}),
  };
  EXPECT_EQ(simulated->run(program).problem, "");
}

TEST(Differential, NoRuleAllowsAValueThatIsSimplyWrong) {
  Program program{{}, {call(Operation::Read, {0, 0, 1})}};
  const Entry host{0, 0, 1, {}, 0, 0};
  const Entry simulated{0, 0, 2, {}, 0, 0};
  for (const Rule& rule : rules())
    EXPECT_FALSE(rule.allows({program, {}, &host, &simulated, true, true, true})) << rule.name;
}

TEST(Differential, TheSameSeedGivesTheSameProgram) {
  EXPECT_EQ(to_source(generate(3, 14), 0), to_source(generate(3, 14), 0));
  EXPECT_NE(to_source(generate(3, 14), 0), to_source(generate(3, 15), 0));
  EXPECT_NE(to_source(generate(3, 14), 0), to_source(generate(4, 14), 0));
}

TEST(PrivateFolder, IsGoneEvenWhenItsOwnerIsKilled) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t owner = ::fork();
  if (owner == 0) {
    const PrivateFolder folder;
    const std::string path = folder.path();
    if (::write(ends[1], path.data(), path.size()) < 0) ::_exit(1);
    for (;;) ::pause();
  }
  std::array<char, 4096> text{};
  ASSERT_GT(::read(ends[0], text.data(), text.size() - 1), 0);
  const std::filesystem::path path{text.data()};
  EXPECT_TRUE(std::filesystem::exists(path));
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  for (int i = 0; i < 1000 && std::filesystem::exists(path); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace sluice::differential
