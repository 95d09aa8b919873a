// SPDX-License-Identifier: Apache-2.0
// The bytes of test files: onto the medium, through the page cache, and out of it. What the host refuses is an
// InputError.
#pragma once

#include <cstdint>
#include <filesystem>

#include "models/base/content.h"

namespace sluice::native {

/// Bytes that users may still write to the file system of `directory`.
std::uint64_t free_space(const std::filesystem::path& directory);
/// InputError when the file system has no room for so many bytes and some more.
void check_space(const std::filesystem::path& directory, std::uint64_t needed);
/// From the file's begin. `directory` is what messages name.
void write_content(int fd, const base::Content& content, const std::filesystem::path& directory);
/// Reads the first `size` bytes, 1 MiB at a time.
void read_through(int fd, std::uint64_t size);
/// Writes the file to its medium and drops its pages: those that are not on the medium yet cannot be dropped.
void drop_pages(int fd);

}  // namespace sluice::native
