// SPDX-License-Identifier: Apache-2.0
// A YAML file as a tree in which every node knows its place, so that every complaint can name file:line:column.
// Only what scenario files need: one document of maps, sequences and scalars. Anchors, aliases, tags and duplicate keys
// are refused, so are files that are too large or too deep: a file of a few hundred bytes cannot blow up.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "models/base/result.h"

namespace sluice::scenario {

inline constexpr std::size_t kMaxFileSize = 1U << 20;  ///< bytes
inline constexpr std::size_t kMaxNodes = 20'000;
inline constexpr std::size_t kMaxDepth = 16;

/// A place in an input, line and column from 1. Line 0: the input as a whole (a command line argument).
struct Position {
  std::string file;
  int line = 0;
  int column = 0;
};
/// "file:line:column", or the file alone.
std::string to_text(const Position& position);

/// The error that a person sees: "file:line:column: message".
base::InputError error_at(const Position& position, const std::string& message);

struct Node {
  enum class Kind { Null, Scalar, Sequence, Map };
  struct Entry;

  Kind kind = Kind::Null;
  Position position;
  std::string text;  ///< of a scalar
  std::vector<Node> items;
  std::vector<Entry> entries;  ///< keys are scalars, in the order of the file

  [[nodiscard]] const Node* find(const std::string& key) const;
  [[nodiscard]] bool is_map() const { return kind == Kind::Map; }
  // What is asked for, or an InputError that says what is there instead. `what` names the value ("chunk").
  [[nodiscard]] const std::string& scalar(const std::string& what) const;
  [[nodiscard]] const std::vector<Entry>& map(const std::string& what) const;
  [[nodiscard]] const std::vector<Node>& sequence(const std::string& what) const;
};

/// Of a map.
struct Node::Entry {
  Node key;
  Node value;
};

/// Reads and parses a file. InputError when it is missing, a directory, unreadable, too large or no such YAML.
Node load_yaml(const std::string& path);
/// Parses text; `name` stands for the file in messages.
Node parse_yaml(const std::string& text, const std::string& name);

/// Refuses `key` where only `known` may stand, naming the nearest.
[[noreturn]] void refuse_unknown(const Position& at, const std::string& key, const std::vector<std::string>& known);
/// Refuses a map that has another key than these; `what` names the map.
void refuse_unknown_keys(const Node& map, const std::string& what, const std::vector<std::string>& known);

}  // namespace sluice::scenario
