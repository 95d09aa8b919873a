// SPDX-License-Identifier: Apache-2.0
#include "tools/native/mapped_file.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>
#include <vector>

#include <sys/mman.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "tools/native/shared.h"

namespace sluice::native {

namespace {

std::uint64_t page_size() { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

#if defined(__x86_64__) || defined(__aarch64__)
/// The smallest line of these processors; evicting a line twice is harmless.
constexpr std::uint64_t kLine = 64;

void evict_line(const std::byte* line) {
#if defined(__x86_64__)
  _mm_clflush(line);
#else
  asm volatile("dc civac, %0" ::"r"(line) : "memory");
#endif
}
#endif

}  // namespace

std::uint64_t pages_of(std::uint64_t size) { return (size + page_size() - 1) / page_size(); }

MappedFile::MappedFile(int fd, std::uint64_t size) : m_size(size) {
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) throw_host_error("mmap of the test file", errno);
  m_at = static_cast<std::byte*>(at);
}

MappedFile::~MappedFile() { ::munmap(m_at, m_size); }

std::uint64_t MappedFile::resident_pages() const {
  constexpr std::uint64_t kPagesPerCall = 1 << 18;
  std::vector<unsigned char> present(std::min(kPagesPerCall, pages_of(m_size)));
  std::uint64_t found = 0;
  for (std::uint64_t done = 0; done < m_size; done += kPagesPerCall * page_size()) {
    const std::uint64_t part = std::min(m_size - done, kPagesPerCall * page_size());
    if (::mincore(m_at + done, part, present.data()) != 0) throw_host_error("mincore of the test file", errno);
    found += static_cast<std::uint64_t>(std::count_if(present.begin(),
                                                      present.begin() + static_cast<std::ptrdiff_t>(pages_of(part)),
                                                      [](unsigned char page) { return (page & 1U) != 0; }));
  }
  return found;
}

void MappedFile::evict_from_cpu_caches() const {
#if defined(__x86_64__) || defined(__aarch64__)
  for (std::uint64_t at = 0; at < m_size; at += kLine) evict_line(m_at + at);
#if defined(__x86_64__)
  _mm_mfence();
#else
  asm volatile("dsb sy" ::: "memory");
#endif
#endif
}

}  // namespace sluice::native
