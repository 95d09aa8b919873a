// SPDX-License-Identifier: Apache-2.0
#include "tools/native/measured_transfer.h"

#include <sched.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "tests/tools/native/support.h"
#include "tools/native/softirq_thread.h"

namespace sluice::tests {
namespace {

using kernel_sim::Strategy;
using native::TestFiles;
using native::TransferOptions;
using native::TransferSample;

TestFiles make_files(const Folder& folder, std::vector<Bytes> sizes) {
  std::vector<std::shared_ptr<const base::Content>> contents;
  for (const Bytes size : sizes) contents.push_back(base::make_synthetic_content(size, contents.size() + 1));
  return TestFiles::make(folder.path(), contents);
}

class Memory : public base::Content {
 public:
  explicit Memory(std::vector<std::byte> bytes) : m_bytes(std::move(bytes)) {}
  [[nodiscard]] Bytes size() const override { return m_bytes.size(); }
  void read(Bytes offset, std::span<std::byte> to) const override {
    std::copy_n(m_bytes.begin() + static_cast<std::ptrdiff_t>(offset), to.size(), to.begin());
  }

 private:
  std::vector<std::byte> m_bytes;
};

class MeasuredTransfer : public testing::TestWithParam<Strategy> {
 protected:
  TransferOptions options(unsigned cores = 1) {
    const std::vector<int> used = native::choose_cores(cores);
    TransferOptions chosen;
    chosen.strategy = &GetParam();
    chosen.senders = {{used.front()}};
    chosen.receiver_cpus = {used.back()};
    chosen.time_limit = std::chrono::seconds{60};
    return chosen;
  }
  Folder m_folder;
};
INSTANTIATE_TEST_SUITE_P(Programs, MeasuredTransfer,
                         testing::ValuesIn(kernel_sim::strategies().begin(), kernel_sim::strategies().end()),
                         [](const auto& instance) { return std::string{instance.param.name}; });

TEST_P(MeasuredTransfer, TimesBothProcessesWithinTheElapsedTime) {
  const TestFiles files = make_files(m_folder, {4'000'000, 96'000});
  TransferOptions chosen = options();
  chosen.batch = true;
  chosen.socket_buffer = 212'992;
  const TransferSample sample = measure_transfer(files, chosen);
  EXPECT_EQ(sample.failure, "");
  EXPECT_EQ(sample.received, 4'096'000U);
  EXPECT_GT(sample.sender.cpu_ns, 0);
  EXPECT_GT(sample.receiver.cpu_ns, 0);
  EXPECT_GE(sample.softirq_cpu_ns.value_or(0), 0);
  // On one core nothing runs at the same time. The sender's part ends with its mark and not with the last byte, and
  // clocks of other processes are read a little apart.
  constexpr std::int64_t kReadingsApart = 200'000;
  EXPECT_LE(sample.receiver.cpu_ns, sample.elapsed_ns + kReadingsApart);
  EXPECT_GT(sample.calls.mode_switches, 0U);
}

TEST_P(MeasuredTransfer, WindowsBetweenProbesAreThoseOfACoreThatIsAlwaysBusy) {
  const TestFiles files = make_files(m_folder, {16'000'000});
  TransferOptions chosen = options();
  chosen.batch = true;
  chosen.socket_buffer = 212'992;
  const auto look = [&] {
    const TransferSample sample = measure_transfer(files, chosen);
    // Others may have the core for a while, and a strategy may wait for the disk.
    const bool busy = static_cast<double>(sample.cpu_ns()) >= 0.9 * static_cast<double>(sample.elapsed_ns);
    EXPECT_EQ(sample.probes.windows.empty(), !busy) << sample.cpu_ns() << " of " << sample.elapsed_ns;
    double work = 0;
    for (const native::ProbedWindow& window : sample.probes.windows) {
      EXPECT_LT(window.began_at_ns, window.ended_at_ns);
      work += window.work;
    }
    EXPECT_LE(work, 16e6);
  };
  files.warm();
  look();
  try {
    files.cool();
  } catch (const base::InputError&) {
    return;  // this file system keeps its pages
  }
  look();
}

TEST_P(MeasuredTransfer, VerifiesTheBytes) {
  const TestFiles files = make_files(m_folder, {100'000});
  TransferOptions chosen = options();
  chosen.verify = true;
  EXPECT_EQ(measure_transfer(files, chosen).sha256, base::sha256_of(*base::make_synthetic_content(100'000, 1)));
}

TEST_P(MeasuredTransfer, EachConnectionDeliversAllFilesAsOftenAsIsAskedFor) {
  const TestFiles files = make_files(m_folder, {70'000, 0, 30'000});
  TransferOptions chosen = options();
  const int core = chosen.receiver_cpus.front();
  chosen.senders = {{core, {0, 2}}, {core, {1}}};
  chosen.receiver_cpus = {core, core, core};
  chosen.repeat = 2;
  chosen.verify = true;
  const TransferSample sample = measure_transfer(files, chosen);
  EXPECT_EQ(sample.failure, "");
  EXPECT_EQ(sample.received, 600'000U);
  std::vector<std::byte> twice(200'000);
  for (const std::size_t begin : {0U, 100'000U}) {
    base::make_synthetic_content(70'000, 1)->read(0, std::span{twice}.subspan(begin, 70'000));
    base::make_synthetic_content(30'000, 3)->read(0, std::span{twice}.subspan(begin + 70'000, 30'000));
  }
  EXPECT_EQ(sample.sha256, base::sha256_of(Memory{twice}));
  ASSERT_EQ(sample.senders.size(), 2U);
  EXPECT_EQ(sample.senders[0].calls.mode_switches + sample.senders[1].calls.mode_switches, sample.calls.mode_switches);
  EXPECT_GT(sample.senders[0].calls.mode_switches, sample.senders[1].calls.mode_switches);
  EXPECT_GT(sample.senders[1].used.cpu_ns, 0);
}

TEST_P(MeasuredTransfer, AnEmptyFileHasNoLastByteToWaitFor) {
  const TransferSample sample = measure_transfer(make_files(m_folder, {0}), options());
  EXPECT_EQ(sample.failure, "");
  EXPECT_EQ(sample.received, 0U);
  EXPECT_GE(sample.elapsed_ns, 0);
  EXPECT_LT(sample.elapsed_ns, 1'000'000'000);
}

TEST_P(MeasuredTransfer, LeavesNoProcess) {
  measure_transfer(make_files(m_folder, {100'000}), options());
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST_P(MeasuredTransfer, TheKernelsOwnCountsAgreeWhereItTellsThem) {
  const TransferSample sample = measure_transfer(make_files(m_folder, {100'000}), options());
  ASSERT_EQ(sample.kernel_counts.size(), native::kTracepoints.size());
  for (const native::KernelCount& count : sample.kernel_counts) {
    if (!count.known) {
      EXPECT_THAT(count.why_not, testing::AnyOf("not permitted here", "not in this kernel")) << count.event;
    } else if (count.event == "raw_syscalls:sys_enter") {
      EXPECT_GE(count.count, sample.calls.mode_switches / 2);  // and the calls that read the clocks at the marks
      EXPECT_LE(count.count, sample.calls.mode_switches / 2 + 20);
    }
  }
}

std::string failure_of(kernel_sim::Program* program) {
  const Folder folder;
  const Strategy info{"a test's", program, {}, {}, ""};
  TransferOptions options;
  options.strategy = &info;
  const int core = native::choose_cores(1).front();
  options.senders = {{core}};
  options.receiver_cpus = {core};
  return measure_transfer(make_files(folder, {100'000}), options).failure;
}

TEST(FailedMeasuredTransfer, SaysWhichCallFailed) {
  EXPECT_EQ(failure_of([](SystemCalls&, const kernel_sim::TransferRequest& request, kernel_sim::Measurement&) {
              *request.failure = "read: EIO";
              return 3;
            }),
            "the program ended with status 3: read: EIO");
}

TEST(FailedMeasuredTransfer, SaysWhichSignalEndedIt) {
  EXPECT_EQ(failure_of([](SystemCalls& calls, const kernel_sim::TransferRequest&, kernel_sim::Measurement&) {
              calls.fill(UserAddress::Null, std::byte{1}, 1);
              return 0;
            }),
            "the program was ended by signal SEGV");
}

TEST(FailedMeasuredTransfer, OfSeveralSendersTheOthersDoNotWaitForIt) {
  const Folder folder;
  const TestFiles files = make_files(folder, {100'000});
  // The second one dies before it is ready to begin.
  const Strategy info{
      "a test's",
      [](SystemCalls& calls, const kernel_sim::TransferRequest& request, kernel_sim::Measurement& measurement) {
        if (request.connections.size() == 1) calls.fill(UserAddress::Null, std::byte{1}, 1);
        return kernel_sim::find_strategy("sendfile")->run(calls, request, measurement);
      },
      {},
      {},
      ""};
  TransferOptions options;
  options.strategy = &info;
  const int core = native::choose_cores(1).front();
  options.senders = {{core, {0, 1}}, {core, {2}}};
  options.receiver_cpus = {core, core, core};
  options.time_limit = std::chrono::seconds{60};
  EXPECT_EQ(measure_transfer(files, options).failure, "the program was ended by signal SEGV");
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
}

TEST(FailedMeasuredTransfer, BytesThatDidNotArriveAreAFailure) {
  EXPECT_EQ(failure_of([](SystemCalls& calls, const kernel_sim::TransferRequest& request,
                          kernel_sim::Measurement& measurement) {
              kernel_sim::TransferRequest nothing = request;
              nothing.paths.clear();
              return kernel_sim::find_strategy("sendfile")->run(calls, nothing, measurement);
            }),
            "the receiver got 0 of 100000 bytes");
}

TEST(Cores, AreThoseThatThisProcessMayUse) {
  EXPECT_EQ(native::choose_cores(1).size(), 1U);
  cpu_set_t before;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(native::choose_cores(1).front()), &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_THROW(native::choose_cores(2), base::InputError);
  sched_setaffinity(0, sizeof before, &before);
}

TEST(SoftirqThread, TimeOnlyGrowsWhereItCanBeRead) {
  const native::SoftirqThread thread{0};
  if (!thread.readable()) GTEST_SKIP() << "kernel threads are not shown here";
  const auto before = thread.cpu_ns();
  ASSERT_TRUE(before.has_value());
  EXPECT_GE(thread.cpu_ns(), before);
}

TEST(SoftirqThread, ACoreThatDoesNotExistHasNone) {
  const native::SoftirqThread thread{99'999};
  EXPECT_FALSE(thread.readable());
  EXPECT_FALSE(thread.cpu_ns().has_value());
}

}  // namespace
}  // namespace sluice::tests
