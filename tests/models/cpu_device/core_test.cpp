// SPDX-License-Identifier: Apache-2.0
// A core against hand-computed times: running ahead, interrupts, accounts, copies, register access.
#include "models/cpu/core.h"

#include <tlm_utils/simple_target_socket.h>

#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "models/fabric/dma.h"
#include "tests/support/simulation.h"

namespace sluice::cpu {
namespace {

class FlatMemory : public fabric::PhysicalMemory {
 public:
  [[nodiscard]] Bytes size() const override { return m_bytes.size(); }
  std::span<std::byte> at(PhysAddr address, Bytes size) override {
    return std::span{m_bytes}.subspan(address.value(), size);
  }

 private:
  std::vector<std::byte> m_bytes = std::vector<std::byte>(1_MiB);
};

/// Every line is found where the test says; DRAM is ready when it says.
class ScriptedCaches : public fabric::CoreMemory {
 public:
  fabric::HitLevel level = fabric::HitLevel::L1;
  Picoseconds memory_ready;
  fabric::AccessOutcome access(unsigned, PhysAddr address, Bytes size, fabric::AccessKind, Picoseconds) override {
    fabric::AccessOutcome outcome;
    outcome.lines[static_cast<std::size_t>(level)] =
        static_cast<std::uint32_t>(divide_up(address.value() % kLineSize + size, kLineSize));
    outcome.memory_ready = memory_ready;
    return outcome;
  }
};

class NoTranslation : public fabric::AddressTranslation {
 public:
  void set_root(PhysAddr root) override { m_root = root; }
  [[nodiscard]] PhysAddr root() const override { return m_root; }
  tl::expected<fabric::Translated, fabric::TranslationFault> translate(VirtAddr address, fabric::TranslationAccess,
                                                                       bool, Picoseconds now) override {
    return fabric::Translated{PhysAddr{address.value()}, address.left_in_page(), now + 7_ns};
  }
  void flush() override {}
  void flush(VirtAddr, Bytes) override {}
  [[nodiscard]] const fabric::TranslationCounts& counts() const override { return m_counts; }

 private:
  PhysAddr m_root;
  fabric::TranslationCounts m_counts;
};

/// A device that answers after 300 ns; a write holds the core for 50 ns.
class Device : public sc_core::sc_module {
 public:
  explicit Device(sc_core::sc_module_name name) : sc_module(name) {
    registers.register_b_transport(this, &Device::transport);
  }
  tlm_utils::simple_target_socket<Device> registers{"registers"};
  tlm::tlm_response_status answer = tlm::TLM_OK_RESPONSE;
  Picoseconds access_at;

 private:
  void transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    delay += sc_core::sc_time(payload.is_read() ? 300 : 50, sc_core::SC_NS);
    access_at = fabric::to_picoseconds(sc_core::sc_time_stamp());
    payload.set_response_status(answer);
  }
};

class CoreTest : public tests::Simulation {
 protected:
  CoreTest() : m_core("core", 0, config(), {caches, memory, translation, ledger}) {
    m_core.bus.bind(device.registers);
    m_core.set_interrupt_hooks({.take =
                                    [this](unsigned vector) {
                                      taken.emplace_back(vector, m_core.now());
                                      m_core.consume(10_ns);
                                    },
                                .returned_to_task = [this] { ++returned_to[m_core.mode()]; },
                                .returned_to_idle = [this] { ++returned_to_idle; },
                                .acknowledge = [](unsigned) {}});
  }
  static CpuConfig config() {
    CpuConfig c;
    c.frequency = Frequency{1'000'000'000};
    c.read.l1 = c.write.l1 = CpuCost::cycles(1);
    c.copy_start = CpuCost::cycles(10);
    c.idle_exit = CpuCost::cycles(100);
    return c;
  }
  /// An interrupt from outside at an instant.
  void interrupt_at(Picoseconds at, unsigned vector) {
    thread([this, at, vector] {
      sc_core::wait(fabric::to_sc_time(at));
      m_core.interrupt(vector, at);
    });
  }

  ScriptedCaches caches;
  FlatMemory memory;
  NoTranslation translation;
  base::Ledger ledger;
  Core m_core;
  Device device{"device"};
  std::vector<std::pair<unsigned, Picoseconds>> taken;
  std::map<Mode, int> returned_to;
  int returned_to_idle = 0;
};

TEST_F(CoreTest, RunsAheadWhileNothingElseCanHappen) {
  thread([this] {
    sc_core::wait(sc_core::SC_ZERO_TIME);  // until every process of the machine has started
    m_core.occupy();
    m_core.set_mode(Mode::User);
    m_core.consume(1_us);
    EXPECT_EQ(m_core.now(), 1_us);
    EXPECT_EQ(sc_core::sc_time_stamp(), sc_core::SC_ZERO_TIME) << "no event was pending, so no wait was needed";
    m_core.synchronise();
    EXPECT_EQ(sc_core::sc_time_stamp(), sc_core::sc_time(1, sc_core::SC_US));
    m_core.vacate();
  });
  run();
  EXPECT_EQ(m_core.times().user, 1_us);
}

TEST_F(CoreTest, AnInterruptCutsWorkAtItsOwnInstantAndTheRestFollows) {
  interrupt_at(300_ns, 5);
  thread([this] {
    m_core.occupy();
    m_core.set_mode(Mode::User);
    m_core.consume(1_us);
    EXPECT_EQ(m_core.now(), 1_us + 10_ns) << "the handler's 10 ns come on top";
    m_core.synchronise();
    m_core.vacate();
  });
  run();
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0], std::pair(5U, 300_ns));
  EXPECT_EQ(returned_to, (std::map<Mode, int>{{Mode::User, 1}}));
  EXPECT_EQ(m_core.times().user, 1_us);
  EXPECT_EQ(m_core.times().interrupt, 10_ns);
}

