// SPDX-License-Identifier: Apache-2.0
// Data sheet of the network controller: registers, descriptor formats, rules. No SystemC.
//
// Transmit: the driver writes 16-byte descriptors into a ring in memory and rings the doorbell (TX_TAIL = index after
// the last one). A packet is one or more descriptors, the last with EndOfPacket. The device fetches descriptors,
// gathers the packet, and after the bytes are in its FIFO counts the descriptors as done: it writes TX_HEAD (32 bits)
// to the address in TX_HEAD_WRITEBACK and raises the TX interrupt, coalesced. A packet that breaks a rule is an error:
// it is dropped, and its descriptors are done. So is a ring full of descriptors without EndOfPacket.
// Receive: the driver posts empty buffers. When a frame arrives the device fills one and writes its descriptor back
// with Done and the length; only the RX interrupt is coalesced. A frame without a buffer is dropped and counted.
// head == tail means empty; a ring of n entries holds at most n - 1.
// Reset empties the FIFOs: of what is to be sent, at most the frame on the wire arrives.
#pragma once

#include <cstdint>

#include "models/base/types.h"
#include "models/fabric/register.h"

namespace sluice::nic {

inline constexpr std::uint64_t kMaxRing = 32768;  ///< entries

namespace reg {
using fabric::Register;
// Receive registers are as those of the transmit ring. Interrupt bits: see cause.
inline constexpr Register kControl{0x0000, 4, "CONTROL"};            ///< RW  bit 0 enable, bit 1 reset (self-clearing)
inline constexpr Register kStatus{0x0008, 4, "STATUS"};              ///< RO  bit 0 link up
inline constexpr Register kCapabilities{0x0010, 4, "CAPABILITIES"};  ///< RO  see capability
inline constexpr Register kMtu{0x0018, 4, "MTU"};                    ///< RW  largest IP packet in bytes
inline constexpr Register kTxRingBase{0x1000, 8, "TX_RING_BASE"};    ///< RW  bus address, 16-byte aligned
inline constexpr Register kTxRingSize{0x1008, 4, "TX_RING_SIZE"};    ///< RW  entries, a power of two, 2 to 32768
inline constexpr Register kTxTail{0x1010, 4, "TX_TAIL"};             ///< RW  doorbell
inline constexpr Register kTxHead{0x1018, 4, "TX_HEAD"};             ///< RO  first descriptor not done
inline constexpr Register kTxHeadWriteback{0x1020, 8, "TX_HEAD_WRITEBACK"};  ///< RW  bus address of a 32-bit word
inline constexpr Register kTxVector{0x1028, 4, "TX_VECTOR"};                 ///< RW  MSI-X vector
inline constexpr Register kRxRingBase{0x2000, 8, "RX_RING_BASE"};
inline constexpr Register kRxRingSize{0x2008, 4, "RX_RING_SIZE"};
inline constexpr Register kRxTail{0x2010, 4, "RX_TAIL"};
inline constexpr Register kRxHead{0x2018, 4, "RX_HEAD"};
inline constexpr Register kRxVector{0x2028, 4, "RX_VECTOR"};
inline constexpr Register kInterruptMask{0x3000, 4, "INTERRUPT_MASK"};    ///< RW  1 = masked, a cause stays pending
inline constexpr Register kInterruptCause{0x3008, 4, "INTERRUPT_CAUSE"};  ///< RW  pending causes; write 1 to clear
inline constexpr Register kErrors{0x3010, 4, "ERRORS"};  ///< RO  descriptor and DMA errors, refused values, since reset
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
