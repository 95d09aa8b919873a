// SPDX-License-Identifier: Apache-2.0
//   file ─ mapped ─► user address ─ write ─► socket
#include <utility>

#include <sys/mman.h>

#include "kernel_sim/programs/transfer.h"

namespace sluice::kernel_sim {

int mmap_write(SystemCalls& calls, const TransferRequest& request, Measurement& measurement) {
  Transfer transfer{calls, request, measurement};
  std::vector<std::pair<UserAddress, std::uint64_t>> mappings;
  if (!transfer.open()) return transfer.finish();
  transfer.run([&](const Transfer::SourceFile& file) {
    const auto mapped = calls.mmap(UserAddress::Null, file.size, PROT_READ, MAP_SHARED, file.fd, 0);
    if (!transfer.check("mmap", mapped)) return false;
    const auto at = static_cast<UserAddress>(mapped);
    mappings.emplace_back(at, file.size);
    for (std::uint64_t done = 0; done < file.size;) {
      const std::uint64_t chunk = transfer.chunk_of(file.size - done);
      if (!transfer.write_all(at + done, chunk)) return false;
      done += chunk;
    }
    return true;
  });
  for (const auto& [at, size] : mappings) calls.munmap(at, size);
  return transfer.finish();
}

}  // namespace sluice::kernel_sim
