// SPDX-License-Identifier: Apache-2.0
#include "tools/native/sysctls.h"

#include <fstream>
#include <sstream>

#include <fmt/format.h>

namespace sluice::native {
namespace {

/// Settings under /proc/sys that are a parameter as they stand.
struct Sysctl {
  const char* parameter;
  const char* path;  ///< below /proc/sys
  unsigned place;    ///< which of several numbers
  const char* unit;  ///< "" for a plain number
};
constexpr Sysctl kSysctls[]{
    {"kernel.net.max_fragments", "net/core/max_skb_frags", 0, ""},
    {"kernel.net.wmem_default", "net/ipv4/tcp_wmem", 1, "B"},
    {"kernel.net.wmem_max", "net/ipv4/tcp_wmem", 2, "B"},
    {"kernel.net.rmem_default", "net/ipv4/tcp_rmem", 1, "B"},
    {"kernel.net.rmem_max", "net/ipv4/tcp_rmem", 2, "B"},
    {"kernel.net.sndbuf_max", "net/core/wmem_max", 0, "B"},
    {"kernel.net.rcvbuf_max", "net/core/rmem_max", 0, "B"},
    {"kernel.net.backlog_max", "net/core/netdev_max_backlog", 0, ""},
    {"kernel.net.limit_output", "net/ipv4/tcp_limit_output_bytes", 0, "B"},
    {"kernel.net.syn_retries", "net/ipv4/tcp_syn_retries", 0, ""},
    {"kernel.net.retries", "net/ipv4/tcp_retries2", 0, ""},
    {"kernel.net.napi_budget", "net/core/netdev_budget", 0, ""},
    {"kernel.net.napi_time", "net/core/netdev_budget_usecs", 0, "us"},
    {"kernel.net.napi_weight", "net/core/dev_weight", 0, ""},
    {"kernel.pipe.largest_size", "fs/pipe-max-size", 0, "B"},
    {"kernel.pipe.user_pages_soft_limit", "fs/pipe-user-pages-soft", 0, ""},
    {"kernel.fs.dirty_background", "vm/dirty_background_ratio", 0, "%"},
    {"kernel.fs.dirty_limit", "vm/dirty_ratio", 0, "%"},
};

}  // namespace

std::optional<std::string> read_line(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

std::optional<std::uint64_t> read_number(const std::string& path, unsigned place) {
  const auto line = read_line(path);
  if (!line) return std::nullopt;
  std::istringstream words{*line};
  std::uint64_t number = 0;
  for (unsigned i = 0; i <= place; ++i) {
    if (!(words >> number)) return std::nullopt;
  }
  return number;
}

std::vector<HostFact> read_sysctls() {
  std::vector<HostFact> facts;
  for (const Sysctl& sysctl : kSysctls) {
    const std::string path = std::string{"/proc/sys/"} + sysctl.path;
    const auto number = read_number(path, sysctl.place);
    if (!number) continue;
    const char* gap = sysctl.unit[0] == 0 ? "" : " ";
    facts.push_back({sysctl.parameter, fmt::format("{}{}{}", *number, gap, sysctl.unit), path});
  }
  return facts;
}

}  // namespace sluice::native
