// SPDX-License-Identifier: Apache-2.0
// Simulated time in integer picoseconds, rates, and the exact conversions between them.
#pragma once

#include <compare>
#include <cstdint>

#include "models/base/types.h"

namespace sluice::base {

/// 128 bits, so that bytes times picoseconds cannot overflow.
__extension__ typedef unsigned __int128 WideUnsigned;

/// A span of simulated time, or an instant since the start of the simulation. 64 bits reach 106 days.
class Picoseconds {
 public:
  constexpr Picoseconds() = default;
  constexpr explicit Picoseconds(std::int64_t count) : m_count(count) {}

  [[nodiscard]] constexpr std::int64_t count() const { return m_count; }
  constexpr auto operator<=>(const Picoseconds&) const = default;
  constexpr Picoseconds operator+(Picoseconds o) const { return Picoseconds{m_count + o.m_count}; }
  constexpr Picoseconds operator-(Picoseconds o) const { return Picoseconds{m_count - o.m_count}; }
  constexpr Picoseconds& operator+=(Picoseconds o) {
    m_count += o.m_count;
    return *this;
  }
  constexpr Picoseconds& operator-=(Picoseconds o) {
    m_count -= o.m_count;
    return *this;
  }
  constexpr Picoseconds operator*(std::uint64_t n) const { return Picoseconds{m_count * static_cast<std::int64_t>(n)}; }
  constexpr Picoseconds operator/(std::uint64_t n) const { return Picoseconds{m_count / static_cast<std::int64_t>(n)}; }

