// SPDX-License-Identifier: Apache-2.0
// A device's memory-mapped registers. The bank decides in one place what an illegal access gets: a TLM response,
// never an abort. Devices only add handlers.
#pragma once

#include <tlm>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "models/base/types.h"
#include "models/fabric/register.h"

namespace sluice::fabric {

/// Registers of 4 or 8 bytes at their natural alignment.
/// - a hole in the map or an address inside a register: TLM_ADDRESS_ERROR_RESPONSE
/// - another size than the register's: TLM_BURST_ERROR_RESPONSE; byte enables: TLM_BYTE_ENABLE_ERROR_RESPONSE
/// - a write to a read-only register: ignored, TLM_OK_RESPONSE, as hardware does
/// - offsets count from the start of the device's window (the bank looks at the address within a window only), values
///   are little-endian
/// - handlers run in the writer's process and must not wait
class RegisterBank {
 public:
  explicit RegisterBank(const char* socket_name);

  using Read = std::function<std::uint64_t()>;
  using Write = std::function<void(std::uint64_t)>;
  void add_read_only(const Register& reg, Read read) { add(reg, std::move(read), {}); }
  void add(const Register& reg, Read read, Write write);

  [[nodiscard]] std::uint64_t illegal_accesses() const { return m_illegal; }

  tlm_utils::simple_target_socket<RegisterBank> bus;

 private:
  struct Entry {
    unsigned size;
    Read read;
    Write write;  // empty: read-only
  };
  void b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay);
  tlm::tlm_response_status access(tlm::tlm_generic_payload& payload);
  std::map<Bytes, Entry> m_registers;
  std::uint64_t m_illegal = 0;
};

}  // namespace sluice::fabric
