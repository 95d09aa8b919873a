// SPDX-License-Identifier: Apache-2.0
// A parameter is a field of a config struct plus what a person needs to know about it. One line says it all: field,
// name in files, default, range, help and source.
//
//   struct NicConfig : base::Parameters {
//     BitRate rate = parameter(rate, "rate", 25_Gbps, {1_Mbps, 800_Gbps}, "line rate of the port", "IEEE 802.3");
//   };
//
// Parsing, range checks, overrides, factors, `sluice describe`, `--dump-config` and the resolution of CPU costs follow
// from that line. A source that starts with "estimate" or "choice" is from no document.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "models/base/quantity.h"

namespace sluice::base {

/// Smallest and largest value allowed, both included.
template <class T>
struct Range {
  T low;
  T high;
};

/// One line of a config struct, for every object of that struct: `field` points into one of them.
struct ParameterDescription {
  std::string name;
  std::string kind;     ///< "time", "bytes", "bit rate", "byte rate", "frequency", "cpu cost", "fraction", "count",
                        ///< "flag", "choice"
  std::string allowed;  ///< range or choices, for people
  std::string help;
  std::string source;  ///< where the default comes from; a platform file may give another
  std::function<Parsed<void>(void* field, std::string_view)> set;
  std::function<std::string(const void* field)> get;
  std::function<Parsed<void>(void* field, Factor)> multiply;  ///< empty for flags and choices
  std::ptrdiff_t offset = 0;                                  ///< of the field, from its struct's Parameters
};
using ParameterDescriptions = std::vector<ParameterDescription>;

/// Base of a config struct, its first one. An object that is made with a list writes its lines into the list; every
/// other object only gets its defaults.
class Parameters {
 public:
  Parameters() = default;
  explicit Parameters(ParameterDescriptions& list) : m_list(&list) {}

 protected:
  // The default, which initialises `field`.
  template <class T>
  T parameter(T& field, const char* name, std::type_identity_t<T> initial, Range<std::type_identity_t<T>> range,
              const char* help, const char* source) {
    if (m_list != nullptr) add(offset_of(&field), name, range, help, source);
    return initial;
  }
  bool parameter(bool& field, const char* name, bool initial, const char* help, const char* source) {
    if (m_list != nullptr) add_flag(offset_of(&field), name, help, source);
    return initial;
  }
  CpuCost parameter(CpuCost& field, const char* name, CpuCost initial, const char* help, const char* source) {
    if (m_list != nullptr) add_cost(offset_of(&field), name, help, source);
    return initial;
  }
  /// One of `names`, those of an enum class whose values count from 0.
  template <class Enum>
  requires std::is_enum_v<Enum> Enum choice(Enum& field, const char* name, std::type_identity_t<Enum> initial,
                                            std::initializer_list<const char*> names, const char* help,
                                            const char* source) {
    if (m_list != nullptr) {
      add_choice(
          offset_of(&field), name, {names.begin(), names.end()},
          [](void* at, std::size_t i) { *static_cast<Enum*>(at) = static_cast<Enum>(i); },
          [](const void* at) { return static_cast<std::size_t>(*static_cast<const Enum*>(at)); }, help, source);
    }
    return initial;
  }
  /// All lines of a config struct that is a field of this one, their names after `prefix`.
  template <class Part>
  Part part(Part& field, const char* prefix);

 private:
  std::ptrdiff_t offset_of(const void* field) const {
    return static_cast<const std::byte*>(field) - reinterpret_cast<const std::byte*>(this);
  }
  void add(std::ptrdiff_t offset, const char* name, Range<Bytes> range, const char* help, const char* source);
  void add(std::ptrdiff_t offset, const char* name, Range<Picoseconds> range, const char* help, const char* source);
  void add(std::ptrdiff_t offset, const char* name, Range<BitRate> range, const char* help, const char* source);
  void add(std::ptrdiff_t offset, const char* name, Range<ByteRate> range, const char* help, const char* source);
  void add(std::ptrdiff_t offset, const char* name, Range<Frequency> range, const char* help, const char* source);
  void add(std::ptrdiff_t offset, const char* name, Range<Fraction> range, const char* help, const char* source);
  void add(std::ptrdiff_t offset, const char* name, Range<unsigned> range, const char* help, const char* source);
  void add_cost(std::ptrdiff_t offset, const char* name, const char* help, const char* source);
  void add_flag(std::ptrdiff_t offset, const char* name, const char* help, const char* source);
  void add_choice(std::ptrdiff_t offset, const char* name, std::vector<std::string> names,
                  void (*set)(void*, std::size_t), std::size_t (*get)(const void*), const char* help,
                  const char* source);
  void add_part(std::ptrdiff_t offset, const std::string& prefix, const ParameterDescriptions& part);

