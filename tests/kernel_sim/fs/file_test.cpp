// SPDX-License-Identifier: Apache-2.0
// Files as system calls see them: contents, sizes, errors.
#include <algorithm>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/kernel_sim/fs/rig.h"

namespace sluice::fs {
namespace {

std::vector<std::byte> filled(Bytes size, std::uint8_t value) { return std::vector<std::byte>(size, std::byte{value}); }

TEST(Open, AnswersAsLinux) {
  Rig rig;
  rig.run([&] {
    EXPECT_EQ(rig.open_error("/missing", O_RDONLY), ENOENT);
    EXPECT_EQ(rig.open_error("", O_RDONLY), ENOENT);
    EXPECT_EQ(rig.open_error("/data/x", O_RDONLY), ENOTDIR);
    EXPECT_EQ(rig.open_error("/data/", O_RDONLY), ENOTDIR);
    EXPECT_EQ(rig.open_error("/missing/x", O_RDWR | O_CREAT), ENOENT);
    EXPECT_EQ(rig.open_error("/", O_RDWR), EISDIR);
    EXPECT_EQ(rig.open_error("/", O_RDONLY), 0);
    EXPECT_EQ(rig.open_error("/data", O_RDONLY | O_DIRECTORY), ENOTDIR);
    EXPECT_EQ(rig.open_error("/data", O_RDWR | O_CREAT | O_EXCL), EEXIST);
    EXPECT_EQ(rig.open_error(("/" + std::string(256, 'n')).c_str(), O_RDWR | O_CREAT), ENAMETOOLONG);
    EXPECT_EQ(rig.open_error(("/" + std::string(255, 'n')).c_str(), O_RDWR | O_CREAT), 0);
    EXPECT_EQ(rig.open_error("./data", O_RDONLY), 0);
    const auto directory = rig.open("/");
    EXPECT_EQ(directory->read(*rig.memory, rig.buffer, 1, nullptr).error().value, EISDIR);
    EXPECT_EQ(directory->status()->mode & S_IFMT, static_cast<unsigned>(S_IFDIR));
    EXPECT_EQ(directory->mapped_object(), nullptr);
  });
}

TEST(File, RefusesWhatItsModeForbids) {
  Rig rig;
  rig.run([&] {
    const auto reader = rig.open("/data");
    const auto writer = rig.open("/data", O_WRONLY);
    FragmentQueue pipe{rig.frames, 16};
    EXPECT_EQ(reader->write(*rig.memory, rig.buffer, 1, nullptr).error().value, EBADF);
    EXPECT_EQ(writer->read(*rig.memory, rig.buffer, 1, nullptr).error().value, EBADF);
    EXPECT_EQ(writer->splice_read(pipe, 1, nullptr, 0).error().value, EBADF);
    EXPECT_EQ(reader->splice_write(pipe, 1, nullptr, 0).error().value, EBADF);
    EXPECT_EQ(reader->truncate(0).error().value, EINVAL);
    EXPECT_EQ(rig.open("/data", O_WRONLY | O_APPEND)->splice_write(pipe, 1, nullptr, 0).error().value, EINVAL);
    EXPECT_EQ(reader->advise(0, 0, 99).error().value, EINVAL);
    EXPECT_EQ(reader->read(*rig.memory, VirtAddr{0x1000}, 10, nullptr).error().value, EFAULT);
    EXPECT_EQ(writer->write(*rig.memory, VirtAddr{0x1000}, 10, nullptr).error().value, EFAULT);
  });
}

TEST(File, AccessModeThreeIsForNeitherReadingNorWriting) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data", O_ACCMODE);
    EXPECT_EQ(file->read(*rig.memory, rig.buffer, 1, nullptr).error().value, EBADF);
    EXPECT_EQ(file->write(*rig.memory, rig.buffer, 1, nullptr).error().value, EBADF);
    EXPECT_EQ(file->status()->size, 1_MiB);
  });
}

TEST(File, AnOpenFileShowsTheFlagsThatLinuxShows) {
  Rig rig;
  rig.run([&] {
    constexpr int kLargeFile = 0100000;
    EXPECT_EQ(rig.open("/data", O_RDWR | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC)->flags(),
              O_RDWR | O_APPEND | kLargeFile);
    EXPECT_EQ(rig.open("/", O_RDONLY | O_DIRECTORY)->flags(), O_RDONLY | O_DIRECTORY | kLargeFile);
    EXPECT_EQ(rig.open_error("/data", O_RDWR | O_CREAT | O_DIRECTORY), EINVAL);
  });
}

