// SPDX-License-Identifier: Apache-2.0
// The contents of a file, by offset: a real file of the host, or synthetic bytes that need no storage.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "models/base/types.h"

namespace sluice::base {

/// Immutable bytes. `read` fills `to` from `offset`; the range must lie inside. Safe to call from several threads.
class Content {
 public:
  virtual ~Content() = default;
  [[nodiscard]] virtual Bytes size() const = 0;
  virtual void read(Bytes offset, std::span<std::byte> to) const = 0;
  /// Whether `bytes` are what lies at `offset`. Overridden where comparing in place is faster.
  [[nodiscard]] virtual bool equals(Bytes offset, std::span<const std::byte> bytes) const;
};

/// Bytes that depend on (seed, offset) only: no two aligned 8-byte words of a file are alike, so displaced data shows.
std::shared_ptr<const Content> make_synthetic_content(Bytes size, std::uint64_t seed);
/// A file of the host, mapped read-only. InputError names the file and the reason (missing, directory, unreadable).
std::shared_ptr<const Content> open_file_content(const std::string& path);
/// Lower-case hexadecimal SHA-256 of all of it.
std::string sha256_of(const Content& content);

}  // namespace sluice::base
