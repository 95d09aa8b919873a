// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/drivers/disk_driver.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "models/disk/disk_registers.h"

namespace sluice::drivers {

using namespace disk;

namespace {

constexpr unsigned kReadyPolls = 1000;
constexpr Picoseconds kReadyPause = 10_us;
static_assert(kBlockSize == block::kSectorSize);

}  // namespace

DiskDriver::DiskDriver(hal::Machine& machine, const hal::DeviceInfo& device, sched::Scheduler& scheduler,
                       mm::FrameAllocator& frames, const DiskDriverConfig& config)
    : m_machine(machine),
      m_scheduler(scheduler),
      m_frames(frames),
      m_config(config),
      m_registers(machine.cpu, device.registers),
      m_vector(device.first_vector) {}

DiskDriver::~DiskDriver() {
  for (const auto frame : m_owned) m_frames.put_at_shutdown(frame);
}

Result<void> DiskDriver::initialise() {
  // 1. A known state, and what the controller can do. No device answers as all ones.
  m_registers.write(reg::kControl, control::kReset);
  const auto capacity = m_registers.read(reg::kCapacity);
  if (capacity == ~std::uint64_t{0} || capacity == 0) return refuse(EIO);
  const auto depth = static_cast<std::uint32_t>(m_registers.read(reg::kQueueDepth));
  const auto max_transfer = static_cast<std::uint32_t>(m_registers.read(reg::kMaxTransfer));
  const auto max_segments = static_cast<std::uint32_t>(m_registers.read(reg::kMaxSegments));
  // 2. Rings that hold one entry more than there are commands: head == tail means empty.
  const std::uint32_t most = std::bit_floor(std::max(2U, m_config.queue_entries));
  m_entries = std::min(most, std::bit_ceil(std::min(depth, most) + 1));
  m_limits.capacity = capacity * kBlockSize;
  m_limits.max_transfer = std::max<Bytes>(max_transfer, kBlockSize);
  m_limits.max_segments = std::clamp(max_segments, 1U, 4096U);
  m_limits.queue_depth = std::clamp(depth, 1U, m_entries - 1);
  if (const auto rings = allocate_rings(); !rings) return rings;
  // 3. The interrupt, then the queues, then go.
  m_machine.interrupts.set_handler(m_vector, 0, m_scheduler.interrupt_handler([this] { handle_interrupt(); }));
  m_registers.write(reg::kVector, m_vector);
  m_registers.write(reg::kSqBase, m_submissions.value());
  m_registers.write(reg::kSqSize, m_entries);
  m_registers.write(reg::kCqBase, m_completions.value());
  m_registers.write(reg::kCqSize, m_entries);
  m_registers.write(reg::kInterruptMask, 0);
  m_registers.write(reg::kControl, control::kEnable);
  for (unsigned poll = 0; poll < kReadyPolls; ++poll) {
    if ((m_registers.read(reg::kStatus) & 1) != 0) {
      m_ready = true;
      return {};
    }
    m_machine.cpu.execute(kReadyPause, hal::Work::Disk);
  }
  return refuse(EIO);
}

Result<void> DiskDriver::allocate_rings() {
  const auto submissions = allocate(m_entries * sizeof(Command));
  const auto completions = allocate(m_entries * sizeof(CompletionEntry));
  if (!submissions || !completions) return refuse(ENOMEM);
  m_submissions = submissions->address();
  m_completions = completions->address();
  // The phase bit of memory that was never written must not look like a new entry.
  m_machine.cpu.zero(m_completions, round_up(m_entries * sizeof(CompletionEntry), kPageSize));

  m_list_size = std::bit_ceil(m_limits.max_segments * sizeof(SgElement));
  const unsigned slots = m_limits.queue_depth;
  const Bytes allocation = std::max(m_list_size, kPageSize);
  for (unsigned i = 0; i < divide_up(slots, allocation / m_list_size); ++i) {
    const auto list = allocate(allocation);
    if (!list) return refuse(ENOMEM);
    m_lists.push_back(*list);
  }
  m_slots.assign(slots, nullptr);
  for (unsigned slot = slots; slot-- > 0;) m_free_slots.push_back(static_cast<std::uint16_t>(slot));
  m_scratch.resize(m_list_size);
  return {};
}

Result<Frame> DiskDriver::allocate(Bytes size) {
  const auto order = static_cast<unsigned>(std::countr_zero(std::bit_ceil(divide_up(size, kPageSize))));
  const auto frame = m_frames.allocate_at_boot(Place::KernelMemory, order);
  if (frame) m_owned.push_back(*frame);
  return frame;
}

PhysAddr DiskDriver::segment_list_of(unsigned slot) const {
  const auto per_allocation = static_cast<unsigned>(std::max(m_list_size, kPageSize) / m_list_size);
  return m_lists[slot / per_allocation].address() + slot % per_allocation * m_list_size;
}

void DiskDriver::start(block::Request& request) {
  if (!m_ready) {
    ++m_statistics.failed_commands;
    request.listener->request_finished(request, false);
    return;
  }
  // 1. A slot names the command; an entry of the ring carries it.
  const std::uint16_t slot = m_free_slots.back();
  m_free_slots.pop_back();
  m_slots[slot] = &request;
  m_machine.cpu.execute(m_config.build_command + m_config.map_segment * request.segments.size(), hal::Work::Disk);
  Command command;
  command.opcode = static_cast<std::uint8_t>(request.direction == block::Direction::Read    ? Opcode::Read
                                             : request.direction == block::Direction::Write ? Opcode::Write
                                                                                            : Opcode::Flush);
  command.command_id = slot;
  command.block_count = static_cast<std::uint32_t>(request.sectors);
  command.first_block = request.first_sector;
  command.segment_count = static_cast<std::uint32_t>(request.segments.size());
  // 2. Its scatter-gather list, unless one element does.
  if (request.segments.size() == 1) {
    command.inline_segment = {request.segments[0].address.value(), request.segments[0].size, 0};
  } else if (!request.segments.empty()) {
    Bytes used = 0;
    for (const auto& segment : request.segments) {
      const SgElement element{segment.address.value(), segment.size, 0};
      std::memcpy(m_scratch.data() + used, &element, sizeof element);
      used += sizeof element;
    }
    command.segment_list = segment_list_of(slot).value();
    m_machine.cpu.store(segment_list_of(slot), std::span{m_scratch}.first(used));
  }
  // 3. The command last: it refers to the list. The doorbell follows in commit.
  m_machine.cpu.store(m_submissions + m_tail * sizeof(Command), command);
  m_tail = (m_tail + 1) % m_entries;
  ++m_statistics.commands;
}

void DiskDriver::commit() {
  if (m_tail == m_rung_tail) return;
  m_rung_tail = m_tail;
  ++m_statistics.doorbells;
  // A posted write cannot pass the stores before it: the controller finds the commands complete.
  m_registers.write(reg::kSqTail, m_tail);
}

void DiskDriver::handle_interrupt() {
  ++m_statistics.interrupts;
  struct Finished {
    block::Request* request;
    bool success;
  };
  std::vector<Finished> finished;
  for (;;) {
    const auto entry = m_machine.cpu.load<CompletionEntry>(m_completions + m_head * sizeof(CompletionEntry));
    if ((entry.phase & 1) != m_phase) break;
    m_machine.cpu.execute(m_config.handle_completion, hal::Work::Disk);
    if (++m_head == m_entries) {
      m_head = 0;
      m_phase ^= 1;
    }
    // A device that names a command it was not given must not hurt the kernel.
    if (entry.command_id >= m_slots.size() || m_slots[entry.command_id] == nullptr) continue;
    const bool success = entry.status == static_cast<std::uint16_t>(Status::Success);
    if (!success) ++m_statistics.failed_commands;
    finished.push_back({m_slots[entry.command_id], success});
    m_slots[entry.command_id] = nullptr;
    m_free_slots.push_back(entry.command_id);
  }
  // The entries are the controller's again before new commands are started.
  if (!finished.empty()) m_registers.write(reg::kCqHead, m_head);
  for (const auto& [request, success] : finished) request->listener->request_finished(*request, success);
}

}  // namespace sluice::drivers
