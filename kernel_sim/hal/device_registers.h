// SPDX-License-Identifier: Apache-2.0
// The registers of one device as its driver reaches them: named by the device's data sheet.
#pragma once

#include "kernel_sim/hal/machine.h"
#include "models/fabric/register.h"

namespace sluice::hal {

class DeviceRegisters {
 public:
  /// `window` is where the device's registers lie.
  DeviceRegisters(Cpu& cpu, PhysAddr window) : m_cpu(cpu), m_window(window) {}

  /// All ones when no device answers.
  [[nodiscard]] std::uint64_t read(const fabric::Register& reg) const {
    return m_cpu.mmio_read(m_window + reg.offset, reg.size);
  }
  /// Posted.
  void write(const fabric::Register& reg, std::uint64_t value) const {
    m_cpu.mmio_write(m_window + reg.offset, reg.size, value);
  }

 private:
  Cpu& m_cpu;
  PhysAddr m_window;
};

}  // namespace sluice::hal
