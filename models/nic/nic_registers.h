// SPDX-License-Identifier: Apache-2.0
// Data sheet of the network controller: registers, descriptor formats, rules. No SystemC.
//
// Transmit: the driver writes 16-byte descriptors into a ring in memory and rings the doorbell (TX_TAIL = index after
// the last one). A packet is one or more descriptors, the last with EndOfPacket. The device fetches descriptors,
// gathers the packet, and after the bytes are in its FIFO counts the descriptors as done: it writes TX_HEAD (32 bits)
// to the address in TX_HEAD_WRITEBACK and raises the TX interrupt, coalesced. Receive: the driver posts empty buffers;
// the device fills one per frame, writes the descriptor back with Done and the length, and raises the RX interrupt,
// coalesced. A frame without a buffer is dropped and counted. head == tail means empty; a ring of n entries holds at
// most n - 1.
#pragma once

#include <cstdint>

#include "models/base/types.h"

namespace sluice::nic {

namespace reg {
inline constexpr Bytes kControl = 0x0000;          ///< 32 RW  bit 0 enable, bit 1 reset (self-clearing)
inline constexpr Bytes kStatus = 0x0008;           ///< 32 RO  bit 0 link up
inline constexpr Bytes kCapabilities = 0x0010;     ///< 32 RO  see Capability
inline constexpr Bytes kMtu = 0x0018;              ///< 32 RW  largest IP packet in bytes
inline constexpr Bytes kTxRingBase = 0x1000;       ///< 64 RW  bus address, 16-byte aligned
inline constexpr Bytes kTxRingSize = 0x1008;       ///< 32 RW  entries, a power of two, 2 to 32768
inline constexpr Bytes kTxTail = 0x1010;           ///< 32 RW  doorbell
inline constexpr Bytes kTxHead = 0x1018;           ///< 32 RO  first descriptor not done
inline constexpr Bytes kTxHeadWriteback = 0x1020;  ///< 64 RW  bus address of a 32-bit word, 4-byte aligned
inline constexpr Bytes kTxVector = 0x1028;         ///< 32 RW  MSI-X vector
inline constexpr Bytes kRxRingBase = 0x2000;
inline constexpr Bytes kRxRingSize = 0x2008;
inline constexpr Bytes kRxTail = 0x2010;
inline constexpr Bytes kRxHead = 0x2018;
inline constexpr Bytes kRxVector = 0x2028;
inline constexpr Bytes kInterruptMask = 0x3000;   ///< 32 RW  bit 0 TX, bit 1 RX; 1 = masked, a cause stays pending
inline constexpr Bytes kInterruptCause = 0x3008;  ///< 32 RW  pending causes; write 1 to clear
inline constexpr Bytes kErrors = 0x3010;          ///< 32 RO  descriptor or DMA errors since reset
}  // namespace reg

namespace control {
inline constexpr std::uint32_t kEnable = 1U << 0;
inline constexpr std::uint32_t kReset = 1U << 1;
}  // namespace control

namespace capability {
inline constexpr std::uint32_t kGather = 1U << 0;               ///< a packet may have several descriptors
inline constexpr std::uint32_t kChecksumOffload = 1U << 1;      ///< inserts TCP and IP checksums
inline constexpr std::uint32_t kSegmentationOffload = 1U << 2;  ///< cuts one packet into frames (TSO)
}  // namespace capability

namespace cause {
inline constexpr std::uint32_t kTx = 1U << 0;
inline constexpr std::uint32_t kRx = 1U << 1;
}  // namespace cause

//   TX descriptor            63                                                          0
//   quad 0                   [ address                                                    ]
//   quad 1   [ 0 | mss 15:0  | header_size 7:0 | flags 7:0 | size 15:0 ]   (high to low: reserved 16, mss 16, ...)
struct TxDescriptor {
  std::uint64_t address = 0;
  std::uint16_t size = 0;  ///< bytes of this fragment, 1 to 65535
  std::uint8_t flags = 0;
  std::uint8_t header_size = 0;  ///< first descriptor of a packet: Ethernet + IP + TCP headers, in bytes
  std::uint16_t mss = 0;         ///< with kTxSegment: payload bytes per frame
  std::uint16_t reserved = 0;
};
static_assert(sizeof(TxDescriptor) == 16);
inline constexpr std::uint8_t kTxEndOfPacket = 1U << 0;
inline constexpr std::uint8_t kTxInsertChecksum = 1U << 1;  ///< needs kChecksumOffload
inline constexpr std::uint8_t kTxSegment = 1U << 2;         ///< needs kSegmentationOffload

struct RxDescriptor {
  std::uint64_t address = 0;
  std::uint16_t size = 0;   ///< posted: bytes of the buffer; written back: bytes of the frame
  std::uint8_t status = 0;  ///< written back: see below
  std::uint8_t reserved[5] = {};
};
static_assert(sizeof(RxDescriptor) == 16);
inline constexpr std::uint8_t kRxDone = 1U << 0;
inline constexpr std::uint8_t kRxChecksumGood = 1U << 1;

}  // namespace sluice::nic
