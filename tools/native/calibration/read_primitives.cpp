// SPDX-License-Identifier: Apache-2.0
// pread of pages that are cached. A copy costs by where its source and its destination are found, so their working
// sets are varied apart.
#include <algorithm>
#include <fcntl.h>

#include <fmt/format.h>

#include "models/base/quantity.h"
#include "tools/native/calibration/other_work.h"
#include "tools/native/calibration/primitive.h"

namespace sluice::calibration {
namespace {

constexpr unsigned kBatch = 64;

struct Part {
  Bytes from;
  Bytes size;
};

/// Reads of `size` bytes that cycle over a part of the file and over `destination` bytes of memory.
class CyclingReads {
 public:
  CyclingReads(Session& session, Bytes size, Part source, Bytes destination)
      : m_session(session),
        m_size(size),
        m_source(source),
        m_destination(destination),
        m_file(session.open_file()),
        m_buffer(session.map_buffer(destination)) {
    // Once around, so that what fits is where it fits and nothing faults.
    for (Bytes done = 0; done < std::max(source.size, destination); done += size) one();
  }
  ~CyclingReads() {
    m_session.calls.munmap(m_buffer, m_destination);
    m_session.calls.close(m_file);
  }
  CyclingReads(const CyclingReads&) = delete;
  CyclingReads& operator=(const CyclingReads&) = delete;

  void one() {
    const auto offset = static_cast<std::int64_t>(m_source.from + m_from);
    m_session.need_all("pread", m_session.calls.pread(m_file, m_buffer + m_to, m_size, offset), m_size);
    m_from = next(m_from, m_source.size);
    m_to = next(m_to, m_destination);
  }

 private:
  [[nodiscard]] Bytes next(Bytes at, Bytes end) const { return at + 2 * m_size <= end ? at + m_size : 0; }

  Session& m_session;
  Bytes m_size;
  Part m_source;
  Bytes m_destination;
  int m_file;
  UserAddress m_buffer;
  Bytes m_from = 0;
  Bytes m_to = 0;
};

void read_cycling(Session& session, Bytes size, Part source, Bytes destination) {
  CyclingReads reads{session, size, source, destination};
  const unsigned batch = size > 4 * kPageSize ? kBatch / 4 : kBatch;
  session.measure_all(batch, [&] {
    for (unsigned i = 0; i < batch; ++i) reads.one();
  });
}

void read_between_others(Session& session) {
  CyclingReads reads{session, kPageSize, {Session::kLargeFolios, kPageSize}, kPageSize};
  OtherWork others{session};
  session.measure(kBatch, [&](Stopwatch& watch) {
    for (unsigned i = 0; i < kBatch; ++i) {
      others();
      watch.run([&] { reads.one(); });
    }
  });
}

Primitive read_bytes(Bytes size) {
  return {fmt::format("read.{}_bytes", size), fmt::format("pread of {} bytes, always the same", size),
          [size](Session& session) {
            read_cycling(session, size, {Session::kLargeFolios, size}, size);
          },
          Session::file_with(size)};
}

Primitive read_pages(unsigned pages) {
  const Bytes size = pages * kPageSize;
  return {fmt::format("read.{}_pages", pages), fmt::format("pread of {} pages, always the same", pages),
          [size](Session& session) {
            read_cycling(session, size, {Session::kLargeFolios, size}, size);
          },
          Session::file_with(size)};
}

// What a folio adds: as many pages, of as large a working set, in many folios and in few.
constexpr Bytes kFolioRead = 8 * kPageSize;
constexpr Bytes kFolioSet = 4_MiB;

Primitive read_folios(const char* name, const char* help, Bytes from) {
  return {name, help,
          [from](Session& session) {
            read_cycling(session, kFolioRead, {from, kFolioSet}, kFolioRead);
          },
          Session::file_with(kFolioSet)};
}

}  // namespace

Primitive read_run(Bytes source, Bytes destination) {
  return {
      fmt::format("read.run.{}.{}", source / kRun, destination / kRun),
      fmt::format("pread of {} of {} into {}", base::to_text(kRun), base::to_text(source), base::to_text(destination)),
      [=](Session& session) {
        read_cycling(session, kRun, {Session::kLargeFolios, source}, destination);
      },
      Session::file_with(source)};
}

std::vector<Primitive> read_primitives() {
  std::vector<Primitive> list;
  for (const Bytes size : {64, 1024, 4096}) list.push_back(read_bytes(size));
  list.push_back(read_pages(3));
  list.push_back({"read.page_between_others", "pread of a page, after other calls", read_between_others,
                  Session::file_with(kPageSize)});
  list.push_back(read_folios("read.single_pages", "pread of 32 KiB cached in single pages", Session::kSinglePages));
  list.push_back(read_folios("read.large_folio", "pread of 32 KiB cached in a large folio", Session::kLargeFolios));
  return list;
}

}  // namespace sluice::calibration
