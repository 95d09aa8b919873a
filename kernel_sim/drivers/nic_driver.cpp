// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/drivers/nic_driver.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace sluice::drivers {

namespace {

using nic::RxDescriptor;
using nic::TxDescriptor;
namespace reg = nic::reg;

/// Descriptors of the largest packet: headers and its fragments.
constexpr unsigned kMostDescriptors = 1 + net::Skb::kMaxFragments;
constexpr std::uint32_t kAllCauses = nic::cause::kTx | nic::cause::kRx;
constexpr unsigned kRefillBatch = 16;    // buffers are handed back so many at a time (Linux ice: ICE_RX_BUF_WRITE)
constexpr Bytes kReceiveOverhead = 256;  // truesize of a received packet beside its buffer: struct sk_buff

unsigned order_of(Bytes size) { return static_cast<unsigned>(std::bit_width(divide_up(size, kPageSize) - 1)); }

}  // namespace

// --- start -----------------------------------------------------------------------------------------------------------

NicDriver::Memory::~Memory() {
  for (const Frame block : m_blocks) m_frames.put_at_shutdown(block);
}

PhysAddr NicDriver::Memory::allocate(Bytes size) {
  const Result<Frame> block = m_frames.allocate_at_boot(Place::KernelMemory, order_of(size));
  if (!block) throw base::InputError{"the machine has too little memory for the network rings"};
  m_blocks.push_back(*block);
  return block->address();
}

NicDriver::NicDriver(hal::Machine& machine, const hal::DeviceInfo& device, sched::Scheduler& scheduler,
                     mm::FrameAllocator& frames, net::Stack& stack, const net::NetConfig& config, std::uint32_t address,
                     unsigned core)
    : m_machine(machine),
      m_scheduler(scheduler),
      m_frames(frames),
      m_stack(stack),
      m_config(config),
      m_registers(machine.cpu, device.registers),
      m_transmit_vector(device.first_vector),
      m_receive_vector(device.first_vector + 1),
      m_ring_memory(frames),
      m_tx_packets(config.tx_ring),
      m_rx_buffers(config.rx_ring) {
  if (!std::has_single_bit(config.tx_ring) || !std::has_single_bit(config.rx_ring)) {
    throw base::InputError{"the sizes of the network rings must be powers of two"};
  }
  find_features();
  stack.attach(*this, address);
  set_up_rings();
  for (const unsigned vector : {m_transmit_vector, m_receive_vector}) {
    machine.interrupts.set_handler(vector, core, scheduler.interrupt_handler([this] { on_interrupt(); }));
  }
  m_registers.write(reg::kInterruptMask, 0);
  m_registers.write(reg::kControl, nic::control::kEnable);
}

NicDriver::~NicDriver() {
  // Posted buffers lie between the next to be taken and the tail; others wait to be posted.
  const unsigned mask = m_config.rx_ring - 1;
  for (unsigned slot = m_rx_next; slot != m_rx_tail; slot = (slot + 1) & mask) {
    m_frames.put_at_shutdown(Frame::of(m_rx_buffers[slot]));
  }
  for (const PhysAddr buffer : m_rx_free) m_frames.put_at_shutdown(Frame::of(buffer));
}

void NicDriver::find_features() {
  const auto capabilities = static_cast<std::uint32_t>(m_registers.read(reg::kCapabilities));
  if (capabilities == ~std::uint32_t{0}) throw base::InputError{"the machine has no network controller"};
  m_features.gather = (capabilities & nic::capability::kGather) != 0;
  m_features.checksum = (capabilities & nic::capability::kChecksumOffload) != 0;
  m_features.segmentation = (capabilities & nic::capability::kSegmentationOffload) != 0;
  m_features.mtu = m_registers.read(reg::kMtu);
}

void NicDriver::set_up_rings() {
  const Bytes tx_size = m_config.tx_ring * sizeof(TxDescriptor);
  const Bytes rx_size = m_config.rx_ring * sizeof(RxDescriptor);
  m_tx_ring = m_ring_memory.allocate(tx_size);
  m_rx_ring = m_ring_memory.allocate(rx_size);
  m_head_word = m_ring_memory.allocate(kPageSize);
  m_machine.cpu.zero(m_rx_ring, rx_size);
  m_machine.cpu.store<std::uint32_t>(m_head_word, 0);

  const Bytes frame = std::max(m_features.mtu + nic::kEthernetHeader, nic::kMinimumFrame);
  m_buffer_order = order_of(frame);
  m_buffer_size = static_cast<std::uint32_t>(std::min<Bytes>(std::bit_ceil(frame), 0xFFFF));
  m_refill_batch = std::min(kRefillBatch, m_config.rx_ring / 4);
  for (unsigned slot = 0; slot + 1 < m_config.rx_ring; ++slot) {
    const Result<Frame> block = m_frames.allocate_at_boot(Place::SocketBuffer, m_buffer_order);
    if (!block) throw base::InputError{"the machine has too little memory for the receive buffers"};
    m_rx_free.push_back(block->address());
  }

  m_registers.write(reg::kTxRingBase, m_tx_ring.value());
  m_registers.write(reg::kTxRingSize, m_config.tx_ring);
  m_registers.write(reg::kTxHeadWriteback, m_head_word.value());
  m_registers.write(reg::kTxVector, m_transmit_vector);
  m_registers.write(reg::kRxRingBase, m_rx_ring.value());
  m_registers.write(reg::kRxRingSize, m_config.rx_ring);
  m_registers.write(reg::kRxVector, m_receive_vector);
  post_buffers();
}

