// SPDX-License-Identifier: Apache-2.0
//   file ─ mapped ─► user address ─ write ─► socket
#include <map>

#include <sys/mman.h>

#include "kernel_sim/programs/transfer.h"

namespace sluice::kernel_sim {

int mmap_write(SystemCalls& calls, const TransferRequest& request, Measurement& measurement) {
  struct Mapping {
    UserAddress at;
    std::uint64_t size;
  };
  Transfer transfer{calls, request, measurement};
  std::map<int, Mapping> mappings;  // by descriptor
  if (!transfer.open()) return transfer.finish();
  // A later pass maps the file anew; what the earlier one mapped goes then.
  const auto map = [&](const Transfer::SourceFile& file) {
    const auto earlier = mappings.find(file.fd);
    if (earlier != mappings.end()) {
      const auto gone = calls.munmap(earlier->second.at, earlier->second.size);
      mappings.erase(earlier);
      if (!transfer.check("munmap", gone)) return false;
    }
    const auto mapped = calls.mmap(UserAddress::Null, file.size, PROT_READ, MAP_SHARED, file.fd, 0);
    if (!transfer.check("mmap", mapped)) return false;
    mappings[file.fd] = {static_cast<UserAddress>(mapped), file.size};
    return true;
  };
  transfer.run([&](Transfer::SourceFile& file) {
    if (file.left == file.size && !map(file)) return false;
    const std::uint64_t chunk = transfer.chunk_of(file.left);
    if (!transfer.write_all(mappings.at(file.fd).at + (file.size - file.left), chunk)) return false;
    file.left -= chunk;
    return true;
  });
  for (const auto& [fd, mapping] : mappings) calls.munmap(mapping.at, mapping.size);
  return transfer.finish();
}

}  // namespace sluice::kernel_sim
