// SPDX-License-Identifier: Apache-2.0
// Data sheet of the disk controller: registers, queue entry formats, rules. No SystemC. The form is NVMe's with one
// queue pair; a SATA disk is driven the same way, only its medium is slower.
//
// The driver writes 64-byte commands into the submission ring and rings SQ_TAIL. The controller fetches them, moves
// data between medium, its buffer and the scatter-gather list in memory, writes a 16-byte entry into the completion
// ring and raises its interrupt, coalesced. The phase bit of completion entries is 1 in the first pass over the ring
// and flips with each pass, so that the driver needs no register read to see a new entry. The driver returns entries by
// CQ_HEAD. head == tail means empty; a ring of n entries holds at most n - 1.
#pragma once

#include <cstdint>

#include "models/base/types.h"
#include "models/fabric/register.h"

namespace sluice::disk {

inline constexpr Bytes kBlockSize = 512;         ///< a logical block; positions and sizes of commands count these
inline constexpr std::uint64_t kMaxRing = 4096;  ///< entries

namespace reg {
using fabric::Register;
inline constexpr Register kControl{0x00, 4, "CONTROL"};           ///< RW  bit 0 enable, bit 1 reset (self-clearing)
inline constexpr Register kStatus{0x08, 4, "STATUS"};             ///< RO  bit 0 ready, bit 1 fatal
inline constexpr Register kCapacity{0x10, 8, "CAPACITY"};         ///< RO  logical blocks
inline constexpr Register kQueueDepth{0x18, 4, "QUEUE_DEPTH"};    ///< RO  commands the controller works on at once
inline constexpr Register kMaxTransfer{0x20, 4, "MAX_TRANSFER"};  ///< RO  bytes per command
inline constexpr Register kMaxSegments{0x28, 4, "MAX_SEGMENTS"};  ///< RO  scatter-gather elements per command
inline constexpr Register kSqBase{0x40, 8, "SQ_BASE"};            ///< RW  bus address, 64-byte aligned
inline constexpr Register kSqSize{0x48, 4, "SQ_SIZE"};            ///< RW  entries, a power of two, 2 to 4096
inline constexpr Register kSqTail{0x50, 4, "SQ_TAIL"};            ///< RW  doorbell
inline constexpr Register kCqBase{0x60, 8, "CQ_BASE"};            ///< RW  bus address, 16-byte aligned
inline constexpr Register kCqSize{0x68, 4, "CQ_SIZE"};            ///< RW  entries, as SQ_SIZE
inline constexpr Register kCqHead{0x70, 4, "CQ_HEAD"};  ///< RW  doorbell: entries before it are the controller's again
inline constexpr Register kVector{0x78, 4, "VECTOR"};   ///< RW  MSI-X vector
inline constexpr Register kInterruptMask{0x80, 4, "INTERRUPT_MASK"};        ///< RW  bit 0: the cause stays pending
inline constexpr Register kIgnoredDoorbells{0x88, 4, "IGNORED_DOORBELLS"};  ///< RO  since reset
}  // namespace reg

namespace control {
inline constexpr std::uint32_t kEnable = 1U << 0;
inline constexpr std::uint32_t kReset = 1U << 1;
}  // namespace control

/// Enabling with a ring that is no power of two of 2 to 4096 entries or not aligned, or a ring that does not answer to
/// DMA, sets the fatal bit and clears ready; only reset helps. Reset forgets all commands and sets all registers to 0,
/// the vector to none. Ring registers and the vector are written while the controller is disabled; later writes are
/// ignored. A doorbell beyond the ring, over entries already fetched, or while not ready is ignored and counted.
namespace status {
inline constexpr std::uint32_t kReady = 1U << 0;
inline constexpr std::uint32_t kFatal = 1U << 1;
}  // namespace status

enum class Opcode : std::uint8_t { Flush = 0, Write = 1, Read = 2 };

struct SgElement {
  std::uint64_t address = 0;  ///< bus address, a multiple of 4
  std::uint32_t size = 0;     ///< bytes, a multiple of 4, not 0
  std::uint32_t reserved = 0;
};
static_assert(sizeof(SgElement) == 16);

struct Command {
  std::uint8_t opcode = 0;
  std::uint8_t reserved0 = 0;
  std::uint16_t command_id = 0;  ///< no other command under way has it
  std::uint32_t block_count = 0;
  std::uint64_t first_block = 0;
  std::uint32_t segment_count = 0;  ///< 1: the element is in `inline_segment`; more: a list at `segment_list`
  std::uint32_t reserved1 = 0;
  std::uint64_t segment_list = 0;  ///< bus address of SgElement[segment_count], 16-byte aligned
  SgElement inline_segment;
  std::uint64_t reserved2[2] = {};
};
static_assert(sizeof(Command) == 64);

enum class Status : std::uint16_t {
  Success = 0,
  InvalidOpcode = 1,
  OutOfRange = 2,  ///< beyond the medium
  /// Sum of sizes differs from the blocks, zero or unaligned element, too many, too large a transfer; elements of a
  /// read that overlap each other or the controller's rings.
  InvalidSegments = 3,
  DmaError = 4,           ///< memory did not answer, or a translation fault
  CommandIdConflict = 5,  ///< a command under way has the same command_id; it goes on
};

struct CompletionEntry {
  std::uint16_t command_id = 0;
  std::uint16_t status = 0;
  std::uint16_t sq_head = 0;  ///< first submission entry not yet fetched
  std::uint16_t phase = 0;    ///< bit 0
  std::uint64_t reserved = 0;
};
static_assert(sizeof(CompletionEntry) == 16);

}  // namespace sluice::disk
