// SPDX-License-Identifier: Apache-2.0
// A field case: a small program that somebody had trouble with in practice. It runs on this host's Linux and on the
// simulated kernel, and both must give the same answers. No case holds an expected value: Linux is the expectation.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "kernel_sim/system_calls.h"
#include "tests/differential/program.h"
#include "tests/field_cases/answers.h"

namespace sluice::field_cases {

using kernel_sim::Endpoint;
using kernel_sim::FileStatus;
using kernel_sim::PollEntry;
using kernel_sim::SystemCalls;
using kernel_sim::UserAddress;
using Value = SystemCalls::Value;

/// Where the files of a case lie.
enum class Disk : std::uint8_t {
  Ample,
  Small,  ///< of kSmallDisk bytes, so that a case can fill it
};

struct FieldCase {
  std::string_view id;      ///< stays the same for good
  std::string_view source;  ///< the public projects and issues that reported it, or the manual page
  std::string_view what;
  std::array<std::uint64_t, differential::kFiles> file_sizes;  ///< of the files a, b and c, in bytes
  void (*run)(SystemCalls& c, Answers& out);
  Disk disk = Disk::Ample;
};

std::span<const FieldCase> file_cases();
std::span<const FieldCase> memory_cases();
std::span<const FieldCase> pipe_cases();
std::span<const FieldCase> socket_cases();

/// Why a case does not agree with Linux; empty for a case that must.
std::string_view known_difference(std::string_view id);

// --- what cases share ------------------------------------------------------------------------------------------------

inline int fd(Value value) { return static_cast<int>(value); }
/// "0" in the answers for whatever a call returned that succeeded.
inline Value succeeded(Value value) { return value < 0 ? value : 0; }
/// `size` bytes of private memory.
UserAddress memory(SystemCalls& c, std::uint64_t size);
unsigned byte_at(SystemCalls& c, UserAddress at);
/// Two connected TCP sockets over the loopback device.
struct ConnectedPair {
  int client;
  int server;
};
ConnectedPair connected_pair(SystemCalls& c, bool no_delay = false, int receive_buffer = 0);
void set_non_blocking(SystemCalls& c, int socket);
/// Writes to the file until no block is free. `source` has 1 MiB.
void fill_disk(SystemCalls& c, int file, UserAddress source);
/// What poll returns in revents.
int polled(SystemCalls& c, int descriptor, int events, int timeout_ms = 0);

}  // namespace sluice::field_cases