// --- transmit --------------------------------------------------------------------------------------------------------

void NicDriver::transmit(net::Skb& skb, bool more) {
  std::array<TxDescriptor, kMostDescriptors> descriptors{};
  unsigned count = 0;
  const auto add = [&](PhysAddr address, Bytes size) {
    descriptors[count].address = address.value();
    descriptors[count].size = static_cast<std::uint16_t>(size);
    ++count;
  };
  if (skb.linear || skb.fragment_count == 0) {
    add(skb.header_address, nic::kAllHeaders + skb.size);
  } else {
    add(skb.header_address, nic::kAllHeaders);
    for (const mm::Fragment& fragment : skb.pieces()) add(fragment.address, fragment.size);
  }
  TxDescriptor& first = descriptors[0];
  first.header_size = static_cast<std::uint8_t>(nic::kAllHeaders);
  first.mss = skb.segment;
  if (skb.checksum_by_device) first.flags |= nic::kTxInsertChecksum;
  if (skb.segment != 0) first.flags |= nic::kTxSegment;
  descriptors[count - 1].flags |= nic::kTxEndOfPacket;

  // A packet's descriptors are stored as one run, two where the ring ends.
  const unsigned until_end = std::min(count, m_config.tx_ring - m_tx_tail);
  const std::span<const TxDescriptor> all{descriptors.data(), count};
  m_machine.cpu.store(m_tx_ring + m_tx_tail * sizeof(TxDescriptor), std::as_bytes(all.first(until_end)));
  if (until_end < count) m_machine.cpu.store(m_tx_ring, std::as_bytes(all.subspan(until_end)));
  const unsigned mask = m_config.tx_ring - 1;
  m_tx_packets[(m_tx_tail + count - 1) & mask] = &skb;
  m_tx_tail = (m_tx_tail + count) & mask;
  ++m_statistics.tx_packets;
  m_statistics.tx_descriptors += count;
  if (tx_room() < kMostDescriptors) {
    m_stopped = true;
    ++m_statistics.tx_ring_full;
  }
  m_machine.cpu.execute(m_config.tx_packet + m_config.tx_descriptor * count, hal::Work::NetDevice);
  if (!more || m_stopped) ring_doorbell();
}

void NicDriver::ring_doorbell() {
  if (m_tx_told == m_tx_tail) return;
  m_tx_told = m_tx_tail;
  ++m_statistics.doorbells;
  // Posted writes follow the descriptors' stores in order, as after the wmb() of a real driver.
  m_registers.write(reg::kTxTail, m_tx_told);
}

/// Gives back the packets whose descriptors the device counts as done.
void NicDriver::clean_transmitted() {
  const unsigned mask = m_config.tx_ring - 1;
  const unsigned head = m_machine.cpu.load<std::uint32_t>(m_head_word) & mask;
  if (head == m_tx_clean) return;
  m_done.clear();
  for (unsigned clean = m_tx_clean; clean != head; clean = (clean + 1) & mask) {
    if (net::Skb* const skb = std::exchange(m_tx_packets[clean], nullptr)) m_done.push_back(skb);
  }
  m_tx_clean = head;
  m_machine.cpu.execute(m_config.tx_complete * m_done.size(), hal::Work::NetDevice);
  for (net::Skb* const skb : m_done) m_stack.transmitted(*skb);
  if (m_stopped && tx_room() >= m_config.tx_ring / 4) {
    m_stopped = false;
    m_stack.device_ready(*this);
  }
}

// --- interrupts and polling ------------------------------------------------------------------------------------------

void NicDriver::on_interrupt() {
  ++m_statistics.interrupts;
  if (m_poll_scheduled) return;
  m_poll_scheduled = true;
  m_registers.write(reg::kInterruptMask, kAllCauses);
  raise_poll();
}

void NicDriver::raise_poll() {
  m_scheduler.raise_softirq([this] { run_poll(); });
}

/// net_rx_action: polls until there is no work, or raises itself again after a budget of packets or of time.
void NicDriver::run_poll() {
  const Picoseconds began = m_machine.cpu.now();
  unsigned budget = m_config.napi_budget;
  for (;;) {
    const std::uint64_t before = m_statistics.rx_packets;
    const bool finished = poll();
    if (finished) break;
    const auto taken = static_cast<unsigned>(m_statistics.rx_packets - before);
    budget -= std::min(budget, taken);
    if (budget == 0 || m_machine.cpu.now() - began >= m_config.napi_time) {
      raise_poll();
      break;
    }
  }
  m_stack.poll_finished();
}

