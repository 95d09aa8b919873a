// SPDX-License-Identifier: Apache-2.0
// From pieces of I/O to requests: splitting at the device's limits, merging of neighbours, queue depth.
//
//   block::Plug plug{queue};                 // collects, so that neighbours merge
//   plug.add(std::make_unique<MyBio>(...));  // any number
//   plug.flush();                            // to the device; MyBio::finished comes later, in interrupt context
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "kernel_sim/block/block_config.h"
#include "kernel_sim/block/block_device.h"
#include "kernel_sim/hal/machine.h"

namespace sluice::block {

/// A piece of I/O of any size: consecutive sectors and their memory. Derived classes carry what to do at the end.
class Bio {
 public:
  Bio(Direction direction, std::uint64_t first_sector) : m_direction(direction), m_first_sector(first_sector) {}
  virtual ~Bio() = default;
  Bio(const Bio&) = delete;
  Bio& operator=(const Bio&) = delete;

  /// In interrupt context, once, when all of it is done; the bio is destroyed afterwards.
  virtual void finished(bool success) = 0;
  /// Appends memory; a physical neighbour of the last segment lengthens it.
  void add(PhysAddr address, Bytes size);

  [[nodiscard]] Direction direction() const { return m_direction; }
  [[nodiscard]] std::uint64_t first_sector() const { return m_first_sector; }
  [[nodiscard]] std::uint64_t sectors() const { return m_size / kSectorSize; }
  [[nodiscard]] Bytes size() const { return m_size; }
  [[nodiscard]] const std::vector<Segment>& segments() const { return m_segments; }

 private:
  friend class RequestQueue;
  Direction m_direction;
  std::uint64_t m_first_sector;
  Bytes m_size = 0;
  std::vector<Segment> m_segments;
  unsigned m_open_requests = 0;
  bool m_failed = false;
};

struct BlockStatistics {
  std::uint64_t bios = 0;
  std::uint64_t merged_bios = 0;  ///< that went into the request of another one
  std::uint64_t requests = 0;
  std::uint64_t segments = 0;
  std::uint64_t failed_requests = 0;
  Bytes read_bytes = 0;
  Bytes written_bytes = 0;
};

class RequestQueue final : private RequestListener {
 public:
  RequestQueue(hal::Machine& machine, BlockDevice& device, const BlockConfig& config);

  /// Largest request that is built.
  [[nodiscard]] Bytes max_request() const;
  [[nodiscard]] const DeviceLimits& limits() const { return m_limits; }
  /// Reads the device's limits again, after it was initialised.
  void refresh_limits();
  /// Sorted, merged and handed to the device as far as its queue reaches; the rest follows by itself.
  void submit(std::vector<std::unique_ptr<Bio>> bios);
  [[nodiscard]] const BlockStatistics& statistics() const { return m_statistics; }

 private:
  struct Work : Request {
    std::vector<Bio*> bios;  // each once for this request
  };
  void request_finished(Request& request, bool success) override;
  void append(std::unique_ptr<Bio> bio);
  [[nodiscard]] bool fits(const Work& work, const Bio& bio, Segment segment) const;
  void dispatch();
  void finish(Bio& bio, bool success);

  hal::Machine& m_machine;
  BlockDevice& m_device;
  const BlockConfig& m_config;
  DeviceLimits m_limits;
  std::deque<std::unique_ptr<Work>> m_pending;
  std::unordered_map<Request*, std::unique_ptr<Work>> m_in_flight;  // looked up only, never walked
  std::unordered_map<Bio*, std::unique_ptr<Bio>> m_bios;            // looked up only, never walked
  bool m_dispatching = false;
  BlockStatistics m_statistics;
};

/// Collects bios of one task until flush (struct blk_plug).
class Plug {
 public:
  explicit Plug(RequestQueue& queue) : m_queue(queue) {}
  void add(std::unique_ptr<Bio> bio) { m_bios.push_back(std::move(bio)); }
  void flush() {
    if (!m_bios.empty()) m_queue.submit(std::move(m_bios));
    m_bios.clear();
  }

 private:
  RequestQueue& m_queue;
  std::vector<std::unique_ptr<Bio>> m_bios;
};

}  // namespace sluice::block
