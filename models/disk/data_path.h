// SPDX-License-Identifier: Apache-2.0
// The data path of the disk controller: the data of commands, in pieces, between medium, transfer buffer and memory.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "models/base/ledger.h"
#include "models/base/named_bytes.h"
#include "models/disk/agenda.h"
#include "models/disk/buffer_logic.h"
#include "models/disk/command_logic.h"
#include "models/disk/disk_config.h"
#include "models/disk/disk_image.h"
#include "models/disk/disk_statistics.h"
#include "models/disk/medium.h"
#include "models/fabric/dma.h"

namespace sluice::disk {

using Slot = std::uint32_t;  ///< index of a command that is worked on

/// A command that is worked on.
struct Active {
  Command command;
  SegmentList segments;
  Status status = Status::Success;
  bool listed = false;  // its scatter-gather list is here
  std::uint32_t pieces_left = 0;
  Picoseconds done;  // of the pieces so far
};

/// Asks for the steps RoomFree, PieceArrived and Sent, and for Complete when all pieces of a command are done.
class DataPath {
 public:
  using PieceIndex = std::uint32_t;

  DataPath(const DiskConfig& config, DiskImage& image, Medium& medium, base::Ledger& ledger, fabric::DmaPort& dma,
           Agenda& agenda, std::vector<Active>& active, DiskStatistics& statistics);

  /// Step::Transfer: the command is cut into pieces, which wait for room in the buffer.
  void begin(Slot slot);
  /// To be called after every step: pieces for which there is room now are started.
  void start_waiting_pieces();
  /// Step::RoomFree.
  void start_write(PieceIndex index);
  /// Step::PieceArrived.
  void piece_arrived(PieceIndex index);
  /// Step::Sent.
  void link_free();
  /// Forgets all pieces; what is in the buffer is lost.
  void abort();

  /// All that was written so far survives from then on.
  [[nodiscard]] Picoseconds durable() const { return m_durable; }

 private:
  struct Piece {
    Slot slot = 0;
    Bytes begin = 0;  // within the command
    Bytes size = 0;
    std::vector<std::byte> data;  // of a write, on its way to the medium
    base::Shadow shadow;
  };
  bool start(PieceIndex index);
  void send_waiting_piece();
  Picoseconds send(PieceIndex index);
  void finish_write(PieceIndex index);
  void piece_done(PieceIndex index, Picoseconds at);

  const DiskConfig& m_config;
  DiskImage& m_image;
  Medium& m_medium;
  base::Ledger& m_ledger;
  fabric::DmaPort& m_dma;
  Agenda& m_agenda;
  std::vector<Active>& m_active;
  DiskStatistics& m_statistics;
  TransferBuffer m_buffer;
  std::vector<Piece> m_pieces;
  std::vector<PieceIndex> m_free_pieces;
  std::deque<PieceIndex> m_waiting;   // for room in the buffer, in order
  std::deque<PieceIndex> m_outgoing;  // read, and waiting for the link, in order
  bool m_sending = false;             // the link takes one now
  Picoseconds m_durable;
  std::vector<std::byte> m_data;  // a piece of a read, unless the image gives it by name
  base::NamedBytes m_named;
  base::Shadow m_slice;
};

}  // namespace sluice::disk