TEST(File, ADirectoryHasAPosition) {
  Rig rig;
  rig.run([&] {
    const auto directory = rig.open("/");
    EXPECT_TRUE(directory->seekable());
    EXPECT_EQ(directory->seek(0, SEEK_CUR).value(), 0U);
    EXPECT_EQ(directory->seek(-1, SEEK_SET).error().value, EINVAL);
    EXPECT_TRUE(directory->advise(0, 0, POSIX_FADV_NORMAL));
    EXPECT_EQ(directory->advise(0, 0, 99).error().value, EINVAL);
  });
}

TEST(File, NoTransferEndsBeyondTheLargestOffset) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    std::uint64_t last = ~std::uint64_t{0} >> 1;
    EXPECT_EQ(file->read(*rig.memory, rig.buffer, 1, &last).error().value, EINVAL);
    EXPECT_EQ(file->write(*rig.memory, rig.buffer, 1, &last).error().value, EINVAL);
    EXPECT_EQ(file->read(*rig.memory, rig.buffer, 0, &last).value(), 0U);
    EXPECT_EQ(file->seek(static_cast<std::int64_t>(last), SEEK_SET).error().value, EINVAL);
  });
}

TEST(File, AWriteEndsWithTheLastByteThatCanBeRead) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    ASSERT_TRUE(rig.space->unmap(rig.buffer + 4_MiB - 4096, 4096));
    const VirtAddr from = rig.buffer + 4_MiB - 4096 - 4097;  // the last byte but one page is in a piece of its own
    std::uint64_t offset = 0;
    EXPECT_EQ(file->write(*rig.memory, from, 8192, &offset).value(), 4097U);
    EXPECT_EQ(offset, 4097U);
  });
}

TEST(File, SeekFollowsLinux) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    EXPECT_EQ(file->seek(10, SEEK_SET).value(), 10U);
    EXPECT_EQ(file->seek(-3, SEEK_CUR).value(), 7U);
    EXPECT_EQ(file->seek(5, SEEK_END).value(), 1_MiB + 5);
    EXPECT_EQ(rig.read(*file, 10), 0U);
    EXPECT_EQ(file->seek(-1, SEEK_SET).error().value, EINVAL);
    EXPECT_EQ(file->seek(0, 42).error().value, EINVAL);
    EXPECT_EQ(file->seek(1_MiB, SEEK_DATA).error().value, ENXIO);
    EXPECT_EQ(file->seek(5, SEEK_HOLE).value(), 1_MiB);
    EXPECT_EQ(file->seek(1_MiB - 4, SEEK_SET).value(), 1_MiB - 4);
    EXPECT_EQ(rig.read(*file, 10), 4U);
    EXPECT_EQ(rig.user(rig.buffer, 4)[3], pattern(1_MiB - 1));
  });
}

TEST(File, AShortReadReportsWhatReachedTheProgram) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    const VirtAddr edge = rig.buffer + 4_MiB - 5000;
    ASSERT_TRUE(rig.space->unmap(rig.buffer + 4_MiB - 4096, 4096));
    std::uint64_t offset = 0;
    EXPECT_EQ(file->read(*rig.memory, edge, 65536, &offset).value(), 904U);
    EXPECT_EQ(offset, 904U);
  });
}

TEST(File, AReadErrorOfTheDiskIsEioAndPassesWithIt) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    rig.disk.bad_page = rig.first_page + 2;
    std::uint64_t offset = 2 * 4096;
    EXPECT_EQ(file->read(*rig.memory, rig.buffer, 4096, &offset).error().value, EIO);
    const VirtAddr at = rig.space->map(VirtAddr{}, 64_KiB, PROT_READ, MAP_SHARED, file->mapped_object(), 0).value();
    std::byte value{};
    EXPECT_EQ(rig.memory->program_load(at + 2 * 4096, std::span{&value, 1}), mm::FaultOutcome::BusError);
    rig.disk.bad_page = ~std::uint64_t{0};
    EXPECT_EQ(rig.read_at(*file, 4096, 2 * 4096), 4096U);
    EXPECT_EQ(rig.user(rig.buffer, 1)[0], pattern(8192));
  });
}

