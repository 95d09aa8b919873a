// SPDX-License-Identifier: Apache-2.0
// A disk as the block layer sees it: something that works on requests. Implemented by the disk driver.
#pragma once

#include <cstdint>
#include <vector>

#include "models/base/types.h"

namespace sluice::block {

inline constexpr Bytes kSectorSize = 512;  ///< positions on the disk count these

enum class Direction : std::uint8_t { Read, Write, Flush };

/// A piece of memory of a request; address and size are multiples of 4 bytes. The sizes of a request's segments add
/// up to whole sectors.
struct Segment {
  PhysAddr address;
  std::uint32_t size = 0;
};

struct Request;

/// Told when a request is over; in interrupt context.
class RequestListener {
 public:
  virtual ~RequestListener() = default;
  virtual void request_finished(Request& request, bool success) = 0;
};

/// One transfer between consecutive sectors and a scatter-gather list. Lives until its listener is told.
struct Request {
  Direction direction = Direction::Read;
  std::uint64_t first_sector = 0;
  std::uint64_t sectors = 0;
  std::vector<Segment> segments;
  RequestListener* listener = nullptr;
};

struct DeviceLimits {
  Bytes capacity = 0;
  Bytes max_transfer = 0;
  unsigned max_segments = 1;
  unsigned queue_depth = 1;
};

class BlockDevice {
 public:
  virtual ~BlockDevice() = default;
  [[nodiscard]] virtual DeviceLimits limits() const = 0;
  /// Hands a request within the limits to the device; at most queue_depth are in flight. Takes time and may be
  /// interrupted, but is not called again before it returns.
  virtual void start(Request& request) = 0;
  /// Tells the device of the requests started since the last call (the doorbell).
  virtual void commit() = 0;
};

}  // namespace sluice::block
