// SPDX-License-Identifier: Apache-2.0
// The application at the peer: checks every byte that arrives against what was to be sent, keeps a copy if asked, and
// dates the last byte of each file.
#pragma once

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/nic/peer.h"
#include "tools/simulate/stream_content.h"

namespace sluice::simulate {

/// What the received file `path` is called until it is complete.
std::string unfinished_name(const std::string& path);

/// The files may come over several connections, in turn: file i over number i modulo their number.
class Receiver {
 public:
  /// Keeps the bytes in `path` unless it is empty (written beside it, as unfinished_name). InputError when it cannot.
  Receiver(std::shared_ptr<const StreamContent> expected, std::string path, std::size_t connections = 1);
  ~Receiver();
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Called (once) with the instant of the last expected byte, possibly ahead of it.
  std::function<void(Picoseconds at)> complete;

  /// What takes the bytes of one connection.
  nic::PeerApplication& connection(std::size_t index) { return m_connections[index]; }

  [[nodiscard]] Bytes bytes() const { return m_received; }
  /// Everything so far is what was expected.
  [[nodiscard]] bool matches() const { return !m_first_difference; }
  /// Stream offset of the first byte that differs, or lies beyond the end.
  [[nodiscard]] std::optional<Bytes> first_difference() const { return m_first_difference; }
  /// By file: when its last byte arrived; empty for files that are not complete.
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
  class Connection : public nic::PeerApplication {
   public:
    Connection(Receiver& receiver, std::size_t first_file) : m_receiver(receiver), file(first_file) {}
    void data(const nic::Arrival& arrival) override { m_receiver.take(*this, arrival); }

   private:
    Receiver& m_receiver;

   public:
    std::size_t file;  ///< that comes next, or of which a part has come
    Bytes taken = 0;   ///< of it
  };
  void take(Connection& connection, const nic::Arrival& arrival);
  /// One piece of an arrival, which belongs at `position` of the stream.
  void take_piece(Bytes position, const nic::Arrival& arrival, Bytes begin, Bytes size);
  void compare(Bytes position, std::span<const std::byte> bytes);
  void write(Bytes position, std::span<const std::byte> bytes);

  std::shared_ptr<const StreamContent> m_expected;
  std::string m_path;
  std::FILE* m_file = nullptr;
  std::string m_write_error;  // of the first write that failed; data() runs within the simulation and must not throw
  Bytes m_received = 0;
  Picoseconds m_last_arrival;  // of all connections
  std::optional<Bytes> m_first_difference;
  std::unique_ptr<Digest> m_digest;  // from the first difference on
  std::vector<std::optional<Picoseconds>> m_arrivals;
  std::chrono::steady_clock::duration m_checking{};
  std::vector<Connection> m_connections;
};

}  // namespace sluice::simulate
