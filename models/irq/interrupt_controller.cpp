// SPDX-License-Identifier: Apache-2.0
#include "models/irq/interrupt_controller.h"

#include <cstring>
#include <optional>

#include "models/base/result.h"
#include "models/fabric/dma.h"

namespace sluice::irq {

using fabric::now;

namespace {

/// The vector of a well-formed message: address and data agree.
std::optional<unsigned> vector_of(const tlm::tlm_generic_payload& payload) {
  if (!payload.is_write() || payload.get_data_length() != 4) return std::nullopt;
  std::uint32_t vector = 0;
  std::memcpy(&vector, payload.get_data_ptr(), sizeof vector);
  if (vector >= fabric::kVectors || payload.get_address() != fabric::msi_address(vector).value()) return std::nullopt;
  return vector;
}

}  // namespace

InterruptController::InterruptController(const sc_core::sc_module_name& name, const InterruptConfig& config,
                                         unsigned cores)
    : sc_module(name), messages("messages"), m_config(config), m_pending(cores), m_sinks(cores, nullptr) {
  messages.register_b_transport(this, &InterruptController::b_transport);
  sc_core::sc_spawn_options arrivals;
  arrivals.spawn_method();
  arrivals.dont_initialize();
  arrivals.set_sensitivity(&m_arrival);
  sc_core::sc_spawn([this] { run_arrivals(); }, "run_arrivals", &arrivals);
}

void InterruptController::attach(unsigned core, fabric::InterruptSink& sink) {
  base::ensure(core < m_sinks.size() && m_sinks[core] == nullptr, "each core is attached to the controller once");
  m_sinks[core] = &sink;
}

void InterruptController::route(unsigned vector, unsigned core) {
  base::ensure(vector < fabric::kVectors && core < m_sinks.size(), "a route leads from a vector to a core that exists");
  m_pending.route(vector, core);
  announce_waiting();
}

void InterruptController::set_enabled(unsigned core, bool enabled) {
  base::ensure(core < m_sinks.size(), "a core that exists is enabled");
  m_pending.set_enabled(core, enabled);
  announce_waiting();
}

void InterruptController::acknowledge(unsigned vector) {
  base::ensure(vector < fabric::kVectors, "a vector that exists is acknowledged");
  m_pending.acknowledge(vector);
}

std::uint64_t InterruptController::accepted() const {
  std::uint64_t sum = 0;
  for (unsigned vector = 0; vector < fabric::kVectors; ++vector) sum += statistics(vector).accepted;
  return sum;
}

void InterruptController::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
  const auto vector = vector_of(payload);
  if (!vector) {
    ++m_malformed;
    payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
  const Picoseconds seen = now() + fabric::to_picoseconds(delay) + m_config.delivery_latency;
  m_in_flight.push({seen, *vector});
  m_arrival.notify(fabric::to_sc_time(m_in_flight.top().at - now()));  // the earliest of all notifications counts
}

void InterruptController::run_arrivals() {
  while (!m_in_flight.empty() && m_in_flight.top().at <= now()) {
    const unsigned vector = m_in_flight.top().vector;
    m_in_flight.pop();
    if (m_pending.arrive(vector)) tell(vector);
  }
  if (!m_in_flight.empty()) m_arrival.notify(fabric::to_sc_time(m_in_flight.top().at - now()));
}

void InterruptController::announce_waiting() {
  while (const auto vector = m_pending.next_unannounced()) tell(*vector);
}

void InterruptController::tell(unsigned vector) {
  fabric::InterruptSink* sink = m_sinks[m_pending.core_of(vector)];
  base::ensure(sink != nullptr, "every core is attached before interrupts arrive");
  sink->interrupt(vector, now());
}

}  // namespace sluice::irq