  ParameterDescriptions* m_list = nullptr;
};

/// The lines of a config struct, in their order.
template <class Config>
const ParameterDescriptions& descriptions_of() {
  static const ParameterDescriptions all = [] {
    ParameterDescriptions list;
    [[maybe_unused]] const Config writes_its_lines{Parameters{list}};
    return list;
  }();
  return all;
}

template <class Part>
Part Parameters::part(Part& field, const char* prefix) {
  if (m_list != nullptr) add_part(offset_of(&field), prefix, descriptions_of<Part>());
  return Part{};
}

/// What parameters of a struct may be together, or one of them within its range. A struct lists its own:
///   static std::vector<base::Rule<CacheConfig>> rules();
template <class Config>
struct Rule {
  std::vector<std::string> names;  ///< of the parameters that it is about
  std::string text;                ///< "l1_size must be a multiple of l1_ways x 4 KiB"
  bool (*holds)(const Config&) = nullptr;
};

/// The first rule that is broken, and what its parameters are; empty when all hold.
template <class Config>
std::string broken_rule(const Config& config);

/// A parameter of one config object, which must outlive it.
class Parameter {
 public:
  Parameter(const ParameterDescription& description, Parameters& object)
      : m_description(&description), m_field(reinterpret_cast<std::byte*>(&object) + description.offset) {}

  [[nodiscard]] const std::string& name() const { return m_description->name; }
  [[nodiscard]] const std::string& kind() const { return m_description->kind; }
  [[nodiscard]] const std::string& allowed() const { return m_description->allowed; }
  [[nodiscard]] const std::string& help() const { return m_description->help; }
  [[nodiscard]] const std::string& source() const { return m_description->source; }
  /// Text that `set` accepts.
  [[nodiscard]] std::string get() const { return m_description->get(m_field); }
  /// Refuses with a phrase, and changes nothing then.
  Parsed<void> set(std::string_view text) const { return m_description->set(m_field, text); }
  /// The same for the present value times a factor, to the nearest.
  Parsed<void> multiply(Factor factor) const;
  /// Null when it is none.
  [[nodiscard]] CpuCost* as_cost() const;

 private:
  const ParameterDescription* m_description;
  void* m_field;
};

/// The parameters of one config object, which must outlive it.
class ParameterTable {
 public:
  template <class Config>
  explicit ParameterTable(Config& config) : m_descriptions(&descriptions_of<Config>()), m_object(&config) {
    if constexpr (requires { Config::rules(); }) {
      for (const auto& rule : Config::rules()) m_rules.emplace_back(rule.names, rule.text);
    }
  }

  /// Of an object whose parameters are found at run time; both must outlive the table.
  ParameterTable(const ParameterDescriptions& descriptions, Parameters& object)
      : m_descriptions(&descriptions), m_object(&object) {}

  [[nodiscard]] std::vector<Parameter> parameters() const;
  [[nodiscard]] std::optional<Parameter> find(std::string_view name) const;
  /// The rules that a parameter is part of.
  [[nodiscard]] std::vector<std::string> rules_of(const std::string& name) const;

 private:
  const ParameterDescriptions* m_descriptions;
  std::vector<std::pair<std::vector<std::string>, std::string>> m_rules;
  Parameters* m_object;
};

template <class Config>
std::string broken_rule(const Config& config) {
  for (const auto& rule : Config::rules()) {
    if (rule.holds(config)) continue;
    Config copy = config;
    const ParameterTable table{copy};
    std::string values;
    for (const std::string& name : rule.names) {
      values += (values.empty() ? "; " : ", ") + name + " is " + table.find(name).value().get();
    }
    return rule.text + values;
  }
  return {};
}

/// A config whose CPU costs are fixed times: cycles at `clock`, and times, which were given for `reference`, at
/// `clock`.
template <class Config>
Config resolved(Config config, Frequency clock, Frequency reference) {
  for (const Parameter& parameter : ParameterTable{config}.parameters()) {
    if (CpuCost* cost = parameter.as_cost()) *cost = cost->resolved(clock, reference);
  }
  return config;
}

/// The candidate nearest to a mistyped word by edit distance; empty when none is near.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sluice::base
