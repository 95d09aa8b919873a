// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/platform_file.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>

namespace sluice::scenario {
namespace {

using Names = std::vector<std::string>;

const Names& component_names() {
  static const Names names{std::begin(platform::kComponents), std::end(platform::kComponents)};
  return names;
}
const Names& link_kinds() {
  static const Names names{std::begin(platform::kLinkKinds), std::end(platform::kLinkKinds)};
  return names;
}

/// The index among `choices`; refuses what is none of them, naming the nearest.
std::size_t require_one_of(const Node& node, const std::string& what, const Names& choices) {
  const std::string& text = node.scalar(what);
  const auto found = std::find(choices.begin(), choices.end(), text);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  const std::string near = base::nearest_name(text, choices);
  throw error_at(node.position, fmt::format("{}: '{}' is none of {}{}", what, text, fmt::join(choices, ", "),
                                            near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

platform::Link read_link(const Node& node, const platform::MachineDescription& machine) {
  const Names known{"name", "from", "to", "kind"};
  refuse_unknown_keys(node, "a link", known);
  for (const std::string& key : known) {
    if (node.find(key) == nullptr) throw error_at(node.position, "a link needs name, from, to and kind; no " + key);
  }
  for (const char* end : {"from", "to"}) {
    const Node& component = *node.find(end);
    (void)require_one_of(component, end, component_names());
    if (!machine.has(component.text)) {
      throw error_at(component.position, fmt::format("the machine has no {}: it has no such section", component.text));
    }
  }
  const auto kind = static_cast<platform::LinkKind>(require_one_of(*node.find("kind"), "kind", link_kinds()));
  const Node& name = *node.find("name");
  if (kind == platform::LinkKind::Pcie && !name.scalar("name").starts_with("pcie.")) {
    throw error_at(name.position, "the name of a PCIe link starts with 'pcie.'");
  }
  platform::Link link{name.scalar("name"), node.find("from")->text, node.find("to")->text, kind, {}};
  for (const platform::Link& of_base : machine.links) {
    if (of_base.name == link.name) link.pcie = of_base.pcie;
  }
  return link;
}

void read_links(const Node& node, platform::MachineDescription& machine) {
  std::vector<platform::Link> links;
  for (const Node& item : node.sequence("links")) {
    platform::Link link = read_link(item, machine);
    for (const platform::Link& other : links) {
      if (other.name == link.name) throw error_at(item.position, "a second link named " + link.name);
    }
    links.push_back(std::move(link));
  }
  machine.links = std::move(links);
}

void leave_out(const Node& node, platform::MachineDescription& machine) {
  for (const Node& item : node.sequence("without")) {
    (void)require_one_of(item, "without", component_names());
    if (!machine.has(item.text))
      throw error_at(item.position, fmt::format("without: there is no {} to leave out", item.text));
    machine.components.erase(item.text);
    std::erase_if(machine.links,
                  [&](const platform::Link& link) { return link.from == item.text || link.to == item.text; });
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
  const Names known{"cpu", "kernel", "date", "smallest_chunk", "largest_chunk"};
  Names allowed = known;
  allowed.insert(allowed.end(), {"shared_core", "core_probe"});
  refuse_unknown_keys(node, "host", allowed);
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

/// One name for one file, whichever way leads to it.
std::string canonical(const std::string& path) {
  std::error_code ignored;
  const auto whole = std::filesystem::weakly_canonical(path, ignored);
  return whole.empty() ? path : whole.string();
}

/// Fills the parameters of a machine whose components are settled.
class Reader {
 public:
  explicit Reader(Configuration& configuration)
      : m_configuration(configuration), m_index(configuration), m_names(m_index.names()) {}

  void read(const Node& node, const Node& key, const std::string& path) {
    if (m_index.find(path)) {
      read_value(node, path);
    } else if (is_section(path)) {
      if (node.kind == Node::Kind::Null) return;
      for (const auto& [inner, value] : node.map(path)) read(value, inner, path + "." + inner.text);
    } else if (path.starts_with("pcie.")) {
      throw error_at(key.position, "no link is named " + path);
    } else {
      refuse_unknown(key.position, path, m_names);
    }
  }

  /// { kernel: { by: 0.7, source: ... } }. `of` names the platform whose values these are.
  void scale(const Node& node, const std::string& of) {
    for (const auto& [key, value] : node.map("scale")) {
      refuse_unknown_keys(value, key.text, {"by", "source"});
      const Node* by = value.find("by");
      if (by == nullptr) throw error_at(value.position, fmt::format("scale: {}: no by", key.text));
      std::string factor = by->scalar("by");
      if (!factor.empty() && std::isdigit(static_cast<unsigned char>(factor.back())) != 0) factor += "x";
      const auto parsed = base::parse_factor(factor);
      if (!parsed) throw error_at(by->position, fmt::format("scale: {}: {}", key.text, parsed.error()));
      const Node* source = value.find("source");
      const ValueOrigin origin{
          source != nullptr ? source->scalar("source") : fmt::format("{} times the value of {}", by->text, of),
          key.position.file};
      if (!m_index.find(key.text) && !is_section(key.text)) refuse_unknown(key.position, key.text, m_names);
      if (!scale(key.text, *parsed, origin, by->position)) {
        throw error_at(key.position, fmt::format("scale: {} has no cost that is given as a time", key.text));
      }
    }
  }

 private:
  [[nodiscard]] bool is_section(const std::string& path) const {
    return std::any_of(m_names.begin(), m_names.end(),
                       [&](const std::string& name) { return name.starts_with(path + "."); });
  }

  /// Whether there was something to scale.
  bool scale(const std::string& path, base::Factor by, const ValueOrigin& origin, const Position& at) {
    bool found = false;
    m_index.for_each([&](const std::string& key, const base::Parameter& parameter) {
      const CpuCost* cost = parameter.as_cost();
      const bool of_section = cost != nullptr && cost->fixed() > 0_ps && key.starts_with(path + ".");
      if (key != path && !of_section) return;
      if (const auto done = parameter.multiply(by); !done) throw error_at(at, fmt::format("{}: {}", key, done.error()));
      m_configuration.origins[key] = origin;
      found = true;
    });
    return found;
  }

  void read_value(const Node& node, const std::string& path) {
    if (!node.is_map()) {
      m_index.set(path, node.scalar(path), node.position);
      m_configuration.origins[path] = {"", node.position.file};
      return;
    }
    refuse_unknown_keys(node, path, {"value", "source", "spread", "date", "from"});
    const Node* value = node.find("value");
    if (value == nullptr) throw error_at(node.position, path + ": no value");
    m_index.set(path, value->scalar(path), value->position);
    const Node* from = node.find("from");
    m_configuration.origins[path] = {read_source(node, path),
                                     from != nullptr ? from->scalar("from") : node.position.file};
  }

  /// "measured, spread 2 %, 2026-11-25" of its parts.
  static std::string read_source(const Node& node, const std::string& path) {
    std::string text;
    if (const Node* source = node.find("source")) text = source->scalar("source");
    if (const Node* spread = node.find("spread")) {
      if (const auto share = base::parse_fraction(spread->scalar("spread")); !share) {
        throw error_at(spread->position, fmt::format("{}: spread: {}", path, share.error()));
      }
      text += (text.empty() ? "spread " : ", spread ") + spread->text;
    }
    if (const Node* date = node.find("date")) text += (text.empty() ? "" : ", ") + read_date(*date);
    return text;
  }

  Configuration& m_configuration;
  ParameterIndex m_index;
  Names m_names;
};

/// One platform and, before it, what it is based on. `below`: the files that are based on it.
void read_layer(const Node& root, Configuration& configuration, Names below) {
  const Names headings{"schema", "description", "base", "without", "links", "host", "scale"};
  Names known = component_names();
  known.insert(known.end(), headings.begin(), headings.end());
  known.insert(known.end(), {"kernel", "pcie"});

  const auto& entries = root.map("platform");
  if (const Node* schema = root.find("schema"); schema == nullptr || schema->scalar("schema") != kPlatformSchema) {
    throw error_at(schema ? schema->position : root.position,
                   fmt::format("a platform starts with 'schema: {}'", kPlatformSchema));
  }
  refuse_unknown_keys(root, "platform", known);
  if (const Node* text = root.find("description")) (void)text->scalar("description");

  // 1. What it is based on
  platform::MachineDescription& machine = configuration.machine;
  std::string name_of_base = "the default";
  if (const Node* base = root.find("base")) {
    const std::string path = beside(base->position.file, base->scalar("base"));
    below.push_back(canonical(root.position.file));
    if (std::find(below.begin(), below.end(), canonical(path)) != below.end()) {
      throw error_at(base->position, fmt::format("base: {} is based on this platform", path));
    }
    if (below.size() > kMostBases)
      throw error_at(base->position, fmt::format("base: more than {} platforms one on the other", kMostBases));
    require_file(*base, "base", path);
    read_layer(load_yaml(path), configuration, std::move(below));
    configuration.files.push_back(path);
    name_of_base = base->text;
  } else {
    machine = platform::MachineDescription::standard();
    configuration.kernel = {};
    configuration.origins.clear();
    configuration.files.clear();
    configuration.host.reset();
  }

  // 2. Which components it has
  if (const Node* without = root.find("without")) leave_out(*without, machine);
  for (const auto& [key, value] : entries) {
    const bool component =
        std::find(component_names().begin(), component_names().end(), key.text) != component_names().end();
    if (component && !machine.has(key.text))
      throw error_at(key.position, fmt::format("this machine has no {}", key.text));
  }
  if (const Node* links = root.find("links")) read_links(*links, machine);
  if (const Node* host = root.find("host")) configuration.host = read_host(*host);

  // 3. Its parameters
  Reader reader{configuration};
  if (const Node* scale = root.find("scale")) reader.scale(*scale, name_of_base);
  for (const auto& [key, value] : entries) {
    const bool heading = std::find(headings.begin(), headings.end(), key.text) != headings.end();
    if (!heading && value.kind != Node::Kind::Null) reader.read(value, key, key.text);
  }
}

}  // namespace

void require_file(const Node& node, const std::string& what, const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::is_regular_file(status)) return;
  if (std::filesystem::exists(status))
    throw error_at(node.position, fmt::format("{}: {} is not a regular file", what, path));
  const bool missing = status.type() == std::filesystem::file_type::not_found;
  throw error_at(node.position, missing ? fmt::format("{}: there is no file {}", what, path)
                                        : fmt::format("{}: {}: {}", what, path, error.message()));
}

std::string beside(const std::string& file, const std::string& relative) {
  return (std::filesystem::path{file}.parent_path() / relative).lexically_normal().string();
}

void read_platform(const Node& root, Configuration& configuration) { read_layer(root, configuration, {}); }

}  // namespace sluice::scenario