TEST(File, WrittenBytesAreReadBackByEveryPathAndSurviveARemount) {
  Rig rig;
  const auto data = filled(10'000, 0x5A);
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    EXPECT_EQ(rig.write_at(*file, data, 3000), 10'000U);
    EXPECT_EQ(rig.read_at(*file, 20'000, 0), 20'000U);
    const auto bytes = rig.user(rig.buffer, 20'000);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(bytes[i], i >= 3000 && i < 13'000 ? std::byte{0x5A} : pattern(i)) << i;
    }
    EXPECT_NE(rig.disk.bytes[rig.first_page * 4096 + 3000], std::byte{0x5A});
    ASSERT_TRUE(file->sync());
    EXPECT_EQ(rig.disk.bytes[rig.first_page * 4096 + 3000], std::byte{0x5A});
    EXPECT_EQ(rig.disk.records.back().direction, block::Direction::Flush);

    const auto created = rig.open("/new", O_RDWR | O_CREAT | O_EXCL);
    EXPECT_EQ(rig.write_at(*created, data, 0), 10'000U);
    ASSERT_TRUE(created->sync());
  });
  rig.run([&] {  // a new file system object on the same disk
    const auto file = rig.open("/new");
    EXPECT_EQ(file->status()->size, 10'000U);
    EXPECT_EQ(rig.read(*file, 65536), 10'000U);
    EXPECT_EQ(rig.user(rig.buffer, 10'000), data);
    EXPECT_EQ(rig.read_at(*rig.open("/data"), 1, 3000), 1U);
    EXPECT_EQ(rig.user(rig.buffer, 1)[0], std::byte{0x5A});
  });
}

TEST(File, HolesAndTheTailOfTheLastPageAreZero) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/sparse", O_RDWR | O_CREAT);
    EXPECT_EQ(rig.write_at(*file, filled(10, 1), 100'000), 10U);
    EXPECT_EQ(file->status()->size, 100'010U);
    EXPECT_EQ(rig.read_at(*file, 200'000, 0), 100'010U);
    const auto bytes = rig.user(rig.buffer, 100'010);
    EXPECT_TRUE(std::all_of(bytes.begin(), bytes.begin() + 100'000, [](auto b) { return b == std::byte{0}; }));
    const VirtAddr at = rig.space->map(VirtAddr{}, 102'400, PROT_READ, MAP_SHARED, file->mapped_object(), 0).value();
    EXPECT_EQ(rig.user(at + 100'010, 2390), filled(2390, 0));
  });
}

TEST(File, AppendWritesAtTheEndWhateverTheOffset) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/log", O_WRONLY | O_CREAT | O_APPEND);
    EXPECT_EQ(rig.write_at(*file, filled(10, 1), 0), 10U);
    EXPECT_EQ(rig.write_at(*file, filled(10, 2), 0), 10U);
    EXPECT_EQ(file->status()->size, 20U);
    const auto again = rig.open("/log", O_WRONLY | O_APPEND);
    EXPECT_EQ(again->write(*rig.memory, VirtAddr{0x1000}, 1, nullptr).error().value, EFAULT);
    EXPECT_EQ(again->seek(0, SEEK_CUR).value(), 0U);  // what wrote nothing moves nothing
    EXPECT_EQ(rig.open("/log", O_RDWR | O_TRUNC)->status()->size, 0U);
  });
}

TEST(File, ASynchronousWriteIsOnTheDiskWhenItReturns) {
  Rig rig;
  rig.run([&] {
    const auto lazy = rig.open("/data", O_WRONLY);
    EXPECT_EQ(rig.write_at(*lazy, filled(100, 1), 0), 100U);
    EXPECT_EQ(rig.fs->statistics().pages_written, 0U);
    for (const int flag : {O_DSYNC, O_SYNC}) {
      const auto before = rig.fs->statistics().pages_written;
      const auto file = rig.open("/data", O_WRONLY | flag);
      EXPECT_EQ(rig.write_at(*file, filled(100, 1), 0), 100U);
      EXPECT_EQ(rig.fs->statistics().pages_written, before + 1);
    }
    EXPECT_EQ(rig.fs->dirty_pages(), 0U);
  });
}

TEST(File, AFullDiskIsEnospc) {
  Rig rig{{{"data", 1_MiB, 1}}, 8192, 2_MiB};
  rig.run([&] {
    const auto file = rig.open("/big", O_RDWR | O_CREAT);
    Bytes written = 0;
    std::uint64_t offset = 0;
    Result<Bytes> last;
    do {
      last = file->write(*rig.memory, rig.buffer, 65536, &offset);
      written += last.value_or(0);
    } while (last && *last > 0);
    EXPECT_EQ(last.error().value, ENOSPC);
    const auto faults = rig.space->faults();
    const VirtAddr untouched = rig.space->map(VirtAddr{}, 4_KiB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, {}, 0).value();
    for (const VirtAddr from : {untouched, VirtAddr{0x1000}}) {
      const auto refused = file->write(*rig.memory, from, 1, &offset);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().value, ENOSPC);  // before the buffer is looked at
    }
    EXPECT_EQ(rig.space->faults().minor, faults.minor);
    offset = written - 4096;  // one page has a block, the next has none
    const VirtAddr two = rig.space->map(VirtAddr{}, 8_KiB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, {}, 0).value();
    EXPECT_EQ(file->write(*rig.memory, two, 8192, &offset).value(), 4096U);
    EXPECT_EQ(rig.space->faults().minor, faults.minor + 1);
    EXPECT_EQ(file->status()->size, written);
    EXPECT_GT(written, 700'000U);
    ASSERT_TRUE(file->truncate(0));  // and the room comes back
    offset = 0;
    EXPECT_EQ(file->write(*rig.memory, rig.buffer, 65536, &offset).value(), 65536U);
  });
}

TEST(Mapping, ResidentIsEveryPageThatReadAheadBroughtTheMarkedOneToo) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    EXPECT_EQ(rig.read(*file, 1), 1U);
    sched::WaitQueue nobody;
    rig.scheduler.wait(nobody, "the reads", 100_ms);
    const auto at = rig.space->map(VirtAddr{}, 64 * kPageSize, PROT_READ, MAP_SHARED, file->mapped_object(), 0).value();
    const auto resident = rig.space->residency(at, 64 * kPageSize, 64).value();
    const auto first_absent = std::ranges::find(resident, 0);
    EXPECT_EQ(first_absent - resident.begin(), 4);  // get_init_ra_size of one page; the second starts the next window
    EXPECT_EQ(std::count(first_absent, resident.end(), 1), 0);
  });
}

TEST(Mapping, SeesWritesAndWritesAreSeen) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    const VirtAddr at =
        rig.space->map(VirtAddr{}, 64_KiB, PROT_READ | PROT_WRITE, MAP_SHARED, file->mapped_object(), 0).value();
    EXPECT_EQ(rig.user(at + 5000, 1)[0], pattern(5000));
    EXPECT_EQ(rig.write_at(*file, filled(100, 0x11), 5000), 100U);
    EXPECT_EQ(rig.user(at + 5000, 100), filled(100, 0x11));
    rig.set_user(at + 5050, filled(10, 0x22));
    EXPECT_EQ(rig.read_at(*file, 10, 5050), 10U);
    EXPECT_EQ(rig.user(rig.buffer, 10), filled(10, 0x22));
    ASSERT_TRUE(file->sync());
    EXPECT_EQ(rig.disk.bytes[rig.first_page * 4096 + 5050], std::byte{0x22});
    // A write after write-back is found again.
    rig.set_user(at + 5050, filled(10, 0x33));
    EXPECT_EQ(rig.fs->dirty_pages(), 1U);
    ASSERT_TRUE(file->sync());
    EXPECT_EQ(rig.disk.bytes[rig.first_page * 4096 + 5050], std::byte{0x33});
  });
}

TEST(Mapping, AccessBeyondTheEndIsABusErrorAndInASystemCallEfault) {
  Rig rig{{{"data", 5000, 1}}};
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    const VirtAddr at =
        rig.space->map(VirtAddr{}, 16_KiB, PROT_READ | PROT_WRITE, MAP_SHARED, file->mapped_object(), 0).value();
    EXPECT_EQ(rig.user(at + 4999, 2), (std::vector{pattern(4999), std::byte{0}}));
    EXPECT_EQ(rig.user(at + 8191, 1)[0], std::byte{0});
    std::byte value{};
    EXPECT_EQ(rig.memory->program_load(at + 8192, std::span{&value, 1}), mm::FaultOutcome::BusError);
    const auto other = rig.open("/other", O_RDWR | O_CREAT);
    std::uint64_t offset = 0;
    EXPECT_EQ(other->write(*rig.memory, at + 8192, 10, &offset).error().value, EFAULT);
    EXPECT_EQ(other->write(*rig.memory, at + 4096, 8192, &offset).value(), 4096U);
  });
}

TEST(Mapping, TruncateTakesPagesAwayAndGrowingGivesZeroes) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    const VirtAddr at =
        rig.space->map(VirtAddr{}, 64_KiB, PROT_READ | PROT_WRITE, MAP_SHARED, file->mapped_object(), 0).value();
    EXPECT_EQ(rig.user(at + 20'000, 1)[0], pattern(20'000));
    ASSERT_TRUE(file->truncate(10'000));
    EXPECT_EQ(rig.user(at + 9'999, 2), (std::vector{pattern(9'999), std::byte{0}}));
    std::byte value{};
    EXPECT_EQ(rig.memory->program_load(at + 20'000, std::span{&value, 1}), mm::FaultOutcome::BusError);
    // What is written beyond the end within the last page must not come back.
    rig.set_user(at + 11'000, filled(10, 0x77));
    ASSERT_TRUE(file->truncate(64_KiB));
    EXPECT_EQ(rig.user(at + 11'000, 10), filled(10, 0));
    EXPECT_EQ(rig.user(at + 20'000, 10), filled(10, 0));
  });
}

TEST(Mapping, WritingAMappedPageToItselfDoesNotHang) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    const VirtAddr at =
        rig.space->map(VirtAddr{}, 64_KiB, PROT_READ | PROT_WRITE, MAP_SHARED, file->mapped_object(), 0).value();
    std::uint64_t offset = 8192;
    EXPECT_EQ(file->write(*rig.memory, at, 4096, &offset).value(), 4096U);
    offset = 16'384;
    EXPECT_EQ(file->write(*rig.memory, at + 8192, 4096, &offset).value(), 4096U);
    EXPECT_EQ(rig.user(at + 16'384, 1)[0], pattern(0));
  });
}

TEST(Mapping, OutlivesTheFile) {
  Rig rig;
  rig.run([&] {
    auto file = rig.open("/data");
    const VirtAddr at = rig.space->map(VirtAddr{}, 64_KiB, PROT_READ, MAP_PRIVATE, file->mapped_object(), 0).value();
    file.reset();
    EXPECT_EQ(rig.user(at + 30'000, 1)[0], pattern(30'000));
  });
}

TEST(Mapping, SharedByForkedProcessesAndPrivateCopiesApart) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    const auto map = [&](int flags) {
      return rig.space->map(VirtAddr{}, 64_KiB, PROT_READ | PROT_WRITE, flags, file->mapped_object(), 0).value();
    };
    const VirtAddr shared = map(MAP_SHARED);
    const VirtAddr apart = map(MAP_PRIVATE);
    rig.set_user(apart, filled(4, 0x10));
    auto child = rig.space->fork().value();
    mm::AddressSpaceMemory child_memory{rig.machine, rig.frames, *child, rig.mm_config};
    rig.machine.cpu.set_page_table(child->root());
    EXPECT_EQ(child_memory.program_store(shared + 8000, filled(4, 0x20)), mm::FaultOutcome::Resolved);
    EXPECT_EQ(child_memory.program_store(apart, filled(2, 0x30)), mm::FaultOutcome::Resolved);
    rig.machine.cpu.set_page_table(rig.space->root());
    EXPECT_EQ(rig.user(shared + 8000, 4), filled(4, 0x20));
    EXPECT_EQ(rig.user(apart, 4), filled(4, 0x10));
    EXPECT_EQ(rig.read_at(*file, 4, 8000), 4U);
    EXPECT_EQ(rig.user(rig.buffer, 4), filled(4, 0x20));
    // Truncation reaches the mappings of both.
    ASSERT_TRUE(file->truncate(0));
    std::byte value{};
    EXPECT_EQ(rig.memory->program_load(apart, std::span{&value, 1}), mm::FaultOutcome::BusError);
    rig.machine.cpu.set_page_table(child->root());
    EXPECT_EQ(child_memory.program_load(shared + 8000, std::span{&value, 1}), mm::FaultOutcome::BusError);
    rig.machine.cpu.set_page_table(rig.space->root());
    child->clear();
  });
}

TEST(Splice, PassesReferencesThatKeepTheirContents) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    FragmentQueue pipe{rig.frames, 16};
    std::uint64_t offset = 100;
    EXPECT_EQ(file->splice_read(pipe, 9000, &offset, 0).value(), 9000U);
    EXPECT_EQ(offset, 9100U);
    ASSERT_EQ(pipe.held.size(), 3U);
    EXPECT_EQ(pipe.held[0].size, 3996U);
    EXPECT_EQ(pipe.held[2].size, 9100U - 8192U);
    ASSERT_TRUE(file->truncate(0));
    EXPECT_EQ(rig.fake.bytes(pipe.held[2].address, 1)[0], pattern(8192));  // the pipe still holds the page
    EXPECT_EQ(file->splice_read(pipe, 9000, &offset, 0).value(), 0U);
    // Into another file the bytes are copied.
    const auto copied = rig.fake.copied_bytes();
    const auto other = rig.open("/copy", O_RDWR | O_CREAT);
    std::uint64_t to = 0;
    EXPECT_EQ(other->splice_write(pipe, 9000, &to, 0).value(), 9000U);
    EXPECT_EQ(rig.fake.copied_bytes() - copied, 9000U);
    EXPECT_EQ(pipe.fragments(), 0U);
    EXPECT_EQ(rig.read(*other, 10'000), 9000U);
    EXPECT_EQ(rig.user(rig.buffer + 8999, 1)[0], pattern(9099));
  });
}

