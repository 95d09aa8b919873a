// SPDX-License-Identifier: Apache-2.0
// The station at the other end of the wire: answers for every TCP port, takes data in order, acknowledges by policy.
#pragma once

#include <systemc>

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include "models/base/ledger.h"
#include "models/nic/peer_logic.h"
#include "models/nic/wire.h"

namespace sluice::nic {

/// Counts from 0 in the order of the SYNs.
using ConnectionId = std::uint32_t;

/// In-order payload as it reached the application of the peer.
struct Arrival {
  ConnectionId connection = 0;
  const Buffer& buffer;  ///< holds the payload from `begin` on; valid during the call
  Bytes begin = 0;
  Bytes size = 0;
  const base::Shadow& shadow;       ///< of the payload
  Picoseconds first_frame_arrival;  ///< last bit of the frame with the first byte
  Picoseconds frame_interval;
  Picoseconds last_frame_arrival;
  Bytes first_frame_bytes = 0;  ///< how many bytes the first frame carried
  Bytes bytes_per_frame = 0;    ///< of the frames after it, but for the last

  /// The bytes, and their names: a look at the bytes makes those that come by name.
  [[nodiscard]] std::span<const std::byte> bytes() const { return buffer.span(begin, size); }
  [[nodiscard]] base::NamedBytes names() const { return buffer.names_of(begin, size); }
  /// When byte number `offset` was there.
  [[nodiscard]] Picoseconds arrival_of(Bytes offset) const;
};

/// What runs on the peer.
/// - `data` gets every byte of a connection once and in order. It is called when the first of several frames arrives,
/// or
///   with `gro` the last; the Arrival says when each byte is there.
/// - Instants never go back within a connection. Calls must not wait.
class PeerApplication {
 public:
  virtual ~PeerApplication() = default;
  /// The handshake is complete: the connection is accepted.
  virtual void connected(ConnectionId /*connection*/, std::uint16_t /*port*/, Picoseconds /*at*/) {}
  virtual void data(const Arrival& arrival) = 0;
  /// The machine has closed its direction: no more data will come.
  virtual void finished(ConnectionId /*connection*/, Picoseconds /*at*/) {}
};

class Peer : public sc_core::sc_module, private WireEnd {
 public:
  Peer(sc_core::sc_module_name name, const PeerConfig& config, Wire& wire, base::Ledger& ledger);

  /// Without one, data is acknowledged and forgotten.
  void set_application(PeerApplication& application) { m_application = &application; }
  /// Sends bytes to the machine's end of a connection, from now on, as its receive window allows.
  void send(ConnectionId connection, std::span<const std::byte> bytes);
  /// Closes the peer's direction after what was given to send. Without it the peer closes when the machine does.
  void close(ConnectionId connection);

  struct Statistics {
    std::uint64_t connections = 0;
    std::uint64_t frames = 0;           ///< received
    Bytes payload_bytes = 0;            ///< delivered in order
    std::uint64_t acknowledgments = 0;  ///< frames sent without payload
    std::uint64_t checksum_errors = 0;
    std::uint64_t discarded_frames = 0;  ///< duplicates, gaps, beyond the window, unknown connection
  };
  [[nodiscard]] const Statistics& statistics() const { return m_statistics; }

 private:
  using Key = std::tuple<std::uint32_t, std::uint16_t, std::uint16_t>;  // address, port, our port
  struct Session {
    PeerConnection tcp;
    bool connected = false;  ///< the handshake is complete
    bool finished = false;
  };

  void receive(Burst burst) override;
  [[nodiscard]] Picoseconds needs(const Burst& burst) const override { return burst.first_arrival; }
  void deliver(ConnectionId id, const Burst& burst, Accepted accepted);
  void refuse(const Burst& burst);
  void transmit(std::vector<Reply>& replies);
  void run_timer();
  void arm_timer(const Session& session);
  [[nodiscard]] Picoseconds now() const;

  PeerConfig m_config;
  Wire& m_wire;
  base::Ledger& m_ledger;
  PeerApplication* m_application = nullptr;
  std::map<Key, ConnectionId> m_by_key;
  std::map<ConnectionId, Session> m_sessions;
  std::vector<Reply> m_replies;
  sc_core::sc_event m_timer;
  std::optional<Picoseconds> m_armed;  // when m_timer comes: not after the first timer of a session
  Statistics m_statistics;
};

}  // namespace sluice::nic
