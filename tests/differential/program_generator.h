// SPDX-License-Identifier: Apache-2.0
// Private to this folder: what one random program is made from.
#pragma once

#include <array>
#include <initializer_list>
#include <random>
#include <utility>

#include "models/base/types.h"
#include "tests/differential/generator.h"

namespace sluice::differential {

inline constexpr std::int64_t kPageLength = base::kPageSize;
inline constexpr std::int64_t kRootPath = 6;  // of kPaths

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : m_engine(seed) {}
  Program program();

 private:
  enum class Content : std::uint8_t {
    Nothing,
    File,
    ReadEnd,
    WriteEnd,
    Socket,
    Epoll,
    Counter,
    Timer,
    UnixSocket,
    Datagram
  };

  // --- chance -------------------------------------------------------------------------------------------------------
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(m_engine() % static_cast<std::uint64_t>(n)); }
  bool one_in(std::int64_t n) { return below(n) == 0; }
  std::int64_t any_of(std::initializer_list<std::int64_t> values) { return values.begin()[below(std::ssize(values))]; }

  // --- arguments ----------------------------------------------------------------------------------------------------
  std::int64_t size();
  std::int64_t finite_size();
  std::int64_t offset();
  std::int64_t wild_offset();
  std::int64_t optional_offset() { return one_in(2) ? kNoOffset : offset(); }
  std::int64_t descriptor(Content wanted);
  std::int64_t any_descriptor();
  std::int64_t new_descriptor(Content content);
  std::int64_t copy_of(std::int64_t slot);
  std::int64_t file_or(Content other) { return descriptor(one_in(3) ? other : Content::File); }
  std::int64_t open_flags();
  std::int64_t splice_flags();
  void memory(std::int64_t& address, std::int64_t& length);

  // --- steps --------------------------------------------------------------------------------------------------------
  void add(Operation operation, std::array<std::int64_t, kMostArguments> arguments = {});
  void add_random();
  void add_on_file();
  void add_vectors(std::int64_t address, std::int64_t length);
  void add_copy();
  void add_on_memory();
  void add_transfer();
  void add_on_descriptor();
  void add_on_socket();
  void add_on_epoll();
  std::int64_t epoll_events();
  void add_on_counter();
  void add_on_timer();
  void add_on_unix_socket();
  void add_on_datagram();
  void add_on_datagram_name(std::int64_t socket);
  void add_on_unix_option(std::int64_t socket);
  void add_on_unix_name(std::int64_t socket);
  void store_number(std::int64_t address);
  void add_on_address(std::int64_t socket);
  std::int64_t talk_script();
  std::int64_t lend_script();
  void add_message(std::int64_t socket, std::int64_t address, std::int64_t length, std::int64_t silent);
  void open_something();
  void map_something();
  std::int64_t memory_advice();
  std::int64_t protection();
  void remap(std::int64_t page, std::int64_t length);
  void add_on_signals();
  void stream();
  void add_dup3();

  std::mt19937_64 m_engine;
  Program m_program;
  std::array<Content, kSlots> m_content{};
  std::array<std::int64_t, kRegions> m_mapped{};  // bytes from the start of each region
  int m_process = 0;
  bool m_forked = false;
  bool m_sockets = false;
  bool m_small_disk = false;
  bool m_epoll = false;
  bool m_counters = false;
  bool m_unix = false;
  bool m_datagrams = false;
};

}  // namespace sluice::differential
