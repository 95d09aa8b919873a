// SPDX-License-Identifier: Apache-2.0
// Random operations on one file by every path, against a vector of bytes that says what must come out.
#include <optional>
#include <random>

#include <gtest/gtest.h>

#include "tests/kernel_sim/fs/rig.h"

namespace sluice::fs {
namespace {

/// Where two runs of bytes differ first; empty when they do not.
std::string difference(const std::vector<std::byte>& got, const std::vector<std::byte>& want) {
  if (got.size() != want.size()) return "sizes " + std::to_string(got.size()) + " and " + std::to_string(want.size());
  const auto at = std::mismatch(got.begin(), got.end(), want.begin()).first - got.begin();
  return static_cast<std::size_t>(at) == got.size() ? "" : "byte " + std::to_string(at);
}

class Player {
 public:
  Player(Rig& rig, unsigned seed, Bytes initial) : m_rig(rig), m_engine(seed) {
    for (Bytes i = 0; i < initial; ++i) m_model.push_back(pattern(i));
    m_file = rig.open("/data", O_RDWR);
    m_direct = rig.open("/data", O_RDWR | O_DIRECT);
    m_map =
        rig.space->map(VirtAddr{}, 2 * kMost, PROT_READ | PROT_WRITE, MAP_SHARED, m_file->mapped_object(), 0).value();
  }

  void step() {
    switch (random(12)) {
      case 0:
      case 1:
        return write(*m_file, random(kMost), 1 + random(random(4) == 0 ? 150'000 : 30'000));
      case 2:
        return write(*m_direct, random(kMost / 512) * 512, 512 * (1 + random(40)));
      case 3:
      case 4:
        return read(*m_file, random(kMost), 1 + random(60'000));
      case 5:
        return read(*m_direct, random(kMost / 512) * 512, 512 * (1 + random(80)));
      case 6:
        return splice(random(kMost), 1 + random(60'000));
      case 7:
        return truncate(random(kMost));
      case 8:
        return store(random(kMost), 1 + random(10'000));
      case 9:
        return load(random(kMost), 1 + random(10'000));
      case 10:
        ASSERT_TRUE(m_file->sync());
        return;
      default:
        ASSERT_TRUE(
            m_file->advise(random(kMost), random(kMost), random(2) != 0 ? POSIX_FADV_DONTNEED : POSIX_FADV_WILLNEED));
    }
  }
  void check_all() {
    ASSERT_EQ(m_file->status()->size, m_model.size());
    read(*m_file, 0, kMost + 1);
  }
  [[nodiscard]] const std::vector<std::byte>& model() const { return m_model; }
  void sync() { ASSERT_TRUE(m_file->sync()); }
  ~Player() { drop_kept(); }
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

 private:
  static constexpr Bytes kMost = 300'000;

  std::uint64_t random(std::uint64_t below) { return m_engine() % below; }
  std::vector<std::byte> some(Bytes size) {
    std::vector<std::byte> bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::byte>(m_engine());
    return bytes;
  }
  void into_model(std::uint64_t offset, const std::vector<std::byte>& bytes) {
    if (m_model.size() < offset + bytes.size()) m_model.resize(offset + bytes.size());
    std::copy(bytes.begin(), bytes.end(), m_model.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  [[nodiscard]] std::vector<std::byte> expected(std::uint64_t offset, Bytes size) const {
    if (offset >= m_model.size()) return {};
    const auto begin = m_model.begin() + static_cast<std::ptrdiff_t>(offset);
    return {begin, begin + static_cast<std::ptrdiff_t>(std::min<Bytes>(size, m_model.size() - offset))};
  }
  void write(File& file, std::uint64_t offset, Bytes size) {
    const auto bytes = some(size);
    ASSERT_EQ(m_rig.write_at(file, bytes, offset), size);
    into_model(offset, bytes);
  }
  void read(File& file, std::uint64_t offset, Bytes size) {
    const auto want = expected(offset, size);
    ASSERT_EQ(m_rig.read_at(file, size, offset), want.size());
    ASSERT_EQ(difference(m_rig.user(m_rig.buffer, want.size()), want), "") << "read at " << offset;
  }
  void splice(std::uint64_t offset, Bytes size) {
    FragmentQueue pipe{m_rig.frames, 16};
    const auto got = m_file->splice_read(pipe, size, &offset, 0).value();
    const auto want = expected(offset - got, got);
    ASSERT_EQ(want.size(), got);
    Bytes done = 0;
    for (const auto& fragment : pipe.held) {
      const auto bytes = m_rig.fake.bytes(fragment.address, fragment.size);
      ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), want.begin() + static_cast<std::ptrdiff_t>(done)));
      done += fragment.size;
    }
    // Some keep their references for a while, so that the folios cannot be split or dropped.
    if (random(3) == 0) {
      drop_kept();
      m_kept.emplace(std::move(pipe));
      m_kept_size = got;
    } else {
      pipe.consume(got);
    }
  }
  void drop_kept() {
    if (m_kept) m_kept->consume(m_kept_size);
    m_kept.reset();
  }
  void truncate(std::uint64_t size) {
    ASSERT_TRUE(m_file->truncate(size));
    m_model.resize(size);
  }
  /// Within the last page a store beyond the end is allowed, and must never be seen in the file.
  void store(std::uint64_t offset, Bytes size) {
    const Bytes reachable = round_up(m_model.size(), kPageSize);
    const auto bytes = some(size);
    const auto outcome = m_rig.memory->program_store(m_map + offset, bytes);
    ASSERT_EQ(outcome == mm::FaultOutcome::Resolved, offset + size <= reachable);
    const Bytes kept = offset >= m_model.size() ? 0 : std::min<Bytes>(size, m_model.size() - offset);
    std::copy_n(bytes.begin(), kept,
                m_model.begin() + static_cast<std::ptrdiff_t>(std::min<Bytes>(offset, m_model.size())));
  }
  void load(std::uint64_t offset, Bytes size) {
    const auto want = expected(offset, size);
    ASSERT_EQ(difference(m_rig.user(m_map + offset, want.size()), want), "") << "load at " << offset;
  }

  Rig& m_rig;
  std::mt19937_64 m_engine;
  std::vector<std::byte> m_model;
  std::shared_ptr<File> m_file;
  std::shared_ptr<File> m_direct;
  VirtAddr m_map;
  std::optional<FragmentQueue> m_kept;
  Bytes m_kept_size = 0;
};

class RandomOperations : public testing::TestWithParam<unsigned> {};

TEST_P(RandomOperations, GiveWhatAVectorOfBytesGives) {
  for (unsigned seed = GetParam(); seed < GetParam() + 25; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    // Odd seeds: little memory, so that pages come and go.
    Rig rig{{{"data", 150'000, 1}}, seed % 2 == 0 ? 4096U : 420U};
    std::vector<std::byte> model;
    rig.run([&] {
      Player player{rig, seed, 150'000};
      for (int i = 0; i < 120 && !testing::Test::HasFatalFailure(); ++i) player.step();
      player.check_all();
      player.sync();
      model = player.model();
    });
    rig.run([&] {  // after a remount
      const auto file = rig.open("/data");
      ASSERT_EQ(rig.read_at(*file, 1_MiB, 0), model.size());
      ASSERT_EQ(difference(rig.user(rig.buffer, model.size()), model), "");
    });
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomOperations, testing::Values(1U, 1001U, 2001U, 3001U));

}  // namespace
}  // namespace sluice::fs
