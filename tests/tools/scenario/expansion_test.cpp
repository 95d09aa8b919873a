// SPDX-License-Identifier: Apache-2.0
// The processes that a workload stands for.
#include "tools/scenario/expansion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/scenario/support.h"
#include "tools/scenario/dump.h"

namespace sluice::tests {
namespace {

using scenario::expand;
using scenario::Expansion;
using scenario::Workload;
using testing::ElementsAre;
using testing::HasSubstr;

Workload workload(unsigned connections, unsigned workers = 1, unsigned cpus = 1) {
  Workload chosen;
  chosen.connections = connections;
  chosen.workers = workers;
  chosen.cpus = cpus;
  return chosen;
}

std::vector<std::vector<unsigned>> cards_of(const Expansion& expansion) {
  std::vector<std::vector<unsigned>> cards;
  for (const Expansion::Connection& connection : expansion.connections) cards.push_back(connection.cards);
  return cards;
}

TEST(Expansion, OfADefaultWorkloadIsOneSenderAndOneConnection) {
  const Expansion expansion = expand(workload(1), 4, 1);
  ASSERT_EQ(expansion.senders.size(), 1U);
  EXPECT_THAT(expansion.senders[0].connections, ElementsAre(0));
  EXPECT_EQ(expansion.senders[0].core, 0U);
  EXPECT_THAT(cards_of(expansion), ElementsAre(ElementsAre(0)));
  EXPECT_EQ(expansion.cores(), 1U);
}

TEST(Expansion, ConnectionsGoToSendersInTurnAndSendersToCores) {
  const Expansion expansion = expand(workload(5, 3), 2, 1);
  ASSERT_EQ(expansion.senders.size(), 3U);
  EXPECT_THAT(expansion.senders[0].connections, ElementsAre(0, 3));
  EXPECT_THAT(expansion.senders[1].connections, ElementsAre(1, 4));
  EXPECT_THAT(expansion.senders[2].connections, ElementsAre(2));
  EXPECT_EQ(expansion.senders[1].core, 1U);
  EXPECT_EQ(expansion.senders[2].core, 0U);
  EXPECT_EQ(expansion.connections[4].sender, 1U);
}

TEST(Expansion, CardsAreSharedOutSoThatEachIsUsed) {
  EXPECT_THAT(cards_of(expand(workload(1), 1, 3)), ElementsAre(ElementsAre(0, 1, 2)));
  EXPECT_THAT(cards_of(expand(workload(2), 1, 3)), ElementsAre(ElementsAre(0, 2), ElementsAre(1)));
  EXPECT_THAT(cards_of(expand(workload(4), 1, 3)),
              ElementsAre(ElementsAre(0), ElementsAre(1), ElementsAre(2), ElementsAre(0)));
}

TEST(Expansion, OverLoopbackAReceiverIsOnItsSendersCoreOrOnTheNext) {
  const auto cores = [](const Expansion& expansion) {
    std::vector<unsigned> found;
    for (const Expansion::Connection& connection : expansion.connections) found.push_back(connection.receiver_core);
    return found;
  };
  EXPECT_THAT(cores(expand(workload(3, 3, 1), 2, 0)), ElementsAre(0, 1, 0));
  EXPECT_THAT(cores(expand(workload(3, 3, 2), 2, 0)), ElementsAre(1, 0, 1));
  EXPECT_EQ(expand(workload(1, 1, 2), 2, 0).cores(), 2U);
}

class Connections : public testing::Test {
 protected:
  Connections() { m_folder.write("platform.yaml", kPlatform); }
  scenario::Scenario load(const std::string& workload, const std::string& rest = "",
                          const scenario::CommandLine& command_line = {}) {
    return scenario::load_scenario(
        m_folder.write("s.yaml", "schema: sluice/1\nplatform: platform.yaml\nworkload: { file: { size: 1 KiB }" +
                                     workload + " }\nstrategies: [splice]\n" + rest),
        command_line);
  }
  Folder m_folder;
};

TEST_F(Connections, ArePartOfThePayload) {
  const Workload chosen = load(", connections: 3, workers: 2, repeat: 5").plans.at(0).configuration.workload;
  EXPECT_EQ(chosen.payload(), 15_KiB);
  EXPECT_EQ(chosen.transfers(), 15U);
  EXPECT_EQ(first_transfer(chosen, 2), 10U);
}

TEST_F(Connections, MayBeVariedAndSet) {
  const auto plans = load("", "vary: { workload.connections: [1, 8] }\n", {"", {"workload.repeat=3"}, false}).plans;
  ASSERT_EQ(plans.size(), 2U);
  EXPECT_EQ(plans[1].configuration.workload.connections, 8U);
  EXPECT_EQ(plans[1].configuration.workload.repeat, 3U);
}

TEST_F(Connections, TooManyWorkersAreRefusedWhereTheyWereSet) {
  const auto refusal = [&](const std::string& workload, const std::string& rest,
                           const scenario::CommandLine& command_line) -> std::string {
    try {
      load(workload, rest, command_line);
    } catch (const base::InputError& refused) {
      return refused.what();
    }
    return "";
  };
  EXPECT_THAT(refusal("", "with: { workload.workers: 2 }\n", {}), HasSubstr("s.yaml:5:27: workload.workers: 2 for"));
  EXPECT_THAT(refusal(", connections: 2", "vary: { workload.workers: [1, 4] }\n", {}),
              HasSubstr("s.yaml:5:31: workload.workers: 4 for workload.connections = 2; allowed is 1 to 2"));
  EXPECT_THAT(refusal("", "", {"", {"workload.workers=9"}, false}),
              HasSubstr("--set workload.workers=9: workload.workers: 9 for workload.connections = 1"));
}

TEST_F(Connections, ADumpKeepsThemAndSaysWhichProcessesTheyAre) {
  const std::string dumped = scenario::dump(load(", connections: 3, workers: 2, repeat: 5"));
  EXPECT_THAT(dumped, HasSubstr("sender: { program: splice, copies: 2, cores: [0, 0], connections: [[0, 2], [1]] }"));
  const Workload again =
      scenario::load_scenario(m_folder.write("again.yaml", dumped), {}).plans.at(0).configuration.workload;
  EXPECT_EQ(again.connections, 3U);
  EXPECT_EQ(again.workers, 2U);
  EXPECT_EQ(again.repeat, 5U);
}

}  // namespace
}  // namespace sluice::tests
