// SPDX-License-Identifier: Apache-2.0
// Mappings and page faults. A fault is made by touching one byte of a page.
#include <array>

#include <sys/mman.h>

#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

constexpr unsigned kPages = 256;
constexpr unsigned kRegions = 32;
constexpr Bytes kWindow = 64_KiB;  // that Linux maps around a read fault; a file of a window is aligned to it

enum class Touch { Load, Store };

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

UserAddress map_file(Session& session, int fd, Bytes size, int protection, int flags) {
  return static_cast<UserAddress>(session.need(
      "mmap",
      session.calls.mmap(UserAddress::Null, size, protection, flags, fd, static_cast<std::int64_t>(Session::kSteady))));
}

/// Times the faults of a fresh mapping, or its removal once they are done.
enum class Part { Map, Faults, Unmap };

struct Region {
  unsigned pages;
  int protection;
  int flags;
  Touch how;
  unsigned touched;  ///< pages from the first on
};

/// `regions` mappings a batch; per region.
void with_regions(Session& session, const Region& region, Part part, unsigned regions) {
  const bool anonymous = (region.flags & MAP_ANONYMOUS) != 0;
  const bool writable = (region.protection & PROT_WRITE) != 0 && (region.flags & MAP_SHARED) != 0;
  const int fd = anonymous ? -1 : session.open_file(writable ? 02 : 0);
  const Bytes size = region.pages * kPageSize;
  std::vector<UserAddress> at(regions);
  session.measure(regions, [&](Stopwatch& watch) {
    const auto map = [&] {
      for (UserAddress& one : at) {
        one = anonymous ? session.map_fresh(size) : map_file(session, fd, size, region.protection, region.flags);
      }
    };
    const auto fault = [&] {
      for (const UserAddress one : at) touch(session, one, region.touched, region.how);
    };
    const auto unmap = [&] {
      for (const UserAddress one : at) session.calls.munmap(one, size);
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
  if (!anonymous) session.calls.close(fd);
}

constexpr int kReadOnly = PROT_READ;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;

Primitive regions(std::string name, std::string help, Region region, Part part, unsigned per_batch = 1) {
  const Bytes file =
      (region.flags & MAP_ANONYMOUS) != 0 ? 0 : Session::kSteady + std::max(region.pages * kPageSize, kWindow);
  return {std::move(name), std::move(help),
          [region, part, per_batch](Session& session) { with_regions(session, region, part, per_batch); }, file};
}

}  // namespace

std::vector<Primitive> memory_primitives() {
  const Region file_page{1, kReadOnly, MAP_SHARED, Touch::Load, 1};
  const Region file_window{16, kReadOnly, MAP_SHARED, Touch::Load, 16};
  const Region file_region{kPages, kReadOnly, MAP_SHARED, Touch::Load, kPages};
  const Region untouched{16, kReadOnly, MAP_SHARED, Touch::Load, 0};
  const Region anonymous{kPages, kReadWrite, MAP_PRIVATE | MAP_ANONYMOUS, Touch::Store, kPages};
  const Region private_copy{kPages, kReadWrite, MAP_PRIVATE, Touch::Store, kPages};
  return {
      regions("map.file", "mmap of 16 pages of a file", untouched, Part::Map, kRegions),
      regions("unmap.untouched", "munmap of 16 pages that were never touched", untouched, Part::Unmap, kRegions),
      regions("unmap.file_page", "munmap of a touched page of a file", file_page, Part::Unmap, kRegions),
      regions("unmap.file_window", "munmap of 16 mapped pages of a file", file_window, Part::Unmap, kRegions),
      regions("unmap.256_anonymous", "munmap of 256 private pages", anonymous, Part::Unmap),
      regions("fault.file_page", "read fault on a cached file mapped by one page", file_page, Part::Faults, kRegions),
      regions("fault.file_window", "touching 16 pages of a cached file, which one fault maps", file_window,
              Part::Faults, kRegions),
      regions("fault.256_file", "touching 256 pages of a cached file", file_region, Part::Faults),
      regions("fault.256_anonymous", "writing to 256 fresh pages", anonymous, Part::Faults),
      regions("fault.256_copies", "writing to 256 private pages of a cached file", private_copy, Part::Faults),
  };
}

}  // namespace sluice::calibration
