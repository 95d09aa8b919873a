// SPDX-License-Identifier: Apache-2.0
// Interrupts and what they leave for after themselves (kernel/softirq.c).
#include <utility>

#include "kernel_sim/sched/scheduler_state.h"
#include "kernel_sim/sched/timer_wheel.h"
#include "models/base/result.h"

namespace sluice::sched {

namespace {
/// MAX_SOFTIRQ_RESTART and MAX_SOFTIRQ_TIME.
constexpr int kSoftirqRounds = 10;
constexpr Picoseconds kSoftirqTime = 2_ms;
}  // namespace

/// Time in interrupts: what begins with the outermost and ends with it.
class Scheduler::InterruptTime {
 public:
  explicit InterruptTime(Core& core, const hal::Cpu& cpu) : m_core(core), m_cpu(cpu) {
    if (m_core.interrupts++ == 0) m_core.interrupt_began = cpu.now();
  }
  ~InterruptTime() {
    if (--m_core.interrupts == 0) m_core.interrupt_time += m_cpu.now() - m_core.interrupt_began;
  }
  InterruptTime(const InterruptTime&) = delete;
  InterruptTime& operator=(const InterruptTime&) = delete;

 private:
  Core& m_core;
  const hal::Cpu& m_cpu;
};

hal::Interrupts::Handler Scheduler::interrupt_handler(std::function<void()> handler) {
  return [this, handler = std::move(handler)] {
    const InterruptTime time{this_core(), m_state->machine.cpu};
    m_state->machine.cpu.execute(m_state->config.interrupt_entry, hal::Work::Interrupt);
    handler();
    leave_interrupt();
  };
}

hal::Interrupts::TimerId Scheduler::start_timer(Picoseconds delay, std::function<void()> handler) {
  return m_state->machine.interrupts.start_timer(delay, interrupt_handler(std::move(handler)));
}

Picoseconds Scheduler::wheel_wait(Picoseconds delay) const {
  return sched::wheel_wait(m_state->machine.cpu.now(), delay, m_state->config.tick_period());
}

void Scheduler::leave_interrupt() {
  Core& core = this_core();
  if (core.bottom_halves_off == 0) run_softirqs(core);
  if (core.running != nullptr) return;
  if (Task* next = take_next(core); next != nullptr) {
    give_core_to(core, next);
    m_state->machine.contexts.start(next->m_context, core.number);
  }
}

void Scheduler::raise_softirq(std::function<void()> work) {
  Core& core = this_core();
  core.softirqs.push_back(std::move(work));
  if (!m_state->machine.contexts.in_interrupt() && core.bottom_halves_off == 0) run_softirqs(core);
}

/// handle_softirqs: in rounds, as long as it may; what is left goes to ksoftirqd.
void Scheduler::run_softirqs(Core& core) {
  if (core.in_softirq || core.softirqs.empty()) return;
  hal::Cpu& cpu = m_state->machine.cpu;
  const hal::Mode before = cpu.mode();
  // ksoftirqd's time is its own.
  std::optional<InterruptTime> time;
  if (core.running == nullptr || core.running != core.ksoftirqd) time.emplace(core, cpu);
  core.in_softirq = true;
  cpu.set_mode(hal::Mode::Interrupt);
  // Time passes in ticks here (jiffies), and a fraction of one counts as one.
  const std::int64_t period = m_state->config.tick_period().count();
  const auto ticks = [&] { return cpu.now().count() / period; };
  const std::int64_t last = ticks() + (kSoftirqTime.count() + period - 1) / period;
  int rounds = 0;
  do {
    for (const auto& work : std::exchange(core.softirqs, {})) work();
  } while (!core.softirqs.empty() && ticks() < last && !core.reschedule && ++rounds < kSoftirqRounds);
  cpu.set_mode(before);
  core.in_softirq = false;
  if (!core.softirqs.empty()) wake_ksoftirqd(core);
}

void Scheduler::wake_ksoftirqd(Core& core) {
  if (core.ksoftirqd == nullptr) {
    core.ksoftirqd = &spawn(
        "ksoftirqd/" + std::to_string(core.number), [this, &core] { run_ksoftirqd(core); }, {.core = core.number},
        true);
  } else {
    wake_one(core.ksoftirqd_queue);
  }
}

void Scheduler::run_ksoftirqd(Core& core) {
  for (;;) {
    while (core.softirqs.empty()) wait(core.ksoftirqd_queue, "soft interrupts");
    run_softirqs(core);
    cond_resched();
  }
}

void Scheduler::disable_bottom_halves() { ++this_core().bottom_halves_off; }

void Scheduler::enable_bottom_halves() {
  Core& core = this_core();
  base::ensure(core.bottom_halves_off > 0, "bottom halves enabled more often than disabled");
  if (--core.bottom_halves_off > 0 || m_state->machine.contexts.in_interrupt()) return;
  run_softirqs(core);
  preempt_in_kernel();
}

}  // namespace sluice::sched
