// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/shrinker.h"

#include <algorithm>
#include <fcntl.h>
#include <utility>

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

namespace sluice::differential {

namespace {

/// Simpler values to try, the simplest first.
std::vector<std::int64_t> simpler(Kind kind, std::int64_t value) {
  std::vector<std::int64_t> found;
  switch (kind) {
    case Kind::Size:
    case Kind::Offset:
    case Kind::Pattern:
    case Kind::Status:
      found = {0, 1, 4096, 8192, 65536, value / 2, value / 4096 * 4096, value - 1};
      break;
    case Kind::OptionalOffset:
      found = {kNoOffset, 0, 4096, value / 2, value / 4096 * 4096};
      break;
    case Kind::Address:
      found = {0, value / kRegionSize * kRegionSize, value / 4096 * 4096};
      break;
    case Kind::OpenFlags:
      found = {O_RDWR, value & O_ACCMODE, value & ~O_CREAT, value & ~O_APPEND, value & ~O_TRUNC, value & ~O_NONBLOCK};
      break;
    case Kind::SpliceFlags:
      found = {value & SPLICE_F_NONBLOCK};  // vmsplice would wait without it
      break;
    case Kind::MessageFlags:
      found = {0, value & MSG_NOSIGNAL};
      break;
    case Kind::EpollEvents:
      found = {
          0, EPOLLIN, EPOLLOUT, value & ~std::int64_t{EPOLLET}, value & ~EPOLLONESHOT, value & (EPOLLIN | EPOLLET)};
      break;
    case Kind::Protection:
      found = {PROT_READ | PROT_WRITE};
      break;
    case Kind::MapFlags:
      found = {MAP_FIXED | MAP_PRIVATE, MAP_FIXED | MAP_SHARED, MAP_FIXED | MAP_SHARED | MAP_ANONYMOUS,
               MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, value & ~MAP_POPULATE};
      break;
    case Kind::Script:  // one of its actions less
      for (std::int64_t at = 0, rest = value; rest != 0; at += 4, rest >>= 4) {
        const std::int64_t before = value & ((std::int64_t{1} << at) - 1);
        found.push_back((value >> (at + 4)) << at | before);
      }
      break;
    case Kind::Path:
    case Kind::Descriptor:
    case Kind::NewDescriptor:
      found = {0, 1, 2, 3};
      break;
    default:
      break;
  }
  // Only what is really less, or stands before: else two values could be exchanged for ever.
  found.erase(std::find(found.begin(), found.end(), value), found.end());
  std::erase_if(found, [&](std::int64_t other) {
    if (kind == Kind::OptionalOffset) return value == kNoOffset || (other != kNoOffset && other >= value);
    if (kind == Kind::OpenFlags || kind == Kind::MapFlags || kind == Kind::Protection) return false;
    return value < 0 ? other < 0 : other < 0 || other >= value;
  });
  return found;
}

class Shrinker {
 public:
  Shrinker(Program program, const std::function<bool(const Program&)>& still_differs)
      : m_program(std::move(program)), m_still_differs(still_differs) {}

  Program shrink() {
    while (remove_steps() || simplify_steps() || simplify_files() || rename_slots()) {
      if (m_runs > kMostRuns) break;
    }
    return std::move(m_program);
  }

 private:
  static constexpr int kMostRuns = 3000;

  bool try_instead(Program candidate) {
    if (++m_runs > kMostRuns || !m_still_differs(candidate)) return false;
    m_program = std::move(candidate);
    return true;
  }

  /// Pieces of half the program, a quarter, ... single steps.
  bool remove_steps() {
    bool any = false;
    for (std::size_t piece = std::max<std::size_t>(1, m_program.steps.size() / 2); piece > 0; piece /= 2) {
      for (std::size_t end = m_program.steps.size(); end > 0; end = end > piece ? end - piece : 0) {
        const std::size_t begin = end > piece ? end - piece : 0;
        if (end > m_program.steps.size()) continue;
        Program candidate = m_program;
        candidate.steps.erase(candidate.steps.begin() + static_cast<std::ptrdiff_t>(begin),
                              candidate.steps.begin() + static_cast<std::ptrdiff_t>(end));
        any |= try_instead(std::move(candidate));
      }
    }
    return any;
  }

  bool simplify_steps() {
    bool any = false;
    for (std::size_t i = 0; i < m_program.steps.size(); ++i) {
      const Signature& signature = signature_of(m_program.steps[i].operation);
      if (m_program.steps[i].process != 0) any |= replace([&](Program& p) { p.steps[i].process = 0; });
      for (std::size_t a = 0; a < kMostArguments; ++a) {
        for (const std::int64_t value : simpler(signature.arguments[a], m_program.steps[i].arguments[a])) {
          if (!replace([&](Program& p) { p.steps[i].arguments[a] = value; })) continue;
          any = true;
          break;
        }
      }
    }
    return any;
  }

  bool simplify_files() {
    bool any = false;
    for (std::size_t i = 0; i < kFiles; ++i) {
      for (const std::int64_t value : simpler(Kind::Size, static_cast<std::int64_t>(m_program.file_sizes[i]))) {
        if (!replace([&](Program& p) { p.file_sizes[i] = static_cast<std::uint64_t>(value); })) continue;
        any = true;
        break;
      }
    }
    return any;
  }

  /// The lowest numbers first, for the reader.
  bool rename_slots() {
    bool any = false;
    for (std::int64_t from = kSlots - 1; from > 0; --from) {
      if (!uses_slot(from)) continue;
      std::int64_t to = 0;
      while (to < from && uses_slot(to)) ++to;
      if (to < from)
        any |= replace([&](Program& p) { for_each_slot(p, [&](auto& slot) { slot = slot == from ? to : slot; }); });
    }
    return any;
  }

  template <class Act>
  static void for_each_slot(Program& program, Act&& act) {
    for (Step& step : program.steps) {
      const auto& kinds = signature_of(step.operation).arguments;
      for (std::size_t a = 0; a < kMostArguments; ++a) {
        if (kinds[a] == Kind::Descriptor || kinds[a] == Kind::NewDescriptor) act(step.arguments[a]);
      }
    }
  }
  bool uses_slot(std::int64_t wanted) {
    bool found = false;
    for_each_slot(m_program, [&](const std::int64_t& slot) { found |= slot == wanted; });
    return found;
  }

  template <class Change>
  bool replace(Change&& change) {
    Program candidate = m_program;
    change(candidate);
    return try_instead(std::move(candidate));
  }

  Program m_program;
  const std::function<bool(const Program&)>& m_still_differs;
  int m_runs = 0;
};

}  // namespace

Program shrink(Program program, const std::function<bool(const Program&)>& still_differs) {
  return Shrinker{std::move(program), still_differs}.shrink();
}

}  // namespace sluice::differential
