// SPDX-License-Identifier: Apache-2.0
// Which AF_UNIX socket has which name: an abstract one, behind a byte 0, or that of a node in a file system.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "models/base/result.h"

namespace sluice::net {

struct UnixEnd;

/// The file systems, as sockets see them. What stands for a node tells it from all others.
struct UnixNodes {
  /// EEXIST, ENOENT, ENOTDIR, ENOSPC.
  std::function<base::Result<std::string>(std::string_view path, int mode)> make;
  /// ENOENT; ECONNREFUSED for what is no socket.
  std::function<base::Result<std::string>(std::string_view path)> find;
  std::function<base::Result<void>(std::string_view path)> unlink;
};

class UnixNames {
 public:
  void set_nodes(UnixNodes nodes) { m_nodes = std::move(nodes); }
  /// EADDRINUSE, and what a file system has against a path. `name` is not empty.
  base::Result<void> add(const std::string& name, const std::shared_ptr<UnixEnd>& end);
  /// What add did for a path.
  void take_back(const std::string& path);
  /// A node stays where it is.
  void remove(const UnixEnd& end);
  /// ECONNREFUSED when nobody has it, ENOENT for a path without a node.
  [[nodiscard]] base::Result<std::shared_ptr<UnixEnd>> find(const std::string& name) const;
  /// An abstract name that nobody has: five hexadecimal digits.
  [[nodiscard]] std::string choose();
  static bool abstract(const std::string& name) { return name.front() == '\0'; }

 private:
  UnixNodes m_nodes;
  std::map<std::string, std::weak_ptr<UnixEnd>> m_ends;  // by abstract name, or by what stands for a node
  unsigned m_next = 0;
};

}  // namespace sluice::net
