// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/host.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <unistd.h>

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include "tools/native/calibration/estimators.h"

namespace sluice::calibration {
namespace {

/// The first line; nothing when it cannot be read.
std::optional<std::string> read_line(const std::string& path) {
  std::ifstream file{path};
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  return line;
}

/// The number at `place` (from 0) of the first line.
std::optional<std::uint64_t> read_number(const std::string& path, unsigned place = 0) {
  const auto line = read_line(path);
  if (!line) return std::nullopt;
  std::istringstream words{*line};
  std::uint64_t number = 0;
  for (unsigned i = 0; i <= place; ++i) {
    if (!(words >> number)) return std::nullopt;
  }
  return number;
}

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

/// SIOCETHTOOL on the loopback interface, a query without privileges.
std::optional<bool> loopback_offload(unsigned command) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  if (socket < 0) return std::nullopt;
  ethtool_value value{};
  value.cmd = command;
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_data = reinterpret_cast<char*>(&value);
  const int done = ioctl(socket, SIOCETHTOOL, &request);
  close(socket);
  if (done != 0) return std::nullopt;
  return value.data != 0;
}

void add_other_sysctls(std::vector<Fact>& facts) {
  if (const auto corks = read_number("/proc/sys/net/ipv4/tcp_autocorking")) {
    facts.push_back({"kernel.net.autocork", *corks != 0 ? "true" : "false", "/proc/sys/net/ipv4/tcp_autocorking"});
  }
  if (const auto files = read_number("/proc/sys/fs/nr_open")) {
    constexpr std::uint64_t kMost = 1U << 20;
    facts.push_back({"kernel.syscall.max_files", std::to_string(std::min(*files, kMost)), "/proc/sys/fs/nr_open"});
  }
}

void add_release_features(const std::string& release, std::vector<Fact>& facts) {
  const std::string source = "kernel release " + release;
  const bool batches = release_at_least(release, 6, 5);  // MSG_SPLICE_PAGES
  facts.push_back({"kernel.net.splice_batch", batches ? "16" : "1", source});
  facts.push_back({"kernel.net.grow_packets", release_at_least(release, 6, 10) ? "true" : "false", source});
  if (release_at_least(release, 4, 17)) {
    facts.push_back({"kernel.net.gso", "true", source});
  } else if (const auto gso = loopback_offload(ETHTOOL_GGSO)) {
    facts.push_back({"kernel.net.gso", *gso ? "true" : "false", "generic-segmentation-offload of lo (ethtool)"});
  }
}

/// The bracketed word of "(none) voluntary full".
std::optional<std::string> chosen_of(const std::string& path) {
  const auto line = read_line(path);
  if (!line) return std::nullopt;
  const auto open = line->find('(');
  const auto close = line->find(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  return line->substr(open + 1, close - open - 1);
}

/// update_sysctl in kernel/sched/fair.c: the slice grows with the logarithm of the cores, at most 8.
std::string default_time_slice(const std::string& release, long cores) {
  const unsigned factor = 1 + (cores >= 8 ? 3 : cores >= 4 ? 2 : cores >= 2 ? 1 : 0);
  const unsigned base = release_at_least(release, 6, 15) ? 700 : 750;
  return fmt::format("{} us", base * factor);
}

void add_scheduler(const std::string& release, std::vector<Fact>& facts) {
  timespec tick{};
  if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) == 0 && tick.tv_sec == 0 && tick.tv_nsec > 0) {
    facts.push_back({"kernel.sched.tick_rate", fmt::format("{:.0f} Hz", 1e9 / static_cast<double>(tick.tv_nsec)),
                     "resolution of CLOCK_MONOTONIC_COARSE"});
  }
  const std::string debug = "/sys/kernel/debug/sched/";
  if (const auto slice = read_number(debug + "base_slice_ns")) {
    facts.push_back({"kernel.sched.time_slice", fmt::format("{} ns", *slice), debug + "base_slice_ns"});
  } else {
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    facts.push_back({"kernel.sched.time_slice", default_time_slice(release, cores),
                     fmt::format("kernel/sched/fair.c of {} on {} cores", release, cores)});
  }
  if (const auto preemption = chosen_of(debug + "preempt")) {
    facts.push_back({"kernel.sched.preemption", *preemption, debug + "preempt"});
  }
}

