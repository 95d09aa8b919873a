// SPDX-License-Identifier: Apache-2.0
// What a primitive is run with: a kernel to call, a clock to be timed by, a file in the page cache. The same primitive
// runs on the host's Linux and on the simulated kernel; it cannot tell which.
//
//   session.measure(100, [&](Stopwatch& watch) {            // a batch of 100 operations
//     watch.run([&] { for (int i = 0; i < 100; ++i) calls.lseek(fd, 0, SEEK_CUR); });
//   });
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernel_sim/system_calls.h"
#include "models/base/time.h"
#include "models/base/types.h"
#include "tools/native/core_probe.h"

namespace sluice::calibration {

using base::Bytes;
using base::Picoseconds;
using kernel_sim::SystemCalls;
using kernel_sim::UserAddress;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Picoseconds now() = 0;
  /// What one reading adds to what is timed by two.
  [[nodiscard]] virtual Picoseconds overhead() const { return {}; }
  /// What the core is worth now. Nothing on a machine whose clock and whose core are all its own.
  virtual std::optional<native::CoreProbe> probe() { return std::nullopt; }
};

/// One batch.
struct Sample {
  double nanoseconds = 0;  ///< per operation
  // Of the probes before, during and after the batch:
  double chain_ns = 0;  ///< the shortest chain
  double ratio = 0;     ///< the highest ratio
};

/// A call of a primitive failed: this kernel cannot do what is measured. what() names call and error.
class PrimitiveFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Adds up what was timed within one batch.
class Stopwatch {
 public:
  explicit Stopwatch(Clock& clock) : m_clock(clock) {}
  template <class Work>
  void run(Work&& work) {
    const Picoseconds begin = m_clock.now();
    std::forward<Work>(work)();
    const Picoseconds end = m_clock.now();
    m_total += end - begin - m_clock.overhead();
    if (end - m_probed < kBetweenProbes) return;
    probe();
    m_probed = end;
  }
  void probe() {
    const std::optional<native::CoreProbe> probe = m_clock.probe();
    if (!probe) return;
    m_chain_ns = m_chain_ns == 0 ? probe->chain_ns : std::min(m_chain_ns, probe->chain_ns);
    m_ratio = std::max(m_ratio, probe->ratio());
  }
  /// A batch of this many operations, with what its probes say.
  [[nodiscard]] Sample sample(std::uint64_t operations) const {
    return {static_cast<double>(m_total.count()) / 1000.0 / static_cast<double>(operations), m_chain_ns, m_ratio};
  }
  /// Time that was taken otherwise (by another task of the primitive).
  void add(Picoseconds time) { m_total += time; }
  [[nodiscard]] Picoseconds total() const { return m_total; }

 private:
  static constexpr Picoseconds kBetweenProbes = 50_us;

  Clock& m_clock;
  Picoseconds m_total;
  double m_chain_ns = 0;
  double m_ratio = 0;
  Picoseconds m_probed;
};

/// How often a primitive is repeated: batches for `warm_up` and then for `time`, between `least` and `most`. A
/// simulated kernel repeats itself exactly, so `time` zero is enough there.
struct Effort {
  unsigned warm_up = 1;
  unsigned least = 2;
  unsigned most = 1000;
  Picoseconds time;
};

/// What the runner provides to a primitive.
struct Facilities {
  SystemCalls& calls;
  Clock& clock;
  std::string file;     ///< path of a file whose pages are all cached
  Bytes file_size = 0;  ///< a multiple of the page size
  Effort effort;
  int other_core = -1;  ///< than the one that the primitive runs on; -1: there is none
};

class Session {
 public:
  explicit Session(Facilities facilities) : calls(facilities.calls), m_facilities(std::move(facilities)) {}

  SystemCalls& calls;

  /// Runs batches and keeps the time per operation of each.
  void measure(std::uint64_t operations, const std::function<void(Stopwatch&)>& batch);
  /// A batch that times all of itself.
  void measure_all(std::uint64_t operations, const std::function<void()>& batch) {
    measure(operations, [&](Stopwatch& watch) { watch.run(batch); });
  }
  [[nodiscard]] const std::vector<Sample>& samples() const { return m_samples; }

  // --- set-up ---------------------------------------------------------------------------------------------------
  /// The value, or PrimitiveFailure when the call returned an error.
  std::int64_t need(const char* call, std::int64_t returned) const;
  /// As need, and the call must have done all of it.
  void need_all(const char* call, std::int64_t returned, std::uint64_t wanted) const;
  /// Of the cached file; O_RDONLY.
  int open_file(int flags = 0) const;
  /// Where the cached file is in folios as large as they get. Read-ahead brings its first window in single pages and
  /// each further one in folios four times as large, the sixth in 2 MiB; windows are of 8 MiB at most.
  static constexpr Bytes kLargeFolios = 48_MiB;
  /// Where it is in single pages: in the first window, which may be as short as 128 KiB.
  static constexpr Bytes kSinglePages = 0;
  /// Size that a file needs for `size` bytes in large folios.
  static constexpr Bytes file_with(Bytes size) { return kLargeFolios + (size + 2_MiB - 1) / 2_MiB * 2_MiB; }
  /// For a child. PrimitiveFailure on a machine with one core.
  [[nodiscard]] int other_core() const;
  [[nodiscard]] Bytes file_size() const { return m_facilities.file_size; }
  /// Private memory in pages of 4 KiB, each touched.
  UserAddress map_buffer(Bytes size) const;
  /// As map_buffer, untouched.
  UserAddress map_fresh(Bytes size) const;
  Clock& clock() { return m_facilities.clock; }

 private:
  Facilities m_facilities;
  std::vector<Sample> m_samples;
};

}  // namespace sluice::calibration
