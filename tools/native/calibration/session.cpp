// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/session.h"

#include <cstring>
#include <fcntl.h>

#include <sys/mman.h>

namespace sluice::calibration {

void Session::measure(std::uint64_t operations, const std::function<void(Stopwatch&)>& batch) {
  const Effort& effort = m_facilities.effort;
  Clock& clock = m_facilities.clock;
  const auto once = [&] {
    Stopwatch watch{clock};
    watch.probe();
    batch(watch);
    watch.probe();
    return watch.sample(operations);
  };
  for (unsigned i = 0; i < effort.warm_up; ++i) once();
  const Picoseconds begin = clock.now();
  for (unsigned i = 0; i < effort.most; ++i) {
    if (i >= effort.least && clock.now() - begin >= effort.time) break;
    m_samples.push_back(once());
  }
}

std::int64_t Session::need(const char* call, std::int64_t returned) const {
  if (returned >= 0) return returned;
  const char* name = strerrorname_np(static_cast<int>(-returned));
  throw PrimitiveFailure{std::string{call} + ": " + (name == nullptr ? "unknown error" : name)};
}

void Session::need_all(const char* call, std::int64_t returned, std::uint64_t wanted) const {
  if (static_cast<std::uint64_t>(need(call, returned)) == wanted) return;
  throw PrimitiveFailure{std::string{call} + ": " + std::to_string(returned) + " of " + std::to_string(wanted) +
                         " bytes"};
}

int Session::other_core() const {
  if (m_facilities.other_core < 0) throw PrimitiveFailure{"there is one core only"};
  return m_facilities.other_core;
}

int Session::open_file(int flags) const {
  return static_cast<int>(need("open", calls.open(m_facilities.file, O_RDONLY | flags)));
}

UserAddress Session::map_fresh(Bytes size) const {
  const auto at = static_cast<UserAddress>(
      need("mmap", calls.mmap(UserAddress::Null, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)));
  // The model has no huge anonymous pages; where there can be none anyway, the advice is refused.
  static_cast<void>(calls.madvise(at, size, MADV_NOHUGEPAGE));
  return at;
}

UserAddress Session::map_buffer(Bytes size) const {
  const UserAddress at = map_fresh(size);
  calls.fill(at, std::byte{1}, size);
  return at;
}

}  // namespace sluice::calibration
