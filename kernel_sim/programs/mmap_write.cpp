// SPDX-License-Identifier: Apache-2.0
//   file ─ mapped ─► user address ─ write ─► socket
#include <sys/mman.h>

#include "kernel_sim/programs/transfer.h"

namespace sluice::kernel_sim {

int mmap_write(SystemCalls& calls, const TransferRequest& request, Measurement& measurement) {
  Transfer transfer{calls, request, measurement};
  if (!transfer.open()) return transfer.finish();
  const auto unmap = [&](Transfer::SourceFile& file) {
    if (file.mapping == UserAddress::Null) return true;
    const auto gone = calls.munmap(file.mapping, file.size);
    file.mapping = UserAddress::Null;
    return transfer.check("munmap", gone);
  };
  // A later pass maps the file anew; what the earlier one mapped goes then.
  const auto map = [&](Transfer::SourceFile& file) {
    if (!unmap(file)) return false;
    const auto mapped = calls.mmap(UserAddress::Null, file.size, PROT_READ, MAP_SHARED, file.fd, 0);
    if (!transfer.check("mmap", mapped)) return false;
    file.mapping = static_cast<UserAddress>(mapped);
    return true;
  };
  transfer.run([&](Transfer::SourceFile& file) {
    if (file.left == file.size && !map(file)) return false;
    const std::uint64_t chunk = transfer.chunk_of(file.left);
    if (!transfer.write_all(file.mapping + (file.size - file.left), chunk)) return false;
    file.left -= chunk;
    return true;
  });
  transfer.for_each_file(unmap);
  return transfer.finish();
}

}  // namespace sluice::kernel_sim
