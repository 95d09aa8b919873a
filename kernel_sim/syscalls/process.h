// SPDX-License-Identifier: Apache-2.0
// A process: descriptors, address space, parent and children, how it ended.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel_sim/fs/file.h"
#include "kernel_sim/ipc/pipe.h"
#include "kernel_sim/mm/address_space.h"
#include "kernel_sim/mm/address_space_memory.h"
#include "kernel_sim/syscalls/call_record.h"
#include "kernel_sim/syscalls/signals.h"

namespace sluice::syscalls {

/// What a descriptor is: an open file description, and what belongs to the descriptor alone.
struct Descriptor {
  std::shared_ptr<fs::File> file;
  bool close_on_exec = false;  ///< kept for F_GETFD: no program here executes another
};

/// Descriptors: the lowest free number first. Copies share the open file descriptions.
class FileTable {
 public:
  /// Numbers below `first` are never given out: they are open where the process came from.
  explicit FileTable(unsigned limit, unsigned first = 0) : m_limit(limit), m_first_free(first) {}
  /// EMFILE when `limit` descriptors are open, EINVAL when `at_least` is beyond.
  Result<int> add(Descriptor descriptor, int at_least = 0);
  /// Under this number, whatever it was before, which is returned. EBADF when there can be no such number.
  Result<std::shared_ptr<fs::File>> replace(int fd, Descriptor descriptor);
  /// EBADF.
  [[nodiscard]] Result<std::shared_ptr<fs::File>> get(int fd) const;
  Result<std::shared_ptr<fs::File>> remove(int fd);
  [[nodiscard]] bool close_on_exec(int fd) const { return m_files[static_cast<std::size_t>(fd)].close_on_exec; }
  void set_close_on_exec(int fd, bool close) { m_files[static_cast<std::size_t>(fd)].close_on_exec = close; }
  /// EMFILE when there are no numbers for so many more.
  [[nodiscard]] Result<void> has_room(unsigned count = 1) const;
  [[nodiscard]] std::size_t size() const { return m_files.size(); }

 private:
  [[nodiscard]] std::size_t free_from(std::size_t fd) const;

  unsigned m_limit;
  std::size_t m_first_free;  // every number below is taken
  std::vector<Descriptor> m_files;
};

using Pid = std::int64_t;

/// Of one process, or of those that it waited for.
struct Usage {
  Picoseconds cpu;   ///< that it held a core
  Picoseconds user;  ///< of that, in user mode
  mm::FaultCounts faults;
  sched::TaskSwitches switches;
  Usage& operator+=(const Usage& other);
};

struct Process {
  Process(Pid process_id, std::string process_name, Process* its_parent, FileTable its_files,
          std::unique_ptr<mm::AddressSpace> its_memory)
      : pid(process_id),
        name(std::move(process_name)),
        parent(its_parent),
        files(std::move(its_files)),
        memory(std::move(its_memory)) {}

  Pid pid;
  std::string name;
  Process* parent;                      ///< null: nobody in user space waits for it
  std::vector<Process*> children = {};  ///< in the order in which they were made, until they are reaped
  FileTable files;
  std::unique_ptr<mm::AddressSpace> memory;  ///< null once it has ended, as user_memory
  std::optional<mm::AddressSpaceMemory> user_memory;
  std::unique_ptr<ipc::Pipe> splice_pipe;  ///< sendfile's, made at the first use and kept
  Signals signals;
  sched::Task* task = nullptr;
  CallCounts counts;                        ///< of its own calls
  Usage of_children;                        ///< that it has waited for, and of theirs
  std::optional<kernel_sim::Call> in_call;  ///< that has not returned; exit when the process ended by it
  mm::FaultCounts faults_of_ended;          ///< once it has ended, as its memory is gone
  bool ended = false;
  bool reaped = false;
  int status = 0;  ///< in wait's encoding, once it has ended
  sched::WaitQueue child_ended;
  sched::WaitQueue has_ended;
};

/// wait's encoding (<sys/wait.h>).
constexpr int exited_status(int code) { return (code & 0xFF) << 8; }
constexpr int killed_status(int signal) { return signal & 0x7F; }

}  // namespace sluice::syscalls
