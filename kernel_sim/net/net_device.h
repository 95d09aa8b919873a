// SPDX-License-Identifier: Apache-2.0
// A network interface as the stack sees it (struct net_device); implemented by drivers.
#pragma once

#include "models/base/types.h"

namespace sluice::net {

struct Skb;

struct DeviceFeatures {
  bool gather = false;        ///< a packet may lie in several pieces; without it header and payload are contiguous
  bool checksum = false;      ///< the device inserts TCP checksums
  bool segmentation = false;  ///< the device cuts a packet of up to 64 KiB into frames (TSO)
  Bytes mtu = 1500;           ///< largest IP packet in bytes
};

/// - The stack calls transmit for one packet at a time, from tasks and soft interrupts, only while not stopped.
/// - The device gives every packet back with Stack::transmitted once its bytes have left memory.
/// - A device that had stopped calls Stack::device_ready when it has room again.
class NetDevice {
 public:
  virtual ~NetDevice() = default;
  [[nodiscard]] virtual const DeviceFeatures& features() const = 0;
  /// Takes the packet. `more`: another piece of what was one large packet follows at once, so telling
  /// the hardware may wait for it (xmit_more).
  virtual void transmit(Skb& skb, bool more) = 0;
  [[nodiscard]] virtual bool stopped() const = 0;
};

}  // namespace sluice::net
