// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/syscalls/calls.h"

#include <csignal>

#include "kernel_sim/syscalls/process_end.h"

namespace sluice::syscalls {

void SimulatedSystemCalls::enter(Call which) {
  hal::Cpu& cpu = services().machine.cpu;
  m_process.in_call = which;
  for (CallCounts* counts : {&m_table.counts, &m_process.counts}) {
    ++counts->calls[static_cast<std::size_t>(which)];
    ++counts->mode_switches;
  }
  cpu.set_mode(hal::Mode::Kernel);
  cpu.execute(m_table.config().entry, hal::Work::SystemCall);
}

void SimulatedSystemCalls::leave() {
  hal::Cpu& cpu = services().machine.cpu;
  services().scheduler.return_to_user();
  end_if_killed();
  cpu.execute(m_table.config().exit, hal::Work::SystemCall);
  ++m_table.counts.mode_switches;
  ++m_process.counts.mode_switches;
  m_process.in_call.reset();
  cpu.set_mode(hal::Mode::User);
}

void SimulatedSystemCalls::trace(Call which, std::string arguments, Value result, Picoseconds begin) const {
  m_table.trace({m_process.name, m_process.pid, kernel_sim::name_of(which), std::move(arguments), result, begin,
                 services().machine.cpu.now() - begin});
}

kernel_sim::SystemCalls::Value SimulatedSystemCalls::missing(Call which) {
  return call(
      which, [] { return std::string{}; }, []() -> Result<Value> { return base::refuse(ENOSYS); });
}

void SimulatedSystemCalls::die(int signal) { throw ProcessEnd{killed_status(signal)}; }

Result<Bytes> SimulatedSystemCalls::or_broken_pipe(Result<Bytes> result) {
  if (!result && result.error().value == EPIPE) {
    m_process.signals.raise(SIGPIPE);
    note_signals();
    end_if_killed();
  }
  return result;
}

Result<SimulatedSystemCalls::FilePointer> SimulatedSystemCalls::file(int fd) const {
  Result<FilePointer> found = file_or_path(fd);
  if (found && (*found)->path_only()) return base::refuse(EBADF);
  return found;
}

Result<SimulatedSystemCalls::FilePointer> SimulatedSystemCalls::file_or_path(int fd) const {
  return m_process.files.get(fd);
}

Result<SimulatedSystemCalls::FilePointer> SimulatedSystemCalls::file_to_read(int fd) const {
  Result<FilePointer> found = file(fd);
  if (found && !(*found)->readable()) return base::refuse(EBADF);
  return found;
}

Result<SimulatedSystemCalls::FilePointer> SimulatedSystemCalls::file_to_write(int fd) const {
  Result<FilePointer> found = file(fd);
  if (found && !(*found)->writable()) return base::refuse(EBADF);
  return found;
}

Result<SimulatedSystemCalls::Value> SimulatedSystemCalls::install(FilePointer file, bool close_on_exec, int at_least) {
  const Result<int> fd = m_process.files.add({std::move(file), close_on_exec}, at_least);
  if (!fd) return tl::unexpected{fd.error()};
  return Value{*fd};
}

Result<SimulatedSystemCalls::Value> SimulatedSystemCalls::install_two(FilePointer first, FilePointer second,
                                                                      bool close_on_exec, int fds[2]) {
  const Result<Value> low = install(std::move(first), close_on_exec);
  if (!low) return low;
  const Result<Value> high = install(std::move(second), close_on_exec);
  if (!high) {
    static_cast<void>(m_process.files.remove(static_cast<int>(*low)));
    return high;
  }
  fds[0] = static_cast<int>(*low);
  fds[1] = static_cast<int>(*high);
  return 0;
}

void SimulatedSystemCalls::release(std::shared_ptr<fs::File> file) {
  if (file.use_count() == 1) file->close();
}

}  // namespace sluice::syscalls
