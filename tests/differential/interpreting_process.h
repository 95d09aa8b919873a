// SPDX-License-Identifier: Apache-2.0
// Private to this folder: one process that interprets a program.
#pragma once

#include <vector>

#include "tests/differential/interpreter.h"

namespace sluice::differential {

using kernel_sim::SystemCalls;
using kernel_sim::UserAddress;
using Value = SystemCalls::Value;

inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint16_t kNobodysPort = 1;
/// Far from either end of user space, so that no size reaches beyond it on one side only.
inline constexpr UserAddress kArena{0x2000'0000'0000};
/// The interpreter's own memory lies behind the arena: what it reads with, and the byte that is handed over.
inline constexpr std::uint64_t kOwnMemory = kArenaSize;
inline constexpr std::uint64_t kOwnSize = std::uint64_t{64} << 10;

/// All that a process knows; a child starts with a copy.
struct State {
  const Program* program;
  Transcript* transcript;
  UserAddress arena;
  std::array<int, kSlots + 2> slots;
  int process = 0;
  std::uint32_t step = 0;
  bool has_other = false;  ///< there is another process, as far as this one knows
  bool running = true;     ///< this process has the turn
  std::int64_t child = 0;  ///< process id, for the parent
  int to_other = -1;
  int from_other = -1;
};

class Interpreter {
 public:
  Interpreter(SystemCalls& calls, const State& state) : m_calls(calls), m_state(state) {}

  void prepare();
  int run();

 private:
  void execute(const Step& step);
  void execute_on_socket(const Step& step);
  void take_turn();
  void give_turn();
  void reap();
  void fork();
  static int run_child(SystemCalls& calls, std::span<const std::byte> arguments);

  void map(const Step& step);
  void fill_disk(const Step& step);
  void stream(const Step& step);
  void remap(const Step& step);
  void use_heap(const Step& step);
  void kill_child(const Step& step);
  Value write_stream(const Step& step, int to);
  void connect_pair(const Step& step);
  [[nodiscard]] std::vector<kernel_sim::IoVector> pieces(const Step& step) const;
  void note_pieces(Value value, std::span<const kernel_sim::IoVector> list);
  void receive_message(const Step& step);
  void make_datagram_socket(const Step& step);
  void receive_from(const Step& step);
  void dissolve(const Step& step);
  void note_name(Value value, const kernel_sim::Endpoint& name);
  [[nodiscard]] bool is_datagram_socket(int fd);
  /// Whether the other's port is one of TCP and the socket one of UDP, or the other way round: which ports both have is
  /// each kernel's matter.
  [[nodiscard]] bool has_port_of_other_protocol(int fd, int other);
  /// Which slot's socket has the address; -1 for none.
  std::int64_t slot_at(const kernel_sim::Endpoint& at);
  [[nodiscard]] bool is_directory(int fd);
  void look_at_descriptors();
  void look_at_files();

  void note(Value value, std::int64_t first = 0, std::int64_t second = 0, std::uint64_t data_size = 0) {
    m_state.transcript->add({m_state.step, m_state.process, value, {first, second}, 0, 0}, data_size);
  }
  /// `size` bytes at `at` belong to the answer. Noted after they were loaded, for that can end the process.
  void note_with_data(Value value, UserAddress at, std::uint64_t size) {
    const std::span<std::byte> room = m_state.transcript->room(size);
    m_calls.load(at, room);
    note(value, 0, 0, room.size());
  }
  void note_read(Value value, UserAddress at) {
    note_with_data(value, at, value > 0 ? static_cast<std::uint64_t>(value) : 0);
  }

  [[nodiscard]] UserAddress address(std::int64_t value) const {
    if (value == kNullAddress) return UserAddress::Null;
    if (value == kKernelAddress) return UserAddress{0xFFFF'8000'0000'0000U};
    return m_state.arena + static_cast<std::uint64_t>(value);
  }
  [[nodiscard]] UserAddress own(std::uint64_t offset = 0) const { return m_state.arena + (kOwnMemory + offset); }
  int& slot(std::int64_t number) { return m_state.slots[static_cast<std::size_t>(number)]; }
  void set_slot(std::int64_t number, Value fd) { slot(number) = fd >= 0 ? static_cast<int>(fd) : -1; }
  void note_new(std::int64_t number, Value fd) {
    set_slot(number, fd);
    note(fd);
  }

  SystemCalls& m_calls;
  State m_state;
};

}  // namespace sluice::differential