 private:
  std::int64_t m_count = 0;
};

constexpr Picoseconds operator""_ps(unsigned long long n) { return Picoseconds{static_cast<std::int64_t>(n)}; }
constexpr Picoseconds operator""_ns(unsigned long long n) { return Picoseconds{static_cast<std::int64_t>(n) * 1'000}; }
constexpr Picoseconds operator""_us(unsigned long long n) {
  return Picoseconds{static_cast<std::int64_t>(n) * 1'000'000};
}
constexpr Picoseconds operator""_ms(unsigned long long n) {
  return Picoseconds{static_cast<std::int64_t>(n) * 1'000'000'000};
}

inline constexpr std::int64_t kPicosecondsPerSecond = 1'000'000'000'000;

/// A positive quantity per second with its own kind.
template <class Tag>
class PerSecond {
 public:
  constexpr PerSecond() = default;
  constexpr explicit PerSecond(std::uint64_t value) : m_value(value) {}
  [[nodiscard]] constexpr std::uint64_t value() const { return m_value; }
  constexpr auto operator<=>(const PerSecond&) const = default;

 private:
  std::uint64_t m_value = 0;
};

using BitRate = PerSecond<struct BitRateTag>;      ///< bits per second
using ByteRate = PerSecond<struct ByteRateTag>;    ///< bytes per second
using Frequency = PerSecond<struct FrequencyTag>;  ///< cycles per second

constexpr BitRate operator""_Mbps(unsigned long long n) { return BitRate{n * 1'000'000}; }
constexpr BitRate operator""_Gbps(unsigned long long n) { return BitRate{n * 1'000'000'000}; }
constexpr ByteRate operator""_MBps(unsigned long long n) { return ByteRate{n * 1'000'000}; }
constexpr ByteRate operator""_GBps(unsigned long long n) { return ByteRate{n * 1'000'000'000}; }
constexpr Frequency operator""_Hz(unsigned long long n) { return Frequency{n}; }
constexpr Frequency operator""_MHz(unsigned long long n) { return Frequency{n * 1'000'000}; }

/// Rounded up: a transfer never ends before its last bit. The rate must not be zero.
constexpr Picoseconds transfer_time(Bytes n, ByteRate rate) {
  const auto product = static_cast<WideUnsigned>(n) * static_cast<WideUnsigned>(kPicosecondsPerSecond);
  return Picoseconds{static_cast<std::int64_t>((product + rate.value() - 1) / rate.value())};
}
constexpr Picoseconds transfer_time(Bytes n, BitRate rate) {
  const auto product = static_cast<WideUnsigned>(n) * 8 * static_cast<WideUnsigned>(kPicosecondsPerSecond);
  return Picoseconds{static_cast<std::int64_t>((product + rate.value() - 1) / rate.value())};
}
/// Rounded to the nearest picosecond.
constexpr Picoseconds cycles_time(std::uint64_t cycles, Frequency frequency) {
  const auto product = static_cast<WideUnsigned>(cycles) * static_cast<WideUnsigned>(kPicosecondsPerSecond);
  return Picoseconds{static_cast<std::int64_t>((product + frequency.value() / 2) / frequency.value())};
}

/// What a piece of code costs: a fixed time, or millicycles that shrink when the clock is raised.
class CpuCost {
 public:
  constexpr CpuCost() = default;
  static constexpr CpuCost time(Picoseconds t) { return CpuCost{t, 0}; }
  static constexpr CpuCost cycles(std::uint64_t n) { return CpuCost{Picoseconds{}, n * 1000}; }
  static constexpr CpuCost millicycles(std::uint64_t n) { return CpuCost{Picoseconds{}, n}; }

  [[nodiscard]] constexpr Picoseconds at(Frequency f) const {
    note_use();
    if (m_millicycles == 0) return m_fixed;
    const auto product = static_cast<WideUnsigned>(m_millicycles) * 1'000'000'000U;
    return m_fixed + Picoseconds{static_cast<std::int64_t>((product + f.value() / 2) / f.value())};
  }
  /// The fixed time that it is on a clock of `f`, a time being given for a clock of `reference`.
  [[nodiscard]] constexpr CpuCost resolved(Frequency f, Frequency reference) const {
    const auto scaled = static_cast<WideUnsigned>(m_fixed.count()) * reference.value() + f.value() / 2;
    CpuCost fixed = time(Picoseconds{static_cast<std::int64_t>(scaled / f.value())} + millicycles(m_millicycles).at(f));
    fixed.m_used = m_used;
    return fixed;
  }
  [[nodiscard]] constexpr Picoseconds fixed() const { return m_fixed; }
  [[nodiscard]] constexpr std::uint64_t in_millicycles() const { return m_millicycles; }
  constexpr bool operator==(const CpuCost& o) const { return m_fixed == o.m_fixed && m_millicycles == o.m_millicycles; }
  constexpr CpuCost operator+(const CpuCost& o) const {
    note_use();
    o.note_use();
    return CpuCost{m_fixed + o.m_fixed, m_millicycles + o.m_millicycles};
  }
  constexpr CpuCost operator*(std::uint64_t n) const {
    if (n != 0) note_use();
    return CpuCost{m_fixed * n, m_millicycles * n};
  }
  /// From now on a use of this cost, or of a copy, sets `used`, which must outlive them.
  void watch(bool& used) { m_used = &used; }

 private:
  constexpr CpuCost(Picoseconds fixed, std::uint64_t millicycles) : m_fixed(fixed), m_millicycles(millicycles) {}
  constexpr void note_use() const {
    if (m_used != nullptr) *m_used = true;
  }
  Picoseconds m_fixed;
  std::uint64_t m_millicycles = 0;
  bool* m_used = nullptr;
};

/// A share of one, in parts per million, so that no floating point is on a timing path.
class Fraction {
 public:
  constexpr Fraction() = default;
  constexpr explicit Fraction(std::uint64_t parts_per_million) : m_ppm(parts_per_million) {}
  [[nodiscard]] constexpr std::uint64_t ppm() const { return m_ppm; }
  [[nodiscard]] constexpr std::uint64_t of(std::uint64_t n) const {
    return static_cast<std::uint64_t>(static_cast<WideUnsigned>(n) * m_ppm / 1'000'000U);
  }
  constexpr auto operator<=>(const Fraction&) const = default;

 private:
  std::uint64_t m_ppm = 0;
};

}  // namespace sluice::base
