// SPDX-License-Identifier: Apache-2.0
// Reading, writing, blocking and sizes of pipes.
#include "kernel_sim/ipc/pipe.h"

#include <fcntl.h>
#include <poll.h>

#include <gtest/gtest.h>

#include "tests/kernel_sim/ipc/pipe_rig.h"

namespace sluice::ipc {
namespace {

TEST(Pipe, GivesBytesBackInOrderAndFreesItsPages) {
  PipeRig rig;
  rig.run([&] {
    FlatMemory user{rig.machine, rig.frames, 5};
    const std::string text = numbered(50'000);
    const VirtAddr back = user.begin() + 64_KiB;
    rig.put(user.begin(), text);
    {
      const PipeEnds ends = make_pipe(rig.pipes, 0);
      EXPECT_EQ(ends.write->write(user, user.begin(), text.size(), nullptr), text.size());
      EXPECT_EQ(ends.read->read(user, back, 20'000, nullptr), 20'000U);
      EXPECT_EQ(ends.read->read(user, back + 20'000, 40'000, nullptr), 30'000U);
      EXPECT_EQ(rig.get(back, text.size()), text);
    }
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(Pipe, SmallWritesShareThePageWhileTheyFitWhole) {
  PipeRig rig;
  rig.run([&] {
    FlatMemory user{rig.machine, rig.frames, 2};
    const PipeEnds ends = make_pipe(rig.pipes, 0);
    const Pipe& pipe = ends.read->pipe();
    const auto write = [&](Bytes size) { EXPECT_EQ(ends.write->write(user, user.begin(), size, nullptr), size); };
    write(1000);
    write(3000);
    EXPECT_EQ(pipe.fragments(), 1U);
    EXPECT_EQ(pipe.peek(0).size, 4000U);
    write(100);  // 4100 do not fit: a new page
    EXPECT_EQ(pipe.fragments(), 2U);
    write(4096 + 50);  // the odd 50 go behind the 100, the page takes a slot
    EXPECT_EQ(pipe.fragments(), 3U);
    EXPECT_EQ(pipe.peek(1).size, 150U);
    write(4096);  // nothing odd
    EXPECT_EQ(pipe.fragments(), 4U);
  });
}

TEST(Pipe, AWriterWaitsUntilAllIsInAndAReaderOnlyForTheFirstByte) {
  PipeRig rig;
  std::string order;
  const PipeEnds ends = make_pipe(rig.pipes, 0);
  const std::string text = numbered(200'000);
  FlatMemory from{rig.machine, rig.frames, 6};
  FlatMemory to{rig.machine, rig.frames, 6};
  rig.put(from.begin(), text);
  rig.scheduler.spawn("reader", [&] {
    Bytes got = 0;
    while (got < text.size()) {
      const auto n = ends.read->read(to, to.begin() + got, 100'000, nullptr);
      ASSERT_TRUE(n.has_value());
      EXPECT_LE(*n, 65'536U);
      got += *n;
      order += 'r';
    }
  });
  rig.scheduler.spawn("writer", [&] {
    EXPECT_EQ(ends.write->write(from, from.begin(), text.size(), nullptr), text.size());
    order += 'w';
  });
  rig.fake.run_all();
  EXPECT_EQ(rig.get(to.begin(), text.size()), text);
  EXPECT_EQ(order, "rrrwr");
}

TEST(Pipe, ErrorsAreLinuxs) {
  PipeRig rig;
  rig.run([&] {
    FlatMemory user{rig.machine, rig.frames, 5};
    PipeEnds ends = make_pipe(rig.pipes, O_NONBLOCK);
    EXPECT_EQ(ends.read->read(user, user.begin(), 1, nullptr), refuse(EAGAIN));
    EXPECT_EQ(ends.write->write(user, user.begin(), 100'000, nullptr), 65'536U);  // as much as there is room
    EXPECT_EQ(ends.write->write(user, user.begin(), 1, nullptr), refuse(EAGAIN));
    EXPECT_EQ(ends.read->read(user, user.end, 1, nullptr), refuse(EFAULT));
    EXPECT_EQ(ends.read->read(user, user.begin(), 4096, nullptr), 4096U);  // the fault lost nothing
    EXPECT_EQ(ends.write->write(user, user.end, 1, nullptr), refuse(EFAULT));
    EXPECT_EQ(ends.write->write(user, user.end - 10, 100, nullptr), refuse(EFAULT));  // no part of a page
    EXPECT_EQ(ends.read->read(user, user.begin(), 0, nullptr), 0U);
    ends.write.reset();
    EXPECT_EQ(ends.read->read(user, user.begin(), 100'000, nullptr), 15U * 4096);
    EXPECT_EQ(ends.read->read(user, user.begin(), 1, nullptr), 0U);  // end of file

    PipeEnds broken = make_pipe(rig.pipes, 0);
    broken.read.reset();
    EXPECT_EQ(broken.write->write(user, user.begin(), 1, nullptr), refuse(EPIPE));
    EXPECT_EQ(broken.write->splice_read(ends.read->pipe(), 1, nullptr, 0), refuse(EINVAL));
  });
}

TEST(Pipe, AReadCountsWholePiecesOnlyAndLosesNothing) {
  PipeRig rig;
  rig.run([&] {
    FlatMemory user{rig.machine, rig.frames, 5};
    PipeEnds ends = make_pipe(rig.pipes, O_NONBLOCK);
    EXPECT_EQ(ends.write->write(user, user.begin(), 8192, nullptr), 8192U);
    EXPECT_EQ(ends.read->read(user, user.end - 10, 100, nullptr), refuse(EFAULT));
    EXPECT_EQ(ends.read->read(user, user.end - 4100, 8192, nullptr), 4096U);
    EXPECT_EQ(ends.read->read(user, user.begin(), 8192, nullptr), 4096U);
  });
}

TEST(Pipe, ClosingTheOtherEndWakesWhoWaits) {
  PipeRig rig;
  FlatMemory user{rig.machine, rig.frames, 5};
  PipeEnds first = make_pipe(rig.pipes, 0);
  PipeEnds second = make_pipe(rig.pipes, 0);
  rig.scheduler.spawn("reader", [&] { EXPECT_EQ(first.read->read(user, user.begin(), 1, nullptr), 0U); });
  rig.scheduler.spawn("writer", [&] {
    EXPECT_EQ(second.write->write(user, user.begin(), 70'000, nullptr), 65'536U);  // what was in before
  });
  rig.scheduler.spawn("closer", [&] {
    first.write.reset();
    second.read.reset();
  });
  rig.fake.run_all();
}

TEST(Pipe, PollSaysWhatWouldNotWait) {
  PipeRig rig;
  rig.run([&] {
    FlatMemory user{rig.machine, rig.frames, 5};
    PipeEnds ends = make_pipe(rig.pipes, O_NONBLOCK);
    EXPECT_EQ(ends.read->poll(), 0);
    EXPECT_EQ(ends.write->poll(), POLLOUT | POLLWRNORM);
    ASSERT_TRUE(ends.write->write(user, user.begin(), 65'536, nullptr));
    EXPECT_EQ(ends.read->poll(), POLLIN | POLLRDNORM);
    EXPECT_EQ(ends.write->poll(), 0);
    ends.read.reset();
    EXPECT_EQ(ends.write->poll(), POLLERR);
    PipeEnds other = make_pipe(rig.pipes, 0);
    other.write.reset();
    EXPECT_EQ(other.read->poll(), POLLHUP);
  });
}

TEST(Pipe, SizesAreRoundedUpAndLimited) {
  PipeRig rig;
  rig.run([&] {
    FlatMemory user{rig.machine, rig.frames, 5};
    const PipeEnds ends = make_pipe(rig.pipes, O_NONBLOCK);
    Pipe& pipe = ends.read->pipe();
    EXPECT_EQ(pipe.size(), 64_KiB);
    EXPECT_EQ(pipe.resize(0), 4_KiB);
    EXPECT_EQ(pipe.resize(4097), 8_KiB);
    EXPECT_EQ(pipe.resize(100'000), 128_KiB);
    EXPECT_EQ(pipe.resize(1_MiB), 1_MiB);
    EXPECT_EQ(pipe.resize(1_MiB + 1), refuse(EPERM));
    EXPECT_EQ(pipe.resize((Bytes{1} << 31) + 1), refuse(EINVAL));
    ASSERT_EQ(ends.write->write(user, user.begin(), 5 * 4096, nullptr), 5U * 4096);
    EXPECT_EQ(pipe.resize(4 * 4096), refuse(EBUSY));
    EXPECT_EQ(pipe.resize(8 * 4096), 8U * 4096);
    EXPECT_EQ(pipe.fragments(), 5U);
  });
}

/// A program's memory whose first copy waits for a page.
class SlowMemory final : public mm::UserMemory {
 public:
  SlowMemory(PipeRig& rig, FlatMemory& memory, sched::WaitQueue& page) : m_rig(rig), m_memory(memory), m_page(page) {}
  Bytes copy_in(VirtAddr from, PhysAddr to, Bytes size) override {
    m_rig.scheduler.wait(m_page, "a page of the program");
    return m_memory.copy_in(from, to, size);
  }
  Bytes copy_out(PhysAddr from, VirtAddr to, Bytes size) override { return m_memory.copy_out(from, to, size); }
  Result<void> load(VirtAddr, std::span<std::byte>) override { return {}; }
  Result<void> store(VirtAddr, std::span<const std::byte>) override { return {}; }
  Result<std::vector<mm::Fragment>> pin(VirtAddr at, Bytes size, hal::Access access) override {
    return m_memory.pin(at, size, access);
  }

 private:
  PipeRig& m_rig;
  FlatMemory& m_memory;
  sched::WaitQueue& m_page;
};

TEST(Pipe, ResizingWaitsForAWriterInTheMiddleOfASlot) {
  PipeRig rig;
  sched::WaitQueue page;
  rig.run([&] {
    FlatMemory user{rig.machine, rig.frames, 1};
    rig.put(user.begin(), "firstsecond");
    SlowMemory slow{rig, user, page};
    const PipeEnds ends = make_pipe(rig.pipes, 0);
    ASSERT_EQ(ends.write->write(user, user.begin(), 5, nullptr), 5U);
    Result<Bytes> resized = 0;
    bool done = false;
    rig.scheduler.spawn("resizer", [&] {
      resized = ends.read->pipe().resize(128_KiB);
      done = true;
    });
    bool resized_in_time = true;
    rig.scheduler.spawn("waker", [&] {
      resized_in_time = done;
      rig.scheduler.wake_all(page);
    });
    EXPECT_EQ(ends.write->write(slow, user.begin() + 5, 6, nullptr), 6U);  // joins the first slot
    EXPECT_FALSE(resized_in_time);
    EXPECT_EQ(ends.read->read(user, user.begin() + kPageSize, 100, nullptr), 11U);
    EXPECT_EQ(rig.get(user.begin() + kPageSize, 11), "firstsecond");
    while (!done) rig.scheduler.wait(page, "the resizer", 1_us);
    EXPECT_EQ(resized, 128_KiB);
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(Pipe, AUserWithTooManyPagesGetsSmallPipes) {
  PipeRig rig;
  rig.config.user_pages_soft_limit = 40;
  rig.run([&] {
    const PipeEnds first = make_pipe(rig.pipes, 0);
    const PipeEnds second = make_pipe(rig.pipes, 0);
    const PipeEnds third = make_pipe(rig.pipes, 0);
    EXPECT_EQ(second.read->pipe().size(), 64_KiB);
    EXPECT_EQ(third.read->pipe().size(), 8_KiB);
    EXPECT_EQ(third.read->pipe().resize(64_KiB), refuse(EPERM));
  });
  EXPECT_EQ(rig.pipes.user_pages, 0U);
}

}  // namespace
}  // namespace sluice::ipc
