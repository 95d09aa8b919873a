// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/simulated_kernel.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "kernel_sim/fs/make_file_system.h"
#include "models/base/parameters.h"
#include "tools/native/sysctls.h"

namespace sluice::differential {

namespace {

constexpr Frame kFirstFrame{512};  // below lies the kernel itself

/// Sizes of buffers and pipes are an administrator's choice: the host's count. (With larger receive buffers windows are
/// told in larger units.) How much may be dirty depends on the memory, of which there is less here.
void take_sysctls(kernel_sim::KernelConfig& config) {
  static const std::vector<native::HostFact> sysctls = native::read_sysctls();
  const base::ParameterTable table{config};
  for (const auto& [parameter, value, source] : sysctls) {
    constexpr std::string_view kPrefix = "kernel.";
    const std::string name = parameter.substr(kPrefix.size());
    if (!name.starts_with("net.") && !name.starts_with("pipe.")) continue;
    // One beyond what a parameter may be keeps its default.
    static_cast<void>(table.find(name).value().set(value));
  }
}

}  // namespace

SimulatedKernel::SimulatedKernel(const FileSizes& file_sizes, const Surroundings& surroundings)
    : m_surroundings(surroundings),
      m_fake(surroundings.memory),
      m_machine(m_fake.machine()),
      m_frames(m_machine, m_fake.ledger(), m_config.mm, kFirstFrame,
               static_cast<std::uint32_t>(surroundings.memory / kPageSize) - kFirstFrame.number()),
      m_scheduler(m_machine, m_config.sched),
      m_disk(m_fake, m_scheduler, surroundings.disk),
      m_queue(m_machine, m_disk, m_config.block),
      m_files(
          std::make_unique<fs::FileSystem>(m_machine, m_fake.ledger(), m_frames, m_scheduler, m_queue, m_config.fs)),
      m_network(std::make_unique<net::Stack>(m_machine, m_scheduler, m_frames, m_fake.ledger(), m_config.net)),
      m_pipes{m_machine, m_frames, m_fake.ledger(), m_scheduler, m_config.pipe},
      m_processes(syscalls::Services{
                      m_machine, m_fake.ledger(), m_scheduler, m_frames, m_config.mm, m_pipes,
                      [this](std::string_view path, int flags, int mode) { return m_files->open(path, flags, mode); },
                      [this](std::string_view path) { return m_files->unlink(path); },
                      [this](int type, int flags) { return m_network->create_inet_socket(type, flags); },
                      [this](int flags) { return m_network->create_unix_socket(flags); },
                      [this](int flags) { return m_network->create_unix_pair(flags); }},
                  m_config.syscall) {
  take_sysctls(m_config);
  m_config.fs.preload_written = true;
  m_config.syscall.max_processes = surroundings.processes;
  m_config.fs.preload_call_size = Bytes{1} << 30;
  m_config.syscall.max_files = static_cast<unsigned>(surroundings.descriptors);
  const auto name = [](const Result<std::uint32_t>& node) -> Result<std::string> {
    if (!node) return tl::unexpected{node.error()};
    return std::to_string(*node);
  };
  m_network->set_unix_nodes(
      {[=, this](std::string_view path, int mode) { return name(m_files->make_socket(path, mode)); },
       [=, this](std::string_view path) { return name(m_files->find_socket(path)); },
       [this](std::string_view path) { return m_files->unlink(path); }});
  place_files(file_sizes);
}

// Blocked tasks hold files and pages, which go back to what is destroyed before the machine.
SimulatedKernel::~SimulatedKernel() { m_fake.stop(); }

void SimulatedKernel::place_files(const FileSizes& file_sizes) {
  std::vector<fs::FileToPlace> files;
  for (std::uint32_t i = 0; i < kFiles; ++i) files.push_back({std::string{kPaths[i]}, file_sizes[i], i});
  const fs::FileSystemImage image = fs::make_file_system(m_surroundings.disk, files);
  const auto at = [&](Bytes offset) { return m_disk.bytes.begin() + static_cast<std::ptrdiff_t>(offset); };
  for (const auto& block : image.metadata) std::copy(block.bytes.begin(), block.bytes.end(), at(block.offset));
  for (const auto& file : image.files) {
    for (Bytes i = 0; i < file.size; ++i) *at(file.offset + i) = pattern(file.number, i);
  }
}

int SimulatedKernel::run(const syscalls::ProcessTable::Main& main, std::optional<Picoseconds> limit) {
  if (limit) m_fake.end_at(*limit);
  int status = 0;
  m_scheduler.spawn("init", [&] {
    if (!m_files->mount()) throw std::runtime_error{"the file system does not mount"};
    m_files->start_flusher();
    // On the host they have just been written, and lie in the page cache in folios as large as the write.
    for (std::size_t i = 0; i < kFiles; ++i) static_cast<void>(m_files->preload(kPaths[i]));
    m_loopback = std::make_unique<drivers::Loopback>(m_machine, m_scheduler, m_fake.ledger(), *m_network, m_config.net);
    status = m_processes.wait_for(m_processes.start("program", main));
  });
  constexpr std::size_t kBackground = 2;  // the flusher, and ksoftirqd once it was needed
  m_fake.run_all(kBackground);
  for (const sched::Task* task : m_scheduler.unfinished())
    throw tests::Blocked{"nothing left to happen; " + task->name() + " waits for " + std::string{task->waits_for()}};
  return status;
}

std::string SimulatedKernel::check_memory() {
  m_network.reset();
  m_loopback.reset();
  m_files.reset();
  if (!m_frames.breaches().empty()) return m_frames.breaches().front();
  const std::uint64_t held = m_frames.total_frames() - m_frames.free_frames();
  return held == 0 ? "" : std::to_string(held) + " frames were allocated and never freed";
}

}  // namespace sluice::differential
