// SPDX-License-Identifier: Apache-2.0
#include "tools/native/calibration/host.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
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

using native::read_line;
using native::read_number;

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

std::vector<Fact> read_facts(const std::filesystem::path& file_system, int cpu) {
  std::vector<Fact> facts;
  add_memory(facts);
  for (const CacheGeometry& cache : read_caches(cpu)) {
    const std::string name = cache.level == 1 ? "l1" : cache.level == 2 ? "l2" : "llc";
    facts.push_back({"cache." + name + "_ways", std::to_string(cache.ways), "sysfs ways_of_associativity"});
  }
  std::ranges::move(native::read_sysctls(), std::back_inserter(facts));
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