void add_read_ahead(const std::filesystem::path& folder, std::vector<Fact>& facts) {
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0) return;
  const std::string path =
      fmt::format("/sys/class/bdi/{}:{}/read_ahead_kb", major(status.st_dev), minor(status.st_dev));
  if (const auto size = read_number(path)) {
    facts.push_back(
        {"kernel.fs.read_ahead", fmt::format("{} KiB", *size), "read_ahead_kb of the file system's device"});
  }
}

void add_memory(std::vector<Fact>& facts) {
  std::ifstream file{"/proc/meminfo"};
  std::string key;
  base::Bytes kibibytes = 0;
  if (file >> key >> kibibytes) {
    facts.push_back({"memory.size", fmt::format("{} MiB", kibibytes >> 10), "/proc/meminfo MemTotal"});
  }
}

}  // namespace

HostIdentity identify_host() {
  HostIdentity identity{"unknown", "unknown"};
  std::ifstream file{"/proc/cpuinfo"};
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) {
      identity.cpu = line.substr(colon + 2);
      break;
    }
  }
  utsname name{};
  if (uname(&name) == 0) identity.kernel = name.release;
  return identity;
}

std::string today() {
  const std::time_t now = std::time(nullptr);
  std::tm date{};
  gmtime_r(&now, &date);
  return fmt::format("{:04}-{:02}-{:02}", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
}

std::vector<Fact> read_sysctls() {
  std::vector<Fact> facts;
  for (const Sysctl& sysctl : kSysctls) {
    const std::string path = std::string{"/proc/sys/"} + sysctl.path;
    const auto number = read_number(path, sysctl.place);
    if (!number) continue;
    const char* gap = sysctl.unit[0] == 0 ? "" : " ";
    facts.push_back({sysctl.parameter, fmt::format("{}{}{}", *number, gap, sysctl.unit), path});
  }
  return facts;
}

std::vector<Fact> read_facts(const std::filesystem::path& file_system, int cpu) {
  std::vector<Fact> facts;
  add_memory(facts);
  for (const CacheGeometry& cache : read_caches(cpu)) {
    const std::string name = cache.level == 1 ? "l1" : cache.level == 2 ? "l2" : "llc";
    facts.push_back({"cache." + name + "_ways", std::to_string(cache.ways), "sysfs ways_of_associativity"});
  }
  std::ranges::move(read_sysctls(), std::back_inserter(facts));
  add_other_sysctls(facts);
  const std::string release = identify_host().kernel;
  add_release_features(release, facts);
  add_scheduler(release, facts);
  add_read_ahead(file_system, facts);
  return facts;
}

std::vector<CacheGeometry> read_caches(int cpu) {
  std::vector<CacheGeometry> caches;
  for (unsigned index = 0; index < 8; ++index) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu{}/cache/index{}/", cpu, index);
    const auto type = read_line(folder + "type");
    if (!type || *type == "Instruction") continue;
    const auto level = read_number(folder + "level");
    const auto kibibytes = read_number(folder + "size");  // "32K"
    const auto ways = read_number(folder + "ways_of_associativity");
    if (level && kibibytes && ways && *ways > 0) {
      caches.push_back({static_cast<unsigned>(*level), *kibibytes << 10, static_cast<unsigned>(*ways)});
    }
  }
  return caches;
}

bool release_at_least(const std::string& release, int major_number, int minor_number) {
  int found_major = 0;
  int found_minor = 0;
  if (std::sscanf(release.c_str(), "%d.%d", &found_major, &found_minor) != 2) return false;
  return found_major != major_number ? found_major > major_number : found_minor >= minor_number;
}

}  // namespace sluice::calibration
