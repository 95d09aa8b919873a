// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071): one's-complement sum of big-endian 16-bit words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::base {

/// Adds `bytes` to a partial sum, folded to at most 17 bits. An odd tail counts as if followed by a zero byte; `odd`
/// says that the bytes begin at an odd position of the checksummed data.
std::uint32_t internet_checksum_add(std::span<const std::byte> bytes, std::uint32_t sum, bool odd = false);
/// Folds carries and complements: the value for a header.
std::uint16_t internet_checksum_finish(std::uint32_t sum);

}  // namespace sluice::base