TEST_F(CoreTest, PendingInterruptsAreTakenLowestVectorFirst) {
  interrupt_at(100_ns, 7);
  interrupt_at(100_ns, 3);
  thread([this] {
    m_core.occupy();
    m_core.consume(1_us);
    m_core.synchronise();
    m_core.vacate();
  });
  run();
  ASSERT_EQ(taken.size(), 2U);
  EXPECT_EQ(taken[0].first, 3U);
  EXPECT_EQ(taken[1].first, 7U);
  EXPECT_EQ(returned_to, (std::map<Mode, int>{{Mode::Kernel, 1}}));
}

TEST_F(CoreTest, AnIdleCoreTakesAnInterruptAfterLeavingItsIdleState) {
  interrupt_at(400_ns, 1);
  run(sc_core::sc_time(1, sc_core::SC_US));
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].second, 500_ns);
  EXPECT_EQ(returned_to_idle, 1);
  const CoreTimes times = m_core.times();
  EXPECT_EQ(times.interrupt, 110_ns);
  EXPECT_EQ(times.idle, 890_ns);
  EXPECT_EQ(times.total(), 1_us);
}

TEST_F(CoreTest, AccountsReadFromOutsideInTheMiddleOfWorkAddUpToElapsedTime) {
  thread([this] {
    m_core.occupy();
    m_core.set_mode(Mode::Kernel);
    m_core.consume(1_us);
    m_core.synchronise();
    m_core.vacate();
  });
  thread([this] {
    sc_core::wait(250, sc_core::SC_NS);
    EXPECT_EQ(m_core.times().kernel, 250_ns);
    EXPECT_EQ(m_core.times().total(), 250_ns);
  });
  run();
}

TEST_F(CoreTest, ACopyCostsItsLinesAtBothEndsAndIsInTheLedger) {
  ledger.assign(Frame{1}, Place::PageCache);
  ledger.assign(Frame{2}, Place::UserBuffer);
  ledger.declare(PhysAddr{0x1000}, {{0, 4096, 0, 0, 0}}, 4096);
  ledger.record(true);
  memory.at(PhysAddr{0x1000}, 1)[0] = std::byte{42};
  thread([this] {
    m_core.occupy();
    m_core.copy(PhysAddr{0x1000}, PhysAddr{0x2000}, 4096);
    EXPECT_EQ(m_core.now(), 10_ns + 5_ns + 128_ns) << "start, first line waited for, 64 lines read, 64 lines written";
    m_core.synchronise();
    m_core.vacate();
  });
  run();
  EXPECT_EQ(memory.at(PhysAddr{0x2000}, 1)[0], std::byte{42});
  ASSERT_EQ(ledger.moves().size(), 1U);
  EXPECT_EQ(ledger.moves()[0].bytes.payload, 4096U);
}

TEST_F(CoreTest, ACopyWaitsForItsFirstLineFromWhereverThatLies) {
  caches.level = fabric::HitLevel::Llc;
  thread([this] {
    m_core.occupy();
    m_core.continue_copy(PhysAddr{0x1000}, PhysAddr{0x2000}, 4096);
    const Picoseconds continued = m_core.now();
    m_core.copy(PhysAddr{0x1000}, PhysAddr{0x2000}, 4096);
    EXPECT_EQ(m_core.now() - continued, continued + 10_ns + 50_ns) << "start, and the latency of the last level";
    m_core.synchronise();
    m_core.vacate();
  });
  run();
}

TEST_F(CoreTest, ACopyWaitsForDramWhenThatIsSlowerThanTheCore) {
  caches.memory_ready = 5_us;
  thread([this] {
    m_core.occupy();
    std::byte word[8];
    m_core.load(PhysAddr{0}, word);
    EXPECT_EQ(m_core.now(), 5_us);
    m_core.synchronise();
    m_core.vacate();
  });
  run();
}

TEST_F(CoreTest, ARegisterReadWaitsForItsAnswerAndAWriteIsPosted) {
  thread([this] {
    m_core.occupy();
    m_core.mmio_read(PhysAddr{0x10}, 4);
    EXPECT_EQ(m_core.now(), 300_ns);
    m_core.mmio_write(PhysAddr{0x10}, 4, 1);
    EXPECT_EQ(device.access_at, 300_ns);
    EXPECT_EQ(m_core.now(), 350_ns) << "the core goes on when the write has left it";
    m_core.synchronise();
    m_core.vacate();
  });
  run();
}

TEST_F(CoreTest, ARegisterThatNoDeviceAnswersReadsAsAllOnes) {
  device.answer = tlm::TLM_ADDRESS_ERROR_RESPONSE;
  thread([this] {
    m_core.occupy();
    EXPECT_EQ(m_core.mmio_read(PhysAddr{0x10}, 4), ~std::uint64_t{0});
    m_core.synchronise();
    m_core.vacate();
  });
  run();
}

}  // namespace
}  // namespace sluice::cpu
