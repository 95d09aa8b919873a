// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/kernel.h"

#include <csignal>
#include <cstring>
#include <utility>

#include <sys/wait.h>

namespace sluice::kernel_sim {

namespace {

/// Where the kernel itself would lie: never handed out, so that address 0 is no frame.
constexpr Frame kFirstFrame{512};

std::uint32_t frames_of(const hal::Machine& machine) {
  const Bytes frames = machine.back_door.memory_size() / kPageSize;
  if (frames <= kFirstFrame.number()) throw base::InputError{"the machine's memory is too small for the kernel"};
  return static_cast<std::uint32_t>(frames - kFirstFrame.number());
}

/// What tells the node from those of other disks.
Result<std::string> node_name(const fs::FileSystem& volume, const Result<std::uint32_t>& node) {
  if (!node) return tl::unexpected{node.error()};
  return std::to_string(volume.disk()) + ":" + std::to_string(*node);
}

}  // namespace

Kernel::Kernel(hal::Machine machine, base::Ledger& ledger, const KernelConfig& config)
    : m_machine(machine),
      m_ledger(ledger),
      m_config(base::resolved(config, m_machine.cpu.frequency(), config.reference_frequency)),
      m_frames(m_machine, ledger, m_config.mm, kFirstFrame, frames_of(m_machine)),
      m_scheduler(m_machine, m_config.sched),
      m_network(std::make_unique<net::Stack>(m_machine, m_scheduler, m_frames, ledger, m_config.net)),
      m_pipes{m_machine, m_frames, ledger, m_scheduler, m_config.pipe} {
  m_processes = std::make_unique<syscalls::ProcessTable>(
      syscalls::Services{m_machine, m_ledger, m_scheduler, m_frames, m_config.mm, m_pipes,
                         [this](std::string_view path, int flags, int mode) {
                           fs::FileSystem& volume = file_system_of(path);
                           return volume.open(path, flags, mode);
                         },
                         [this](std::string_view path) {
                           fs::FileSystem& volume = file_system_of(path);
                           return volume.unlink(path);
                         },
                         [this](int type, int flags) { return m_network->create_inet_socket(type, flags); },
                         [this](int flags) { return m_network->create_unix_socket(flags); },
                         [this](int flags) { return m_network->create_unix_pair(flags); }},
      m_config.syscall);
  m_network->set_unix_nodes({[this](std::string_view path, int mode) -> Result<std::string> {
                               fs::FileSystem& volume = file_system_of(path);
                               return node_name(volume, volume.make_socket(path, mode));
                             },
                             [this](std::string_view path) -> Result<std::string> {
                               fs::FileSystem& volume = file_system_of(path);
                               return node_name(volume, volume.find_socket(path));
                             },
                             [this](std::string_view path) {
                               fs::FileSystem& volume = file_system_of(path);
                               return volume.unlink(path);
                             }});
}

Kernel::~Kernel() {
  // A blocked process is in the middle of a call; what it holds cannot be taken from it.
  if (!m_scheduler.unfinished().empty()) static_cast<void>(m_processes.release());
}

void Kernel::start(std::function<void(Kernel&)> main) {
  m_scheduler.spawn("init", [this, main = std::move(main)] {
    try {
      boot();
      main(*this);
    } catch (const std::exception&) {
      m_failure = std::current_exception();
    }
  });
}

const Kernel::Driver Kernel::kDrivers[] = {
    {"disk", &Kernel::start_disk},
    {"nic", &Kernel::start_nic},
};

/// In the first task, for devices have to be waited for. Memory, scheduler and system calls are there since
/// construction.
void Kernel::boot() {
  // 1. Each device that firmware tells of gets its driver; one that no driver knows is left alone.
  for (std::size_t device = 0; device < m_machine.devices.size(); ++device) {
    for (const Driver& driver : kDrivers) {
      if (m_machine.devices[device].kind == driver.kind) (this->*driver.start)(device);
    }
  }
  if (m_volumes.empty()) throw base::InputError{"the machine has no disk to boot from"};
  // 2. 127.0.0.1.
  m_loopback = std::make_unique<drivers::Loopback>(m_machine, m_scheduler, m_ledger, *m_network, m_config.net);
}

/// Registers, rings and interrupt of the disk, then the file system on it.
void Kernel::start_disk(std::size_t device) {
  const hal::DeviceInfo& info = m_machine.devices[device];
  Volume& volume = m_volumes.emplace_back();
  volume.mount_point = mount_point(m_volumes.size() - 1, info.name);
  volume.driver = std::make_unique<drivers::DiskDriver>(m_machine, info, m_scheduler, m_frames, m_config.disk_driver);
  volume.queue = std::make_unique<block::RequestQueue>(m_machine, *volume.driver, m_config.block);
  volume.file_system =
      std::make_unique<fs::FileSystem>(m_machine, m_ledger, m_frames, m_scheduler, *volume.queue, m_config.fs, device);
  if (!volume.driver->initialise()) throw base::InputError{"the " + info.name + " does not answer"};
  volume.queue->refresh_limits();
  if (const auto mounted = volume.file_system->mount(); !mounted) {
    throw base::InputError{mounted.error().value == EIO ? "the " + info.name + " cannot be read"
                                                        : "there is no file system on the " + info.name};
  }
  volume.file_system->start_flusher();
}

void Kernel::start_nic(std::size_t device) {
  const std::uint32_t address = net::Stack::local_address(static_cast<unsigned>(m_nics.size()));
  m_nics.push_back(std::make_unique<drivers::NicDriver>(m_machine, m_machine.devices[device], m_scheduler, m_frames,
                                                        *m_network, m_config.net, address));
}

fs::FileSystem& Kernel::file_system_of(std::string_view& path) {
  const auto bound = m_bound.find(path.starts_with('/') ? path.substr(1) : path);
  if (bound != m_bound.end()) path = bound->second;
  for (const Volume& volume : m_volumes) {
    const std::string& at = volume.mount_point;
    if (at.empty() || !path.starts_with(at) || (path.size() > at.size() && path[at.size()] != '/')) continue;
    path = path.size() == at.size() ? std::string_view{"/"} : path.substr(at.size());
    return *volume.file_system;
  }
  return file_system();
}

Result<void> Kernel::preload(std::string_view path, const std::function<void(PhysAddr)>& loaded, Bytes size) {
  fs::FileSystem& volume = file_system_of(path);
  return volume.preload(path, loaded, size);
}

syscalls::Process& Kernel::start_program(std::string name, Main main, sched::Placement placement) {
  constexpr unsigned kBehindTheTerminal = 3;  // standard input, output and error are not modelled
  return m_processes->start(std::move(name), std::move(main), placement, kBehindTheTerminal);
}

int Kernel::wait_for(syscalls::Process& process) { return m_processes->wait_for(process); }

KernelCounts Kernel::counts() const {
  return with_network({.system_calls = m_processes->counts.by_name(),
                       .mode_switches = m_processes->counts.mode_switches,
                       .context_switches = m_scheduler.context_switches(),
                       .faults = m_processes->faults()});
}

KernelCounts Kernel::counts_of(const syscalls::Process& process) const {
  return with_network({.system_calls = process.counts.by_name(),
                       .mode_switches = process.counts.mode_switches,
                       .context_switches = m_scheduler.context_switches(),
                       .faults = process.memory ? process.memory->faults() : process.faults_of_ended});
}

KernelCounts Kernel::with_network(KernelCounts counts) const {
  counts.retransmissions = m_network->statistics().retransmissions;
  counts.drops = m_network->dropped();
  if (m_loopback) counts.drops += m_loopback->statistics().dropped;
  for (const auto& nic : m_nics) counts.drops += nic->statistics().rx_no_buffer;
  return counts;
}

std::vector<std::string> Kernel::blocked_tasks() const {
  std::vector<std::string> found;
  for (const sched::Task* task : m_scheduler.unfinished()) {
    const bool waits = task->state() == sched::Task::State::Waiting;
    found.push_back("task " + task->name() +
                    (waits ? " waits for " + std::string{task->waits_for()} : " never ran on"));
  }
  return found;
}

std::string Kernel::describe_status(int status) {
  if (WIFEXITED(status)) return "exit status " + std::to_string(WEXITSTATUS(status));
  const int signal = WTERMSIG(status);
  const char* name = sigabbrev_np(signal);
  return "SIG" + std::string{name == nullptr ? "?" : name} + " (" + sigdescr_np(signal) + ")";
}

void Kernel::rethrow_failure() const {
  if (m_failure) std::rethrow_exception(m_failure);
}

std::vector<std::string> Kernel::shutdown_check() {
  std::vector<std::string> breaches;
  if (m_scheduler.unfinished().empty()) {
    m_nics.clear();
    m_loopback.reset();
    m_network.reset();
    m_volumes.clear();
    if (const std::uint64_t held = m_frames.total_frames() - m_frames.free_frames(); held != 0) {
      breaches.push_back(std::to_string(held) + " frames were allocated and never freed");
    }
  }
  breaches.insert(breaches.end(), m_frames.breaches().begin(), m_frames.breaches().end());
  return breaches;
}

}  // namespace sluice::kernel_sim
