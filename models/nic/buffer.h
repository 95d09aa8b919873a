// SPDX-License-Identifier: Apache-2.0
// Bytes on their way through controller and wire: written once, then only moved. Payload that memory keeps by name
// stays so until somebody looks at it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "models/base/named_bytes.h"

namespace sluice::nic {

struct Buffer {
  std::unique_ptr<std::byte[]> bytes;  ///< `size` of them; those that `named` has are not made yet
  Bytes size = 0;
  mutable base::NamedBytes named;  ///< parts, ascending

  static Buffer of_size(Bytes size) { return {std::make_unique_for_overwrite<std::byte[]>(size), size, {}}; }
  /// The bytes from `at` on are these.
  void name(Bytes at, const base::NamedBytes& run);
  /// The names of a part, from 0 on; none when it is not known by name as a whole.
  [[nodiscard]] base::NamedBytes names_of(Bytes begin, Bytes part) const;

  // To look at: makes what is by name.
  [[nodiscard]] std::span<const std::byte> span(Bytes begin, Bytes part) const;
  [[nodiscard]] std::span<const std::byte> span() const { return span(0, size); }
};

}  // namespace sluice::nic
