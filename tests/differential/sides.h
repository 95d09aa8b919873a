// SPDX-License-Identifier: Apache-2.0
// The two kernels that a program runs on. Each run is a process of its own, so that nothing which happens in one - a
// fault, a bug, a run without end - reaches the next or the one that compares.
#pragma once

#include <memory>
#include <string>

#include "tests/differential/program.h"
#include "tests/differential/transcript.h"
#include "tools/native/shared.h"

namespace sluice::differential {

/// How a run ended.
struct Outcome {
  int status = 0;                 ///< of the program, in wait's encoding
  bool overlapping_copy = false;  ///< the simulated kernel copied bytes onto a part of themselves
  bool not_possible = false;      ///< this host cannot give what the program needs
  std::string problem =
      {};  ///< not empty: what ended it was no answer of a kernel (time limit, crash, broken invariant)
};

class Side {
 public:
  virtual ~Side() = default;
  virtual Outcome run(const Program& program) = 0;
  /// What the last run wrote down.
  [[nodiscard]] virtual const Transcript& transcript() const { return *m_transcript; }

 protected:
  [[nodiscard]] Transcript& fresh_transcript() {
    m_transcript->clear();
    return *m_transcript;
  }

 private:
  native::Shared<Transcript> m_transcript;
};

/// The Linux of this host, in a private folder below the system's for temporary files.
std::unique_ptr<Side> make_host_side();

/// The simulated kernel on the fake machine.
std::unique_ptr<Side> make_simulated_side();

}  // namespace sluice::differential
