// SPDX-License-Identifier: Apache-2.0
// One line on a terminal that is rewritten while something takes longer than a second.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>
#include <unistd.h>

namespace sluice::simulate {

class Progress {
 public:
  /// Shown when `wanted` and standard error is a terminal.
  Progress(bool wanted, std::size_t steps) : m_shown(wanted && isatty(STDERR_FILENO)), m_steps(steps) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void tick(std::size_t step, const std::string& what, std::chrono::seconds elapsed) {
    if (!m_shown) return;
    std::fprintf(stderr, "\r\033[K[%zu/%zu] %s  %lld s", step, m_steps, what.c_str(),
                 static_cast<long long>(elapsed.count()));
    m_dirty = true;
  }
  void clear() {
    if (m_dirty) std::fputs("\r\033[K", stderr);
    m_dirty = false;
  }

 private:
  bool m_shown;
  std::size_t m_steps;
  bool m_dirty = false;
};

}  // namespace sluice::simulate
