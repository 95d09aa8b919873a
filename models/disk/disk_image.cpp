// SPDX-License-Identifier: Apache-2.0
#include "models/disk/disk_image.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <utility>

#include "models/base/result.h"

namespace sluice::disk {

/// A page that was written at least in part; the rest of it is what lay there before.
struct DiskImage::WrittenPage {
  std::array<std::byte, kPageSize> bytes;
  base::Shadow shadow;
};

DiskImage::DiskImage(Bytes capacity, std::shared_ptr<base::Contents> contents)
    : m_capacity(capacity), m_contents(std::move(contents)) {}

void DiskImage::check(Bytes offset, Bytes size) const {
  base::ensure(offset <= m_capacity && size <= m_capacity - offset, "a disk access lies inside the medium");
}

void DiskImage::place(Bytes offset, std::shared_ptr<const base::Content> content, std::uint32_t file) {
  const Bytes size = content->size();
  place(offset, std::move(content), file, 0, size);
}

void DiskImage::place(Bytes offset, std::shared_ptr<const base::Content> content, std::uint32_t file, Bytes from,
                      Bytes size) {
  check(offset, size);
  if (size == 0) return;
  const auto next = m_extents.lower_bound(offset);
  base::ensure(next == m_extents.end() || offset + size <= next->first, "files do not overlap on the medium");
  base::ensure(next == m_extents.begin() || std::prev(next)->first + std::prev(next)->second.size <= offset,
               "files do not overlap on the medium");
  m_contents->add(file, content);
  m_extents.emplace_hint(next, offset, Extent{size, std::move(content), file, from});
}

template <class Visit>
void DiskImage::for_each_extent(Bytes offset, Bytes size, Visit&& visit) const {
  auto extent = m_extents.upper_bound(offset);
  if (extent != m_extents.begin()) --extent;
  for (; extent != m_extents.end() && extent->first < offset + size; ++extent) {
    const Bytes begin = std::max(offset, extent->first);
    const Bytes end = std::min(offset + size, extent->first + extent->second.size);
    if (begin < end) visit(begin, end - begin, begin - extent->first + extent->second.from, extent->second);
  }
}

template <class Visit>
void DiskImage::for_each_written_page(Bytes offset, Bytes size, Visit&& visit) const {
  if (m_written.empty()) return;
  for (Bytes at = offset; at < offset + size;) {
    const Bytes n = std::min(offset + size - at, kPageSize - at % kPageSize);
    const auto found = m_written.find(at / kPageSize);
    if (found != m_written.end()) visit(at, n, *found->second);
    at += n;
  }
}

void DiskImage::read(Bytes offset, std::span<std::byte> to) const {
  check(offset, to.size());
  Bytes filled = 0;  // bytes of `to` that are set; what no file covers is zero
  for_each_extent(offset, to.size(), [&](Bytes at, Bytes n, Bytes in_content, const Extent& extent) {
    const Bytes gap = at - offset - filled;
    if (gap > 0) std::memset(to.data() + filled, 0, gap);
    extent.content->read(in_content, to.subspan(at - offset, n));
    filled = at - offset + n;
  });
  if (filled < to.size()) std::memset(to.data() + filled, 0, to.size() - filled);
  for_each_written_page(offset, to.size(), [&](Bytes at, Bytes n, const WrittenPage& page) {
    std::memcpy(to.data() + (at - offset), page.bytes.data() + at % kPageSize, n);
  });
}

bool DiskImage::named(Bytes offset, Bytes size, base::NamedBytes& run) const {
  check(offset, size);
  run.clear();
  run.contents = m_contents.get();
  Bytes covered = 0;
  for_each_extent(offset, size, [&](Bytes at, Bytes n, Bytes in_content, const Extent& extent) {
    run.pieces.push_back({at - offset, n, in_content, extent.file, 0});
    covered += n;
  });
  bool all = covered == size;
  for_each_written_page(offset, size, [&](Bytes /*at*/, Bytes /*n*/, const WrittenPage& /*page*/) { all = false; });
  if (!all) run.clear();
  return all;
}

base::Shadow DiskImage::shadow(Bytes offset, Bytes size) const {
  check(offset, size);
  base::Shadow placed;
  for_each_extent(offset, size, [&](Bytes at, Bytes n, Bytes in_content, const Extent& extent) {
    const Bytes run_at = at - offset;
    placed.push_back({run_at, n, in_content, extent.file, 0});
  });
  if (m_written.empty()) return placed;

  base::Shadow result;
  Bytes done = 0;
  for_each_written_page(offset, size, [&](Bytes at, Bytes n, const WrittenPage& page) {
    const Bytes run_at = at - offset;
    append_slice(result, done, placed, done, run_at - done);
    append_slice(result, run_at, page.shadow, at % kPageSize, n);
    done = run_at + n;
  });
  append_slice(result, done, placed, done, size - done);
  return result;
}

DiskImage::WrittenPage& DiskImage::page_to_write(Bytes number) {
  if (const auto found = m_written.find(number); found != m_written.end()) return *found->second;
  const Bytes begin = number * kPageSize;
  const Bytes size = std::min(kPageSize, m_capacity - begin);
  auto page = std::make_shared<WrittenPage>();
  read(begin, std::span{page->bytes}.first(size));
  page->shadow = shadow(begin, size);
  return *m_written.emplace(number, std::move(page)).first->second;
}

void DiskImage::write(Bytes offset, std::span<const std::byte> from, const base::Shadow& shadow) {
  check(offset, from.size());
  for (Bytes done = 0; done < from.size();) {
    const Bytes in_page = (offset + done) % kPageSize;
    const Bytes n = std::min(from.size() - done, kPageSize - in_page);
    WrittenPage& page = page_to_write((offset + done) / kPageSize);
    std::memcpy(page.bytes.data() + in_page, from.data() + done, n);

    const Bytes begin = in_page;
    const Bytes end = in_page + n;
    base::Shadow merged;
    append_slice(merged, 0, page.shadow, 0, begin);
    append_slice(merged, begin, shadow, done, end - begin);
    append_slice(merged, end, page.shadow, end, kPageSize - end);
    page.shadow = std::move(merged);
    done += n;
  }
}

}  // namespace sluice::disk
