// SPDX-License-Identifier: Apache-2.0
// The kernel's own counts of a transfer: perf events on its tracepoints, where it permits them to this user.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tools/native/descriptor.h"
#include "tools/native/shared.h"

namespace sluice::native {

struct Tracepoint {
  enum class Scope : std::uint8_t {
    Sender,   ///< what the program's process does, between its marks
    Cores,    ///< what happens on the cores of the transfer, until the last byte
    Machine,  ///< on every core, until the last byte
  };
  const char* name;  ///< "group:event"
  Scope scope;
};
inline constexpr std::array kTracepoints{
    Tracepoint{"raw_syscalls:sys_enter", Tracepoint::Scope::Sender},
    Tracepoint{"exceptions:page_fault_user", Tracepoint::Scope::Sender},
    Tracepoint{"exceptions:page_fault_kernel", Tracepoint::Scope::Sender},  // the program's pages, copied by a call
    Tracepoint{"filemap:mm_filemap_add_to_page_cache", Tracepoint::Scope::Sender},
    Tracepoint{"filemap:mm_filemap_get_pages", Tracepoint::Scope::Sender},
    Tracepoint{"filemap:mm_filemap_map_pages", Tracepoint::Scope::Sender},
    Tracepoint{"filemap:mm_filemap_fault", Tracepoint::Scope::Sender},
    Tracepoint{"net:net_dev_xmit", Tracepoint::Scope::Cores},
    Tracepoint{"sched:sched_switch", Tracepoint::Scope::Cores},
    Tracepoint{"block:block_rq_issue", Tracepoint::Scope::Machine},
};

struct KernelCount {
  std::string event;
  bool known = false;
  std::uint64_t count = 0;  ///< when known
  std::string why_not;      ///< else: "not permitted here" or "not in this kernel"
};

/// The counters of one transfer. Made before its processes, which call the methods that are named after their marks.
class KernelCounters {
 public:
  explicit KernelCounters(std::span<const int> cores);

  /// In each sender's process, once, before its program starts: counters of its own. What they count is added up.
  void attach_to_sender();
  void sender_begins() const;
  void sender_ends();
  /// In the receiver's process, which keeps descriptors() open.
  void last_byte() const;
  [[nodiscard]] std::vector<int> descriptors() const;

  /// After both ended, in the process that made this.
  [[nodiscard]] std::vector<KernelCount> counts() const;

 private:
  struct Counter {
    std::size_t tracepoint;
    Descriptor descriptor;
  };
  struct SenderCounts {
    std::array<std::uint64_t, kTracepoints.size()> values{};
    std::array<int, kTracepoints.size()> errors{};
  };

  std::array<int, kTracepoints.size()> m_errors{};  ///< of opening; 0: it counts
  std::vector<Counter> m_shared;                    ///< of cores
  std::vector<Counter> m_own;                       ///< of the sender, in its process only
  Shared<SenderCounts> m_sender;
};

}  // namespace sluice::native
