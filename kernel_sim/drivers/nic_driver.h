// SPDX-License-Identifier: Apache-2.0
// Driver of the network controller in models/nic/nic_registers.h. Knows registers and descriptors only.
//
//   transmit ring   [ . . d d d d . . ]     d: given to the device; m_tx_clean ... m_tx_tail
//   head word       written by the device: descriptors before it are done
//   receive ring    [ b b b b . b b b ]     b: an empty buffer; every slot but one holds one
//
// Interrupts only mask the device and raise the poll (NAPI): a soft interrupt that gives sent packets back, takes
// received ones, and unmasks when there is nothing left.
#pragma once

#include <memory>
#include <vector>

#include "kernel_sim/hal/device_registers.h"
#include "kernel_sim/hal/machine.h"
#include "kernel_sim/mm/frame_allocator.h"
#include "kernel_sim/net/stack.h"
#include "kernel_sim/sched/scheduler.h"
#include "models/nic/nic_registers.h"

namespace sluice::drivers {

struct NicDriverStatistics {
  std::uint64_t interrupts = 0;
  std::uint64_t polls = 0;
  std::uint64_t tx_packets = 0;
  std::uint64_t tx_descriptors = 0;
  std::uint64_t doorbells = 0;
  std::uint64_t tx_ring_full = 0;  ///< the queue was stopped for want of descriptors
  std::uint64_t rx_packets = 0;
  std::uint64_t rx_bad = 0;        ///< frames that are no TCP over IPv4
  std::uint64_t rx_no_buffer = 0;  ///< a buffer could not be replaced, so its frame was dropped
};

class NicDriver final : public net::NetDevice {
 public:
  /// Finds what the device can do, allocates rings and buffers, starts it and attaches it to the stack under `address`.
  /// InputError when there is no memory or no device. Interrupts go to `core`.
  NicDriver(hal::Machine& machine, const hal::DeviceInfo& device, sched::Scheduler& scheduler,
            mm::FrameAllocator& frames, net::Stack& stack, const net::NetConfig& config,
            std::uint32_t address = net::Stack::kLocalAddress, unsigned core = 0);
  /// Gives memory back without consuming time.
  ~NicDriver() override;
  NicDriver(const NicDriver&) = delete;
  NicDriver& operator=(const NicDriver&) = delete;

  [[nodiscard]] const net::DeviceFeatures& features() const override { return m_features; }
  void transmit(net::Skb& skb, bool more) override;
  [[nodiscard]] bool stopped() const override { return m_stopped; }

  [[nodiscard]] const NicDriverStatistics& statistics() const { return m_statistics; }

 private:
  /// Pages that belong to the driver until it goes.
  class Memory {
   public:
    explicit Memory(mm::FrameAllocator& frames) : m_frames(frames) {}
    ~Memory();
    Memory(const Memory&) = delete;
    Memory& operator=(const Memory&) = delete;
    PhysAddr allocate(Bytes size);

   private:
    mm::FrameAllocator& m_frames;
    std::vector<Frame> m_blocks;
  };

  void find_features();
  void set_up_rings();
  void on_interrupt();
  void raise_poll();
  void run_poll();
  bool poll();
  void clean_transmitted();
  unsigned take_received(unsigned most);
  void take_frame(PhysAddr buffer, const nic::RxDescriptor& descriptor);
  void post_buffers();
  void ring_doorbell();
  [[nodiscard]] unsigned tx_used() const { return (m_tx_tail - m_tx_clean) & (m_config.tx_ring - 1); }
  [[nodiscard]] unsigned tx_room() const { return m_config.tx_ring - 1 - tx_used(); }

  hal::Machine& m_machine;
  sched::Scheduler& m_scheduler;
  mm::FrameAllocator& m_frames;
  net::Stack& m_stack;
  const net::NetConfig& m_config;
  hal::DeviceRegisters m_registers;
  unsigned m_transmit_vector;
  unsigned m_receive_vector;
  net::DeviceFeatures m_features;
  NicDriverStatistics m_statistics;

  Memory m_ring_memory;
  PhysAddr m_tx_ring;
  PhysAddr m_rx_ring;
  PhysAddr m_head_word;
  std::vector<net::Skb*> m_tx_packets;  // by the slot of a packet's last descriptor
  unsigned m_tx_tail = 0;
  unsigned m_tx_told = 0;  // tail the device knows
  unsigned m_tx_clean = 0;
  bool m_stopped = false;

  std::vector<net::Skb*> m_done;  // of one poll

  std::vector<PhysAddr> m_rx_buffers;               // by slot, where one is posted
  std::vector<PhysAddr> m_rx_free;                  // to be posted
  std::vector<nic::RxDescriptor> m_rx_descriptors;  // of one run, reused
  unsigned m_refill_batch = 1;
  std::uint32_t m_buffer_size = 0;
  unsigned m_buffer_order = 0;
  unsigned m_rx_next = 0;
  unsigned m_rx_tail = 0;
  bool m_poll_scheduled = false;
};

}  // namespace sluice::drivers
