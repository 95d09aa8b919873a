// SPDX-License-Identifier: Apache-2.0
#include "models/interconnect/pcie_link.h"

#include <algorithm>
#include <cstring>

#include "models/base/result.h"

namespace sluice::interconnect {
using fabric::now;

namespace {

const PcieLinkConfig& checked(const PcieLinkConfig& config, const char* name) {
  if (const std::string problem = config.problem(); !problem.empty()) {
    throw base::InputError{std::string{name} + ": " + problem};
  }
  return config;
}

}  // namespace

PcieLink::PcieLink(const sc_core::sc_module_name& name, const PcieLinkConfig& config)
    : sc_module(name),
      device("device"),
      root_complex("root_complex"),
      mmio("mmio"),
      registers("registers"),
      m_config(checked(config, name)),
      m_arithmetic(m_config),
      m_request_time(m_arithmetic.time(m_arithmetic.request_header())),
      m_full_request_time(m_arithmetic.time(m_arithmetic.completions(0, m_config.max_read_request).wire)),
      m_largest_tlp_time(m_arithmetic.time(m_arithmetic.write(0, m_config.max_payload).wire)) {
  device.register_b_transport(this, &PcieLink::dma_transport);
  mmio.register_b_transport(this, &PcieLink::mmio_transport);
  sc_core::sc_spawn_options deliveries;
  deliveries.spawn_method();
  deliveries.dont_initialize();
  deliveries.set_sensitivity(&m_write_arrives);
  sc_core::sc_spawn([this] { run_posted_writes(); }, "run_posted_writes", &deliveries);
}

// --- DMA ---------------------------------------------------------------------------------------------------------

void PcieLink::dma_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const Picoseconds at = now() + fabric::to_picoseconds(delay);
  const Picoseconds done = payload.is_write() ? dma_write(payload, at) : dma_read(payload, at);
  delay = fabric::to_sc_time(done - now());
}

/// 1. The TLPs take their slot upstream. 2. The first one arrives, the rest follow over the spread, which is no shorter
/// than that in which they came. 3. The root complex says when the last byte is visible; no TLP comes back.
Picoseconds PcieLink::dma_write(tlm::tlm_generic_payload& payload, Picoseconds at) {
  const Bytes size = payload.get_data_length();
  const std::uint64_t address = payload.get_address();
  const Tlps tlps = m_arithmetic.write(address, size);
  const auto slot = send(m_upstream, at, tlps, size);
  const Picoseconds first_tlp =
      tlps.count == 1
          ? slot.end - slot.begin
          : m_arithmetic.time(m_arithmetic.first_write_payload(address, size) + m_arithmetic.request_header());
  const Picoseconds first_arrives = slot.begin + first_tlp + m_config.latency;
  auto* extension = payload.get_extension<fabric::DmaExtension>();
  if (extension != nullptr) {
    const Picoseconds last_leaves = std::max(slot.end, at + extension->spread);
    extension->spread = last_leaves + m_config.latency - first_arrives;
  }
  const Picoseconds visible = forward(payload, first_arrives);
  if (extension != nullptr) extension->sent = slot.end;  // by the link next to the device, whatever lies behind it
  return visible;
}

/// 1. Requests take their slot upstream, as far as tags are free. 2. The root complex says when the data is ready; it
/// came evenly over the spread before. 3. Completions take their slot downstream from the data of the first TLP on, and
/// the last TLP cannot leave before the last data.
Picoseconds PcieLink::dma_read(tlm::tlm_generic_payload& payload, Picoseconds at) {
  const Bytes size = payload.get_data_length();
  const std::uint64_t address = payload.get_address();
  const Tlps requests = m_arithmetic.read_requests(address, size);
  const auto request = send(m_upstream, std::max(at, m_tag_free_at), requests, 0);

  auto* extension = payload.get_extension<fabric::DmaExtension>();
  if (extension != nullptr) extension->spread = Picoseconds{};
  const Picoseconds ready = forward(payload, request.begin + m_request_time + m_config.latency);
  if (!payload.is_response_ok()) {
    const auto refusal = send(m_downstream, ready, {1, m_arithmetic.completion_header()}, 0);
    return refusal.end + m_config.latency;
  }

  const Tlps tlps = m_arithmetic.completions(address, size);
  const Picoseconds spread = extension != nullptr ? extension->spread : Picoseconds{};
  const Picoseconds first_ready = ready - spread + spread / tlps.count;
  const auto stream = send(m_downstream, first_ready, tlps, size);
  const Picoseconds serialised = stream.end - stream.begin;
  const Picoseconds last_tlp =
      tlps.count == 1
          ? serialised
          : m_arithmetic.time(m_arithmetic.last_completion_payload(address, size) + m_arithmetic.completion_header());
  const Picoseconds arrived = std::max(stream.end, ready + last_tlp) + m_config.latency;

  const Picoseconds one_request = requests.count == 1 ? serialised : m_full_request_time;
  const Picoseconds round_trip = first_ready - request.begin + one_request + m_config.latency;
  const Picoseconds tags_allow = tag_limit(request.begin, round_trip, requests.count);
  m_last_read_done = std::max({arrived, tags_allow, m_last_read_done});
  if (extension != nullptr) {  // what comes over a switch goes on over a link of the device
    const Picoseconds first_arrived = stream.begin + serialised / tlps.count + m_config.latency;
    extension->spread = std::max(m_last_read_done - first_arrived, Picoseconds{});
  }
  return m_last_read_done;
}

