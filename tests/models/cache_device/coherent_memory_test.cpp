// SPDX-License-Identifier: Apache-2.0
#include "models/cache/coherent_memory.h"

#include <tlm_utils/simple_initiator_socket.h>

#include <cstring>
#include <memory>
#include <vector>

#include "models/base/result.h"
#include "models/fabric/dma.h"
#include "models/memory/dram.h"
#include "tests/support/simulation.h"

namespace sluice::cache {
namespace {

using fabric::AccessKind;
using fabric::HitLevel;

/// Plays the root complex.
class Initiator : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<Initiator> memory;
  explicit Initiator(const sc_core::sc_module_name& name) : sc_module(name), memory("memory") {}

  struct Outcome {
    tlm::tlm_response_status status;
    Picoseconds done;    ///< after now
    Picoseconds spread;  ///< of a read
  };
  Outcome transport(tlm::tlm_command command, std::uint64_t address, std::vector<unsigned char>& bytes,
                    Picoseconds delay = {}, Picoseconds spread = {}) {
    tlm::tlm_generic_payload payload;
    fabric::DmaExtension extension;
    extension.spread = spread;
    payload.set_extension(&extension);
    payload.set_command(command);
    payload.set_address(address);
    payload.set_data_ptr(bytes.data());
    payload.set_data_length(static_cast<unsigned>(bytes.size()));
    payload.set_streaming_width(static_cast<unsigned>(bytes.size()));
    sc_core::sc_time annotated = fabric::to_sc_time(delay);
    memory->b_transport(payload, annotated);
    payload.clear_extension(&extension);
    return {payload.get_response_status(), fabric::to_picoseconds(annotated), extension.spread};
  }
  Outcome read(std::uint64_t address, std::vector<unsigned char>& bytes, Picoseconds delay = {}) {
    return transport(tlm::TLM_READ_COMMAND, address, bytes, delay);
  }
  Outcome write(std::uint64_t address, std::vector<unsigned char>& bytes, Picoseconds delay = {},
                Picoseconds spread = {}) {
    return transport(tlm::TLM_WRITE_COMMAND, address, bytes, delay, spread);
  }
};

/// DRAM: 10 GB/s, 4096 bytes take 409.6 ns; latency 80 ns, no write buffer. LLC hit for DMA 40 ns. Reads are asked for
/// at 4 GB/s: 1.024 us per page.
class CoherentMemoryTest : public tests::Simulation {
 protected:
  static memory::MemoryConfig dram_config() {
    memory::MemoryConfig config;
    config.size = 16_MiB;
    config.bandwidth = ByteRate{10'000'000'000};
    config.efficiency = Fraction{1'000'000};
    config.latency = 80_ns;
    config.write_buffer = 0;
    return config;
  }
  static CacheConfig cache_config() {
    CacheConfig config;
    config.l1 = {2 * kPageSize, 2};
    config.l2 = {4 * kPageSize, 4};
    config.llc = {8 * kPageSize, 8};
    config.dma_hit_latency = 40_ns;
    config.dma_read_rate = ByteRate{4'000'000'000};
    return config;
  }
  void SetUp() override {
    Simulation::SetUp();
    sc_core::sc_set_time_resolution(1, sc_core::SC_PS);
  }
  void build(const CacheConfig& config = cache_config()) {
    caches = std::make_unique<CoherentMemory>("caches", config, 2, dram, dram);
    device = std::make_unique<Initiator>("device");
    device->memory.bind(caches->dma);
  }

  memory::Dram dram{dram_config()};
  std::unique_ptr<CoherentMemory> caches;
  std::unique_ptr<Initiator> device;
};

std::vector<unsigned char> pattern(std::size_t size) {
  std::vector<unsigned char> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<unsigned char>(i * 7 + i / 256);
  return bytes;
}

TEST_F(CoherentMemoryTest, MovesTheBytesAcrossPagesBothWays) {
  build();
  thread([&] {
    auto out = pattern(300'001);
    EXPECT_EQ(device->write(0x1'0FF3, out).status, tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(std::memcmp(dram.at(PhysAddr{0x1'0FF3}, out.size()).data(), out.data(), out.size()), 0);
    std::vector<unsigned char> in(out.size());
    EXPECT_EQ(device->read(0x1'0FF3, in).status, tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(in, out);
  });
  run();
}

TEST_F(CoherentMemoryTest, AReadTakesItsTimeFromTheCacheOrTheDram) {
  build();
  thread([&] {
    std::vector<unsigned char> page(kPageSize);
    // Looked up in 40 ns, then DRAM: 409.6 ns of transfer and 80 ns of latency.
    EXPECT_EQ(device->read(0x3000, page).done, Picoseconds{529'600});
    caches->access(1, PhysAddr{0x5000}, kPageSize, AccessKind::Write, Picoseconds{});
    EXPECT_EQ(device->read(0x5000, page).done, 40_ns);
    EXPECT_EQ(dram.bytes_read(), kPageSize);
  });
  run();
}

TEST_F(CoherentMemoryTest, PagesOfAReadAreAskedForOneAfterAnother) {
  build();
  thread([&] {
    std::vector<unsigned char> pages(3 * kPageSize);
    const auto outcome = device->read(0, pages, 100_ns);
    // The third page is asked for 2 x 1024 ns after the first.
    EXPECT_EQ(outcome.done, 100_ns + 2'048_ns + Picoseconds{529'600});
    EXPECT_EQ(outcome.spread, 2'048_ns);
    // A core finds the DRAM free between them: 64 bytes at 600 ns.
    EXPECT_EQ(caches->access(0, PhysAddr{0x8000}, 8, AccessKind::Read, 600_ns).memory_ready,
              600_ns + Picoseconds{86'400});
  });
  run();
}

TEST_F(CoherentMemoryTest, AWriteIsVisibleWhenItsLastPageArrivedAndIsInTheCache) {
  build();
  thread([&] {
    auto pages = pattern(2 * kPageSize);
    EXPECT_EQ(device->write(0x4000, pages, 10_ns, 1_us).done, 10_ns + 1_us + 40_ns);
    EXPECT_EQ(dram.bytes_written(), 0U);
    const auto found = caches->access(0, PhysAddr{0x5000}, kPageSize, AccessKind::Read, 2_us);
    EXPECT_EQ(found.lines[static_cast<std::size_t>(HitLevel::Llc)], 64U);
    EXPECT_EQ(found.memory_ready, Picoseconds{}) << "DRAM had no share";
  });
  run();
}

TEST_F(CoherentMemoryTest, WithoutDdioAWriteWaitsForTheDram) {
  CacheConfig config = cache_config();
  config.ddio = false;
  build(config);
  thread([&] {
    auto pages = pattern(2 * kPageSize);
    EXPECT_EQ(device->write(0x4000, pages).done, Picoseconds{819'200});
    EXPECT_EQ(dram.bytes_written(), 2 * kPageSize);
  });
  run();
}

TEST_F(CoherentMemoryTest, ACoreWaitsBehindOtherTrafficOfTheDram) {
  build();
  thread([&] {
    EXPECT_EQ(caches->access(0, PhysAddr{0x1000}, kPageSize, AccessKind::Read, 1_us).memory_ready,
              1_us + Picoseconds{489'600});
    EXPECT_EQ(caches->access(1, PhysAddr{0x2000}, kPageSize, AccessKind::Read, 1_us).memory_ready,
              1_us + Picoseconds{899'200});
  });
  run();
}

TEST_F(CoherentMemoryTest, AnswersWhatItCannotDoWithATlmResponse) {
  build();
  thread([&] {
    std::vector<unsigned char> bytes(64, 1);
    EXPECT_EQ(device->write(16_MiB - 63, bytes).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(device->read(~0ULL, bytes).status, tlm::TLM_ADDRESS_ERROR_RESPONSE);
    EXPECT_EQ(dram.at(PhysAddr{16_MiB - 1}, 1)[0], std::byte{0});

    tlm::tlm_generic_payload payload;
    unsigned char enable = 0xFF;
    payload.set_command(tlm::TLM_WRITE_COMMAND);
    payload.set_data_ptr(bytes.data());
    payload.set_data_length(64);
    payload.set_streaming_width(32);
    sc_core::sc_time delay;
    device->memory->b_transport(payload, delay);
    EXPECT_EQ(payload.get_response_status(), tlm::TLM_BURST_ERROR_RESPONSE);
    payload.set_streaming_width(64);
    payload.set_byte_enable_ptr(&enable);
    device->memory->b_transport(payload, delay);
    EXPECT_EQ(payload.get_response_status(), tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
  });
  run();
}

TEST_F(CoherentMemoryTest, ADebuggerReadsWithoutATrace) {
  build();
  thread([&] {
    dram.at(PhysAddr{0x777}, 1)[0] = std::byte{9};
    unsigned char byte = 0;
    tlm::tlm_generic_payload payload;
    payload.set_command(tlm::TLM_READ_COMMAND);
    payload.set_address(0x777);
    payload.set_data_ptr(&byte);
    payload.set_data_length(1);
    EXPECT_EQ(device->memory->transport_dbg(payload), 1U);
    EXPECT_EQ(byte, 9);
    EXPECT_EQ(caches->counts(), HierarchyCounts{});
  });
  run();
}

TEST_F(CoherentMemoryTest, CanBeMadeColdAsAWholeOrByRange) {
  build();
  thread([&] {
    const auto found_in_l1 = [&](std::uint64_t address) {
      return caches->access(0, PhysAddr{address}, kPageSize, AccessKind::Read, Picoseconds{}).lines[0];
    };
    found_in_l1(0x1000);
    found_in_l1(0x2000);
    caches->drop(PhysAddr{0x1FC0}, 128);  // the last line of one page and the first of the next
    EXPECT_EQ(found_in_l1(0x1000), 63U);
    EXPECT_EQ(found_in_l1(0x2000), 63U);
    caches->clear();
    EXPECT_EQ(found_in_l1(0x2000), 0U);
    EXPECT_EQ(dram.bytes_written(), 0U);
  });
  run();
}

TEST_F(CoherentMemoryTest, RefusesAConfigurationThatCannotBeBuilt) {
  CacheConfig config = cache_config();
  config.l2.size = 10'000;
  EXPECT_THROW(build(config), base::InputError);
}

}  // namespace
}  // namespace sluice::cache
