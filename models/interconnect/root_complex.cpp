// SPDX-License-Identifier: Apache-2.0
#include "models/interconnect/root_complex.h"

#include <algorithm>
#include <utility>

#include "models/fabric/memory_map.h"

namespace sluice::interconnect {

using fabric::now;

namespace {

const base::Shadow kNoPayload;

template <class Socket>
Picoseconds forward(Socket& socket, tlm::tlm_generic_payload& payload, Picoseconds arrives) {
  sc_core::sc_time delay = fabric::to_sc_time(arrives - now());
  socket->b_transport(payload, delay);
  return now() + fabric::to_picoseconds(delay);
}

bool is_message(const tlm::tlm_generic_payload& payload) {
  const std::uint64_t address = payload.get_address();
  return payload.is_write() && payload.get_data_length() == 4 && address >= fabric::kMsiBase &&
         address - fabric::kMsiBase <= fabric::kMsiSize - 4;
}

}  // namespace

RootComplex::RootComplex(const sc_core::sc_module_name& name, const RootComplexConfig& config, Bytes memory_size,
                         base::Ledger& ledger, unsigned ports)
    : sc_module(name),
      devices("devices", ports),
      links("links", ports),
      cpu("cpu"),
      memory("memory"),
      interrupts("interrupts"),
      m_config(config),
      m_memory_size(memory_size),
      m_ledger(ledger),
      m_writes_visible(ports) {
  for (unsigned port = 0; port < ports; ++port) {
    devices[port].register_b_transport(this, &RootComplex::dma_transport, static_cast<int>(port));
  }
  cpu.register_b_transport(this, &RootComplex::cpu_transport);
}

// --- devices to memory and interrupts ------------------------------------------------------------------------------

void RootComplex::dma_transport(int port, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const Picoseconds arrives = now() + fabric::to_picoseconds(delay) + m_config.routing_latency;
  Picoseconds done = arrives;
  if (is_memory(payload)) {
    done = access_memory(port, payload, arrives);
  } else if (is_message(payload)) {
    done = deliver_message(port, payload, arrives);
  } else {
    refuse(payload);
  }
  if (payload.is_read()) done += m_config.routing_latency;
  delay = fabric::to_sc_time(done - now());
}

/// Posted writes become visible in order, and a read of the same port finds those before it in memory.
Picoseconds RootComplex::access_memory(int port, tlm::tlm_generic_payload& payload, Picoseconds arrives) {
  Picoseconds& writes_visible = m_writes_visible[static_cast<std::size_t>(port)];
  const auto* extension = payload.get_extension<fabric::DmaExtension>();
  const fabric::DmaExtension control;  // an initiator without the extension moves no payload
  if (extension == nullptr) extension = &control;

  if (payload.is_read()) arrives = std::max(arrives, writes_visible);
  const Picoseconds last_arrives = arrives + (payload.is_write() ? extension->spread : Picoseconds{});
  Picoseconds done = forward(memory, payload, arrives);
  if (payload.is_write()) {
    done = std::max({done, last_arrives, writes_visible});
    writes_visible = done;
  }
  if (payload.is_response_ok()) report(payload, *extension);
  return done;
}

Picoseconds RootComplex::deliver_message(int port, tlm::tlm_generic_payload& payload, Picoseconds arrives) {
  ++m_statistics.messages;
  return forward(interrupts, payload, std::max(arrives, m_writes_visible[static_cast<std::size_t>(port)]));
}

void RootComplex::report(const tlm::tlm_generic_payload& payload, const fabric::DmaExtension& extension) {
  const PhysAddr address{payload.get_address()};
  const Bytes size = payload.get_data_length();
  const bool control = extension.device_place == Place::KernelMemory;
  if (control) m_statistics.dma_control += size;
  if (payload.is_write()) {
    m_statistics.dma_written += size;
    if (control) {
      m_ledger.stored(address, size);
    } else {
      m_ledger.written_by_device(extension.device_place, extension.shadow != nullptr ? *extension.shadow : kNoPayload,
                                 address, size, Mover::Dma);
    }
    return;
  }
  m_statistics.dma_read += size;
  if (control) return;
  base::Shadow shadow = m_ledger.read_by_device(address, size, extension.device_place, Mover::Dma);
  if (extension.shadow != nullptr) *extension.shadow = std::move(shadow);
}

// --- cores to registers --------------------------------------------------------------------------------------------

/// The core is held by a posted write until it is accepted, by a read until the answer is there. Read answers push the
/// device's DMA writes before them.
void RootComplex::cpu_transport(int /*core*/, tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const Picoseconds issued = now() + fabric::to_picoseconds(delay);
  ++(payload.is_write() ? m_statistics.register_writes : m_statistics.register_reads);

  const auto window = fabric::window_of(PhysAddr{payload.get_address()});
  const auto port = window ? m_ports.find(*window) : m_ports.end();
  Picoseconds answered = issued + m_config.routing_latency;
  if (port != m_ports.end()) {
    answered = forward(links[port->second], payload, answered);
    answered = std::max(answered, m_writes_visible[port->second]);
  } else {
    refuse(payload);
  }
  const Picoseconds resumed = payload.is_write() ? issued + m_config.register_write_latency
                                                 : answered + m_config.routing_latency + m_config.register_read_latency;
  delay = fabric::to_sc_time(resumed - now());
}

void RootComplex::refuse(tlm::tlm_generic_payload& payload) {
  ++m_statistics.unsupported_requests;
  payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

bool RootComplex::is_memory(const tlm::tlm_generic_payload& payload) const {
  const std::uint64_t address = payload.get_address();
  return address < m_memory_size && payload.get_data_length() <= m_memory_size - address;
}

}  // namespace sluice::interconnect
