// SPDX-License-Identifier: Apache-2.0
// The ledger: who moved which bytes from where to where. Everything that a table says about copies comes from here.
//
// The kernel says what each physical frame is for (assign). Whoever moves bytes reports it; the ledger finds the place
// by frame and finds the payload by *shadow*: every storing place remembers, beside its bytes, which extent of which
// file they are. A copy carries the shadow along, so payload and overhead are told apart by observation, and a byte
// that reaches the peer can be named (file, offset).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "models/base/types.h"

namespace sluice::base {

enum class Place : std::uint8_t {
  Free,          ///< a frame nobody owns
  KernelMemory,  ///< page tables, rings, headers: never payload
  DiskMedia,
  DiskBuffer,
  PageCache,
  UserBuffer,
  SocketBuffer,
  Pipe,
  NicFifo,
  Wire,
  Peer,
  ReceiverSocketBuffer,
  ReceiverUserBuffer,
};
inline constexpr std::size_t kPlaces = 13;
/// As written in results: "kernel.page_cache".
std::string_view name_of(Place place);

enum class Mover : std::uint8_t { Cpu, Dma, Device, Reference };
inline constexpr std::size_t kMovers = 4;
std::string_view name_of(Mover mover);

/// `size` bytes of payload, lying `at` bytes from the start of the run that is described, are bytes
/// [offset, offset + size) of file number `file`. The generation grows when a file is written.
struct ShadowPiece {
  Bytes at = 0;
  Bytes size = 0;
  std::uint64_t offset = 0;
  std::uint32_t file = 0;
  std::uint32_t generation = 0;
  bool operator==(const ShadowPiece&) const = default;
};
/// What a run of bytes holds of the payload, in ascending, disjoint pieces. Bytes without a piece are overhead.
using Shadow = std::vector<ShadowPiece>;

Bytes payload_in(const Shadow& shadow);
/// Appends to `to` the pieces of `from` within [begin, begin + size), re-based to start at `at`, merging neighbours.
void append_slice(Shadow& to, Bytes at, const Shadow& from, Bytes begin, Bytes size);

struct MoveTotal {
  Bytes payload = 0;
  Bytes overhead = 0;
};
struct Move {
  Place from;
  Place to;
  Mover by;
  MoveTotal bytes;
};

class Ledger {
 public:
  Ledger();
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // --- the kernel ---------------------------------------------------------------------------------------------
  /// The frame now serves `place`. Its shadow is forgotten when it becomes Free, else kept.
  void assign(Frame frame, Place place);
  [[nodiscard]] Place place_of(Frame frame) const;
  /// Says what bytes are without a move: contents that were there at the start (a preloaded page).
  void declare(PhysAddr at, const Shadow& shadow, Bytes size);
  /// Bytes were stored that are no payload (headers, zeroes, a program's own data): their shadow goes.
  void stored(PhysAddr at, Bytes size);
  /// A page reference was passed instead of bytes, e.g. page cache to pipe. Counted, copies nothing.
  void passed_reference(Place from, Place to, PhysAddr at, Bytes size);

  // --- the receivers --------------------------------------------------------------------------------------------
  /// How often each byte of payload is to reach a peer's application; once, unless this says another number.
  void expect_deliveries(std::uint32_t times);

  // --- movers -------------------------------------------------------------------------------------------------
  /// Memory to memory. Either range may span frames.
  void copied(PhysAddr from, PhysAddr to, Bytes size, Mover by);
  /// Memory to a device's place. Returns what the bytes are, for the device to carry along.
  [[nodiscard]] Shadow read_by_device(PhysAddr from, Bytes size, Place to, Mover by);
  /// A device's place to memory.
  void written_by_device(Place from, const Shadow& shadow, PhysAddr to, Bytes size, Mover by);
  /// Between two places outside memory (media to buffer, FIFO to wire, wire to peer).
  void moved(Place from, Place to, Mover by, const Shadow& shadow, Bytes size);
  /// Bytes of a consuming place were thrown away (a frame lost, a queue reset). At most what the place holds is taken
  /// off: `size` may count headers, which are no payload.
  void dropped(Place from, Bytes size);
  /// Payload reached the peer's application; every byte must come exactly as often as is expected, and in the newest
  /// generation that a declaration or a device has shown of it.
  void delivered(const Shadow& shadow);

  // --- the measured region ------------------------------------------------------------------------------------
  /// Moves are totalled while recording; shadows are kept always.
  void record(bool on) { m_recording = on; }

  // --- queries ------------------------------------------------------------------------------------------------
  /// Non-zero totals in the order of (from, to, by).
  [[nodiscard]] std::vector<Move> moves() const;
  [[nodiscard]] MoveTotal total_by(Mover by) const;
  /// Shadow of a memory range.
  [[nodiscard]] Shadow shadow_of(PhysAddr from, Bytes size) const;
  /// Payload that went in and neither came out nor was dropped, for disk.buffer, nic.fifo and wire. Overhead is not
  /// conserved there: a NIC makes headers when it segments and checksums when it sends.
  [[nodiscard]] std::int64_t held_in(Place consuming) const;
  /// Payload bytes delivered, and one sentence per breach of conservation (empty when all is well).
  [[nodiscard]] Bytes delivered_bytes() const;
  [[nodiscard]] std::vector<std::string> breaches() const;

 private:
  struct Book;
  void copy_overlapping(PhysAddr from, PhysAddr to, Bytes size, Mover by);
  void copy_within_pages(PhysAddr from, PhysAddr to, Bytes size, Mover by);
  void count(Place from, Place to, Mover by, Bytes payload, Bytes size);
  [[nodiscard]] Bytes payload_at(PhysAddr from, Bytes size) const;
  void put(PhysAddr to, const Shadow& shadow, Bytes shadow_begin, Bytes size);
  void collect(PhysAddr from, Bytes size, Shadow& out) const;

  std::unique_ptr<Book> m_book;
  bool m_recording = false;
};

}  // namespace sluice::base
