// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/syscalls/process.h"

#include <algorithm>
#include <utility>

namespace sluice::syscalls {

Usage& Usage::operator+=(const Usage& other) {
  cpu += other.cpu;
  user += other.user;
  faults.minor += other.faults.minor;
  faults.major += other.faults.major;
  faults.copy_on_write += other.faults.copy_on_write;
  switches.voluntary += other.switches.voluntary;
  switches.involuntary += other.switches.involuntary;
  return *this;
}

Result<int> FileTable::add(Descriptor descriptor, int at_least) {
  if (at_least < 0 || static_cast<unsigned>(at_least) >= m_limit) return base::refuse(EINVAL);
  const auto from = static_cast<std::size_t>(at_least);
  const std::size_t fd = free_from(std::max(from, m_first_free));
  if (from <= m_first_free) m_first_free = fd;
  if (fd >= m_limit) return base::refuse(EMFILE);
  if (fd >= m_files.size()) m_files.resize(fd + 1);
  m_files[fd] = std::move(descriptor);
  return static_cast<int>(fd);
}

Result<std::shared_ptr<fs::File>> FileTable::replace(int fd, Descriptor descriptor) {
  const auto index = static_cast<std::size_t>(fd);
  if (fd < 0 || index >= m_limit) return base::refuse(EBADF);
  if (index >= m_files.size()) m_files.resize(index + 1);
  return std::exchange(m_files[index], std::move(descriptor)).file;
}

Result<std::shared_ptr<fs::File>> FileTable::get(int fd) const {
  const auto index = static_cast<std::size_t>(fd);
  if (fd < 0 || index >= m_files.size() || m_files[index].file == nullptr) return base::refuse(EBADF);
  return m_files[index].file;
}

Result<std::shared_ptr<fs::File>> FileTable::remove(int fd) {
  Result<std::shared_ptr<fs::File>> file = get(fd);
  if (file) {
    m_files[static_cast<std::size_t>(fd)] = {};
    m_first_free = std::min(m_first_free, static_cast<std::size_t>(fd));
  }
  return file;
}

Result<void> FileTable::has_room(unsigned count) const {
  std::size_t from = m_first_free;
  for (; count > 0; --count) {
    const std::size_t fd = free_from(from);
    if (fd >= m_limit) return base::refuse(EMFILE);
    from = fd + 1;
  }
  return {};
}

std::size_t FileTable::free_from(std::size_t fd) const {
  while (fd < m_files.size() && m_files[fd].file != nullptr) ++fd;
  return fd;
}

}  // namespace sluice::syscalls
