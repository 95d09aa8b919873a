// SPDX-License-Identifier: Apache-2.0
#include "models/memory/dram.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/mman.h>

#include "models/base/result.h"

namespace sluice::memory {

Dram::Dram(const MemoryConfig& config) : m_config(config) {
  if (config.size == 0 || config.size % kPageSize != 0) {
    throw base::InputError{"memory.size: must be a multiple of 4 KiB, is " + base::to_text(config.size)};
  }
  if (config.sustained().value() == 0) throw base::InputError{"memory.bandwidth: bandwidth x efficiency is zero"};
  m_buffered = transfer_time(config.write_buffer, config.sustained());
  void* bytes = mmap(nullptr, config.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (bytes == MAP_FAILED) {
    throw base::InputError{"memory.size: this host cannot provide " + base::to_text(config.size) + ": " +
                           std::strerror(errno)};
  }
  m_bytes = static_cast<std::byte*>(bytes);
}

Dram::~Dram() { munmap(m_bytes, m_config.size); }

std::span<std::byte> Dram::at(PhysAddr address, Bytes size) {
  base::ensure(contains(address, size), "the address was checked against the size of memory");
  return {m_bytes + address.value(), size};
}

Picoseconds Dram::access(Picoseconds now, Bytes read, Bytes written) {
  m_read += read;
  m_written += written;
  const Picoseconds end = m_channels.reserve(now, transfer_time(read + written, m_config.sustained()));
  if (read != 0) return end + m_config.latency;
  return std::max(now, end - m_buffered);
}

}  // namespace sluice::memory
