// SPDX-License-Identifier: Apache-2.0
// How a type of results says what it holds, once. A described type names each of its members in one line:
//
//   struct Copies {
//     double cpu = 0;
//     std::optional<double> dma;
//     template <class Visitor>
//     static void describe(Visitor&& visit) {
//       visit(Field{"cpu", Unit::PerByte, "by the processor"}, &Copies::cpu);
//       visit(Field{"dma", Unit::PerByte, "by devices"}, &Copies::dma);
//     }
//   };
//
// JSON writing and reading (json_io.h), the published schema (schema.h), the paths of expectations (paths.h), CSV and
// the text of a run follow. A member that may be missing is a std::optional: what is not known is absent, never 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace sluice::results {

/// What a number counts, and so how people read it.
enum class Unit : std::uint8_t { None, Count, Bytes, Nanoseconds, Seconds, BytesPerSecond, PerByte, Share, Percent };
/// As a sentence names it: "bytes per second".
std::string_view name_of(Unit unit);

/// Which complete runs of a strategy have a member that a failed run may lack.
enum class Of : std::uint8_t {
  Any,        ///< as its type says: always, or when it is known
  Complete,   ///< every complete run
  Simulated,  ///< every complete run on the simulated kernel
  Host,       ///< every complete run on a host
};

/// One member of a result.
struct Field {
  const char* key;
  Unit unit = Unit::None;
  const char* help = "";
  Of of = Of::Any;
  std::vector<const char*> choices = {};  ///< of a text; empty: any
  bool expectable = true;                 ///< a scenario may expect something of it
};

/// Values by name, in the order in which they were added. A JSON object whose keys are not known beforehand.
template <class T>
using Named = std::vector<std::pair<std::string, T>>;

/// Null when there is none of that name.
template <class T>
const T* find(const Named<T>& named, std::string_view name) {
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

/// A value, or a sentence that says why there is none.
template <class T>
using OrWhyNot = std::variant<T, std::string>;

// --- what kind of type a member has -----------------------------------------------------------------------------

struct AnyVisitor {
  template <class Member>
  void operator()(const Field&, Member) const {}
};
template <class T>
concept Described = requires(AnyVisitor visit) {
  T::describe(visit);
};

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsList = false;
template <class T>
inline constexpr bool kIsList<std::vector<T>> = true;
template <class T>
inline constexpr bool kIsNamed = false;
template <class T>
inline constexpr bool kIsNamed<std::vector<std::pair<std::string, T>>> = true;
template <class T>
inline constexpr bool kIsOrWhyNot = false;
template <class T>
inline constexpr bool kIsOrWhyNot<std::variant<T, std::string>> = true;

template <class T>
struct Bare {
  using Type = T;
};
template <class T>
struct Bare<std::optional<T>> {
  using Type = T;
};
/// The type of a member, without the optional around it.
template <class Member>
struct MemberOf;
template <class Class, class T>
struct MemberOf<T Class::*> {
  using Type = typename Bare<T>::Type;
  static constexpr bool kMayBeAbsent = kIsOptional<T>;
};

}  // namespace sluice::results
