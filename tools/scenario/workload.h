// SPDX-License-Identifier: Apache-2.0
// What a run sends: files, in chunks, from a page cache that is cold or warm.
#pragma once

#include <cstdint>
#include <string>

#include "models/base/parameters.h"

namespace sluice::scenario {

enum class PageCache : std::uint8_t { Cold, Warm };

/// How sender and receiver are run where both are tasks of one machine.
enum class Regime : std::uint8_t {
  Default,     ///< as the kernel does it: buffers grow by autotuning, ordinary scheduling
  Controlled,  ///< SCHED_BATCH and socket buffers of kControlledSocketBuffer on both, Reno: repeats better
};
/// SO_SNDBUF and SO_RCVBUF asked for in the controlled regime: Linux's net.core.wmem_max, so nobody needs a privilege.
inline constexpr Bytes kControlledSocketBuffer = 212'992;
/// What the simulated kernel has and every user of Linux may choose. A host's default may be another that paces by
/// timers (BBR), which costs CPU time of its own.
inline constexpr const char* kControlledCongestionControl = "reno";

/// One file of the host, or `count` synthetic files of `size` bytes each, file number i made from `seed` + i.
struct Workload {
  enum class Form : std::uint8_t { File, Files, Path };

  Form form = Form::File;
  std::string path;  ///< of Form::Path: the host's file
  Bytes size = 64_KiB;
  unsigned count = 1;
  unsigned seed = 1;
  Bytes chunk = 64_KiB;  ///< bytes per read, write, sendfile or splice call
  PageCache page_cache = PageCache::Cold;
  unsigned cpus = 1;  ///< cores of sender and receiver together: both on one, or one each
  Regime regime = Regime::Default;

  [[nodiscard]] Bytes payload() const { return size * count; }
  [[nodiscard]] bool warm() const { return page_cache == PageCache::Warm; }
  [[nodiscard]] bool controlled() const { return regime == Regime::Controlled; }
  /// The parameters of the present form: `file.size` or `files.size`, and so on.
  void describe(base::ParameterTable& table);
};

}  // namespace sluice::scenario
