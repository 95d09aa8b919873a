// SPDX-License-Identifier: Apache-2.0
// Parameters of the disk controller and of its medium. The PCIe link in front of it is a parameter of the platform.
#pragma once

#include "models/base/parameters.h"
#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::disk {

enum class MediumKind : std::uint8_t { Ssd, Hdd };

/// Flash behind parallel channels. A NAND page is read into its die's register (`read_latency`), then crosses its
/// channel and the data path that all channels share. Stripes lie on the channels in turn; a NAND page holds successive
/// stripes of its channel, and the pages of a channel lie on its dies in turn.
struct SsdConfig {
  unsigned channels = 8;
  unsigned dies_per_channel = 8;
  Bytes stripe_size = 4_KiB;
  Bytes page_size = 16_KiB;
  Picoseconds read_latency = 60_us;
  Picoseconds program_latency = 820_us;
  unsigned planes = 2;
  unsigned write_amplification = 6;
  ByteRate channel_rate{800'000'000};
  ByteRate read_rate{3'200'000'000};
  ByteRate write_rate{2'000'000'000};

  /// The most that reading, and writing in order, can reach: the slowest of dies, channels and path.
  [[nodiscard]] ByteRate sustained_read() const;
  [[nodiscard]] ByteRate sustained_write() const;
};

/// One head over a spinning surface. A seek over a distance of d of the whole stroke costs
/// track_to_track + 15/8 (average - track_to_track) sqrt(d), whose mean over random pairs of places is the average.
struct HddConfig {
  Picoseconds average_seek = 8'500_us;
  Picoseconds track_to_track_seek = 800_us;
  unsigned rpm = 7200;
  ByteRate media_rate{100'000'000};
  Bytes read_ahead = 512_KiB;
};

/// Defaults: a data-centre NVMe SSD of 2020.
struct DiskConfig {
  MediumKind medium = MediumKind::Ssd;
  Bytes capacity = Bytes{1} << 40;
  SsdConfig ssd;
  HddConfig hdd;

  unsigned queue_depth = 256;
  Bytes max_transfer = 1_MiB;
  unsigned max_segments = 127;
  Bytes buffer_size = 8_MiB;
  Bytes piece_size = 8_KiB;
  unsigned fetch_batch = 8;
  Picoseconds doorbell_latency = 200_ns;
  Picoseconds command_overhead = 1'500_ns;
  bool write_cache = true;
  unsigned coalesce_completions = 1;
  Picoseconds coalesce_time;

  void describe(base::ParameterTable& table);
};

}  // namespace sluice::disk