/// Outstanding requests as a fluid: each takes 1 / tags of the tags' time for a round trip, so that an endless stream
/// of reads gets tags x MRRS per round trip, and up to `tags` requests leave an idle link at once. Returns the instant
/// before which the last of `requests` cannot have come back. The round trip counts the way of one request without
/// waiting for other completions; that of the last read decides when the next one may leave.
Picoseconds PcieLink::tag_limit(Picoseconds begin, Picoseconds round_trip, std::uint64_t requests) {
  m_tags_taken_until = std::max(begin, m_tags_taken_until) + round_trip * requests / m_config.tags;
  m_tag_free_at = m_tags_taken_until - round_trip + round_trip / m_config.tags;
  return m_tags_taken_until;
}

Picoseconds PcieLink::forward(tlm::tlm_generic_payload& payload, Picoseconds arrives) {
  sc_core::sc_time delay = fabric::to_sc_time(arrives - now());
  root_complex->b_transport(payload, delay);
  return now() + fabric::to_picoseconds(delay);
}

// --- register accesses -------------------------------------------------------------------------------------------

void PcieLink::mmio_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  if (payload.get_data_length() > PostedWrite{}.data.size()) {
    payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return;
  }
  const Picoseconds at = now() + fabric::to_picoseconds(delay);
  if (payload.is_write()) {
    post_register_write(payload, at);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
  } else {
    delay = fabric::to_sc_time(read_register(payload, at) - now());
  }
}

/// The writer goes on at once; the device sees the write when it arrives.
void PcieLink::post_register_write(const tlm::tlm_generic_payload& payload, Picoseconds at) {
  PostedWrite write;
  write.size = payload.get_data_length();
  write.address = payload.get_address();
  fabric::take_data(payload, reinterpret_cast<std::byte*>(write.data.data()));
  write.arrives = send_register_access(at, m_arithmetic.request_header() + write.size, write.size);
  if (!m_posted.empty()) write.arrives = std::max(write.arrives, m_posted.back().arrives);
  m_posted.push_back(write);
  m_write_arrives.notify(fabric::to_sc_time(write.arrives - now()));  // the earliest of all notifications counts
}

/// The request pushes posted writes before it to the device. Those, and the read itself, take effect in the device now,
/// a link latency early; the time of the answer is right.
Picoseconds PcieLink::read_register(tlm::tlm_generic_payload& payload, Picoseconds at) {
  const Picoseconds arrives = send_register_access(at, m_arithmetic.request_header(), 0);
  while (!m_posted.empty()) deliver_oldest_write();
  sc_core::sc_time delay = fabric::to_sc_time(arrives - now());
  registers->b_transport(payload, delay);
  const Bytes size = payload.is_response_ok() ? payload.get_data_length() : 0;
  const auto answer =
      send(m_upstream, now() + fabric::to_picoseconds(delay), {1, m_arithmetic.completion_header() + size}, size);
  return answer.end + m_config.latency;
}

void PcieLink::run_posted_writes() {
  while (!m_posted.empty() && m_posted.front().arrives <= now()) deliver_oldest_write();
  if (!m_posted.empty()) m_write_arrives.notify(fabric::to_sc_time(m_posted.front().arrives - now()));
}

void PcieLink::deliver_oldest_write() {
  PostedWrite write = m_posted.front();
  m_posted.pop_front();
  m_write_payload.set_command(tlm::TLM_WRITE_COMMAND);
  m_write_payload.set_address(write.address);
  m_write_payload.set_data_ptr(write.data.data());
  m_write_payload.set_data_length(write.size);
  m_write_payload.set_streaming_width(write.size);
  m_write_payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  sc_core::sc_time delay;
  registers->b_transport(m_write_payload, delay);
  if (!m_write_payload.is_response_ok()) ++m_refused_writes;
}

// --- one direction -----------------------------------------------------------------------------------------------

fabric::Timeline::Slot PcieLink::send(Direction& direction, Picoseconds earliest, Tlps tlps, Bytes payload) {
  direction.tlps += tlps.count;
  direction.payload += payload;
  direction.wire += tlps.wire;
  return direction.timeline.reserve(earliest, m_arithmetic.time(tlps.wire));
}

/// A register access goes between two completions of a stream that is under way (posted writes and requests may pass
/// completions), so it waits for one TLP at most; its wire time is taken from the stream all the same. Returns the
/// instant of arrival at the device.
Picoseconds PcieLink::send_register_access(Picoseconds at, Bytes wire, Bytes payload) {
  const Picoseconds behind = std::max(m_downstream.timeline.free_at() - at, Picoseconds{});
  const auto slot = send(m_downstream, at, {1, wire}, payload);
  return at + std::min(behind, m_largest_tlp_time) + (slot.end - slot.begin) + m_config.latency;
}

}  // namespace sluice::interconnect
