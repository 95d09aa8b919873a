// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/platform_file.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include <fmt/format.h>

#include "models/platform/device_kinds.h"

namespace sluice::scenario {
namespace {

using Names = std::vector<std::string>;

constexpr const char* kLinksAreGone =
    "links: the links of a machine follow from its devices; 'devices:' says where each is attached";

Names core_parts() { return {std::begin(platform::kCoreParts), std::end(platform::kCoreParts)}; }

Names kind_names() {
  Names names;
  for (const platform::DeviceKind& kind : platform::device_kinds()) names.emplace_back(kind.name);
  return names;
}

/// Under which a device's own parameters and those of its parts stand.
Names headings_of(platform::DeviceInstance& device) {
  Names names;
  for (const platform::Part& part : device.kind->parts(device.config)) {
    names.push_back(platform::part_prefix(device, part.name));
  }
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

void leave_out(const Node& node, platform::MachineDescription& machine) {
  for (const Node& item : node.sequence("without")) {
    const std::string& name = item.scalar("without");
    if (machine.remove(name)) continue;
    Names names;
    for (const platform::DeviceInstance& device : machine.devices) names.push_back(device.name);
    const std::string near = base::nearest_name(name, names);
    throw error_at(item.position, fmt::format("without: there is no {} to leave out{}", name,
                                              near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
  }
}

bool is_device_name(const std::string& name) {
  return !name.empty() && std::islower(static_cast<unsigned char>(name[0])) != 0 &&
         std::all_of(name.begin(), name.end(),
                     [](unsigned char c) { return std::islower(c) || std::isdigit(c) || c == '_'; });
}

/// disk1: { kind: disk, at: switch0 }. `taken`: names that mean something else in a platform.
void read_device(const Node& key, const Node& node, platform::MachineDescription& machine, const Names& taken) {
  const std::string& name = key.text;
  const Node* kind = node.find("kind");
  platform::DeviceInstance* device = machine.find(name);
  if (device == nullptr) {
    if (!is_device_name(name) || std::find(taken.begin(), taken.end(), name) != taken.end()) {
      throw error_at(key.position, fmt::format("devices: '{}' cannot be the name of a device", name));
    }
    if (kind == nullptr) {
      throw error_at(key.position, fmt::format("devices: {}: no kind; one of {}", name, fmt::join(kind_names(), ", ")));
    }
    (void)require_one_of(*kind, "kind", kind_names());
    device = &machine.add(name, kind->text);
  } else if (kind != nullptr && kind->scalar("kind") != device->kind->name) {
    throw error_at(kind->position, fmt::format("devices: {} is a {}", name, device->kind->name));
  }
  if (const Node* at = node.find("at")) device->at = at->scalar("at");
}

/// Which devices there are and where they are attached; their parameters are read with all others.
void read_devices(const Node& node, platform::MachineDescription& machine, const Names& taken) {
  const auto& entries = node.map("devices");
  for (const auto& [key, value] : entries) {
    (void)value.map("devices: " + key.text);
    read_device(key, value, machine, taken);
  }
  for (const auto& [key, value] : entries) {
    const Node* at = value.find("at");
    if (at == nullptr || at->text == platform::kRootComplex) continue;
    const platform::DeviceInstance* above = machine.find(at->text);
    if (above == nullptr || above->kind->role != platform::DeviceKind::Role::Switch) {
      throw error_at(at->position, fmt::format("devices: {}: at: {} is neither {} nor a switch of this machine",
                                               key.text, at->text, platform::kRootComplex));
    }
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
  allowed.insert(allowed.end(), {"shared_core", "own_core"});
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
  parsed("own_core", base::parse_factor, host.own_core);
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
      throw error_at(key.position, "no device is named " + path.substr(5));
    } else {
      refuse_unknown(key.position, path, m_names);
    }
  }

  /// The parameters of devices: { disk1: { kind: disk, ssd_read_rate: 6 GB/s, pcie: { lanes: 4 } } }.
  void read_devices(const Node& node) {
    for (const auto& [name, device] : node.map("devices")) {
      for (const auto& [key, value] : device.map("devices: " + name.text)) {
        if (key.text == "kind" || key.text == "at") continue;
        read(value, key, key.text == "pcie" ? "pcie." + name.text : name.text + "." + key.text);
      }
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
  const Names headings{"schema", "description", "base", "without", "devices", "host", "scale"};
  Names known = core_parts();
  known.insert(known.end(), headings.begin(), headings.end());
  known.insert(known.end(), {"kernel", "pcie"});

  const auto& entries = root.map("platform");
  if (const Node* schema = root.find("schema"); schema == nullptr || schema->scalar("schema") != kPlatformSchema) {
    throw error_at(schema ? schema->position : root.position,
                   fmt::format("a platform starts with 'schema: {}'", kPlatformSchema));
  }
  if (const Node* links = root.find("links")) throw error_at(links->position, kLinksAreGone);
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

  // 2. Which devices it has
  if (const Node* without = root.find("without")) leave_out(*without, machine);
  platform::MachineDescription standard = platform::MachineDescription::standard();
  Names of_devices;
  for (platform::MachineDescription* of : {&machine, &standard}) {
    for (platform::DeviceInstance& device : of->devices) {
      for (std::string& heading : headings_of(device)) of_devices.push_back(std::move(heading));
    }
  }
  for (platform::DeviceInstance& device : standard.devices) {
    const Names own = headings_of(device);
    if (machine.find(device.name) != nullptr) continue;
    for (const auto& [key, value] : entries) {
      if (std::find(own.begin(), own.end(), key.text) != own.end())
        throw error_at(key.position, "this machine has no " + device.name);
    }
  }
  Names taken = known;
  taken.push_back("workload");
  taken.insert(taken.end(), of_devices.begin(), of_devices.end());
  if (const Node* devices = root.find("devices")) {
    read_devices(*devices, machine, taken);
    for (platform::DeviceInstance& device : machine.devices) of_devices.push_back(device.name);
  }
  known.insert(known.end(), of_devices.begin(), of_devices.end());
  refuse_unknown_keys(root, "platform", known);
  if (const Node* host = root.find("host")) configuration.host = read_host(*host);

  // 3. Its parameters
  Reader reader{configuration};
  if (const Node* scale = root.find("scale")) reader.scale(*scale, name_of_base);
  for (const auto& [key, value] : entries) {
    const bool heading = std::find(headings.begin(), headings.end(), key.text) != headings.end();
    if (!heading && value.kind != Node::Kind::Null) reader.read(value, key, key.text);
  }
  if (const Node* devices = root.find("devices")) reader.read_devices(*devices);
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
