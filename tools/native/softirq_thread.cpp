// SPDX-License-Identifier: Apache-2.0
#include "tools/native/softirq_thread.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <string>

namespace sluice::native {

namespace {

bool is_process_id(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// A thread of the kernel and not a program of that name: those have a command line.
bool is_kernel_thread(const std::filesystem::path& process, const std::string& wanted) {
  std::string name;
  std::getline(std::ifstream{process / "comm"}, name);
  return name == wanted && std::ifstream{process / "cmdline"}.get() == std::ifstream::traits_type::eof();
}

int open_schedstat(int cpu) {
  const std::string wanted = "ksoftirqd/" + std::to_string(cpu);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc", ignored}) {
    if (!is_process_id(entry.path().filename()) || !is_kernel_thread(entry.path(), wanted)) continue;
    return ::open((entry.path() / "schedstat").c_str(), O_RDONLY | O_CLOEXEC);
  }
  return -1;
}

}  // namespace

SoftirqThread::SoftirqThread(int cpu) : m_schedstat(open_schedstat(cpu)) {}

std::optional<std::int64_t> SoftirqThread::cpu_ns() const {
  std::array<char, 128> text;  // "time on the core, time waiting for it, times it was given it"
  const ssize_t size = ::pread(m_schedstat.get(), text.data(), text.size(), 0);
  std::int64_t ns = 0;
  if (size <= 0 || std::from_chars(text.data(), text.data() + size, ns).ec != std::errc{}) return {};
  return ns;
}

}  // namespace sluice::native
