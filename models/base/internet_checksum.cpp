// SPDX-License-Identifier: Apache-2.0
#include "models/base/internet_checksum.h"

#include <bit>
#include <cstring>

namespace sluice::base {
namespace {

std::uint32_t fold(std::uint64_t sum) {
  while (sum >> 16 != 0) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint32_t>(sum);
}

}  // namespace

std::uint32_t internet_checksum_add(std::span<const std::byte> bytes, std::uint32_t sum, bool odd) {
  if (bytes.empty()) return sum;
  // One's-complement addition does not mind byte order until the end (RFC 1071, 2 B), so sum native 32-bit words.
  std::uint64_t native = 0;
  std::size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    native += word;
  }
  std::uint32_t tail = 0;
  std::memcpy(&tail, bytes.data() + i, bytes.size() - i);
  native += tail;
  std::uint32_t folded = fold(native);
  if ((std::endian::native == std::endian::little) != odd) folded = ((folded & 0xFF) << 8) | (folded >> 8);
  return fold(std::uint64_t{sum} + folded);
}

std::uint16_t internet_checksum_finish(std::uint32_t sum) { return static_cast<std::uint16_t>(~fold(sum)); }

}  // namespace sluice::base
