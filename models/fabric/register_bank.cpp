// SPDX-License-Identifier: Apache-2.0
#include "models/fabric/register_bank.h"

#include <bit>
#include <cstring>
#include <utility>

#include "models/base/result.h"
#include "models/fabric/memory_map.h"

namespace sluice::fabric {

static_assert(std::endian::native == std::endian::little, "register values are passed as little-endian bytes");

RegisterBank::RegisterBank(const char* socket_name) : bus(socket_name) {
  bus.register_b_transport(this, &RegisterBank::b_transport);
}

void RegisterBank::add(const Register& reg, Read read, Write write) {
  base::ensure(reg.size == 4 || reg.size == 8, "a register has 4 or 8 bytes");
  base::ensure(reg.offset % reg.size == 0, "a register lies at its natural alignment");
  const auto next = m_registers.lower_bound(reg.offset);
  base::ensure(next == m_registers.end() || reg.offset + reg.size <= next->first, "registers do not overlap");
  if (next != m_registers.begin()) {
    const auto& [at, before] = *std::prev(next);
    base::ensure(at + before.size <= reg.offset, "registers do not overlap");
  }
  m_registers.emplace_hint(next, reg.offset, Entry{reg.size, std::move(read), std::move(write)});
}

void RegisterBank::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& /*delay*/) {
  const tlm::tlm_response_status response = access(payload);
  if (response != tlm::TLM_OK_RESPONSE) ++m_illegal;
  payload.set_response_status(response);
}

tlm::tlm_response_status RegisterBank::access(tlm::tlm_generic_payload& payload) {
  const auto found = m_registers.find(payload.get_address() % kMmioWindow);
  if (found == m_registers.end()) return tlm::TLM_ADDRESS_ERROR_RESPONSE;
  const Entry& reg = found->second;
  if (payload.get_byte_enable_ptr() != nullptr) return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
  if (payload.get_data_length() != reg.size || payload.get_streaming_width() < reg.size) {
    return tlm::TLM_BURST_ERROR_RESPONSE;
  }
  std::uint64_t value = 0;
  if (payload.is_read()) {
    value = reg.read();
    std::memcpy(payload.get_data_ptr(), &value, reg.size);
  } else if (payload.is_write()) {
    std::memcpy(&value, payload.get_data_ptr(), reg.size);
    if (reg.write) reg.write(value);
  } else {
    return tlm::TLM_COMMAND_ERROR_RESPONSE;
  }
  return tlm::TLM_OK_RESPONSE;
}

}  // namespace sluice::fabric
