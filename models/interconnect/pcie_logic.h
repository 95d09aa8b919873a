// SPDX-License-Identifier: Apache-2.0
// What a transfer costs on a PCI Express link: packets (TLPs), bytes on the wire, time. Integer arithmetic only.
//
// The model is that of Neugebauer et al., "Understanding PCIe performance for end host networking", SIGCOMM 2018: the
// link's raw rate, less what acknowledgements, flow control and clock compensation take, carries TLPs; each TLP is its
// payload plus
//
//   framing, sequence number, LCRC   8 B   every TLP
//   generic header                   4 B   every TLP
//   requester, tag, 64-bit address  12 B   memory write (MWr) and memory read request (MRd): 24 B in all
//   completer, requester, tag        8 B   completion with data (CplD): 20 B in all
//   end-to-end checksum (ECRC)       4 B   when enabled
//
// The published formulas count ceil(size / MPS) packets. That is the aligned case here: packets are cut at multiples of
// MPS (writes, completions) and of MRRS (requests), so an unaligned transfer may take one more.
#pragma once

#include "models/base/time.h"
#include "models/base/types.h"
#include "models/interconnect/pcie_link_config.h"

namespace sluice::interconnect {

/// Bits per second of all lanes together after line coding (8b/10b in generations 1 and 2, 128b/130b from 3 on).
BitRate raw_rate(unsigned generation, unsigned lanes);

/// Longest time between two acknowledgements, and between two flow-control updates, for each direction of a link, in
/// symbol times: (MPS + 28) x AckFactor / lanes + InternalDelay, as tabulated in the PCI Express base specification. In
/// a symbol time each lane carries one byte.
std::uint64_t recommended_symbol_times(unsigned generation, unsigned lanes, Bytes max_payload);

/// What is left of the raw rate for TLPs: 1 - 8 / AckLimit - 8 / FlowControlLimit - 4 / 1538 of it, with limits in
/// bytes of the whole link. (The published model puts symbol times for bytes; see README.md.)
BitRate tlp_rate(const PcieLinkConfig& config);

/// A number of TLPs and their length with headers.
struct Tlps {
  std::uint64_t count = 0;
  Bytes wire = 0;
};

class TlpArithmetic {
 public:
  /// The config must have no problem().
  explicit TlpArithmetic(const PcieLinkConfig& config);

  /// A write of `size` > 0 bytes to `address`: memory write TLPs with the data.
  [[nodiscard]] Tlps write(std::uint64_t address, Bytes size) const;
  /// A read: its request TLPs, and the completions that bring the data the other way.
  [[nodiscard]] Tlps read_requests(std::uint64_t address, Bytes size) const;
  [[nodiscard]] Tlps completions(std::uint64_t address, Bytes size) const;
  /// Payload of the first TLP of a write, of the last completion of a read.
  [[nodiscard]] Bytes first_write_payload(std::uint64_t address, Bytes size) const;
  [[nodiscard]] Bytes last_completion_payload(std::uint64_t address, Bytes size) const;

  [[nodiscard]] Bytes request_header() const { return m_request_header; }        ///< 24 B, 28 B with ECRC
  [[nodiscard]] Bytes completion_header() const { return m_completion_header; }  ///< 20 B, 24 B with ECRC
  [[nodiscard]] Bytes max_read_request() const { return m_max_read_request; }
  [[nodiscard]] BitRate rate() const { return m_rate; }
  /// Serialisation time of bytes on the wire.
  [[nodiscard]] Picoseconds time(Bytes wire) const { return transfer_time(wire, m_rate); }

  // Payload rates of an endless stream of aligned transfers of `size` bytes: the published formulas.
  [[nodiscard]] BitRate write_goodput(Bytes size) const;
  /// The lower of what completions leave and what the requests, in the other direction, allow.
  [[nodiscard]] BitRate read_goodput(Bytes size) const;
  /// As many reads as writes at once; the rate of each.
  [[nodiscard]] BitRate bidirectional_goodput(Bytes size) const;

 private:
  [[nodiscard]] BitRate share(Bytes payload, Bytes wire) const;

  Bytes m_max_payload;
  Bytes m_max_read_request;
  Bytes m_completion_boundary;  // completions are cut here: MPS, or MRRS when that is smaller
  Bytes m_request_header;
  Bytes m_completion_header;
  BitRate m_rate;
};

/// Payload rate of reads that wait for their round trip: tags x MRRS per round trip.
BitRate latency_bound_read_rate(unsigned tags, Bytes max_read_request, Picoseconds round_trip);

}  // namespace sluice::interconnect
