// SPDX-License-Identifier: Apache-2.0
// Mappings and page faults. A fault is made by touching one byte of a page.
#include <algorithm>

#include <sys/mman.h>

#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

constexpr unsigned kPages = 256;  // of private memory
constexpr unsigned kRegions = 32;
constexpr unsigned kWindow = 16;  // pages that Linux maps around a read fault; a file of a window is aligned to it

enum class Touch { Load, Store };
enum class From { LargeFolios, SinglePages };

void touch(Session& session, UserAddress at, unsigned pages, Touch how) {
  std::byte byte{2};
  for (unsigned page = 0; page < pages; ++page) {
    if (how == Touch::Load) {
      session.calls.load(at + page * kPageSize, {&byte, 1});
    } else {
      session.calls.store(at + page * kPageSize, {&byte, 1});
    }
  }
}

/// Times the faults of a fresh mapping, or its removal once they are done.
enum class Part { Map, Faults, Unmap };

struct Region {
  unsigned pages;
  int protection;
  int flags;
  Touch how;
  unsigned touched;  ///< pages from the first on
  From from = From::LargeFolios;

  [[nodiscard]] bool anonymous() const { return (flags & MAP_ANONYMOUS) != 0; }
  [[nodiscard]] Bytes size() const { return pages * kPageSize; }
};

/// Of a region of a file; each window of the file is used by one, as a transfer does, so that what the kernel keeps of
/// its pages is in no cache.
UserAddress map_file(Session& session, int fd, const Region& region, unsigned index) {
  const Bytes start = region.from == From::LargeFolios ? Session::kLargeFolios : Session::kSinglePages;
  const Bytes stride = std::max<Bytes>(region.size(), kWindow * kPageSize);
  return static_cast<UserAddress>(
      session.need("mmap", session.calls.mmap(UserAddress::Null, region.size(), region.protection, region.flags, fd,
                                              static_cast<std::int64_t>(start + index * stride))));
}

/// `regions` mappings a batch; per region.
void with_regions(Session& session, const Region& region, Part part, unsigned regions) {
  const bool writable = (region.protection & PROT_WRITE) != 0 && (region.flags & MAP_SHARED) != 0;
  const int fd = region.anonymous() ? -1 : session.open_file(writable ? 02 : 0);
  std::vector<UserAddress> at(regions);
  session.measure(regions, [&](Stopwatch& watch) {
    const auto map = [&] {
      for (unsigned i = 0; i < regions; ++i) {
        at[i] = region.anonymous() ? session.map_fresh(region.size()) : map_file(session, fd, region, i);
      }
    };
    const auto fault = [&] {
      for (const UserAddress one : at) touch(session, one, region.touched, region.how);
    };
    const auto unmap = [&] {
      for (const UserAddress one : at) session.calls.munmap(one, region.size());
    };
    const auto step = [&](Part which, const std::function<void()>& work) {
      if (which == part) {
        watch.run(work);
      } else {
        work();
      }
    };
    step(Part::Map, map);
    step(Part::Faults, fault);
    step(Part::Unmap, unmap);
  });
  if (fd >= 0) session.calls.close(fd);
}

constexpr int kReadOnly = PROT_READ;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;

Primitive regions(std::string name, std::string help, Region region, Part part, unsigned per_batch = kRegions) {
  const Bytes stride = std::max<Bytes>(region.size(), kWindow * kPageSize);
  return {std::move(name), std::move(help),
          [region, part, per_batch](Session& session) { with_regions(session, region, part, per_batch); },
          region.anonymous() ? 0 : Session::file_with(stride * per_batch)};
}

Region of_file(unsigned pages, unsigned touched, From from = From::LargeFolios) {
  return {pages, kReadOnly, MAP_SHARED, Touch::Load, touched, from};
}

}  // namespace

std::vector<Primitive> memory_primitives() {
  const Region anonymous{kPages, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, Touch::Store, kPages};
  const Region shared{kPages, kReadWrite, MAP_SHARED, Touch::Store, kPages};
  const Region private_copy{kPages, kReadWrite, MAP_PRIVATE, Touch::Store, kPages};
  return {
      regions("map.file", "mmap of 16 pages of a file", of_file(kWindow, 0), Part::Map),
      regions("unmap.untouched", "munmap of 16 pages that were never touched", of_file(kWindow, 0), Part::Unmap),
      regions("unmap.window", "munmap of 16 mapped pages of a large folio", of_file(kWindow, kWindow), Part::Unmap),
      regions("unmap.single_pages", "munmap of 16 mapped pages of a file, each its own folio",
              of_file(kWindow, kWindow, From::SinglePages), Part::Unmap),
      regions("unmap.64_pages", "munmap of 64 mapped pages of a large folio", of_file(64, 64), Part::Unmap),
      regions("unmap.192_pages", "munmap of 192 mapped pages of a large folio", of_file(192, 192), Part::Unmap, 8),
      regions("unmap.256_anonymous", "munmap of 256 private pages", anonymous, Part::Unmap, 1),
      regions("fault.file_page", "read fault on a cached file mapped by one page", of_file(1, 1), Part::Faults),
      regions("fault.window", "a read fault that maps 16 pages of a large folio", of_file(kWindow, 1), Part::Faults),
      regions("fault.single_pages", "a read fault that maps 16 pages, each its own folio",
              of_file(kWindow, 1, From::SinglePages), Part::Faults),
      regions("fault.256_anonymous", "writing to 256 fresh pages", anonymous, Part::Faults, 1),
      regions("fault.256_shared", "writing to 256 pages of a cached file, mapped shared", shared, Part::Faults, 1),
      regions("fault.256_copies", "writing to 256 private pages of a cached file", private_copy, Part::Faults, 1),
  };
}

}  // namespace sluice::calibration