TEST(DirectIo, RefusesWhatIsNotAligned) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR | O_DIRECT);
    std::uint64_t offset = 100;
    EXPECT_EQ(file->read(*rig.memory, rig.buffer, 512, &offset).error().value, EINVAL);
    offset = 0;
    EXPECT_EQ(file->read(*rig.memory, rig.buffer, 100, &offset).error().value, EINVAL);
    EXPECT_EQ(file->read(*rig.memory, rig.buffer + 8, 512, &offset).error().value, EINVAL);
    EXPECT_EQ(file->write(*rig.memory, rig.buffer + 8, 512, &offset).error().value, EINVAL);
    EXPECT_EQ(file->read(*rig.memory, rig.buffer, 512, &offset).value(), 512U);
  });
}

TEST(DirectIo, MovesBetweenDiskAndProgramWithoutCopyOrCache) {
  Rig rig{{{"data", 100'000, 1}}};
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR | O_DIRECT);
    EXPECT_EQ(rig.read_at(*file, 65536, 512), 65536U);
    EXPECT_EQ(rig.user(rig.buffer, 1)[0], pattern(512));
    EXPECT_EQ(rig.read_at(*file, 65536, 98'304), 100'000U - 98'304U);  // clipped at the end
    EXPECT_EQ(rig.read_at(*file, 65536, 102'400), 0U);
    EXPECT_EQ(rig.fake.copied_bytes(), 0U);
    EXPECT_EQ(rig.fs->cached_pages(), 0U);
  });
}

TEST(DirectIo, IsCoherentWithThePageCache) {
  Rig rig;
  rig.run([&] {
    const auto buffered = rig.open("/data", O_RDWR);
    const auto direct = rig.open("/data", O_RDWR | O_DIRECT);
    const VirtAddr at = rig.space->map(VirtAddr{}, 64_KiB, PROT_READ, MAP_SHARED, buffered->mapped_object(), 0).value();
    EXPECT_EQ(rig.write_at(*buffered, filled(100, 0x44), 5000), 100U);
    EXPECT_EQ(rig.read_at(*direct, 4096, 4096), 4096U);
    EXPECT_EQ(rig.user(rig.buffer + 904, 100), filled(100, 0x44));
    EXPECT_EQ(rig.user(at + 5000, 1)[0], std::byte{0x44});
    EXPECT_EQ(rig.write_at(*direct, filled(1024, 0x66), 4608), 1024U);
    EXPECT_EQ(rig.user(at + 5000, 1)[0], std::byte{0x66});
    EXPECT_EQ(rig.read_at(*buffered, 100, 4600), 100U);
    EXPECT_EQ(rig.user(rig.buffer + 7, 2), (std::vector{pattern(4607), std::byte{0x66}}));
  });
}

TEST(DirectIo, GrowsAFileByWholeAndByPartBlocks) {
  Rig rig;
  rig.run([&] {
    std::fill(rig.disk.bytes.begin() + 4_MiB, rig.disk.bytes.end(), std::byte{0xEE});  // what was there before
    const auto file = rig.open("/new", O_RDWR | O_CREAT | O_DIRECT);
    EXPECT_EQ(rig.write_at(*file, filled(8192, 1), 0), 8192U);
    EXPECT_EQ(rig.write_at(*file, filled(512, 2), 16'384 + 512), 512U);
    EXPECT_EQ(file->status()->size, 17'408U);
    EXPECT_EQ(rig.read_at(*file, 20'480, 0), 17'408U);
    const auto bytes = rig.user(rig.buffer, 17'408);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      ASSERT_EQ(bytes[i], i < 8192 ? std::byte{1} : i >= 16'896 ? std::byte{2} : std::byte{0}) << i;
    }
  });
}

TEST(PageCacheMemory, CleanPagesAreReclaimedAndMappedAndDirtyOnesAreNot) {
  Rig rig{{{"data", 6_MiB, 1}}, 1024, 16_MiB};  // 4 MiB of memory
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    const VirtAddr at = rig.space->map(VirtAddr{}, 4096, PROT_READ, MAP_SHARED, file->mapped_object(), 0).value();
    EXPECT_EQ(rig.user(at, 1)[0], pattern(0));
    EXPECT_EQ(rig.write_at(*file, filled(100, 0x99), 8192), 100U);
    for (std::uint64_t offset = 0; offset < 6_MiB; offset += 65536) {
      ASSERT_EQ(rig.read_at(*file, 65536, offset), 65536U);
      ASSERT_EQ(rig.user(rig.buffer + 200, 1)[0], pattern(offset + 200));
    }
    EXPECT_GT(rig.fs->statistics().pages_reclaimed, 600U);
    const auto reads = rig.fs->statistics().pages_read;
    EXPECT_EQ(rig.read_at(*file, 4096, 0), 4096U);
    EXPECT_EQ(rig.read_at(*file, 100, 8192), 100U);
    EXPECT_EQ(rig.fs->statistics().pages_read, reads);
    EXPECT_EQ(rig.user(rig.buffer, 100), filled(100, 0x99));
  });
}

TEST(PageCacheMemory, AFileLargerThanMemoryCanBeWritten) {
  Rig rig{{{"data", 4096, 1}}, 1024, 16_MiB};
  rig.run([&] {
    const auto file = rig.open("/big", O_RDWR | O_CREAT);
    for (std::uint64_t i = 0; i < 96; ++i) {
      ASSERT_EQ(rig.write_at(*file, filled(65536, static_cast<std::uint8_t>(i)), i * 65536), 65536U);
    }
    for (std::uint64_t i = 0; i < 96; ++i) {
      ASSERT_EQ(rig.read_at(*file, 65536, i * 65536), 65536U);
      ASSERT_EQ(rig.user(rig.buffer + 65535, 1)[0], std::byte(i));
    }
  });
}

TEST(PageCacheMemory, TheFlusherWritesBackWhenMuchIsDirty) {
  Rig rig;
  rig.background_tasks = 1;
  rig.fs_config.dirty_background = Fraction{10'000};  // 81 of 8192 pages
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    ASSERT_EQ(rig.write_at(*file, filled(64 * 4096, 1), 0), 64U * 4096);
    rig.machine.cpu.execute(1_ms, hal::Work::Program);
    EXPECT_EQ(rig.fs->statistics().pages_written, 0U);
    sched::WaitQueue never;
    rig.fs->start_flusher();
    ASSERT_EQ(rig.write_at(*file, filled(32 * 4096, 1), 64 * 4096), 32U * 4096);
    while (rig.fs->dirty_pages() > 0) rig.scheduler.wait(never, "time", 1_ms);
    EXPECT_EQ(rig.disk.bytes[rig.first_page * 4096 + 70 * 4096], std::byte{1});
  });
}

TEST(PageCacheMemory, AWriterFarAheadOfTheDiskWritesBackItself) {
  Rig rig;
  rig.fs_config.dirty_background = Fraction{5'000};
  rig.fs_config.dirty_limit = Fraction{10'000};
  rig.run([&] {
    const auto file = rig.open("/data", O_RDWR);
    ASSERT_EQ(rig.write_at(*file, filled(200 * 4096, 1), 0), 200U * 4096);
    EXPECT_LE(rig.fs->dirty_pages(), 81U);
    EXPECT_GE(rig.fs->statistics().pages_written, 119U);
  });
}

TEST(PageCacheMemory, DontNeedDropsCleanPages) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    EXPECT_EQ(rig.read(*file, 65536), 65536U);
    rig.machine.cpu.execute(1_ms, hal::Work::Program);
    EXPECT_EQ(rig.fs->cached_pages(), 32U);
    ASSERT_TRUE(file->advise(100, 8192, POSIX_FADV_DONTNEED));  // only page 1 lies wholly inside
    EXPECT_EQ(rig.fs->cached_pages(), 31U);
    ASSERT_TRUE(file->advise(0, 0, POSIX_FADV_DONTNEED));
    EXPECT_EQ(rig.fs->cached_pages(), 0U);
  });
}

TEST(PageCacheMemory, PreloadTakesNoTimeAndNoRequests) {
  Rig rig;
  rig.run([&] {
    const auto before = rig.fake.time();
    ASSERT_TRUE(rig.fs->preload("/data"));
    EXPECT_EQ(rig.fake.time(), before);
    const auto file = rig.open("/data");
    EXPECT_EQ(rig.read_at(*file, 1_MiB, 0), 1_MiB);
    EXPECT_EQ(rig.disk.records.size(), 0U);
    EXPECT_EQ(rig.user(rig.buffer + 777'777, 1)[0], pattern(777'777));
    EXPECT_EQ(rig.fs->preload("/missing").error().value, ENOENT);
  });
}

TEST(PageCacheMemory, AFileThatDoesNotFitCannotBePreloaded) {
  Rig rig{{{"data", 6_MiB, 1}}, 1024, 16_MiB};
  rig.run([&] { EXPECT_EQ(rig.fs->preload("/data").error().value, ENOMEM); });
}

TEST(FileSystem, MountRefusesADiskWithoutFileSystem) {
  Rig rig;
  rig.run([&] {
    FileSystem fs{rig.machine, rig.fake.ledger(), rig.frames, rig.scheduler, rig.queue, rig.fs_config};
    rig.disk.bytes[0] = std::byte{0};
    EXPECT_EQ(fs.mount().error().value, EINVAL);
    rig.disk.bad_page = 0;
    EXPECT_EQ(fs.mount().error().value, EIO);
  });
}

TEST(FileSystem, ManyFilesAndManyExtentsComeBackAfterARemount) {
  Rig rig;
  rig.run([&] {
    const auto a = rig.open("/a", O_RDWR | O_CREAT);
    for (std::uint64_t i = 0; i < 60; ++i) {  // every other page: one extent each, beyond the 14 of the inode
      ASSERT_EQ(rig.write_at(*a, filled(4096, static_cast<std::uint8_t>(i)), (119 - 2 * i) * 4096), 4096U);
    }
    ASSERT_TRUE(a->sync());
    for (int i = 0; i < 200; ++i) {
      const auto file = rig.open(("/file-with-a-rather-long-name-" + std::to_string(i)).c_str(), O_RDWR | O_CREAT);
      ASSERT_EQ(rig.write_at(*file, filled(10, static_cast<std::uint8_t>(i)), 0), 10U);
    }
    ASSERT_TRUE(rig.fs->sync());
  });
  rig.run([&] {
    const auto a = rig.open("/a");
    for (std::uint64_t i = 0; i < 60; ++i) {
      ASSERT_EQ(rig.read_at(*a, 4096, (119 - 2 * i) * 4096), 4096U);
      ASSERT_EQ(rig.user(rig.buffer, 1)[0], std::byte(i));
    }
    for (int i = 0; i < 200; ++i) {
      const auto file = rig.open(("/file-with-a-rather-long-name-" + std::to_string(i)).c_str());
      ASSERT_EQ(rig.read(*file, 100), 10U);
      ASSERT_EQ(rig.user(rig.buffer, 1)[0], std::byte(i));
    }
  });
}

TEST(FileSystem, AnInodeThatIsGivenBackIsTakenAgain) {
  Rig rig;
  rig.run([&] {
    const auto open_unnamed = [&] { return rig.fs->open("/", O_TMPFILE | O_RDWR, 0644); };
    std::vector<std::shared_ptr<File>> files;
    for (auto file = open_unnamed(); file; file = open_unnamed()) files.push_back(*file);
    ASSERT_GT(files.size(), 10U);
    for (const std::size_t index : {std::size_t{0}, files.size() / 2, files.size() - 1}) {
      files[index].reset();
      files[(index + 1) % files.size()].reset();
      for (int again = 0; again < 2; ++again) {
        auto file = open_unnamed();
        ASSERT_TRUE(file.has_value());
        files.push_back(*file);
      }
      const auto refused = open_unnamed();
      ASSERT_FALSE(refused.has_value());
      EXPECT_EQ(refused.error().value, ENOSPC);
    }
  });
}

TEST(FileSystem, AnUnlinkedFileStaysForThoseWhoHaveItOpen) {
  Rig rig;
  rig.run([&] {
    auto file = rig.open("/data");
    EXPECT_TRUE(rig.fs->unlink("/data").has_value());
    EXPECT_EQ(rig.fs->open("/data", O_RDONLY, 0).error().value, ENOENT);
    EXPECT_EQ(rig.read(*file, 100), 100U);
    EXPECT_EQ(rig.fs->unlink("/data").error().value, ENOENT);
    EXPECT_EQ(rig.fs->unlink("/").error().value, EISDIR);
    EXPECT_TRUE(rig.fs->open("/data", O_CREAT | O_RDWR, 0644).has_value()) << "another file";
    EXPECT_TRUE(rig.fs->sync().has_value());
  });
}

TEST(FileSystem, ANodeOfASocketCannotBeOpened) {
  Rig rig;
  rig.run([&] {
    const auto node = rig.fs->make_socket("/socket", 0777);
    ASSERT_TRUE(node.has_value());
    EXPECT_EQ(rig.fs->find_socket("/socket").value_or(0), *node);
    EXPECT_EQ(rig.fs->make_socket("/socket", 0777).error().value, EEXIST);
    EXPECT_EQ(rig.fs->open("/socket", O_RDWR, 0).error().value, ENXIO);
    EXPECT_TRUE(rig.fs->open("/socket", O_PATH, 0).has_value());
    EXPECT_EQ(rig.fs->find_socket("/data").error().value, ECONNREFUSED);
    EXPECT_TRUE(rig.fs->unlink("/socket").has_value());
    EXPECT_EQ(rig.fs->find_socket("/socket").error().value, ENOENT);
  });
}

TEST(FileSystem, TwoReadersShareOneReadOfAPage) {
  Rig rig;
  rig.run([&] {
    const auto file = rig.open("/data");
    const auto second = rig.open("/data");
    bool done = false;
    sched::WaitQueue finished;
    rig.scheduler.spawn("second", [&] {
      FragmentQueue pipe{rig.frames, 16};
      EXPECT_EQ(second->splice_read(pipe, 4096, nullptr, 0).value(), 4096U);
      pipe.consume(4096);
      done = true;
      rig.scheduler.wake_all(finished);
    });
    EXPECT_EQ(rig.read(*file, 4096), 4096U);
    while (!done) rig.scheduler.wait(finished, "the other reader");
    EXPECT_EQ(rig.disk.take_reads(rig.first_page).size(), 1U);
  });
}

}  // namespace
}  // namespace sluice::fs
