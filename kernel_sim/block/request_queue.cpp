// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/block/request_queue.h"

#include <algorithm>

namespace sluice::block {

void Bio::add(PhysAddr address, Bytes size) {
  m_size += size;
  if (!m_segments.empty() && m_segments.back().address + m_segments.back().size == address) {
    m_segments.back().size += static_cast<std::uint32_t>(size);
  } else {
    m_segments.push_back({address, static_cast<std::uint32_t>(size)});
  }
}

RequestQueue::RequestQueue(hal::Machine& machine, BlockDevice& device, const BlockConfig& config)
    : m_machine(machine), m_device(device), m_config(config), m_limits(device.limits()) {}

void RequestQueue::refresh_limits() { m_limits = m_device.limits(); }

Bytes RequestQueue::max_request() const {
  return round_down(std::max(std::min(m_config.max_request, m_limits.max_transfer), kSectorSize), kSectorSize);
}

void RequestQueue::submit(std::vector<std::unique_ptr<Bio>> bios) {
  m_machine.cpu.execute(m_config.submit_bio * bios.size(), hal::Work::Disk);
  // As Linux sorts a plug's list. A flush stays behind the writes before it.
  const bool ordered =
      std::any_of(bios.begin(), bios.end(), [](auto& b) { return b->direction() == Direction::Flush; });
  if (!ordered) {
    std::stable_sort(bios.begin(), bios.end(),
                     [](const auto& a, const auto& b) { return a->first_sector() < b->first_sector(); });
  }
  const auto merged_before = m_statistics.merged_bios;
  for (auto& bio : bios) append(std::move(bio));
  m_machine.cpu.execute(m_config.merge_bio * (m_statistics.merged_bios - merged_before), hal::Work::Disk);
  dispatch();
}

/// Appends the bio's segments to the last pending request as long as they continue it, else to new ones.
void RequestQueue::append(std::unique_ptr<Bio> owned) {
  Bio& bio = *owned;
  m_bios.emplace(&bio, std::move(owned));
  ++m_statistics.bios;
  std::uint64_t sector = bio.first_sector();
  bool first = true;
  const auto new_request = [&] {
    m_pending.push_back(std::make_unique<Work>());
    Work& work = *m_pending.back();
    work.direction = bio.direction();
    work.first_sector = sector;
    work.listener = this;
  };
  const auto join = [&](Work& work) {
    if (!work.bios.empty() && work.bios.back() == &bio) return;
    if (!work.bios.empty() && first) ++m_statistics.merged_bios;
    work.bios.push_back(&bio);
    ++bio.m_open_requests;
    first = false;
  };
  if (bio.segments().empty()) {  // a flush
    new_request();
    join(*m_pending.back());
    return;
  }
  for (Segment rest : bio.segments()) {
    while (rest.size > 0) {
      if (m_pending.empty() || m_pending.back()->direction != bio.direction() ||
          m_pending.back()->first_sector + m_pending.back()->sectors != sector || !fits(*m_pending.back(), bio, rest)) {
        new_request();
      }
      Work& work = *m_pending.back();
      const Bytes room = max_request() - work.sectors * kSectorSize;
      const auto piece = static_cast<std::uint32_t>(std::min<Bytes>(rest.size, room));
      if (!work.segments.empty() && work.segments.back().address + work.segments.back().size == rest.address) {
        work.segments.back().size += piece;
      } else {
        work.segments.push_back({rest.address, piece});
      }
      work.sectors += piece / kSectorSize;
      sector += piece / kSectorSize;
      rest = {rest.address + piece, rest.size - piece};
      join(work);
    }
  }
}

bool RequestQueue::fits(const Work& work, const Bio&, Segment segment) const {
  if (work.sectors * kSectorSize >= max_request()) return false;
  const bool continues =
      !work.segments.empty() && work.segments.back().address + work.segments.back().size == segment.address;
  return continues || work.segments.size() < std::max(1U, m_limits.max_segments);
}

void RequestQueue::dispatch() {
  // An interrupt that finishes a request comes back here while the task it interrupted is still handing one over.
  if (m_dispatching) return;
  m_dispatching = true;
  while (!m_pending.empty() && m_in_flight.size() < std::max(1U, m_limits.queue_depth)) {
    while (!m_pending.empty() && m_in_flight.size() < std::max(1U, m_limits.queue_depth)) {
      Request* request = m_pending.front().get();
      m_in_flight.emplace(request, std::move(m_pending.front()));
      m_pending.pop_front();
      ++m_statistics.requests;
      m_statistics.segments += request->segments.size();
      m_machine.cpu.execute(m_config.start_request, hal::Work::Disk);
      m_device.start(*request);
    }
    m_device.commit();
  }
  m_dispatching = false;
}

void RequestQueue::request_finished(Request& request, bool success) {
  m_machine.cpu.execute(m_config.complete_request, hal::Work::Disk);
  const auto work = std::move(m_in_flight.at(&request));
  m_in_flight.erase(&request);
  const Bytes size = work->sectors * kSectorSize;
  if (!success) ++m_statistics.failed_requests;
  if (success && work->direction == Direction::Read) m_statistics.read_bytes += size;
  if (success && work->direction == Direction::Write) m_statistics.written_bytes += size;
  dispatch();  // keep the device busy before waking anybody
  for (Bio* bio : work->bios) finish(*bio, success);
}

void RequestQueue::finish(Bio& bio, bool success) {
  bio.m_failed = bio.m_failed || !success;
  if (--bio.m_open_requests > 0) return;
  const auto owned = std::move(m_bios.at(&bio));
  m_bios.erase(&bio);
  bio.finished(!bio.m_failed);
}

}  // namespace sluice::block
