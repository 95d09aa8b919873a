// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/platform_file.h"

#include <algorithm>
#include <cctype>
#include <map>

#include <fmt/format.h>

namespace sluice::scenario {
namespace {

const std::map<std::string, platform::LinkKind> kLinkKinds{
    {"bus", platform::LinkKind::Bus}, {"pcie", platform::LinkKind::Pcie}, {"wire", platform::LinkKind::Wire}};

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : map) keys.push_back(key);
  return keys;
}

std::vector<std::string> component_names() {
  return {std::begin(platform::kComponents), std::end(platform::kComponents)};
}

/// Refuses what is none of `choices`, naming the nearest.
void require_one_of(const Node& node, const std::string& what, const std::vector<std::string>& choices) {
  const std::string& text = node.scalar(what);
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return;
  const std::string near = base::nearest_name(text, choices);
  throw error_at(node.position, fmt::format("{}: '{}' is none of {}{}", what, text, fmt::join(choices, ", "),
                                            near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

platform::Link read_link(const Node& node, const platform::MachineDescription& machine) {
  const std::vector<std::string> known{"name", "from", "to", "kind"};
  for (const auto& [key, value] : node.map("a link")) {
    if (std::find(known.begin(), known.end(), key.text) == known.end()) {
      refuse_unknown(key.position, key.text, known);
    }
  }
  for (const std::string& key : known) {
    if (node.find(key) == nullptr) throw error_at(node.position, "a link needs name, from, to and kind; no " + key);
  }
  for (const char* end : {"from", "to"}) {
    const Node& component = *node.find(end);
    require_one_of(component, end, component_names());
    if (!machine.has(component.text)) {
      throw error_at(component.position, fmt::format("the machine has no {}: it has no such section", component.text));
    }
  }
  require_one_of(*node.find("kind"), "kind", keys_of(kLinkKinds));
  const platform::LinkKind kind = kLinkKinds.at(node.find("kind")->text);
  const Node& name = *node.find("name");
  if (kind == platform::LinkKind::Pcie && !name.scalar("name").starts_with("pcie.")) {
    throw error_at(name.position, "the name of a PCIe link starts with 'pcie.'");
  }
  return {name.scalar("name"), node.find("from")->text, node.find("to")->text, kind, {}};
}

void read_links(const Node& node, platform::MachineDescription& machine) {
  for (const Node& item : node.sequence("links")) {
    platform::Link link = read_link(item, machine);
    for (const platform::Link& other : machine.links) {
      if (other.name == link.name) throw error_at(item.position, "a second link named " + link.name);
    }
    machine.links.push_back(std::move(link));
  }
}

/// "2026-11-25".
const std::string& read_date(const Node& node) {
  const std::string& text = node.scalar("date");
  constexpr std::string_view kForm = "dddd-dd-dd";
  bool well_formed = text.size() == kForm.size();
  for (std::size_t i = 0; well_formed && i < kForm.size(); ++i) {
    well_formed = kForm[i] == 'd' ? std::isdigit(static_cast<unsigned char>(text[i])) != 0 : text[i] == kForm[i];
  }
  if (!well_formed) throw error_at(node.position, fmt::format("date: '{}' is no YYYY-MM-DD", text));
  return text;
}

CalibratedHost read_host(const Node& node) {
  const std::vector<std::string> known{"cpu", "kernel", "date", "smallest_chunk", "largest_chunk"};
  std::vector<std::string> allowed = known;
  allowed.insert(allowed.end(), {"shared_core", "core_probe"});
  for (const auto& [key, value] : node.map("host")) {
    if (std::find(allowed.begin(), allowed.end(), key.text) == allowed.end()) {
      refuse_unknown(key.position, key.text, allowed);
    }
  }
  for (const std::string& key : known) {
    if (node.find(key) == nullptr) throw error_at(node.position, "host: no " + key);
  }
  const auto parsed = [&](const char* key, auto parse, auto& into) {
    const Node* value = node.find(key);
    if (value == nullptr) return;
    const auto quantity = parse(value->scalar(key));
    if (!quantity) throw error_at(value->position, fmt::format("host.{}: {}", key, quantity.error()));
    into = *quantity;
  };
  CalibratedHost host{.cpu = node.find("cpu")->scalar("cpu"),
                      .kernel = node.find("kernel")->scalar("kernel"),
                      .date = read_date(*node.find("date"))};
  parsed("smallest_chunk", base::parse_bytes, host.smallest_chunk);
  parsed("largest_chunk", base::parse_bytes, host.largest_chunk);
  parsed("shared_core", base::parse_fraction, host.shared_core);
  parsed("core_probe", base::parse_time, host.core_probe);
  return host;
}

class Reader {
 public:
  Reader(Configuration& configuration, ParameterIndex& index)
      : m_configuration(configuration), m_index(index), m_names(index.names()) {}

  void read(const Node& node, const Node& key, const std::string& path) {
    if (m_index.find(path) != nullptr) {
      read_value(node, path);
    } else if (std::any_of(m_names.begin(), m_names.end(),
                           [&](const std::string& name) { return name.starts_with(path + "."); })) {
      if (node.kind == Node::Kind::Null) return;
      for (const auto& [inner, value] : node.map(path)) read(value, inner, path + "." + inner.text);
    } else if (path.starts_with("pcie.")) {
      throw error_at(key.position, "no link is named " + path);
    } else {
      refuse_unknown(key.position, path, m_names);
    }
  }

 private:
  void read_value(const Node& node, const std::string& path) {
    if (!node.is_map()) {
      m_index.set(path, node.scalar(path), node.position);
      return;
    }
    const std::vector<std::string> known{"value", "source", "spread", "date"};
    for (const auto& [key, value] : node.entries) {
      if (std::find(known.begin(), known.end(), key.text) == known.end()) {
        refuse_unknown(key.position, key.text, known);
      }
    }
    const Node* value = node.find("value");
    if (value == nullptr) throw error_at(node.position, path + ": no value");
    m_index.set(path, value->scalar(path), value->position);
    read_source(node, path);
  }

  /// "measured, spread 2 %, 2026-11-25" of its parts.
  void read_source(const Node& node, const std::string& path) {
    std::string text;
    if (const Node* source = node.find("source")) text = source->scalar("source");
    if (const Node* spread = node.find("spread")) {
      if (const auto share = base::parse_fraction(spread->scalar("spread")); !share) {
        throw error_at(spread->position, fmt::format("{}: spread: {}", path, share.error()));
      }
      text += (text.empty() ? "spread " : ", spread ") + spread->text;
    }
    if (const Node* date = node.find("date")) text += (text.empty() ? "" : ", ") + read_date(*date);
    if (!text.empty()) m_configuration.sources[path] = text;
  }

  Configuration& m_configuration;
  ParameterIndex& m_index;
  std::vector<std::string> m_names;
};

}  // namespace

void read_platform(const Node& root, Configuration& configuration) {
  const std::vector<std::string> headings{"schema", "description", "host", "links", "kernel", "pcie"};
  std::vector<std::string> known = component_names();
  known.insert(known.end(), headings.begin(), headings.end());

  const auto& entries = root.map("platform");
  if (const Node* schema = root.find("schema"); schema == nullptr || schema->scalar("schema") != kPlatformSchema) {
    throw error_at(schema ? schema->position : root.position,
                   fmt::format("a platform starts with 'schema: {}'", kPlatformSchema));
  }
  platform::MachineDescription& machine = configuration.machine;
  machine.components.clear();
  machine.links.clear();
  for (const auto& [key, value] : entries) {
    if (std::find(known.begin(), known.end(), key.text) == known.end()) refuse_unknown(key.position, key.text, known);
    if (std::find(headings.begin(), headings.end(), key.text) == headings.end()) machine.components.insert(key.text);
  }
  if (const Node* links = root.find("links")) read_links(*links, machine);
  configuration.host.reset();
  if (const Node* host = root.find("host")) configuration.host = read_host(*host);

  ParameterIndex index{configuration};
  Reader reader{configuration, index};
  for (const auto& [key, value] : entries) {
    if (key.text == "schema" || key.text == "links" || key.text == "host") continue;
    if (key.text == "description") {
      (void)value.scalar("description");
    } else if (value.kind != Node::Kind::Null) {
      reader.read(value, key, key.text);
    }
  }
}

}  // namespace sluice::scenario
