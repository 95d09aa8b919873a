// SPDX-License-Identifier: Apache-2.0
// What a core spends its time on, as the kernel sees it: every call that consumes time names its kind of work, so that
// a result can say where the time went and an error of the model points somewhere.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sluice::hal {

enum class Work : std::uint8_t {
  Idle,         ///< leaving an idle state
  Program,      ///< the program's own computing
  SystemCall,   ///< entry, exit, descriptor look-up; processes
  Scheduling,   ///< wake-ups and context switches
  Interrupt,    ///< entry and exit
  Mapping,      ///< mappings, page faults, TLB flushes
  Translation,  ///< TLB misses and page-table walks
  Frames,       ///< page frames: allocate, free
  PageCache,    ///< look-ups, read-ahead, write-back, the file system
  Disk,         ///< block layer and disk driver
  Pipe,         ///< pipes and splice
  SocketCall,   ///< sendmsg and recvmsg without what follows
  Packet,       ///< packets: allocate, fill with references, free
  TcpOutput,    ///< TCP and IP, outwards
  TcpInput,     ///< TCP and IP, inwards
  NetDevice,    ///< network driver, loopback, soft interrupt
  Copy,         ///< bytes copied
  Memory,       ///< other loads and stores: headers, descriptors, zeroing, checksums
  Registers,    ///< device registers
};
inline constexpr std::size_t kWorks = 19;

/// As in results: "tcp_output".
constexpr std::string_view name_of(Work work) {
  constexpr std::array<std::string_view, kWorks> kNames{
      "idle_exit", "program",    "system_call", "scheduling", "interrupt",   "mapping", "translation",
      "frames",    "page_cache", "disk",        "pipe",       "socket_call", "packet",  "tcp_output",
      "tcp_input", "net_device", "copy",        "memory",     "registers"};
  return kNames[static_cast<std::size_t>(work)];
}

}  // namespace sluice::hal
