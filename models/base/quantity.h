// SPDX-License-Identifier: Apache-2.0
// Text to quantity and back. Every quantity in a file carries its unit; a bare number is refused where a unit belongs.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "models/base/time.h"
#include "models/base/types.h"

namespace sluice::base {

/// The value, or what is wrong with the text in a phrase ("missing unit: write for example 25 Gbps").
template <class T>
using Parsed = tl::expected<T, std::string>;

// Accepted: a decimal number, optional space, a unit. Negative, overflowing or inexact values are refused.
Parsed<Bytes> parse_bytes(std::string_view text);          ///< B KiB MiB GiB TiB kB MB GB TB
Parsed<Picoseconds> parse_time(std::string_view text);     ///< ps ns us ms s
Parsed<BitRate> parse_bit_rate(std::string_view text);     ///< bps kbps Mbps Gbps Tbps (also Gb/s)
Parsed<ByteRate> parse_byte_rate(std::string_view text);   ///< B/s kB/s MB/s GB/s TB/s KiB/s MiB/s GiB/s
Parsed<Frequency> parse_frequency(std::string_view text);  ///< Hz kHz MHz GHz
Parsed<CpuCost> parse_cpu_cost(std::string_view text);     ///< cycles (to a thousandth), or a time
Parsed<Fraction> parse_fraction(std::string_view text);    ///< 85 % or 0.85
Parsed<std::uint64_t> parse_count(std::string_view text);  ///< a whole number
Parsed<bool> parse_flag(std::string_view text);            ///< true or false

/// An exact positive ratio.
struct Factor {
  std::uint64_t numerator = 1;
  std::uint64_t denominator = 1;  ///< a power of ten
  [[nodiscard]] double value() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
};
/// "3x", "0.7x" or "300 %".
Parsed<Factor> parse_factor(std::string_view text);
/// Whether `text` is a number with "x" behind it, or with "%".
bool is_multiple(std::string_view text);
bool is_percentage(std::string_view text);

// To the nearest; refused when the result is too large.
Parsed<Bytes> multiplied(Bytes value, Factor factor);
Parsed<unsigned> multiplied(unsigned value, Factor factor);
Parsed<Picoseconds> multiplied(Picoseconds value, Factor factor);
Parsed<BitRate> multiplied(BitRate value, Factor factor);
Parsed<ByteRate> multiplied(ByteRate value, Factor factor);
Parsed<Frequency> multiplied(Frequency value, Factor factor);
Parsed<CpuCost> multiplied(CpuCost value, Factor factor);
Parsed<Fraction> multiplied(Fraction value, Factor factor);

// The shortest form that parses back to the same value.
std::string to_text(Bytes value);
std::string to_text(Picoseconds value);
std::string to_text(BitRate value);
std::string to_text(ByteRate value);
std::string to_text(Frequency value);
std::string to_text(CpuCost value);
std::string to_text(Fraction value);

}  // namespace sluice::base
