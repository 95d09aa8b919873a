// SPDX-License-Identifier: Apache-2.0
#include "models/cache/coherent_memory.h"

#include <algorithm>
#include <cstring>

#include "models/base/result.h"
#include "models/fabric/chunks.h"
#include "models/fabric/dma.h"

namespace sluice::cache {

using fabric::now;

namespace {

const CacheConfig& checked(const CacheConfig& config) {
  config.check();
  return config;
}

/// The part of `span` that has passed when `done` of `all` bytes have.
Picoseconds share(Picoseconds span, Bytes done, Bytes all) {
  const WideUnsigned product = static_cast<WideUnsigned>(span.count()) * done;
  return Picoseconds{static_cast<std::int64_t>(product / all)};
}

}  // namespace

CoherentMemory::CoherentMemory(const sc_core::sc_module_name& name, const CacheConfig& config, unsigned cores,
                               fabric::PhysicalMemory& memory, fabric::MemoryController& controller)
    : sc_module(name),
      dma("dma"),
      m_config(checked(config)),
      m_memory(memory),
      m_controller(controller),
      m_hierarchy(m_config, cores) {
  dma.register_b_transport(this, &CoherentMemory::dma_transport);
  dma.register_transport_dbg(this, &CoherentMemory::dma_debug);
}

// --- cores ---------------------------------------------------------------------------------------------------------

fabric::AccessOutcome CoherentMemory::access(unsigned core, PhysAddr address, Bytes size, fabric::AccessKind kind,
                                             Picoseconds now_at_core) {
  base::ensure(size > 0 && size <= address.left_in_page(), "a core's access lies within a page");
  const CoreOutcome found = m_hierarchy.access(core, LineSpan::of(address, size), kind);
  fabric::AccessOutcome outcome{found.lines, {}};
  if (found.dram_read != 0 || found.dram_written != 0) {
    outcome.memory_ready = m_controller.access(now_at_core, found.dram_read, found.dram_written);
  }
  return outcome;
}

void CoherentMemory::touch(unsigned core, PhysAddr address, Bytes size) {
  fabric::for_each_page_piece(address, size, [&](PhysAddr at, Bytes piece) {
    m_hierarchy.access(core, LineSpan::of(at, piece), fabric::AccessKind::Read);
  });
}

void CoherentMemory::drop(PhysAddr address, Bytes size) {
  fabric::for_each_page_piece(address, size,
                              [&](PhysAddr at, Bytes piece) { m_hierarchy.drop(LineSpan::of(at, piece)); });
}

// --- devices -------------------------------------------------------------------------------------------------------

void CoherentMemory::dma_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const tlm::tlm_response_status status = check(payload);
  payload.set_response_status(status);
  if (status != tlm::TLM_OK_RESPONSE) return;

  const PhysAddr address{payload.get_address()};
  const Bytes size = payload.get_data_length();
  const Picoseconds arrives = now() + fabric::to_picoseconds(delay);
  auto* extension = payload.get_extension<fabric::DmaExtension>();
  Picoseconds done = arrives;
  if (payload.is_read()) {
    Picoseconds first_ready = arrives;
    done = read_by_device(address, size, arrives, first_ready);
    if (extension != nullptr) extension->spread = done - first_ready;
  } else if (payload.is_write()) {
    done = write_by_device(address, size, arrives, extension != nullptr ? extension->spread : Picoseconds{});
  }
  move_bytes(payload);
  delay = fabric::to_sc_time(done - now());
}

/// Returns when the last page is ready, and when the first one is.
Picoseconds CoherentMemory::read_by_device(PhysAddr address, Bytes size, Picoseconds arrives,
                                           Picoseconds& first_ready) {
  Picoseconds last_ready = arrives;
  fabric::for_each_page_piece(address, size, [&](PhysAddr at, Bytes piece) {
    const Picoseconds asked = arrives + transfer_time(at - address, m_config.dma_read_rate);
    const DeviceOutcome found = m_hierarchy.device_read(LineSpan::of(at, piece));
    Picoseconds ready = asked + m_config.dma_hit_latency;
    if (found.dram_read != 0) ready = m_controller.access(ready, found.dram_read, 0);
    last_ready = std::max(last_ready, ready);
    if (at == address) first_ready = ready;
  });
  return last_ready;
}

/// Returns when all of it is visible to cores and other devices.
Picoseconds CoherentMemory::write_by_device(PhysAddr address, Bytes size, Picoseconds arrives, Picoseconds spread) {
  Picoseconds visible = arrives;
  fabric::for_each_page_piece(address, size, [&](PhysAddr at, Bytes piece) {
    const Picoseconds there = arrives + share(spread, at - address + piece, size);
    const DeviceOutcome found = m_hierarchy.device_write(LineSpan::of(at, piece));
    Picoseconds ready = there + m_config.dma_hit_latency;
    if (found.dram_read != 0 || found.dram_written != 0) {
      ready = std::max(ready, m_controller.access(there, found.dram_read, found.dram_written));
    }
    visible = std::max(visible, ready);
  });
  return visible;
}

tlm::tlm_response_status CoherentMemory::check(const tlm::tlm_generic_payload& payload) const {
  const Bytes size = payload.get_data_length();
  if (!m_memory.contains(PhysAddr{payload.get_address()}, size)) return tlm::TLM_ADDRESS_ERROR_RESPONSE;
  if (payload.get_byte_enable_ptr() != nullptr) return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
  if (payload.get_streaming_width() < size) return tlm::TLM_BURST_ERROR_RESPONSE;
  return tlm::TLM_OK_RESPONSE;
}

void CoherentMemory::move_bytes(tlm::tlm_generic_payload& payload) {
  const Bytes size = payload.get_data_length();
  const PhysAddr address{payload.get_address()};
  const auto* extension = payload.get_extension<fabric::DmaExtension>();
  base::NamedBytes* named = extension != nullptr ? extension->named : nullptr;
  if (size == 0) return;
  if (payload.is_read()) {
    if (named != nullptr && m_memory.named(address, size, *named)) return;
    std::memcpy(payload.get_data_ptr(), m_memory.at(address, size).data(), size);
  } else if (payload.is_write()) {
    if (named != nullptr && !named->empty()) return m_memory.put(address, size, *named);
    std::memcpy(m_memory.to_overwrite(address, size).data(), payload.get_data_ptr(), size);
  }
}

/// A debugger's access: bytes without time.
unsigned CoherentMemory::dma_debug(tlm::tlm_generic_payload& payload) {
  if (!m_memory.contains(PhysAddr{payload.get_address()}, payload.get_data_length())) return 0;
  move_bytes(payload);
  return payload.get_data_length();
}

}  // namespace sluice::cache