/// One poll; true when there was less to do than a poll may do, and the device may interrupt again.
bool NicDriver::poll() {
  ++m_statistics.polls;
  m_machine.cpu.execute(m_config.napi_poll, hal::Work::NetDevice);
  clean_transmitted();
  if (take_received(m_config.napi_weight) == m_config.napi_weight) return false;
  m_poll_scheduled = false;
  // What happened since the rings were looked at has stayed pending in the device and interrupts now.
  m_registers.write(reg::kInterruptMask, 0);
  return true;
}

// --- receive ---------------------------------------------------------------------------------------------------------

/// Takes up to `most` frames. Descriptors are read a cache line at a time.
unsigned NicDriver::take_received(unsigned most) {
  constexpr unsigned kPerLine = kLineSize / sizeof(RxDescriptor);
  std::array<RxDescriptor, kPerLine> line{};
  unsigned taken = 0;
  bool more = true;
  while (more && taken < most) {
    const unsigned first = m_rx_next;
    const unsigned count = std::min(kPerLine - first % kPerLine, most - taken);
    const std::span<RxDescriptor> descriptors{line.data(), count};
    m_machine.cpu.load(m_rx_ring + first * sizeof(RxDescriptor), std::as_writable_bytes(descriptors));
    for (unsigned i = 0; i < count; ++i) {
      if ((descriptors[i].status & nic::kRxDone) == 0) {
        more = false;
        break;
      }
      m_rx_next = (first + i + 1) & (m_config.rx_ring - 1);
      ++taken;
      ++m_statistics.rx_packets;
      take_frame(m_rx_buffers[first + i], descriptors[i]);
      if (m_rx_free.size() >= m_refill_batch) post_buffers();
    }
  }
  return taken;
}

/// Hands a frame to the stack. Its buffer goes with it when it holds payload, else it serves again.
void NicDriver::take_frame(PhysAddr buffer, const RxDescriptor& descriptor) {
  std::array<std::byte, nic::kAllHeaders> bytes{};
  m_machine.cpu.load(buffer, bytes);
  m_machine.cpu.execute(m_config.rx_packet, hal::Work::NetDevice);
  net::Skb& skb = m_stack.skbs().make_received();
  const bool good = descriptor.size >= nic::kAllHeaders && nic::decode(bytes, skb.header) &&
                    skb.header.payload_size + nic::kAllHeaders <= descriptor.size;
  if (!good) {
    ++m_statistics.rx_bad;
    m_stack.skbs().release(skb);
    m_rx_free.push_back(buffer);
    return;
  }
  skb.checksum_by_device = (descriptor.status & nic::kRxChecksumGood) != 0;
  skb.size = skb.header.payload_size;
  if (skb.size > 0) {
    const Result<Frame> fresh = m_frames.allocate(Place::SocketBuffer, m_buffer_order);
    if (!fresh) {
      ++m_statistics.rx_no_buffer;
      m_stack.skbs().release(skb);
      m_rx_free.push_back(buffer);
      return;
    }
    skb.fragments[0] = {buffer + nic::kAllHeaders, skb.size};
    skb.fragment_count = 1;
    skb.truesize = static_cast<std::uint32_t>(m_buffer_size + kReceiveOverhead);
    buffer = fresh->address();
  }
  m_rx_free.push_back(buffer);
  m_stack.receive(skb);
}

/// Gives empty buffers to the device, in one run of descriptors, two where the ring ends.
void NicDriver::post_buffers() {
  std::vector<RxDescriptor>& descriptors = m_rx_descriptors;
  descriptors.assign(m_rx_free.size(), {});
  const unsigned tail = m_rx_tail;
  for (std::size_t i = 0; i < m_rx_free.size(); ++i) {
    descriptors[i].address = m_rx_free[i].value();
    descriptors[i].size = static_cast<std::uint16_t>(m_buffer_size);
    m_rx_buffers[m_rx_tail] = m_rx_free[i];
    m_rx_tail = (m_rx_tail + 1) & (m_config.rx_ring - 1);
  }
  m_rx_free.clear();
  const std::span<const RxDescriptor> all{descriptors};
  const std::size_t until_end = std::min<std::size_t>(all.size(), m_config.rx_ring - tail);
  m_machine.cpu.store(m_rx_ring + tail * sizeof(RxDescriptor), std::as_bytes(all.first(until_end)));
  if (until_end < all.size()) m_machine.cpu.store(m_rx_ring, std::as_bytes(all.subspan(until_end)));
  m_registers.write(reg::kRxTail, m_rx_tail);
}

}  // namespace sluice::drivers
