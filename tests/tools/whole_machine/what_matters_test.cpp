// SPDX-License-Identifier: Apache-2.0
// Turning what matters about a machine moves the result the right way, by the right amount.
#include <cmath>
#include <numeric>

#include "kernel_sim/programs/strategy.h"
#include "tests/tools/whole_machine/runs.h"

namespace sluice::tests {
namespace {

const std::vector<std::string> kStrategies = kernel_sim::strategy_names();

TEST_F(WholeMachine, AFasterWireRaisesWireBoundThroughputInProportion) {
  const Variation at10{.strategies = "sendfile_gather, splice", .set = {"nic.rate=10 Gbps"}};
  const Variation at25{.strategies = "sendfile_gather, splice", .set = {"nic.rate=25 Gbps"}};
  Results slow = run(at10);
  Results fast = run(at25);
  for (const auto& [strategy, result] : slow) {
    const double ratio = throughput(fast[strategy]) / throughput(result);
    EXPECT_GE(ratio, 2.4) << strategy;
    EXPECT_LE(ratio, 2.5) << strategy;
  }
}

TEST_F(WholeMachine, WithoutGatherEachStrategyCopiesOnceMore) {
  const Variation cold{
      .file = "size: 64 KiB, seed: 1", .page_cache = "cold", .strategies = "read_write, mmap_write, splice"};
  Variation without = cold;
  without.set = {"nic.gather=false"};
  Results gather = run(cold);
  Results none = run(without);
  const std::map<std::string, double> with_gather = {{"read_write", 2}, {"mmap_write", 1}, {"splice", 0}};
  for (const auto& [strategy, copies] : with_gather) {
    EXPECT_DOUBLE_EQ(gather[strategy]["copies"]["cpu"], copies) << strategy;
    EXPECT_DOUBLE_EQ(none[strategy]["copies"]["cpu"], copies + 1) << strategy;
    EXPECT_DOUBLE_EQ(none[strategy]["copies"]["dma"], 2) << strategy;
  }
}

TEST_F(WholeMachine, AKernelWithoutGsoAndANicWithoutGatherGiveTheArticlesPicture) {
  Results results = run({.file = "size: 64 KiB, seed: 1",
                         .page_cache = "cold",
                         .strategies = "read_write, mmap_write, sendfile",
                         .set = {"nic.gather=false", "kernel.net.gso=false"}});
  EXPECT_DOUBLE_EQ(results["read_write"]["copies"]["cpu"], 2);
  EXPECT_DOUBLE_EQ(results["mmap_write"]["copies"]["cpu"], 1);
  EXPECT_DOUBLE_EQ(results["sendfile"]["copies"]["cpu"], 1);
}

TEST_F(WholeMachine, WithoutChecksumOffloadTheCpuReadsEveryByteOnceMore) {
  const Variation offload{.strategies = "sendfile_gather"};
  Variation software = offload;
  software.set = {"nic.checksum_offload=false"};
  const Json with = run(offload)["sendfile_gather"];
  const Json without = run(software)["sendfile_gather"];
  EXPECT_DOUBLE_EQ(without["copies"]["cpu"], with["copies"]["cpu"]) << "reading is no copy";
  EXPECT_GT(cpu_time(without), cpu_time(with));
  // The CPU's reading brings the lines into the caches, where the NIC finds them: DRAM is read once either way.
  EXPECT_NEAR(without["bytes"]["dram_read"].get<double>() / with["bytes"]["dram_read"].get<double>(), 1.0, 0.05);
}

TEST_F(WholeMachine, WhereDramLimitsReadWriteHalvingItHurtsReadWriteMore) {
  const auto at = [&](const char* bandwidth) {
    return run({.strategies = "read_write, sendfile_gather",
                .set = {"nic.rate=200 Gbps", fmt::format("memory.bandwidth={}", bandwidth)}});
  };
  const auto slowdown = [](Results& before, Results& after, const char* strategy) {
    return elapsed(after[strategy]) / elapsed(before[strategy]);
  };
  Results plenty = at("140 GB/s");
  Results limited = at("14 GB/s");
  Results halved = at("7 GB/s");
  ASSERT_GT(slowdown(plenty, limited, "read_write"), 1.02) << "DRAM does not limit read_write yet";
  EXPECT_GT(slowdown(limited, halved, "read_write"), slowdown(limited, halved, "sendfile_gather"));
}

TEST_F(WholeMachine, OnTheServerOf2008AColdFileIsLimitedByTheDisk) {
  Results results = run({.platform = "server-2008", .page_cache = "cold", .strategies = "read_write, splice"});
  for (const auto& [strategy, result] : results) {
    EXPECT_EQ(result["bound"]["demand_limited_by"], "disk.media") << strategy;
    EXPECT_EQ(result["bound"]["static_limited_by"], "disk.media") << strategy;
  }
}

TEST_F(WholeMachine, JumboFramesDivideThePerSegmentCpuTimeByAboutSix) {
  // Software segmentation: what it costs beyond one large packet is the cost of the segments. 8948 bytes of payload
  // per segment against 1448 would be 6.2, less what a segment of more page fragments costs more.
  const auto cpu = [&](const char* mtu, const char* offload) {
    return cpu_time(run({.strategies = "read_write",
                         .set = {fmt::format("nic.mtu={}", mtu), fmt::format("nic.segmentation_offload={}", offload)}})
                        .at("read_write"));
  };
  const double small = cpu("1500 B", "false") - cpu("1500 B", "true");
  const double jumbo = cpu("9000 B", "false") - cpu("9000 B", "true");
  EXPECT_NEAR(small / jumbo, 6.0, 1.0);
}

TEST_F(WholeMachine, ADeepQueueReachesTheStaticBoundWhereADeviceLimits) {
  for (const Variation& variation : {Variation{.strategies = "sendfile_gather, splice", .set = {"nic.rate=10 Gbps"}},
                                     Variation{.platform = "server-2008", .strategies = "sendfile_gather, splice"}}) {
    for (const auto& [strategy, result] : run(variation)) {
      const double bound = result["bound"]["static_bytes_per_s"];
      EXPECT_LE(throughput(result), bound * (1 + 1e-9)) << strategy;
      EXPECT_GE(throughput(result), bound * 0.95) << variation.platform << " " << strategy;
    }
  }
}

TEST_F(WholeMachine, TheKernelsCostsFollowTheClock) {
  // Not all CPU time does: a register access and the exit from idle take what the machine takes.
  const auto work = [&](const char* clock) {
    const Json parts = run({.strategies = "sendfile_gather", .set = {fmt::format("cpu.frequency={}", clock)}})
                           .at("sendfile_gather")
                           .at("work_ns");
    return parts.at("tcp_output").get<double>() + parts.at("page_cache").get<double>();
  };
  const double reference = work("2.9 GHz");
  EXPECT_NEAR(work("1.45 GHz") / reference, 2.0, 0.02);
  EXPECT_NEAR(work("5.8 GHz") / reference, 0.5, 0.02);
}

// One thread streams lines in flight x 64 B / latency, whatever its clock: 20 GiB/s of 92 ns, 11 GiB/s of 167 ns.
TEST_F(WholeMachine, SlowerMemoryAndASlowerClockSlowCopiesAndAFasterClockDoesNotSpeedThemUpInProportion) {
  const auto copying = [&](const std::vector<std::string>& set) {
    return run({.strategies = "read_write", .set = set}).at("read_write")["work_ns"]["copy"].get<double>();
  };
  const double reference = copying({});
  const auto ratio = [&](const std::vector<std::string>& set) { return copying(set) / reference; };
  // What a copy reads comes from DRAM; what it writes lies partly in the caches.
  const double twice_the_latency = ratio({"memory.latency=150 ns"});
  EXPECT_GT(twice_the_latency, 1.15);
  EXPECT_LT(twice_the_latency, 1.6);
  EXPECT_GT(ratio({"memory.latency=300 ns"}), twice_the_latency * 1.3);
  // With twice the lines in flight a stream is as fast again; the first line of each page is waited for all the same.
  EXPECT_LT(ratio({"memory.latency=150 ns", "cpu.lines_in_flight=60"}) - 1, (twice_the_latency - 1) / 2);
  EXPECT_GT(ratio({"cpu.frequency=1.45 GHz"}), 1.5);
  EXPECT_GT(ratio({"cpu.frequency=5.8 GHz"}), 0.55) << "half the cycles, but not half the latency";
}

TEST_F(WholeMachine, ASettingThatNoPartOfARunLookedAtIsAWarning) {
  const std::string scenario =
      m_folder.write("unused.yaml", "schema: sluice/1\nplatform: " SLUICE_SOURCE_DIR
                                    "/scenarios/platforms/server-2020.yaml\nworkload: { file: { size: 64 KiB } }\n"
                                    "strategies: [read_write, splice]\n");
  const auto warnings = [&](const std::string& arguments) {
    return sluice("compare " + scenario + arguments, m_folder.path("")).err;
  };
  EXPECT_NE(warnings(" --set kernel.syscall.fork=1ms").find("kernel.syscall.fork has no effect"), std::string::npos);
  EXPECT_EQ(warnings(" --set kernel.syscall.entry=200ns"), "");
  EXPECT_EQ(warnings(" --set kernel.fs.page_splice=200ns"), "") << "one of the strategies pays it";
  m_folder.write("unused.yaml", read_all(scenario) + "vary: { kernel.net.retries: [3, 15] }\n");
  EXPECT_NE(warnings("").find("kernel.net.retries has no effect: all its values give the same results"),
            std::string::npos);
}

TEST_F(WholeMachine, TheLatencyOfASingleFileIsTheElapsedTime) {
  for (const auto& [strategy, result] : run({.file = "size: 64 KiB, seed: 4", .page_cache = "cold"})) {
    const double latency = result["latency_ns"]["max"];
    EXPECT_GT(latency, 0.95 * elapsed(result)) << strategy;
    EXPECT_LE(latency, elapsed(result)) << strategy;
  }
}

TEST_F(WholeMachine, TwoRunsDifferOnlyInWhatTheSimulatorSaysAboutItself) {
  const Variation variation{.file = "size: 1 MiB, seed: 9", .page_cache = "cold"};
  Results first = run(variation);
  Results second = run(variation);
  ASSERT_EQ(first.size(), kStrategies.size());
  for (auto& [strategy, result] : first) {
    result.erase("simulator");
    second[strategy].erase("simulator");
    EXPECT_EQ(result.dump(), second[strategy].dump()) << strategy;
  }
}

TEST_F(WholeMachine, EveryStrategyGivesBackEveryByteAtSizesAroundPagesAndChunks) {
  for (const std::size_t size : {0U, 1U, 511U, 4095U, 4096U, 4097U, 65535U, (1U << 20) + 3}) {
    std::string bytes(size, '\0');
    std::uint32_t state = 1;
    for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24);
    const std::string file = m_folder.write("file", bytes);
    const std::string received = m_folder.path("received");
    const Outcome outcome =
        sluice("compare " SLUICE_SOURCE_DIR "/scenarios/article.yaml -q --file " + file + " --received " + received,
               m_folder.path(""));
    EXPECT_EQ(outcome.status, 0) << size << "\n" << outcome.err;
    for (const kernel_sim::Strategy& row : kernel_sim::strategies()) {
      if (!row.claim) continue;  // not in the article's table
      const std::string strategy{row.name};
      EXPECT_TRUE(read_all(received + "/" + strategy) == bytes) << size << " bytes by " << strategy;
    }
  }
}

TEST_F(WholeMachine, AHotFileComesFromTheCpuCachesAsFarAsTheyHoldIt) {
  const auto dram_read = [&](const char* size, const char* page_cache) {
    Results results = run({.file = fmt::format("size: {}, seed: 6", size),
                           .page_cache = page_cache,
                           .strategies = "read_write, sendfile_gather"});
    return std::pair{results["read_write"]["bytes"]["dram_read"].get<double>(),
                     results["sendfile_gather"]["bytes"]["dram_read"].get<double>()};
  };
  constexpr double kMiB = 1024 * 1024;
  const auto [warm_read_write, warm_gather] = dram_read("4 MiB", "warm");
  EXPECT_GE(warm_read_write, 4 * kMiB);
  EXPECT_GE(warm_gather, 4 * kMiB);
  const auto [hot_read_write, hot_gather] = dram_read("4 MiB", "hot");
  EXPECT_LT(hot_read_write, 0.4 * kMiB);
  EXPECT_LT(hot_gather, 0.4 * kMiB);
  const auto [large_read_write, large_gather] = dram_read("256 MiB", "hot");
  EXPECT_GE(large_read_write, 200 * kMiB) << "22 MiB of cache cannot hold it";
  EXPECT_GE(large_gather, 200 * kMiB);
}

TEST_F(WholeMachine, WakingTheReceiverOnAnotherCoreTakesTheIdleExitAndOnTheSameCoreDoesNot) {
  const auto times = [&](const char* cpus, const char* idle_exit) {
    Variation variation{.platform = "loopback", .file = "size: 64 KiB, seed: 3", .strategies = "read_write"};
    variation.set = {fmt::format("workload.cpus={}", cpus), fmt::format("cpu.idle_exit={}", idle_exit)};
    return run(variation)["read_write"]["time"];
  };
  // A core that waited before the region ticks at other instants within it; not one exit is paid.
  const auto elapsed_on_one = [&](const char* exit) { return times("1", exit)["elapsed_ns"].get<double>(); };
  EXPECT_NEAR(elapsed_on_one("0s"), elapsed_on_one("20us"), 1'000);
  // The sender goes on meanwhile, so that it is not the elapsed time which tells.
  const auto waking_on_two = [&](const char* exit) { return times("2", exit)["cpu_irq_ns"].get<double>(); };
  EXPECT_GT(waking_on_two("20us"), waking_on_two("0s") + 19'000);
}

TEST_F(WholeMachine, AWriteBufferHidesDramWritesWhereDevicesWriteToDram) {
  const auto time = [&](const char* buffer) {
    Variation variation{.page_cache = "cold", .strategies = "sendfile_gather"};
    variation.set = {"nic.rate=100Gbps", "cache.ddio=false", "memory.bandwidth=20GB/s",
                     fmt::format("memory.write_buffer={}", buffer)};
    return elapsed(run(variation)["sendfile_gather"]);
  };
  EXPECT_GT(time("0B"), time("24KiB"));
}

TEST_F(WholeMachine, AGen1LinkOfFourLanesCarriesAbout820MegabytesPerSecond) {
  Variation variation{.platform = "server-2008", .file = "size: 64 MiB, seed: 3", .strategies = "sendfile_gather"};
  variation.set = {"nic.rate=10Gbps"};
  EXPECT_NEAR(throughput(run(variation)["sendfile_gather"]), 805e6, 20e6);
}

}  // namespace
}  // namespace sluice::tests
