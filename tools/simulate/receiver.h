// SPDX-License-Identifier: Apache-2.0
// The application at the peer: checks every byte that arrives against what was to be sent, keeps a copy if asked, and
// dates the last byte of each transfer.
#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel_sim/programs/program.h"
#include "models/nic/peer.h"
#include "tools/scenario/configuration.h"
#include "tools/simulate/stream_content.h"

namespace sluice::simulate {

/// What the received file `path` is called until it is complete.
std::string unfinished_name(const std::string& path);

/// What comes over one socket.
struct ReceivedStream {
  unsigned connection = 0;               ///< of the workload
  std::optional<unsigned> card = {};     ///< that it comes over; none over loopback
  std::vector<std::uint32_t> transfers;  ///< by number, in the order in which they are sent
};
/// All streams of a run.
std::vector<ReceivedStream> streams_of(const scenario::Configuration& configuration);

class Receiver {
 public:
  /// The station at a card's wire listens on this port for connection 0, on the next for connection 1, ...
  static constexpr std::uint16_t kFirstPort = kernel_sim::kDefaultPort;

  /// Keeps the bytes in `path` unless it is empty (written beside it, as unfinished_name). InputError when it cannot.
  Receiver(std::shared_ptr<const StreamContent> expected, std::string path, std::vector<ReceivedStream> streams);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Called (once) with the instant of the last expected byte, possibly ahead of it.
  std::function<void(Picoseconds at)> complete;

  /// What runs on the station at the wire of card number `index`.
  nic::PeerApplication& station(unsigned index) { return m_stations.at(index); }
  /// Over loopback: bytes of a connection.
  void take(unsigned connection, const nic::Arrival& arrival) { take(m_streams.at(connection), arrival); }

  [[nodiscard]] Bytes bytes() const { return m_received; }
  /// Everything so far is what was expected.
  [[nodiscard]] bool matches() const { return !m_first_difference; }
  /// Stream offset of the first byte that differs, or lies beyond the end.
  [[nodiscard]] std::optional<Bytes> first_difference() const { return m_first_difference; }
  /// By transfer: when its last byte arrived; empty for those that are not complete.
  [[nodiscard]] const std::vector<std::optional<Picoseconds>>& arrivals() const { return m_arrivals; }
  /// Of the bytes that were received. Reads the expected contents again, so it is not for the path of a run.
  [[nodiscard]] std::string sha256();
  /// Of the host, so far, to hold the bytes against what was expected.
  [[nodiscard]] std::chrono::steady_clock::duration time_to_check() const { return m_checking; }
  /// The received bytes are complete: closes the file, which stays when this goes. It gets its own name when all runs
  /// of the command have ended well. InputError when it could not be written.
  void keep();

 private:
  struct Digest;
  struct Stream {
    ReceivedStream what;
    std::size_t next = 0;  ///< transfer that comes next, or of which a part has come
    Bytes taken = 0;       ///< of it
  };
  class Station : public nic::PeerApplication {
   public:
    Station(Receiver& receiver, unsigned card) : m_receiver(receiver), m_card(card) {}
    void connected(nic::ConnectionId connection, std::uint16_t port, Picoseconds at) override;
    void data(const nic::Arrival& arrival) override;

   private:
    Receiver& m_receiver;
    unsigned m_card;
    std::map<nic::ConnectionId, Stream*> m_streams;
  };
  void take(Stream& stream, const nic::Arrival& arrival);
  /// One piece of an arrival, which belongs at `position` of the stream.
  void take_piece(Bytes position, const nic::Arrival& arrival, Bytes begin, Bytes size);
  void compare(Bytes position, std::span<const std::byte> bytes);
  void write(Bytes position, std::span<const std::byte> bytes);

  std::shared_ptr<const StreamContent> m_expected;
  std::string m_path;
  std::FILE* m_file = nullptr;
  std::string m_write_error;  // of the first write that failed; data() runs within the simulation and must not throw
  Bytes m_received = 0;
  Picoseconds m_last_arrival;  // of all streams
  std::optional<Bytes> m_first_difference;
  std::unique_ptr<Digest> m_digest;  // from the first difference on
  std::vector<std::optional<Picoseconds>> m_arrivals;
  std::chrono::steady_clock::duration m_checking{};
  std::vector<Stream> m_streams;
  std::vector<Station> m_stations;  // by card
};

}  // namespace sluice::simulate
