// SPDX-License-Identifier: Apache-2.0
// Parameters of the disk controller and of its medium. The PCIe link in front of it is a parameter of the platform.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::disk {

enum class MediumKind : std::uint8_t { Ssd, Hdd };

inline constexpr const char* kSsdClass = "estimate (data-centre NVMe SSD of 2018 to 2020, PCIe gen3 x4)";
inline constexpr const char* kHddClass = "estimate (3.5 inch SATA drive of 2008)";
inline constexpr base::Range<ByteRate> kMediaRates{1_MBps, 1000_GBps};
inline constexpr base::Range<Picoseconds> kLatencies{0_ps, 100_ms};

/// Flash behind parallel channels. A NAND page is read into its die's register (`read_latency`), then crosses its
/// channel and the data path that all channels share. Stripes lie on the channels in turn; a NAND page holds successive
/// stripes of its channel, and the pages of a channel lie on its dies in turn.
struct SsdConfig : base::Parameters {
  unsigned channels =
      parameter(channels, "channels", 8, {1, 64}, "flash channels that transfer in parallel", kSsdClass);
  unsigned dies_per_channel = parameter(dies_per_channel, "dies_per_channel", 8, {1, 64},
                                        "dies of a channel that sense in parallel", kSsdClass);
  Bytes stripe_size =
      parameter(stripe_size, "stripe_size", 4_KiB, {4_KiB, 256_KiB}, "successive bytes on one channel", kSsdClass);
  Bytes page_size = parameter(page_size, "page_size", 16_KiB, {4_KiB, 256_KiB},
                              "bytes that a die senses or programs at once", kSsdClass);
  Picoseconds read_latency = parameter(read_latency, "read_latency", 60_us, kLatencies, "sensing of a NAND page (tR)",
                                       "SimpleSSD: TLC 56 to 106 us");
  Picoseconds program_latency = parameter(program_latency, "program_latency", 820_us, kLatencies,
                                          "programming of a NAND page (tProg)", "SimpleSSD: TLC 820 to 2225 us");
  unsigned planes = parameter(planes, "planes", 2, {1, 16}, "pages that a die programs at once", kSsdClass);
  unsigned write_amplification = parameter(
      write_amplification, "write_amplification", 6, {1, 100},
      "bytes programmed per byte of a write that goes on where no other ended, in the long run",
      "estimate: sequential over random writes of the Intel SSD DC P4510 2 TB, 2000 MB/s over 81,500 x 4 KiB");
  ByteRate channel_rate = parameter(channel_rate, "channel_rate", 800_MBps, kMediaRates, "rate of one channel",
                                    "ONFI 4.0 (2014): 800 MT/s");
  ByteRate read_rate = parameter(read_rate, "read_rate", 3200_MBps, kMediaRates,
                                 "most that the drive reads, all channels together", kSsdClass);
  ByteRate write_rate = parameter(write_rate, "write_rate", 2_GBps, kMediaRates,
                                  "most that the drive writes, all channels together", kSsdClass);

  /// The most that reading, and writing in order, can reach: the slowest of dies, channels and path.
  [[nodiscard]] ByteRate sustained_read() const;
  [[nodiscard]] ByteRate sustained_write() const;
};

/// One head over a spinning surface. A seek over a distance of d of the whole stroke costs
/// track_to_track + 15/8 (average - track_to_track) sqrt(d), whose mean over random pairs of places is the average.
struct HddConfig : base::Parameters {
  Picoseconds average_seek =
      parameter(average_seek, "average_seek", 8'500_us, kLatencies, "seek between two random places", kHddClass);
  Picoseconds track_to_track_seek =
      parameter(track_to_track_seek, "track_to_track_seek", 800_us, kLatencies, "shortest seek", kHddClass);
  unsigned rpm = parameter(rpm, "rpm", 7200, {1000, 30000}, "rotations per minute", kHddClass);
  ByteRate media_rate =
      parameter(media_rate, "media_rate", 100_MBps, kMediaRates, "sustained rate at the head", kHddClass);
  Bytes read_ahead = parameter(read_ahead, "read_ahead", 512_KiB, {0, 1_GiB},
                               "bytes that the drive reads on into its cache after a read", "estimate");
};

/// Defaults: a data-centre NVMe SSD of 2020.
struct DiskConfig : base::Parameters {
  MediumKind medium =
      choice(medium, "medium", MediumKind::Ssd, {"ssd", "hdd"}, "what the bytes lie on", "choice of machine");
  Bytes capacity =
      parameter(capacity, "capacity", 1024_GiB, {1_MiB, Bytes{1} << 46}, "size of the medium", "choice of machine");
  SsdConfig ssd = part(ssd, "ssd_");
  HddConfig hdd = part(hdd, "hdd_");

  unsigned queue_depth =
      parameter(queue_depth, "queue_depth", 256, {1, 4096}, "commands the controller works on at once", "estimate");
  Bytes max_transfer =
      parameter(max_transfer, "max_transfer", 1_MiB, {4_KiB, 64_MiB}, "largest command (NVMe MDTS)", "estimate");
  unsigned max_segments = parameter(max_segments, "max_segments", 127, {1, 4096}, "scatter-gather elements per command",
                                    "Linux 6.0 drivers/nvme/host/pci.c NVME_MAX_SEGS 127 (128 later)");
  Bytes buffer_size = parameter(buffer_size, "buffer_size", 8_MiB, {64_KiB, 4_GiB},
                                "transfer buffer: bytes between medium and memory", "estimate");
  Bytes piece_size = parameter(piece_size, "piece_size", 8_KiB, {4_KiB, 1_MiB},
                               "data leave for memory in pieces of this size while the medium reads on", "estimate");
  unsigned fetch_batch = parameter(fetch_batch, "fetch_batch", 8, {1, 64},
                                   "commands fetched by one read of the submission ring", "estimate");
  Picoseconds doorbell_latency = parameter(doorbell_latency, "doorbell_latency", 200_ns, kLatencies,
                                           "doorbell to the fetch it causes", "estimate");
  Picoseconds command_overhead =
      parameter(command_overhead, "command_overhead", 1'500_ns, kLatencies,
                "controller time per command, one command after the other (1 / IOPS)", kSsdClass);
  bool write_cache = parameter(
      write_cache, "write_cache", true,
      "a write completes when it is in the buffer; flush waits for the medium (off: every write does)", "estimate");
  unsigned coalesce_completions = parameter(
      coalesce_completions, "coalesce_completions", 1, {1, 256}, "an interrupt is raised after so many completions",
      "NVMe interrupt coalescing: reset value 0, off (Microsoft documentation of nvme.h)");
  Picoseconds coalesce_time =
      parameter(coalesce_time, "coalesce_time", 0_ps, {0_ps, 100_ms}, "or so long after the first of them",
                "NVMe interrupt coalescing: reset value 0, off (Microsoft documentation of nvme.h)");
};

}  // namespace sluice::disk
