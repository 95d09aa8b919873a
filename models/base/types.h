// SPDX-License-Identifier: Apache-2.0
// The vocabulary of the machine: addresses, page frames, byte counts, cache lines.
// Kinds of address do not mix: adding a physical to a virtual address does not compile.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace sluice::base {

/// A number of bytes. An alias on purpose: sizes index spans and meet offsets everywhere, and the mix-ups worth
/// catching are between kinds of address and between sizes and times, which are distinct types.
using Bytes = std::uint64_t;

inline constexpr Bytes kPageSize = 4096;
inline constexpr unsigned kPageShift = 12;
inline constexpr Bytes kLargePageSize = Bytes{2} << 20;
inline constexpr Bytes kLineSize = 64;
inline constexpr unsigned kLinesPerPage = 64;

inline constexpr Bytes operator""_KiB(unsigned long long n) { return n << 10; }
inline constexpr Bytes operator""_MiB(unsigned long long n) { return n << 20; }
inline constexpr Bytes operator""_GiB(unsigned long long n) { return n << 30; }

/// An address in one space. `Tag` tells the spaces apart; the value is in bytes.
template <class Tag>
class Address {
 public:
  constexpr Address() = default;
  constexpr explicit Address(std::uint64_t value) : m_value(value) {}

  [[nodiscard]] constexpr std::uint64_t value() const { return m_value; }
  [[nodiscard]] constexpr Bytes page_offset() const { return m_value & (kPageSize - 1); }
  [[nodiscard]] constexpr std::uint64_t page_number() const { return m_value >> kPageShift; }
  /// Bytes from here to the end of the 4 KiB page.
  [[nodiscard]] constexpr Bytes left_in_page() const { return kPageSize - page_offset(); }
  [[nodiscard]] constexpr Address page_base() const { return Address{m_value & ~(kPageSize - 1)}; }

  constexpr auto operator<=>(const Address&) const = default;
  constexpr Address operator+(Bytes n) const { return Address{m_value + n}; }
  constexpr Address operator-(Bytes n) const { return Address{m_value - n}; }
  constexpr Bytes operator-(Address other) const { return m_value - other.m_value; }
  constexpr Address& operator+=(Bytes n) {
    m_value += n;
    return *this;
  }

 private:
  std::uint64_t m_value = 0;
};

using PhysAddr = Address<struct PhysicalSpace>;  ///< as the memory controller sees it
using VirtAddr = Address<struct VirtualSpace>;   ///< as a program sees it
using BusAddr = Address<struct BusSpace>;        ///< as a device sees it (equal to physical without an IOMMU)

/// A physical page frame number: physical address / 4 KiB.
class Frame {
 public:
  constexpr Frame() = default;
  constexpr explicit Frame(std::uint32_t number) : m_number(number) {}
  static constexpr Frame of(PhysAddr address) { return Frame{static_cast<std::uint32_t>(address.page_number())}; }

  [[nodiscard]] constexpr std::uint32_t number() const { return m_number; }
  [[nodiscard]] constexpr PhysAddr address() const { return PhysAddr{std::uint64_t{m_number} << kPageShift}; }
  constexpr auto operator<=>(const Frame&) const = default;

 private:
  std::uint32_t m_number = 0;
};

constexpr Bytes round_up(Bytes n, Bytes multiple) { return (n + multiple - 1) / multiple * multiple; }
constexpr Bytes round_down(Bytes n, Bytes multiple) { return n / multiple * multiple; }
constexpr std::uint64_t divide_up(std::uint64_t n, std::uint64_t d) { return (n + d - 1) / d; }

}  // namespace sluice::base

namespace sluice {
using namespace base;  // the vocabulary is known in every layer
}

template <class Tag>
struct std::hash<sluice::base::Address<Tag>> {
  std::size_t operator()(sluice::base::Address<Tag> a) const noexcept { return std::hash<std::uint64_t>{}(a.value()); }
};
template <>
struct std::hash<sluice::base::Frame> {
  std::size_t operator()(sluice::base::Frame f) const noexcept { return std::hash<std::uint32_t>{}(f.number()); }
};
