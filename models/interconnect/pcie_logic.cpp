// SPDX-License-Identifier: Apache-2.0
#include "models/interconnect/pcie_logic.h"

#include <algorithm>
#include <array>

#include "models/base/result.h"

namespace sluice::interconnect {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr Bytes kFraming = 8;
constexpr Bytes kGenericHeader = 4;
constexpr Bytes kRequestHeader = 12;
constexpr Bytes kCompletionHeader = 8;
constexpr Bytes kEcrc = 4;

constexpr Bytes kDllp = 8;             // framing 2 B, content 4 B, CRC 2 B
constexpr Bytes kSkip = 4;             // clock compensation: one ordered set ...
constexpr Bytes kSkipInterval = 1538;  // ... in so many bytes

/// How many multiples of `block` the range [address, address + size) touches.
std::uint64_t blocks(std::uint64_t address, Bytes size, Bytes block) {
  return divide_up(address % block + size, block);
}

Bytes limit_or_recommended(Bytes limit, const PcieLinkConfig& config) {
  if (limit != 0) return limit;
  return recommended_symbol_times(config.generation, config.lanes, config.max_payload) * config.lanes;
}

}  // namespace

BitRate raw_rate(unsigned generation, unsigned lanes) {
  constexpr std::array<std::uint64_t, 5> kTransfersPerSecond{2'500'000'000, 5'000'000'000, 8'000'000'000,
                                                             16'000'000'000, 32'000'000'000};
  const std::uint64_t transfers = kTransfersPerSecond.at(generation - 1) * lanes;
  return generation <= 2 ? BitRate{transfers / 10 * 8} : BitRate{transfers * 128 / 130};
}

std::uint64_t recommended_symbol_times(unsigned generation, unsigned lanes, Bytes max_payload) {
  constexpr Bytes kTlpOverhead = 28;
  const Bytes internal_delay = generation == 1 ? 19 : generation == 2 ? 70 : 115;
  const bool small = max_payload <= 256;
  // In tenths: wider links may let more packets go by before they acknowledge.
  const std::uint64_t ack_factor = lanes <= 4 ? (small ? 14 : 10) : lanes <= 8 ? (small ? 25 : 10) : (small ? 30 : 20);
  return (max_payload + kTlpOverhead) * ack_factor / (10 * lanes) + internal_delay;
}

BitRate tlp_rate(const PcieLinkConfig& config) {
  const Bytes ack = limit_or_recommended(config.ack_limit, config);
  const Bytes flow = limit_or_recommended(config.flow_control_limit, config);
  // 1 - 8/ack - 8/flow - 4/1538 over the common denominator ack x flow x 1538.
  const Bytes whole = ack * flow * kSkipInterval;
  const Bytes taken = kDllp * flow * kSkipInterval + kDllp * ack * kSkipInterval + kSkip * ack * flow;
  const Wide rate = Wide{raw_rate(config.generation, config.lanes).value()} * (whole - taken) / whole;
  return BitRate{static_cast<std::uint64_t>(rate)};
}

TlpArithmetic::TlpArithmetic(const PcieLinkConfig& config)
    : m_max_payload(config.max_payload),
      m_max_read_request(config.max_read_request),
      m_completion_boundary(std::min(config.max_payload, config.max_read_request)),
      m_request_header(kFraming + kGenericHeader + kRequestHeader + (config.ecrc ? kEcrc : 0)),
      m_completion_header(kFraming + kGenericHeader + kCompletionHeader + (config.ecrc ? kEcrc : 0)),
      m_rate(tlp_rate(config)) {}

Tlps TlpArithmetic::write(std::uint64_t address, Bytes size) const {
  const std::uint64_t count = blocks(address, size, m_max_payload);
  return {count, size + count * m_request_header};
}

Tlps TlpArithmetic::read_requests(std::uint64_t address, Bytes size) const {
  const std::uint64_t count = blocks(address, size, m_max_read_request);
  return {count, count * m_request_header};
}

Tlps TlpArithmetic::completions(std::uint64_t address, Bytes size) const {
  const std::uint64_t count = blocks(address, size, m_completion_boundary);
  return {count, size + count * m_completion_header};
}

Bytes TlpArithmetic::first_write_payload(std::uint64_t address, Bytes size) const {
  return std::min(size, m_max_payload - address % m_max_payload);
}

Bytes TlpArithmetic::last_completion_payload(std::uint64_t address, Bytes size) const {
  return std::min(size, (address + size - 1) % m_completion_boundary + 1);
}

BitRate TlpArithmetic::share(Bytes payload, Bytes wire) const {
  return BitRate{static_cast<std::uint64_t>(Wide{m_rate.value()} * payload / wire)};
}

BitRate TlpArithmetic::write_goodput(Bytes size) const { return share(size, write(0, size).wire); }

BitRate TlpArithmetic::read_goodput(Bytes size) const {
  return std::min(share(size, completions(0, size).wire), share(size, read_requests(0, size).wire));
}

BitRate TlpArithmetic::bidirectional_goodput(Bytes size) const {
  const Bytes upstream = write(0, size).wire + read_requests(0, size).wire;
  return std::min(share(size, upstream), share(size, completions(0, size).wire));
}

BitRate latency_bound_read_rate(unsigned tags, Bytes max_read_request, Picoseconds round_trip) {
  base::ensure(round_trip > Picoseconds{}, "a round trip takes time");
  const Wide bits = Wide{tags} * max_read_request * 8 * static_cast<Wide>(kPicosecondsPerSecond);
  return BitRate{static_cast<std::uint64_t>(bits / static_cast<Wide>(round_trip.count()))};
}

}  // namespace sluice::interconnect
