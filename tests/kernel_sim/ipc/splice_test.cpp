// SPDX-License-Identifier: Apache-2.0
// Page references between files, pipes and user memory.
#include "kernel_sim/ipc/splice.h"

#include <fcntl.h>
#include <random>

#include <gtest/gtest.h>

#include "tests/kernel_sim/ipc/pipe_rig.h"

namespace sluice::ipc {
namespace {

TEST(Splice, FilePagesPassThroughThePipeWithoutACopy) {
  PipeRig rig;
  const std::string text = numbered(70'000);
  rig.run([&] {
    MemoryFile file{rig, text};
    MemoryFile socket{rig, ""};
    const PipeEnds ends = make_pipe(rig.pipes, 0);
    Pipe& pipe = ends.read->pipe();
    rig.fake.ledger().record(true);
    EXPECT_EQ(splice_file_to_pipe(file, nullptr, pipe, 70'000, 0), 65'536U);  // what fits
    EXPECT_EQ(splice_file_to_pipe(file, nullptr, pipe, 70'000, SPLICE_F_NONBLOCK), refuse(EAGAIN));
    EXPECT_EQ(splice_pipe_to_file(pipe, socket, nullptr, 70'000, SPLICE_F_MORE), 65'536U);
    EXPECT_EQ(splice_file_to_pipe(file, nullptr, pipe, 70'000, 0), 4'464U);
    EXPECT_EQ(splice_pipe_to_file(pipe, socket, nullptr, 4'464, 0), 4'464U);
    EXPECT_EQ(splice_file_to_pipe(file, nullptr, pipe, 70'000, 0), 0U);  // end of file
    EXPECT_EQ(socket.written, text);
    EXPECT_EQ(socket.from[0], Place::Pipe);
  });
  EXPECT_EQ(rig.fake.copied_bytes(), 0U);
  const auto moves = rig.fake.ledger().moves();
  ASSERT_EQ(moves.size(), 1U);
  EXPECT_EQ(moves[0].from, Place::PageCache);
  EXPECT_EQ(moves[0].to, Place::Pipe);
  EXPECT_EQ(moves[0].by, Mover::Reference);
  EXPECT_EQ(moves[0].bytes.payload + moves[0].bytes.overhead, 70'000U);
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(Splice, AnEmptyPipeWaitsIsRefusedOrHasEnded) {
  PipeRig rig;
  rig.run([&] {
    MemoryFile socket{rig, ""};
    PipeEnds ends = make_pipe(rig.pipes, 0);
    EXPECT_EQ(splice_pipe_to_file(ends.read->pipe(), socket, nullptr, 1, SPLICE_F_NONBLOCK), refuse(EAGAIN));
    ends.write.reset();
    EXPECT_EQ(splice_pipe_to_file(ends.read->pipe(), socket, nullptr, 1, 0), 0U);
  });
}

TEST(Splice, TeeSharesAndKeepsAndDoesNotLetWritersAppendToTheShare) {
  PipeRig rig;
  rig.run([&] {
    FlatMemory user{rig.machine, rig.frames, 2};
    const PipeEnds a = make_pipe(rig.pipes, O_NONBLOCK);
    const PipeEnds b = make_pipe(rig.pipes, O_NONBLOCK);
    rig.put(user.begin(), "hello world");
    ASSERT_TRUE(a.write->write(user, user.begin(), 5, nullptr));
    EXPECT_EQ(tee(a.read->pipe(), b.read->pipe(), 100, 0), 5U);
    ASSERT_TRUE(b.write->write(user, user.begin() + 5, 6, nullptr));  // must not land in a's page
    EXPECT_EQ(b.read->pipe().fragments(), 2U);
    ASSERT_TRUE(a.write->write(user, user.begin(), 1, nullptr));  // a's own page, behind the five
    EXPECT_EQ(a.read->pipe().fragments(), 1U);
    EXPECT_EQ(b.read->read(user, user.begin() + 100, 100, nullptr), 11U);
    EXPECT_EQ(rig.get(user.begin() + 100, 11), "hello world");
    EXPECT_EQ(a.read->read(user, user.begin() + 100, 100, nullptr), 6U);
    EXPECT_EQ(rig.get(user.begin() + 100, 6), "helloh");
    EXPECT_EQ(tee(a.read->pipe(), b.read->pipe(), 100, SPLICE_F_NONBLOCK), refuse(EAGAIN));
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(Splice, VmspliceTakesUserPagesOnePerSlotAsManyAsFit) {
  PipeRig rig;
  const std::string text = numbered(128 * 1024);
  rig.run([&] {
    FlatMemory user{rig.machine, rig.frames, 5};
    rig.put(user.begin(), text);
    const PipeEnds ends = make_pipe(rig.pipes, 0);
    Pipe& pipe = ends.read->pipe();
    const Bytes copied = rig.fake.copied_bytes();
    EXPECT_EQ(vmsplice_to_pipe(user, user.begin() + 100, 100'000, pipe, 0), 16 * 4096 - 100U);
    EXPECT_EQ(pipe.fragments(), 16U);
    EXPECT_EQ(pipe.peek(0).size, 3996U);
    EXPECT_EQ(rig.fake.copied_bytes(), copied);
    MemoryFile socket{rig, ""};
    EXPECT_EQ(splice_pipe_to_file(pipe, socket, nullptr, 1 << 20, 0), 16 * 4096 - 100U);
    EXPECT_EQ(socket.written, text.substr(100, 16 * 4096 - 100));
    EXPECT_EQ(pipe.resize(128 * 1024).value(), 128U * 1024);
    FlatMemory large{rig.machine, rig.frames, 6};
    EXPECT_EQ(vmsplice_to_pipe(large, large.begin() + 100, 150'000, pipe, 0), 32 * 4096 - 100U) << "no page twice";
    pipe.clear();
    EXPECT_EQ(vmsplice_to_pipe(user, user.end, 1, pipe, 0), refuse(EFAULT));
    EXPECT_EQ(vmsplice_to_pipe(user, user.end - 5, 100, pipe, 0), 5U);
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(Splice, SendfileGoesAPipefulAtATimeAndSaysMoreWhileDataRemain) {
  PipeRig rig;
  const std::string text = numbered(150'000);
  rig.run([&] {
    MemoryFile file{rig, text};
    MemoryFile socket{rig, ""};
    Pipe internal{rig.pipes, Pipe::Kind::Internal};
    rig.fake.ledger().record(true);
    EXPECT_EQ(splice_direct(file, nullptr, socket, nullptr, 150'000, internal), 150'000U);
    EXPECT_EQ(socket.written, text);
    EXPECT_EQ(socket.last_flags, (std::vector<unsigned>{SPLICE_F_MORE, SPLICE_F_MORE, 0}));
    EXPECT_EQ(socket.from[0], Place::PageCache);  // it only passes through the internal pipe
    std::uint64_t offset = 10;
    EXPECT_EQ(splice_direct(file, &offset, socket, nullptr, 4'000, internal), 4'000U);
    EXPECT_EQ(offset, 4'010U);
    EXPECT_EQ(file.seek(0, SEEK_CUR), 150'000U);  // untouched
  });
  EXPECT_TRUE(rig.fake.ledger().moves().empty());
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

TEST(Splice, SendfileThatMeetsTheEndOfItsFileSaysSo) {
  PipeRig rig;
  rig.run([&] {
    MemoryFile file{rig, numbered(70'000)};
    MemoryFile socket{rig, ""};
    Pipe internal{rig.pipes, Pipe::Kind::Internal};
    EXPECT_EQ(splice_direct(file, nullptr, socket, nullptr, 70'000, internal), 70'000U);
    EXPECT_EQ(socket.ends, 0U);  // the last pipeful did not say MORE
    EXPECT_EQ(splice_direct(file, nullptr, socket, nullptr, 10, internal), 0U);
    EXPECT_EQ(socket.ends, 0U);  // nothing was held back
    std::uint64_t offset = 0;
    EXPECT_EQ(splice_direct(file, &offset, socket, nullptr, 100'000, internal), 70'000U);
    EXPECT_EQ(socket.last_flags.back(), SPLICE_F_MORE);
    EXPECT_EQ(socket.ends, 1U);
  });
}

TEST(Splice, SendfileStopsWhereTheSocketStopsAndKeepsThePosition) {
  PipeRig rig;
  rig.run([&] {
    MemoryFile file{rig, numbered(100'000)};
    MemoryFile socket{rig, ""};
    socket.most_per_write = 5'000;
    Pipe internal{rig.pipes, Pipe::Kind::Internal};
    EXPECT_EQ(splice_direct(file, nullptr, socket, nullptr, 100'000, internal), 5'000U);
    EXPECT_EQ(file.seek(0, SEEK_CUR), 5'000U);
    EXPECT_TRUE(internal.empty());
    socket.write_error = ECONNRESET;
    EXPECT_EQ(splice_direct(file, nullptr, socket, nullptr, 100'000, internal), refuse(ECONNRESET));
    EXPECT_EQ(file.seek(0, SEEK_CUR), 5'000U);
    EXPECT_TRUE(internal.empty());
  });
  EXPECT_EQ(rig.frames_in_use(), 0U);
}

/// Random work on two pipes against two strings.
class TwoPipes {
 public:
  explicit TwoPipes(PipeRig& rig, unsigned seed)
      : m_rig(rig), m_random(seed), m_user(rig.machine, rig.frames, 6), m_file(rig, numbered(300'000, 7)) {
    rig.put(m_user.begin(), numbered(128 * 1024, 3));
    m_text = rig.get(m_user.begin(), 128 * 1024);
  }
  void step() {
    const Bytes i = pick(2);
    PipeEnds& ends = m_ends[i];
    std::string& model = m_models[i];
    Pipe& pipe = ends.read->pipe();
    const Bytes size = 1 + pick(pick(2) == 0 ? 300 : 60'000);
    const Bytes at = pick(60'000);
    switch (pick(7)) {
      case 0:
        put(model, ends.write->write(m_user, m_user.begin() + at, size, nullptr), m_text, at);
        break;
      case 1:
        take(model, ends.read->read(m_user, m_back, size, nullptr), size);
        break;
      case 2: {
        std::uint64_t offset = at;
        put(model, splice_file_to_pipe(m_file, &offset, pipe, size, SPLICE_F_NONBLOCK), numbered(300'000, 7), at);
        break;
      }
      case 3: {
        MemoryFile socket{m_rig, ""};
        const Result<Bytes> moved = splice_pipe_to_file(pipe, socket, nullptr, size, SPLICE_F_NONBLOCK);
        ASSERT_EQ(moved.has_value(), !model.empty());
        ASSERT_EQ(socket.written, model.substr(0, size));
        if (moved) model.erase(0, *moved);
        break;
      }
      case 4:
        put(model, vmsplice_to_pipe(m_user, m_user.begin() + at, size, pipe, SPLICE_F_NONBLOCK), m_text, at);
        break;
      case 5: {
        const Result<Bytes> shared = tee(pipe, m_ends[1 - i].read->pipe(), size, SPLICE_F_NONBLOCK);
        if (shared) m_models[1 - i] += model.substr(0, *shared);
        break;
      }
      case 6: {
        const Result<Bytes> moved = splice_pipe_to_pipe(pipe, m_ends[1 - i].read->pipe(), size, SPLICE_F_NONBLOCK);
        if (!moved) break;
        m_models[1 - i] += model.substr(0, *moved);
        model.erase(0, *moved);
        break;
      }
    }
    static_cast<void>(pipe.resize(kPageSize << pick(7)));
    Bytes held = 0;
    for (unsigned k = 0; k < pipe.fragments(); ++k) held += pipe.peek(k).size;
    ASSERT_EQ(held, model.size());
  }

 private:
  Bytes pick(Bytes n) { return m_random() % n; }
  static void put(std::string& model, const Result<Bytes>& done, const std::string& text, Bytes at) {
    if (done) {
      model += text.substr(at, *done);
    } else {
      ASSERT_EQ(done.error().value, EAGAIN);
    }
  }
  void take(std::string& model, const Result<Bytes>& done, Bytes size) {
    ASSERT_EQ(done.has_value(), !model.empty());
    if (!done) return;
    ASSERT_EQ(*done, std::min<Bytes>(size, model.size()));
    ASSERT_EQ(m_rig.get(m_back, *done), model.substr(0, *done));
    model.erase(0, *done);
  }

  PipeRig& m_rig;
  std::mt19937 m_random;
  FlatMemory m_user;
  MemoryFile m_file;
  VirtAddr m_back = m_user.begin() + 128 * 1024;
  std::string m_text;
  PipeEnds m_ends[2] = {make_pipe(m_rig.pipes, O_NONBLOCK), make_pipe(m_rig.pipes, O_NONBLOCK)};
  std::string m_models[2];
};

TEST(Splice, RandomWorkOnTwoPipesMatchesTwoStrings) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    PipeRig rig;
    rig.run([&] {
      TwoPipes pipes{rig, seed};
      for (int i = 0; i < 300 && !testing::Test::HasFatalFailure(); ++i) pipes.step();
    });
    ASSERT_EQ(rig.frames_in_use(), 0U);
    ASSERT_TRUE(rig.frames.breaches().empty());
  }
}

}  // namespace
}  // namespace sluice::ipc
