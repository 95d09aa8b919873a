// SPDX-License-Identifier: Apache-2.0
#include "models/nic/nic.h"

#include <utility>

#include "models/base/result.h"
#include "models/nic/nic_registers.h"

namespace sluice::nic {
namespace {

constexpr Bytes kSmallestMtu = 576;  // RFC 791: what every host must accept
constexpr Bytes kLargestMtu = 9216;
constexpr std::size_t kStack = 64 * 1024;

NicConfig checked(NicConfig config) {
  // A device that cannot insert checksums cannot cut a packet either: every frame needs a new one.
  config.segmentation_offload = config.segmentation_offload && config.checksum_offload;
  return config;
}

}  // namespace

Nic::Nic(sc_core::sc_module_name name, const NicConfig& config, base::Ledger& ledger)
    : sc_module(name),
      registers("registers"),
      dma("dma"),
      m_config(checked(config)),
      m_core(m_config, dma, ledger),
      m_transmit(m_core),
      m_receive(m_core) {
  add_control_registers();
  add_transmit_registers();
  add_receive_registers();
  add_interrupt_registers();

  sc_core::sc_spawn_options options;
  options.set_stack_size(kStack);
  sc_core::sc_spawn([this] { m_transmit.run(); }, "transmit", &options);
  sc_core::sc_spawn([this] { m_transmit.run_completions(); }, "completions", &options);
  sc_core::sc_spawn([this] { m_receive.run(); }, "receive", &options);
}

void Nic::connect(Wire& wire) {
  m_core.wire = &wire;
  wire.connect(Direction::ToMachine, *this);
}

void Nic::add_control_registers() {
  registers.add(
      reg::kControl, [this] { return m_core.enabled ? control::kEnable : 0U; },
      [this](std::uint64_t value) { write_control(value); });
  registers.add_read_only(reg::kStatus, [this] { return m_core.wire != nullptr ? 1U : 0U; });
  registers.add_read_only(reg::kCapabilities, [this] { return capabilities(); });
  registers.add(
      reg::kMtu, [this] { return m_core.mtu; }, [this](std::uint64_t value) { write_mtu(value); });
}

void Nic::add_transmit_registers() {
  TransmitQueue& tx = m_transmit;
  registers.add(
      reg::kTxRingBase, [&tx] { return tx.ring_base(); }, [&tx](std::uint64_t value) { tx.set_ring_base(value); });
  registers.add(
      reg::kTxRingSize, [&tx] { return tx.ring().size(); }, [&tx](std::uint64_t value) { tx.set_ring_size(value); });
  registers.add(
      reg::kTxTail, [&tx] { return tx.ring().tail(); }, [&tx](std::uint64_t value) { tx.ring_doorbell(value); });
  registers.add_read_only(reg::kTxHead, [&tx] { return tx.ring().head(); });
  registers.add(
      reg::kTxHeadWriteback, [&tx] { return tx.writeback(); }, [&tx](std::uint64_t value) { tx.set_writeback(value); });
  registers.add(
      reg::kTxVector, [&tx] { return tx.interrupt().vector(); }, [&tx](std::uint64_t value) { tx.set_vector(value); });
}

void Nic::add_receive_registers() {
  ReceiveQueue& rx = m_receive;
  registers.add(
      reg::kRxRingBase, [&rx] { return rx.ring_base(); }, [&rx](std::uint64_t value) { rx.set_ring_base(value); });
  registers.add(
      reg::kRxRingSize, [&rx] { return rx.ring().size(); }, [&rx](std::uint64_t value) { rx.set_ring_size(value); });
  registers.add(
      reg::kRxTail, [&rx] { return rx.ring().tail(); }, [&rx](std::uint64_t value) { rx.ring_doorbell(value); });
  registers.add_read_only(reg::kRxHead, [&rx] { return rx.ring().head(); });
  registers.add(
      reg::kRxVector, [&rx] { return rx.interrupt().vector(); }, [&rx](std::uint64_t value) { rx.set_vector(value); });
}

void Nic::add_interrupt_registers() {
  registers.add(
      reg::kInterruptMask,
      [this] {
        return (m_transmit.interrupt().masked() ? cause::kTx : 0U) | (m_receive.interrupt().masked() ? cause::kRx : 0U);
      },
      [this](std::uint64_t value) {
        m_transmit.set_masked((value & cause::kTx) != 0);
        m_receive.set_masked((value & cause::kRx) != 0);
      });
  registers.add(
      reg::kInterruptCause,
      [this] {
        return (m_transmit.interrupt().pending() ? cause::kTx : 0U) |
               (m_receive.interrupt().pending() ? cause::kRx : 0U);
      },
      [this](std::uint64_t value) {
        if ((value & cause::kTx) != 0) m_transmit.interrupt().clear_pending();
        if ((value & cause::kRx) != 0) m_receive.interrupt().clear_pending();
      });
  registers.add_read_only(reg::kErrors, [this] { return m_core.errors; });
}

std::uint32_t Nic::capabilities() const {
  return (m_config.gather ? capability::kGather : 0U) |
         (m_config.checksum_offload ? capability::kChecksumOffload : 0U) |
         (m_config.segmentation_offload ? capability::kSegmentationOffload : 0U);
}

void Nic::write_control(std::uint64_t value) {
  if ((value & control::kReset) != 0) reset();
  m_core.enabled = (value & control::kEnable) != 0 && m_core.wire != nullptr;
  if (m_core.enabled) {
    m_transmit.enable();
    m_receive.enable();
  }
}

void Nic::write_mtu(std::uint64_t value) {
  if (value < kSmallestMtu || value > kLargestMtu) {
    m_core.count_error(m_core.statistics.register_errors);
    return;
  }
  m_core.mtu = value;
}

void Nic::reset() {
  m_core.enabled = false;
  m_core.errors = 0;
  m_core.mtu = m_config.mtu;
  m_transmit.reset();
  m_receive.reset();
  if (m_core.wire != nullptr) m_core.wire->cut(Direction::ToPeer);
}

}  // namespace sluice::nic
