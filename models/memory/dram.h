// SPDX-License-Identifier: Apache-2.0
// The machine's DRAM: its bytes, and its bandwidth and latency as one resource that cores and devices share.
#pragma once

#include <cstddef>

#include "models/base/ledger_frames.h"
#include "models/fabric/core_memory.h"
#include "models/fabric/gap_timeline.h"
#include "models/fabric/memory_controller.h"
#include "models/memory/memory_config.h"

namespace sluice::memory {

/// - The bytes take host memory only where somebody looked at them or wrote them, and start as zero. Other payload is
///   kept by name, page by page.
/// - Time: each access takes (read + written) / (bandwidth x efficiency) of the shared timeline. What is read arrives
///   `latency` later. A writer goes on as soon as all but `write_buffer` bytes are written, at once on an idle memory.
class Dram final : public fabric::PhysicalMemory, public fabric::MemoryController {
 public:
  /// InputError when the host cannot give that much address space.
  explicit Dram(const MemoryConfig& config);
  ~Dram() override;
  Dram(const Dram&) = delete;
  Dram& operator=(const Dram&) = delete;

  [[nodiscard]] Bytes size() const override { return m_config.size; }
  [[nodiscard]] std::span<std::byte> at(PhysAddr address, Bytes size) override;
  [[nodiscard]] std::span<std::byte> to_overwrite(PhysAddr address, Bytes size) override;
  bool named(PhysAddr address, Bytes size, base::NamedBytes& run) const override;
  void put(PhysAddr address, Bytes size, const base::NamedBytes& bytes) override;
  void copy(PhysAddr from, PhysAddr to, Bytes size) override;

  Picoseconds access(Picoseconds now, Bytes read, Bytes written) override;

  [[nodiscard]] Bytes bytes_read() const { return m_read; }
  [[nodiscard]] Bytes bytes_written() const { return m_written; }
  /// Time before `now` in which the channels were transferring.
  [[nodiscard]] Picoseconds busy_until(Picoseconds now) const { return m_channels.busy_until(now); }

 private:
  void check(PhysAddr address, Bytes size) const;
  template <class Visit>
  void for_each_named_page(PhysAddr address, Bytes size, Visit&& visit);
  void forget_names(PhysAddr address, Bytes size);

  MemoryConfig m_config;
  std::byte* m_bytes = nullptr;  // valid where no name is
  base::LedgerFrames m_names;    // by frame: which of its bytes are kept by name, and which they are
  const base::Contents* m_contents = nullptr;
  base::Shadow m_scratch;
  base::NamedBytes m_copied;
  Picoseconds m_buffered;  // what the write buffer absorbs, as time
  fabric::GapTimeline m_channels;
  Bytes m_read = 0;
  Bytes m_written = 0;
};

}  // namespace sluice::memory
