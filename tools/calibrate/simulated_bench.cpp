// SPDX-License-Identifier: Apache-2.0
#include "tools/calibrate/simulated_bench.h"

#include <algorithm>

#include "kernel_sim/hal/systemc/systemc_machine.h"
#include "kernel_sim/kernel.h"
#include "models/platform/machine.h"
#include "tools/native/calibration/estimators.h"
#include "tools/simulate/child.h"
#include "tools/simulate/disk_images.h"

namespace sluice::calibrate {
namespace {

using calibration::Primitive;

constexpr const char* kFileName = "cached";

class SimulatedClock : public calibration::Clock {
 public:
  explicit SimulatedClock(const hal::Cpu& cpu) : m_cpu(cpu) {}
  Picoseconds now() override { return m_cpu.now(); }

 private:
  const hal::Cpu& m_cpu;
};

/// All primitives in one boot of one machine.
class Bench {
 public:
  Bench(const scenario::Configuration& configuration, Bytes file_size)
      : m_file_size(file_size),
        m_other_core(configuration.machine.cpu.cores > 1 ? 1 : -1),
        m_machine(configuration.machine,
                  simulate::make_disk_images(configuration.machine,
                                             {{kFileName, base::make_synthetic_content(file_size, 1)}})),
        m_hal(m_machine),
        m_kernel(m_hal.machine(), m_machine.ledger, configuration.kernel) {}

  results::Json run(const std::vector<const Primitive*>& list) {
    m_kernel.start([&](kernel_sim::Kernel& kernel) {
      const std::string path = std::string{"/"} + kFileName;
      if (!kernel.preload(path)) throw base::InputError{"the machine's memory is too small for the calibration's file"};
      m_machine.caches->clear();
      for (const Primitive* primitive : list) time(kernel, *primitive, path);
    });
    sc_core::sc_start();
    m_kernel.rethrow_failure();
    return m_times;
  }

 private:
  void time(kernel_sim::Kernel& kernel, const Primitive& primitive, const std::string& path) {
    const auto main = [&](kernel_sim::SystemCalls& calls) {
      SimulatedClock clock{m_hal.machine().cpu};
      calibration::Session session{{.calls = calls,
                                    .clock = clock,
                                    .file = path,
                                    .file_size = m_file_size,
                                    .effort = {.warm_up = 2, .least = 3, .most = 3, .time = {}},
                                    .other_core = m_other_core}};
      try {
        primitive.run(session);
      } catch (const calibration::PrimitiveFailure&) {
        return 1;
      }
      std::vector<double> times;
      for (const calibration::Sample& sample : session.samples()) times.push_back(sample.nanoseconds);
      m_times[primitive.name] = calibration::quantile(times, 0.5);
      return 0;
    };
    kernel.wait_for(kernel.start_program(primitive.name, main, {.core = 0}));
  }

  Bytes m_file_size;
  int m_other_core;
  platform::Machine m_machine;
  hal::SystemcMachine m_hal;
  kernel_sim::Kernel m_kernel;
  results::Json m_times = results::Json::object();
};

}  // namespace

SimulatedTimes time_simulated(const scenario::Configuration& configuration, const std::vector<const Primitive*>& list) {
  Bytes file_size = kPageSize;
  for (const Primitive* primitive : list) file_size = std::max(file_size, primitive->file_size);
  const results::Json result = simulate::run_in_child([&] { return Bench{configuration, file_size}.run(list); }, {});
  if (result.contains("failures")) throw base::SimulatorBug{result["failures"].front().get<std::string>()};
  return result.get<SimulatedTimes>();
}

}  // namespace sluice::calibrate
