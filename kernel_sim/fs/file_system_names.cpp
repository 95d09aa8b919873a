// SPDX-License-Identifier: Apache-2.0
// Names of the one directory, and what they lead to.
#include <cstring>

#include <sys/stat.h>

#include "kernel_sim/fs/file_system.h"

namespace sluice::fs {

using namespace format;

/// The root directory, or the inode of its entry `name`; ENOENT leaves in `name` what could be created.
Result<std::uint32_t> FileSystem::find(std::string_view path, std::string& name) const {
  if (path.empty()) return refuse(ENOENT);
  if (path.size() >= 4096) return refuse(ENAMETOOLONG);
  std::uint32_t at = kRootInode;
  bool missing = false;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const auto part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    if (part.empty()) continue;
    if (at != kRootInode) return refuse(ENOTDIR);
    if (part == "." || part == "..") continue;
    if (part.size() > kMaxNameSize) return refuse(ENAMETOOLONG);
    name = part;
    const auto found = m_names.find(name);
    missing = found == m_names.end();
    if (!missing) at = found->second;
    if (slash != std::string_view::npos && !missing) return refuse(ENOTDIR);
    if (slash != std::string_view::npos) {  // below a name that is not there, nothing can be created
      name.clear();
      return refuse(ENOENT);
    }
  }
  if (missing) return refuse(ENOENT);
  return at;
}

Result<void> FileSystem::unlink(std::string_view path) {
  m_services.charge(m_services.config.open);
  std::string name;
  const auto found = find(path, name);
  if (!found) return refuse(found.error().value);
  if (*found == kRootInode) return refuse(EISDIR);
  remove_entry(name);
  Inode& inode = inode_of(*found);
  inode.set_unnamed();
  if (!inode.used()) m_services.orphans.push_back(*found);
  remove_orphans();
  return {};
}

Result<std::uint32_t> FileSystem::make_socket(std::string_view path, int mode) {
  m_services.charge(m_services.config.open);
  std::string name;
  const auto found = find(path, name);
  if (found) return refuse(EEXIST);
  if (found.error().value != ENOENT || name.empty()) return refuse(found.error().value);
  return create(name, S_IFSOCK | (static_cast<std::uint32_t>(mode) & 0777U));
}

Result<std::uint32_t> FileSystem::find_socket(std::string_view path) const {
  std::string name;
  const auto found = find(path, name);
  if (!found) return refuse(found.error().value);
  if (!S_ISSOCK(m_table[*found].mode)) return refuse(ECONNREFUSED);
  return *found;
}

Result<std::uint32_t> FileSystem::create(const std::string& name, std::uint32_t mode) {
  m_services.charge(m_services.config.create);
  if (const auto found = m_names.find(name); found != m_names.end()) return found->second;  // somebody was faster
  const auto number = free_inode();
  if (!number) return number;
  if (const auto added = add_entry(name, *number); !added) return refuse(added.error().value);
  take_inode(*number, mode);
  m_names[name] = *number;
  return number;
}

Result<void> FileSystem::add_entry(const std::string& name, std::uint32_t inode) {
  const Bytes record = record_size_of(name.size());
  if (m_directory_end + record > m_directory.size()) {
    const auto& root = m_table[kRootInode].extents[0];
    if (m_directory.size() / kBlockSize >= root.count) return refuse(ENOSPC);
    m_directory_end = m_directory.size();
    m_directory.resize(m_directory.size() + kBlockSize);
    m_table[kRootInode].size = m_directory.size();
  }
  const DirectoryEntry entry{inode, static_cast<std::uint16_t>(record), static_cast<std::uint8_t>(name.size()), 0};
  std::memcpy(m_directory.data() + m_directory_end, &entry, sizeof entry);
  std::memcpy(m_directory.data() + m_directory_end + sizeof entry, name.data(), name.size());
  m_dirty_directory_blocks.insert(m_directory_end / kBlockSize);
  m_directory_end += record;
  return {};
}

/// The record stays, for no file: readers of the directory pass over it.
void FileSystem::remove_entry(const std::string& name) {
  m_names.erase(name);
  for (Bytes block = 0; block < m_directory.size(); block += kBlockSize) {
    for (Bytes at = block; at + sizeof(DirectoryEntry) <= block + kBlockSize;) {
      DirectoryEntry entry;
      std::memcpy(&entry, m_directory.data() + at, sizeof entry);
      if (entry.record_size == 0) break;
      const auto* its_name = reinterpret_cast<const char*>(m_directory.data() + at + sizeof entry);
      if (entry.inode != kNoInode && std::string_view{its_name, entry.name_size} == name) {
        entry.inode = kNoInode;
        std::memcpy(m_directory.data() + at, &entry, sizeof entry);
        m_dirty_directory_blocks.insert(block / kBlockSize);
        return;
      }
      at += entry.record_size;
    }
  }
}

}  // namespace sluice::fs
