// SPDX-License-Identifier: Apache-2.0
// A place on this host for programs that nobody vouches for.
//
// - Namespaces of its own: its processes see no others and no file but those of one folder; its network is a loopback
//   of its own, from which no port of the host can be reached; and when its first process ends, so do all others.
// - No privileges, whoever runs this, and no way to gain any; limits on processes, memory and files.
// - When memory runs short, the kernel ends its processes before all others.
#pragma once

#include <filesystem>
#include <functional>

#include <sys/types.h>

namespace sluice::native {

struct SandboxOptions {
  std::filesystem::path folder;  ///< becomes "/"
  std::uint64_t processes = 1;   ///< that it may have at a time
};

inline constexpr uid_t kNobody = 65534;
/// As many users from here on belong to nobody. The kernel counts the processes of a user, not those of a sandbox: each
/// sandbox of root has a user of its own, so that none takes the processes of another.
inline constexpr uid_t kFirstUser = uid_t{1} << 30;

/// Starts the first process. Root's runs as the owner of the folder, or as nobody if that is root. `first` runs in it
/// after all of the above, and its result is the exit status. The first process ends when the caller does, by whatever
/// cause. InputError where this host gives no namespaces.
pid_t start_sandbox(const SandboxOptions& options, const std::function<int()>& first);

}  // namespace sluice::native
