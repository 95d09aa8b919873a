// SPDX-License-Identifier: Apache-2.0
// Arguments as strace prints them: flags by name.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernel_sim/system_calls.h"

namespace sluice::syscalls {

std::string address(kernel_sim::UserAddress address);
/// "NULL", or the value in brackets.
std::string optional_offset(const std::int64_t* offset);
std::string endpoint(const kernel_sim::Endpoint& endpoint);
/// "NULL, 0" for none.
std::string optional_endpoint(const kernel_sim::Endpoint* endpoint);
/// "[{iov_base=0x1000, iov_len=5}, ...]"
std::string io_vectors(std::span<const kernel_sim::IoVector> vectors);
/// "{msg_name=NULL, msg_iov=[...], msg_iovlen=1, msg_flags=MSG_ERRQUEUE}"
/// `name` may be null.
std::string message(const kernel_sim::Endpoint* name, std::span<const kernel_sim::IoVector> vectors, int flags);
std::string poll_entries(std::span<const kernel_sim::PollEntry> entries);

std::string epoll_create_flags(int flags);
std::string eventfd_flags(int flags);
std::string clock_name(int clock);
/// Of getrusage.
std::string resource_who(int who);
std::string timerfd_flags(int flags);
/// Of timerfd_settime.
std::string timer_flags(int flags);
std::string timer_setting(const kernel_sim::TimerSetting& setting);
std::string epoll_operation(int operation);
/// "{events=EPOLLIN, data={u32=5, u64=5}}"
std::string epoll_event(const kernel_sim::EpollEvent& event);
std::string epoll_events(std::span<const kernel_sim::EpollEvent> events);

std::string open_flags(int flags);
std::string pipe_flags(int flags);
/// "S_IFREG|0644"
std::string file_mode(std::uint32_t mode);
std::string seek_whence(int whence);
std::string fcntl_command(int command);
std::string file_advice(int advice);
std::string memory_advice(int advice);
std::string remap_flags(int flags);
/// "1 0 1", of the first pages.
std::string residency_text(std::span<const std::uint8_t> residency);
std::string signal_name(int signal);
std::string signal_handler(kernel_sim::SignalHandler handler);
std::string splice_flags(unsigned flags);
std::string map_protection(int protection);
std::string map_flags(int flags);
std::string message_flags(int flags);
std::string socket_arguments(int domain, int type, int protocol);
std::string shutdown_how(int how);

}  // namespace sluice::syscalls
