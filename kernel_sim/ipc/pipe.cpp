// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/ipc/pipe.h"

#include <algorithm>
#include <bit>
#include <poll.h>

namespace sluice::ipc {

Pipe::Pipe(PipeSystem& system, Kind kind)
    : m_system(system), m_kind(kind), m_slots(system.config.slots), m_lock(system.scheduler) {
  if (kind == Kind::User && system.user_pages + m_slots > system.config.user_pages_soft_limit) {
    m_slots = system.config.slots_over_user_limit;
  }
  m_ring.resize(m_slots);
  m_system.user_pages += m_slots;
}

Pipe::~Pipe() {
  clear();
  m_system.user_pages -= m_slots;
}

void Pipe::clear() {
  while (m_used > 0) {
    const mm::Fragment fragment = at(0).fragment;
    m_front = (m_front + 1) % m_slots;
    --m_used;
    m_system.frames.put(fragment);
  }
}

// --- waiting ---------------------------------------------------------------------------------------------------------

Result<bool> Pipe::wait_for_data(bool non_blocking) {
  charge(m_system.config.call);
  while (empty()) {
    if (!has_writers()) return false;
    if (non_blocking) return base::refuse(EAGAIN);
    if (m_system.scheduler.interrupted()) return base::refuse(EINTR);
    m_system.scheduler.wait(m_wait_data, "data in a pipe");
  }
  return true;
}

Result<void> Pipe::wait_for_space(bool non_blocking) {
  charge(m_system.config.call);
  for (;;) {
    if (!has_readers()) return base::refuse(EPIPE);
    if (!full()) return {};
    if (non_blocking) return base::refuse(EAGAIN);
    if (m_system.scheduler.interrupted()) return base::refuse(EINTR);
    m_system.scheduler.wait(m_wait_space, "space in a pipe");
  }
}

void Pipe::drop_reader() {
  if (--m_readers > 0) return;
  m_system.scheduler.wake_all(m_wait_space);
  if (has_writers()) tell_both();
}

void Pipe::drop_writer() {
  if (--m_writers > 0) return;
  m_system.scheduler.wake_all(m_wait_data);
  if (has_readers()) tell_both();
}

void Pipe::tell_readers() { m_wait_data.notify(POLLIN | POLLRDNORM); }
void Pipe::tell_writers() { m_wait_space.notify(POLLOUT | POLLWRNORM); }

/// pipe_release: one side is gone, which both may want to know.
void Pipe::tell_both() {
  m_wait_data.notify(0);
  m_wait_space.notify(0);
}

// --- read ------------------------------------------------------------------------------------------------------------

Result<Bytes> Pipe::read(mm::UserMemory& memory, VirtAddr to, Bytes size, bool non_blocking, Form form, Mover mover) {
  if (size == 0) return 0;
  const auto work = [&]() -> Result<Bytes> {
    const Bytes done = copy_to_user(memory, to, size, form);
    if (done == 0) return base::refuse(EFAULT);
    return done;
  };
  return with_data(non_blocking, work, mover);
}

Bytes Pipe::copy_to_user(mm::UserMemory& memory, VirtAddr to, Bytes size, Form form) {
  Bytes done = 0;
  while (done < size && !empty()) {
    const mm::Fragment fragment = at(0).fragment;
    const bool packet = form == Form::Packets && at(0).packet;
    const Bytes wanted = std::min<Bytes>(fragment.size, size - done);
    const Bytes copied = memory.copy_out(fragment.address, to + done, wanted);
    if (copied < wanted) break;  // Linux counts whole pieces only, and the next read begins with this one
    consume(packet ? fragment.size : copied);
    done += copied;
    if (packet) break;
  }
  return done;
}

// --- write -----------------------------------------------------------------------------------------------------------

Result<Bytes> Pipe::write(mm::UserMemory& memory, VirtAddr from, Bytes size, bool non_blocking, Form form) {
  if (size == 0) return 0;
  const Result<Bytes> written = write_all(memory, from, size, non_blocking, form);
  tell_readers();
  return written;
}

Result<Bytes> Pipe::write_all(mm::UserMemory& memory, VirtAddr from, Bytes size, bool non_blocking, Form form) {
  m_lock.lock();
  // As Linux: what does not fill a page goes behind the last bytes if all of it fits there.
  const Bytes rest = size % kPageSize;
  const Result<Bytes> merged = has_readers() && rest != 0 ? merge(memory, from, rest) : Result<Bytes>{0};
  m_lock.unlock();
  if (!merged) return merged;
  Bytes done = *merged;
  if (done > 0) m_system.scheduler.wake_all(m_wait_data);
  while (done < size) {
    bool was_empty = false;
    const auto work = [&]() -> Result<Bytes> {
      was_empty = empty();
      Bytes sum = 0;
      while (done + sum < size && !full()) {
        const Result<Bytes> one = fill_slot(memory, from + done + sum, std::min(size - done - sum, kPageSize), form);
        if (!one && sum == 0) return one;
        if (!one) break;
        sum += *one;
      }
      return sum;
    };
    const Result<Bytes> filled = with_space(non_blocking, work, Mover::ReadOrWrite);
    if (!filled && done == 0) return filled;
    if (!filled) break;
    done += *filled;
    if (was_empty && done < size && !non_blocking) tell_readers();  // it waits for them
  }
  return done;
}

/// All of the bytes or none.
Result<Bytes> Pipe::merge(mm::UserMemory& memory, VirtAddr from, Bytes size) {
  if (empty()) return 0;
  Slot& last = at(m_used - 1);
  const PhysAddr end = last.fragment.address + last.fragment.size;
  if (!last.mergeable || last.fragment.address.page_offset() + last.fragment.size + size > kPageSize) return 0;
  if (memory.copy_in(from, end, size) < size) return base::refuse(EFAULT);
  last.fragment.size += static_cast<std::uint32_t>(size);
  return size;
}

Result<Bytes> Pipe::fill_slot(mm::UserMemory& memory, VirtAddr from, Bytes size, Form form) {
  const Result<Frame> frame = m_system.frames.allocate(Place::Pipe);
  if (!frame) return tl::unexpected{frame.error()};
  const Bytes copied = memory.copy_in(from, frame->address(), size);
  if (copied < size) {  // Linux drops what it has of the page
    m_system.frames.put(*frame);
    return base::refuse(EFAULT);
  }
  append({{frame->address(), static_cast<std::uint32_t>(copied)},
          form == Form::Bytes,
          form == Form::Packets,
          Place::Pipe});
  return copied;
}

// --- page references -------------------------------------------------------------------------------------------------

void Pipe::append(const Slot& slot) {
  at(m_used) = slot;
  ++m_used;
  charge(m_system.config.slot);
}

bool Pipe::push(const mm::Fragment& fragment, Place from) {
  if (full()) return false;
  if (m_kind == Kind::User) m_system.ledger.passed_reference(from, Place::Pipe, fragment.address, fragment.size);
  append({fragment, false, false, from});
  return true;
}

void Pipe::consume(Bytes size) {
  while (size > 0 && !empty()) {
    mm::Fragment& front = at(0).fragment;
    if (size < front.size) {
      front.address += size;
      front.size -= static_cast<std::uint32_t>(size);
      return;
    }
    size -= front.size;
    const mm::Fragment released = front;
    m_front = (m_front + 1) % m_slots;
    --m_used;
    m_system.frames.put(released);
    charge(m_system.config.slot);
  }
}

Place Pipe::place() const {
  if (m_kind == Kind::User || m_used == 0) return Place::Pipe;
  return m_ring[m_front].from;
}

void Pipe::share(unsigned i, Bytes size, Pipe& to) {
  mm::Fragment part = peek(i);
  part.size = static_cast<std::uint32_t>(std::min<Bytes>(part.size, size));
  m_system.frames.get(part);
  if (!to.push(part, Place::Pipe)) return m_system.frames.put(part);
  to.at(to.m_used - 1).packet = at(i).packet;
}

// --- size ------------------------------------------------------------------------------------------------------------

Result<Bytes> Pipe::resize(std::uint64_t wanted) {
  m_lock.lock();  // whoever copies into or out of a slot waits for pages meanwhile
  const Result<Bytes> size = resize_locked(wanted);
  m_lock.unlock();
  if (size) m_system.scheduler.wake_all(m_wait_space);
  if (size) m_wait_space.notify(0);
  return size;
}

Result<Bytes> Pipe::resize_locked(std::uint64_t wanted) {
  if (wanted > Bytes{1} << 31) return base::refuse(EINVAL);
  const Bytes rounded = std::bit_ceil(std::max<Bytes>(wanted, kPageSize));
  const auto slots = static_cast<unsigned>(rounded / kPageSize);
  if (slots > m_slots) {
    const bool too_many = m_system.user_pages - m_slots + slots > m_system.config.user_pages_soft_limit;
    if (rounded > m_system.config.largest_size || too_many) return base::refuse(EPERM);
  }
  if (slots < m_used) return base::refuse(EBUSY);
  std::vector<Slot> ring(slots);
  for (unsigned i = 0; i < m_used; ++i) ring[i] = at(i);
  m_ring = std::move(ring);
  m_front = 0;
  m_system.user_pages += slots;
  m_system.user_pages -= m_slots;
  m_slots = slots;
  return rounded;
}

}  // namespace sluice::ipc
