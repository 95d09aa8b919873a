// SPDX-License-Identifier: Apache-2.0
// Programs on the whole machine: kernel, hal and models together.
#include <deque>
#include <fcntl.h>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kernel_sim/programs/program.h"
#include "tests/kernel_sim/machine/booted_machine.h"

namespace sluice::tests {
namespace {

using kernel_sim::SystemCalls;
using kernel_sim::UserAddress;
using testing::ElementsAre;
using testing::HasSubstr;

UserAddress map_memory(SystemCalls& calls, std::uint64_t size) {
  const auto at = calls.mmap(UserAddress::Null, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_GT(at, 0);
  return static_cast<UserAddress>(at);
}

std::uint64_t load_word(SystemCalls& calls, UserAddress at) {
  std::uint64_t word = 0;
  calls.load(at, std::as_writable_bytes(std::span{&word, 1}));
  return word;
}

void store_word(SystemCalls& calls, UserAddress at, std::uint64_t word) {
  calls.store(at, std::as_bytes(std::span{&word, 1}));
}

TEST_F(BootedMachine, AStalledRunNamesTheTaskAndWhatItWaitsFor) {
  run([](kernel_sim::Kernel& k) {
    k.run_program("reader", [](SystemCalls& calls) {
      int fds[2];
      EXPECT_EQ(calls.pipe(fds), 0);
      calls.read(fds[0], map_memory(calls, 4096), 1);  // nobody will ever write
      return 0;
    });
  });
  const auto blocked = kernel->blocked_tasks();
  ASSERT_FALSE(blocked.empty());
  EXPECT_THAT(blocked, testing::Contains(testing::AllOf(HasSubstr("reader"), HasSubstr("pipe"))));
}

TEST_F(BootedMachine, EachTimerComesOnceAtItsTimeUnlessItWasCancelled) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random{seed};
  const auto below = [&](std::int64_t end) {
    return Picoseconds{std::uniform_int_distribution<std::int64_t>{0, end - 1}(random)};
  };
  struct Started {
    hal::Interrupts::TimerId id = 0;
    Picoseconds due;
    bool cancelled = false;
    std::vector<Picoseconds> came;
  };
  std::deque<Started> timers;
  run([&](kernel_sim::Kernel& /*kernel*/) {
    const hal::Machine machine = hal->machine();
    for (int i = 0; i < 2000; ++i) {
      machine.cpu.execute(below(2'000'000), hal::Work::Program);
      if (random() % 2 == 0 && !timers.empty()) {
        Started& one = timers[random() % timers.size()];
        one.cancelled = machine.interrupts.cancel_timer(one.id) || one.cancelled;
        continue;
      }
      Started& one = timers.emplace_back();
      const Picoseconds delay = below(1'000'000'000);
      one.due = machine.cpu.now() + delay;
      one.id = machine.interrupts.start_timer(delay, [this, &one] { one.came.push_back(hal->machine().cpu.now()); });
    }
  });
  for (const Started& one : timers) {
    ASSERT_EQ(one.came.size(), one.cancelled ? 0U : 1U);
    if (one.cancelled) continue;
    EXPECT_GE(one.came.front(), one.due);
    EXPECT_LE(one.came.front(), one.due + 10_us) << "interrupts are taken within the next piece of work";
  }
}

TEST_F(BootedMachine, MemoryIsGivenPageByPageWhenItIsTouched) {
  EXPECT_EQ(run_program([this](SystemCalls& calls) {
              const UserAddress memory = map_memory(calls, 64 << 10);
              const auto before = kernel->counts().faults.minor;
              store_word(calls, memory, 1);
              store_word(calls, memory + 8, 2);
              store_word(calls, memory + 4096, 3);
              EXPECT_EQ(kernel->counts().faults.minor - before, 2U);
              EXPECT_EQ(load_word(calls, memory + 4096), 3U);
              EXPECT_EQ(load_word(calls, memory + 8), 2U);
              return 0;
            }),
            0);
  expect_accounts_add_up();
}

int child_writes(SystemCalls& calls, std::span<const std::byte> arguments) {
  UserAddress memory{};
  std::memcpy(&memory, arguments.data(), sizeof memory);
  const bool inherited = load_word(calls, memory) == 7;
  store_word(calls, memory, 8);
  return inherited && load_word(calls, memory) == 8 ? 42 : 1;
}

TEST_F(BootedMachine, AForkedChildHasItsOwnCopyOfWhatItWrites) {
  EXPECT_EQ(run_program([this](SystemCalls& calls) {
              const UserAddress memory = map_memory(calls, 4096);
              store_word(calls, memory, 7);
              EXPECT_GT(calls.fork(child_writes, std::as_bytes(std::span{&memory, 1})), 0);
              int status = 0;
              EXPECT_GT(calls.wait(-1, status), 0);
              EXPECT_TRUE(WIFEXITED(status));
              EXPECT_EQ(WEXITSTATUS(status), 42);
              EXPECT_EQ(load_word(calls, memory), 7U) << "the child's store must not be seen";
              EXPECT_EQ(kernel->counts().faults.copy_on_write, 1U);
              return 0;
            }),
            0);
}

TEST_F(BootedMachine, AnAccessToNothingEndsTheTaskAndNotTheSimulator) {
  const int status = run_program([](SystemCalls& calls) {
    load_word(calls, UserAddress{0x10});
    return 0;
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
}

TEST_F(BootedMachine, AMappingBeyondTheEndOfItsFileIsABusError) {
  files = {base::make_synthetic_content(5000, 1)};
  const int status = run_program([](SystemCalls& calls) {
    const auto fd = static_cast<int>(calls.open("/file0", O_RDONLY));
    const auto at = calls.mmap(UserAddress::Null, 3 * 4096, PROT_READ, MAP_SHARED, fd, 0);
    const auto memory = static_cast<UserAddress>(at);
    EXPECT_EQ(load_word(calls, memory + 8184), 0U) << "the tail of the last page is zero";
    load_word(calls, memory + 8192);
    return 0;
  });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGBUS);
}

TEST_F(BootedMachine, AFileReadsBackWhatItsDiskHolds) {
  files = {base::make_synthetic_content(300'000, 5)};
  EXPECT_EQ(run_program([this](SystemCalls& calls) {
              const auto fd = static_cast<int>(calls.open("/file0", O_RDONLY));
              const UserAddress memory = map_memory(calls, 300'000);
              EXPECT_EQ(calls.read(fd, memory, 400'000), 300'000);
              EXPECT_EQ(calls.read(fd, memory, 1), 0);
              std::vector<std::byte> bytes(300'000);
              calls.load(memory, bytes);
              EXPECT_TRUE(files[0]->equals(0, bytes));
              return 0;
            }),
            0);
}

TEST_F(BootedMachine, ASecondDiskBehindASwitchHasAVolumeOfItsOwn) {
  description.add("switch0", "switch");
  description.add("disk1", "disk").at = "switch0";
  files = {base::make_synthetic_content(64_KiB, 1), base::make_synthetic_content(64_KiB, 2)};
  EXPECT_EQ(run_program([](SystemCalls& calls) {
              EXPECT_EQ(calls.open("/file1", O_RDONLY), -ENOENT);
              EXPECT_EQ(calls.open("/disk1/file0", O_RDONLY), -ENOENT);
              const auto fd = static_cast<int>(calls.open("/disk1/file1", O_RDONLY));
              EXPECT_GE(fd, 0);
              const UserAddress memory = map_memory(calls, 65536);
              EXPECT_EQ(calls.read(fd, memory, 65536), 65536);
              const auto fresh = static_cast<int>(calls.open("/disk1/new", O_RDWR | O_CREAT, 0644));
              EXPECT_EQ(calls.write(fresh, memory, 8192), 8192);
              EXPECT_EQ(calls.fsync(fresh), 0);
              return 0;
            }),
            0);
  EXPECT_GE(models->disks[1]->statistics().bytes_read, models->disks[0]->statistics().bytes_read + 65536U);
  EXPECT_GE(models->disks[1]->statistics().bytes_written, 8192U);
  EXPECT_EQ(models->disks[0]->statistics().bytes_written, 0U);
}

TEST_F(BootedMachine, WrittenBytesReachTheDiskByFsync) {
  EXPECT_EQ(run_program([](SystemCalls& calls) {
              const auto fd = static_cast<int>(calls.open("/new", O_RDWR | O_CREAT, 0644));
              EXPECT_GE(fd, 0);
              const UserAddress memory = map_memory(calls, 8192);
              calls.fill(memory, std::byte{0x5A}, 8192);
              EXPECT_EQ(calls.write(fd, memory, 8192), 8192);
              EXPECT_EQ(calls.fsync(fd), 0);
              return 0;
            }),
            0);
  EXPECT_GE(models->disks[0]->statistics().bytes_written, 8192U);
}

/// Echoes nothing, but sends a greeting when somebody connects.
class Greeter : public nic::PeerApplication {
 public:
  explicit Greeter(nic::Peer*& peer) : m_peer(peer) {}
  void connected(nic::ConnectionId connection, std::uint16_t, Picoseconds) override {
    m_peer->send(connection, std::as_bytes(std::span{"hello", 5}));
  }
  void data(const nic::Arrival&) override {}

 private:
  nic::Peer*& m_peer;
};

TEST_F(BootedMachine, RecvBlocksUntilThePeerHasSentAndSeesItsBytes) {
  nic::Peer* peer = nullptr;
  Greeter greeter{peer};
  int status = -1;
  run([&](kernel_sim::Kernel& k) {
    peer = &models->nics[0]->peer;
    peer->set_application(greeter);
    status = k.run_program("client", [](SystemCalls& calls) {
      const auto fd = static_cast<int>(calls.socket(AF_INET, SOCK_STREAM, 0));
      EXPECT_EQ(calls.connect(fd, kernel_sim::kDefaultPeer), 0);
      const UserAddress memory = map_memory(calls, 4096);
      std::string text;
      while (text.size() < 5) {
        const auto n = calls.recv(fd, memory, 4096, 0);
        if (n <= 0) break;
        std::string piece(static_cast<std::size_t>(n), '\0');
        calls.load(memory, std::as_writable_bytes(std::span{piece}));
        text += piece;
      }
      EXPECT_EQ(text, "hello");
      EXPECT_EQ(calls.close(fd), 0);
      return 0;
    });
  });
  EXPECT_EQ(status, 0);
}

TEST_F(BootedMachine, AProgramThatIsPreemptedGoesOnInUserMode) {
  files = {base::make_synthetic_content(1 << 20, 5)};
  Picoseconds user;
  run([&](kernel_sim::Kernel& k) {
    const Picoseconds before = models->cores[0]->times().user;
    auto& computing = k.start_program("computing", [](SystemCalls& calls) {
      calls.compute(5'000'000);  // 5 ms, within which the other's disk interrupts come
      return 0;
    });
    auto& reading = k.start_program("reading", [](SystemCalls& calls) {
      const auto fd = static_cast<int>(calls.open("/file0", O_RDONLY));
      EXPECT_EQ(calls.read(fd, map_memory(calls, 1 << 20), 1 << 20), 1 << 20);
      return 0;
    });
    EXPECT_EQ(k.wait_for(reading), 0);
    EXPECT_EQ(k.wait_for(computing), 0);
    hal->synchronise();
    user = models->cores[0]->times().user - before;
  });
  EXPECT_GE(user, 5_ms);
  EXPECT_LT(user, 5'100_us);
  EXPECT_GT(kernel->counts().context_switches, 4U);
  expect_accounts_add_up();
}

TEST_F(BootedMachine, TwoProgramsOnTwoCoresComputeAtTheSameTime) {
  description.cpu.cores = 2;
  Picoseconds took;
  run([&](kernel_sim::Kernel& k) {
    const auto compute = [](SystemCalls& calls) {
      calls.compute(1'000'000);  // about a millisecond
      return 0;
    };
    const Picoseconds begin = hal->time();
    auto& one = k.start_program("one", compute);
    auto& two = k.start_program("two", compute);
    EXPECT_EQ(k.wait_for(one), 0);
    EXPECT_EQ(k.wait_for(two), 0);
    took = hal->time() - begin;
  });
  EXPECT_GT(took, 900_us);
  EXPECT_LT(took, 1'500_us) << "one after the other would take two milliseconds";
  expect_accounts_add_up();
}

}  // namespace
}  // namespace sluice::tests
