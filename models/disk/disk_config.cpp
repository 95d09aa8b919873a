// SPDX-License-Identifier: Apache-2.0
#include "models/disk/disk_config.h"

#include <algorithm>

namespace sluice::disk {
namespace {

/// Dies that work on `at_once` bytes each for `latency`, and channels; rounded up, so that it can serve as a bound.
ByteRate of_dies_and_channels(const SsdConfig& ssd, Bytes at_once, Picoseconds latency) {
  const auto time = WideUnsigned(std::max(latency, 1_ps).count());
  const WideUnsigned bytes = WideUnsigned{ssd.channels} * ssd.dies_per_channel * at_once;
  const WideUnsigned dies = (bytes * kPicosecondsPerSecond + time - 1) / time;
  return ByteRate{static_cast<std::uint64_t>(std::min(dies, WideUnsigned{ssd.channels} * ssd.channel_rate.value()))};
}

}  // namespace

ByteRate SsdConfig::sustained_read() const {
  return std::min(read_rate, of_dies_and_channels(*this, page_size, read_latency));
}

ByteRate SsdConfig::sustained_write() const {
  return std::min(write_rate, of_dies_and_channels(*this, page_size * planes, program_latency));
}

void DiskConfig::describe(base::ParameterTable& table) {
  const std::string estimate = "estimate";
  const std::string ssd_class = "estimate (data-centre NVMe SSD of 2018 to 2020, PCIe gen3 x4)";
  const std::string hdd_class = "estimate (3.5 inch SATA drive of 2008)";
  const base::Range<ByteRate> media_rates{ByteRate{1'000'000}, ByteRate{1'000'000'000'000}};
  const base::Range<Picoseconds> latencies{Picoseconds{}, 100_ms};

  table.add_choice("medium", medium, {"ssd", "hdd"}, "what the bytes lie on", "choice of machine");
  table.add("capacity", capacity, {1_MiB, Bytes{1} << 46}, "size of the medium", "choice of machine");

  table.add("ssd_channels", ssd.channels, {1, 64}, "flash channels that transfer in parallel", ssd_class);
  table.add("ssd_dies_per_channel", ssd.dies_per_channel, {1, 64}, "dies of a channel that sense in parallel",
            ssd_class);
  table.add("ssd_stripe_size", ssd.stripe_size, {4_KiB, 256_KiB}, "successive bytes on one channel", ssd_class);
  table.add("ssd_page_size", ssd.page_size, {4_KiB, 256_KiB}, "bytes that a die senses or programs at once", ssd_class);
  table.add("ssd_read_latency", ssd.read_latency, latencies, "sensing of a NAND page (tR)",
            "SimpleSSD: TLC 56 to 106 us");
  table.add("ssd_program_latency", ssd.program_latency, latencies, "programming of a NAND page (tProg)",
            "SimpleSSD: TLC 820 to 2225 us");
  table.add("ssd_planes", ssd.planes, {1, 16}, "pages that a die programs at once", ssd_class);
  table.add("ssd_write_amplification", ssd.write_amplification, {1, 100},
            "bytes programmed per byte of a write that goes on where no other ended, in the long run",
            "estimate: sequential over random writes of the Intel SSD DC P4510 2 TB, 2000 MB/s over 81,500 x 4 KiB");
  table.add("ssd_channel_rate", ssd.channel_rate, media_rates, "rate of one channel", "ONFI 4.0 (2014): 800 MT/s");
  table.add("ssd_read_rate", ssd.read_rate, media_rates, "most that the drive reads, all channels together", ssd_class);
  table.add("ssd_write_rate", ssd.write_rate, media_rates, "most that the drive writes, all channels together",
            ssd_class);

  table.add("hdd_average_seek", hdd.average_seek, latencies, "seek between two random places", hdd_class);
  table.add("hdd_track_to_track_seek", hdd.track_to_track_seek, latencies, "shortest seek", hdd_class);
  table.add("hdd_rpm", hdd.rpm, {1000, 30000}, "rotations per minute", hdd_class);
  table.add("hdd_media_rate", hdd.media_rate, media_rates, "sustained rate at the head", hdd_class);
  table.add("hdd_read_ahead", hdd.read_ahead, {Bytes{0}, 1_GiB},
            "bytes that the drive reads on into its cache after a read", estimate);

  table.add("queue_depth", queue_depth, {1, 4096}, "commands the controller works on at once", estimate);
  table.add("max_transfer", max_transfer, {4_KiB, 64_MiB}, "largest command (NVMe MDTS)", estimate);
  table.add("max_segments", max_segments, {1, 4096}, "scatter-gather elements per command",
            "Linux 6.0 drivers/nvme/host/pci.c NVME_MAX_SEGS 127 (128 later)");
  table.add("buffer_size", buffer_size, {64_KiB, 4_GiB}, "transfer buffer: bytes between medium and memory", estimate);
  table.add("piece_size", piece_size, {4_KiB, 1_MiB},
            "data leave for memory in pieces of this size while the medium reads on", estimate);
  table.add("fetch_batch", fetch_batch, {1, 64}, "commands fetched by one read of the submission ring", estimate);
  table.add("doorbell_latency", doorbell_latency, latencies, "doorbell to the fetch it causes", estimate);
  table.add("command_overhead", command_overhead, latencies,
            "controller time per command, one command after the other (1 / IOPS)", ssd_class);
  table.add("write_cache", write_cache,
            "a write completes when it is in the buffer; flush waits for the medium (off: every write does)", estimate);
  table.add("coalesce_completions", coalesce_completions, {1, 256}, "an interrupt is raised after so many completions",
            "NVMe interrupt coalescing: reset value 0, off (Microsoft documentation of nvme.h)");
  table.add("coalesce_time", coalesce_time, {Picoseconds{}, 100_ms}, "or so long after the first of them",
            "NVMe interrupt coalescing: reset value 0, off (Microsoft documentation of nvme.h)");
}

}  // namespace sluice::disk
