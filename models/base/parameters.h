// SPDX-License-Identifier: Apache-2.0
// A parameter is a field of a config struct plus what a person needs to know about it. Each config struct says so once:
//
//   void NicConfig::describe(base::ParameterTable& table) {
//     table.add("rate", rate, {BitRate{1'000'000}, BitRate{800'000'000'000}}, "line rate of the port", "IEEE 802.3");
//   }
//
// and parsing, range checks, overrides, `sluice describe` and `--dump-config` follow from the table.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "models/base/quantity.h"

namespace sluice::base {

/// Smallest and largest value allowed, both included.
template <class T>
struct Range {
  T low;
  T high;
};

/// One described field. `set` refuses with a phrase; `get` gives text that `set` accepts.
struct Parameter {
  std::string name;
  std::string kind;     ///< "time", "bytes", "bit rate", "byte rate", "frequency", "cpu cost", "fraction", "count",
                        ///< "flag", "choice"
  std::string allowed;  ///< range or choices, for people
  std::string help;
  std::string source;  ///< where the default comes from; a platform file may give another
  std::function<Parsed<void>(std::string_view)> set;
  std::function<std::string()> get;
};

/// The parameters of one config struct, bound to its fields. Must not outlive the struct.
class ParameterTable {
 public:
  void add(std::string name, Bytes& field, Range<Bytes> range, std::string help, std::string source);
  void add(std::string name, Picoseconds& field, Range<Picoseconds> range, std::string help, std::string source);
  void add(std::string name, BitRate& field, Range<BitRate> range, std::string help, std::string source);
  void add(std::string name, ByteRate& field, Range<ByteRate> range, std::string help, std::string source);
  void add(std::string name, Frequency& field, Range<Frequency> range, std::string help, std::string source);
  void add(std::string name, CpuCost& field, std::string help, std::string source);
  void add(std::string name, Fraction& field, Range<Fraction> range, std::string help, std::string source);
  /// A dimensionless number.
  void add(std::string name, unsigned& field, Range<unsigned> range, std::string help, std::string source);
  void add(std::string name, bool& field, std::string help, std::string source);
  /// One of `choices`; the field holds its index, so an enum class whose values count from 0 fits.
  template <class Enum>
  void add_choice(std::string name, Enum& field, std::vector<std::string> choices, std::string help,
                  std::string source) {
    add_choice_by_index(
        std::move(name), std::move(choices), [&field](std::size_t i) { field = static_cast<Enum>(i); },
        [&field] { return static_cast<std::size_t>(field); }, std::move(help), std::move(source));
  }

  /// All parameters of another table, named "<prefix>.<name>".
  void include(const std::string& prefix, const ParameterTable& part);

  /// The parameters of a part, as "prefix.name".
  void add_group(const std::string& prefix, const ParameterTable& part) {
    for (Parameter parameter : part.m_parameters) {
      parameter.name = prefix + "." + parameter.name;
      m_parameters.push_back(std::move(parameter));
    }
  }

  [[nodiscard]] const std::vector<Parameter>& parameters() const { return m_parameters; }
  [[nodiscard]] Parameter* find(std::string_view name);

 private:
  void add_choice_by_index(std::string name, std::vector<std::string> choices, std::function<void(std::size_t)> set,
                           std::function<std::size_t()> get, std::string help, std::string source);
  std::vector<Parameter> m_parameters;
};

/// The candidate nearest to a mistyped word by edit distance; empty when none is near.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sluice::base
