// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/yaml_tree.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <sys/stat.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "models/base/parameters.h"

namespace sluice::scenario {
namespace {

const char* name_of(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::Null:
      return "nothing";
    case Node::Kind::Scalar:
      return "a single value";
    case Node::Kind::Sequence:
      return "a list";
    case Node::Kind::Map:
      return "a map";
  }
  return "";
}

[[noreturn]] void refuse_kind(const Node& node, const std::string& what, const char* wanted) {
  throw error_at(node.position, fmt::format("{}: expected {}, found {}", what, wanted, name_of(node.kind)));
}

/// Builds the tree from the parser's events; the limits hold while the file is read.
class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::string file) : m_file(std::move(file)) {}

  Node take() { return std::move(m_root); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { leaf(Node::Kind::Null, mark, anchor, {}); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw error_at(place(mark), "aliases are not supported; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    leaf(Node::Kind::Scalar, mark, anchor, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(Node::Kind::Sequence, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    open(Node::Kind::Map, mark, anchor);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Level {
    Node node;
    Node key;
    bool has_key = false;
  };

  Position place(const YAML::Mark& mark) const { return {m_file, mark.line + 1, mark.column + 1}; }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag != "?" && tag != "!" && !tag.empty()) throw error_at(place(mark), "tags are not supported: " + tag);
  }
  Node begin(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) throw error_at(place(mark), "anchors are not supported; write the value out");
    if (++m_nodes > kMaxNodes) throw error_at(place(mark), fmt::format("more than {} values in one file", kMaxNodes));
    Node node;
    node.kind = kind;
    node.position = place(mark);
    return node;
  }
  void leaf(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& text) {
    Node node = begin(kind, mark, anchor);
    node.text = text;
    add(std::move(node));
  }
  void open(Node::Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (m_levels.size() >= kMaxDepth) {
      throw error_at(place(mark), fmt::format("nested deeper than {} levels", kMaxDepth));
    }
    m_levels.push_back({begin(kind, mark, anchor), {}, false});
  }
  void close() {
    Node node = std::move(m_levels.back().node);
    m_levels.pop_back();
    add(std::move(node));
  }
  void add(Node node) {
    if (m_levels.empty()) {
      m_root = std::move(node);
      return;
    }
    Level& level = m_levels.back();
    if (level.node.kind == Node::Kind::Sequence) {
      level.node.items.push_back(std::move(node));
    } else if (!level.has_key) {
      if (node.kind != Node::Kind::Scalar) throw error_at(node.position, "a key must be a plain word");
      if (const Node* first = key_of(level.node, node.text)) {
        throw error_at(node.position, fmt::format("key '{}' stands here for the second time, first in line {}",
                                                  node.text, first->position.line));
      }
      level.key = std::move(node);
      level.has_key = true;
    } else {
      level.node.entries.push_back({std::move(level.key), std::move(node)});
      level.has_key = false;
    }
  }
  static const Node* key_of(const Node& map, const std::string& key) {
    for (const auto& [name, value] : map.entries) {
      if (name.text == key) return &name;
    }
    return nullptr;
  }

  std::string m_file;
  Node m_root;
  std::vector<Level> m_levels;
  std::size_t m_nodes = 0;
};

}  // namespace

std::string to_text(const Position& position) {
  return position.line == 0 ? position.file : fmt::format("{}:{}:{}", position.file, position.line, position.column);
}

base::InputError error_at(const Position& position, const std::string& message) {
  return base::InputError{to_text(position) + ": " + message};
}

void refuse_unknown(const Position& at, const std::string& key, const std::vector<std::string>& known) {
  const std::string near = base::nearest_name(key, known);
  std::string help;
  if (!near.empty()) {
    help = fmt::format("; did you mean '{}'?", near);
  } else if (known.size() <= 10) {
    help = fmt::format("; known here: {}", fmt::join(known, ", "));
  }
  throw error_at(at, fmt::format("unknown key '{}'{}", key, help));
}

void refuse_unknown_keys(const Node& map, const std::string& what, const std::vector<std::string>& known) {
  for (const auto& [key, value] : map.map(what)) {
    if (std::find(known.begin(), known.end(), key.text) == known.end()) refuse_unknown(key.position, key.text, known);
  }
}

const Node* Node::find(const std::string& key) const {
  for (const auto& [name, value] : entries) {
    if (name.text == key) return &value;
  }
  return nullptr;
}

const std::string& Node::scalar(const std::string& what) const {
  if (kind != Kind::Scalar) refuse_kind(*this, what, "a single value");
  return text;
}
const std::vector<Node::Entry>& Node::map(const std::string& what) const {
  if (kind != Kind::Map) refuse_kind(*this, what, "a map");
  return entries;
}
const std::vector<Node>& Node::sequence(const std::string& what) const {
  if (kind != Kind::Sequence) refuse_kind(*this, what, "a list");
  return items;
}

namespace {

/// Lines that end in CR LF are lines.
std::string without_carriage_returns(std::string text) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool at_end = i + 1 == text.size() || text[i + 1] == '\n';
    if (text[i] != '\r' || !at_end) text[kept++] = text[i];
  }
  text.resize(kept);
  return text;
}

}  // namespace

Node parse_yaml(const std::string& text, const std::string& name) {
  if (text.size() > kMaxFileSize) throw error_at({name}, "larger than 1 MiB, which no scenario or platform file is");
  if (const auto nul = text.find('\0'); nul != std::string::npos) throw error_at({name}, "is not a text file");
  std::istringstream stream{without_carriage_returns(text)};
  try {
    Builder builder{name};
    YAML::Parser parser{stream};
    if (!parser.HandleNextDocument(builder)) throw error_at({name, 1, 1}, "the file is empty");
    Node root = builder.take();
    Builder second{name};
    if (parser.HandleNextDocument(second)) throw error_at({name, 1, 1}, "holds more than one YAML document");
    return root;
  } catch (const YAML::Exception& refused) {
    throw error_at({name, refused.mark.line + 1, refused.mark.column + 1}, "not valid YAML: " + refused.msg);
  }
}

Node load_yaml(const std::string& path) {
  const auto refuse = [&](const std::string& why) { throw error_at({path}, why); };
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) refuse(std::strerror(errno));
  if (S_ISDIR(status.st_mode)) refuse("is a directory, not a file");
  if (!S_ISREG(status.st_mode)) refuse("is not a regular file");
  if (static_cast<std::size_t>(status.st_size) > kMaxFileSize) {
    refuse("larger than 1 MiB, which no scenario or platform file is");
  }
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "rb"), &std::fclose};
  if (!file) refuse(std::strerror(errno));
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return parse_yaml(text, path);
}

}  // namespace sluice::scenario
