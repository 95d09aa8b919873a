// SPDX-License-Identifier: Apache-2.0
#include "models/platform/topology.h"

#include <algorithm>
#include <limits>
#include <map>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/edmonds_karp_max_flow.hpp>
#include <boost/graph/visitors.hpp>

#include "models/base/result.h"
#include "models/interconnect/pcie_logic.h"
#include "models/nic/packet_format.h"

namespace sluice::platform {
namespace {

using Capacity = std::int64_t;
constexpr Capacity kUnlimited = Capacity{1} << 60;
constexpr const char* kMedium = "disk.media";

using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using BoostGraph = boost::adjacency_list<
    boost::vecS, boost::vecS, boost::directedS, boost::property<boost::vertex_name_t, std::string>,
    boost::property<boost::edge_name_t, std::string,
                    boost::property<boost::edge_capacity_t, Capacity,
                                    boost::property<boost::edge_residual_capacity_t, Capacity,
                                                    boost::property<boost::edge_reverse_t, Traits::edge_descriptor>>>>>;
using Vertex = Traits::vertex_descriptor;
using Edge = Traits::edge_descriptor;

/// n * numerator / denominator, rounded up.
std::uint64_t scale_up(std::uint64_t n, std::uint64_t numerator, std::uint64_t denominator) {
  const auto product = WideUnsigned{n} * numerator;
  return static_cast<std::uint64_t>((product + denominator - 1) / denominator);
}

std::uint64_t bytes_per_second(BitRate rate) { return divide_up(rate.value() + 1, 8); }

/// Full segments back to back: of each frame and its gap only the segment is payload.
std::uint64_t wire_goodput(const nic::NicConfig& nic) {
  return scale_up(nic.rate.value(), nic::segment_size(nic.mtu),
                  8 * (nic.mtu + nic::kEthernetHeader + nic::kFrameOverhead));
}

std::uint64_t media_goodput(const disk::DiskConfig& disk) {
  const ByteRate rate = disk.medium == disk::MediumKind::Hdd ? disk.hdd.media_rate : disk.ssd.sustained_read();
  return rate.value();
}

}  // namespace

struct Topology::Graph {
  BoostGraph graph;
  std::map<std::string, Vertex> vertices;

  Vertex vertex(const std::string& name) {
    const auto [at, added] = vertices.try_emplace(name, 0);
    if (added) at->second = boost::add_vertex(name, graph);
    return at->second;
  }
  /// One edge per direction; a direction without capacity carries nothing.
  void link(const std::string& name, const std::string& from, const std::string& to, std::uint64_t there,
            std::uint64_t back) {
    const Edge forward = boost::add_edge(vertex(from), vertex(to), graph).first;
    const Edge backward = boost::add_edge(vertex(to), vertex(from), graph).first;
    const auto set = [&](Edge edge, std::uint64_t capacity, Edge reverse) {
      boost::put(boost::edge_name, graph, edge, name);
      boost::put(boost::edge_capacity, graph, edge,
                 static_cast<Capacity>(std::min<std::uint64_t>(capacity, kUnlimited)));
      boost::put(boost::edge_reverse, graph, edge, reverse);
    };
    set(forward, there, backward);
    set(backward, back, forward);
  }
  /// Max-flow between two vertices and the first edge of its minimum cut.
  Bound max_flow(const std::string& from, const std::string& to) {
    const auto source = vertices.find(from);
    const auto sink = vertices.find(to);
    if (source == vertices.end() || sink == vertices.end()) return {};
    std::vector<boost::default_color_type> colors(boost::num_vertices(graph));
    std::vector<Edge> predecessors(boost::num_vertices(graph));
    const auto flow = boost::edmonds_karp_max_flow(
        graph, source->second, sink->second,
        boost::color_map(boost::make_iterator_property_map(colors.begin(), boost::get(boost::vertex_index, graph)))
            .predecessor_map(
                boost::make_iterator_property_map(predecessors.begin(), boost::get(boost::vertex_index, graph))));
    Bound bound{static_cast<std::uint64_t>(flow), {}};
    const auto reached = [&](Vertex v) { return colors[v] != boost::white_color; };
    for (auto [edge, end] = boost::edges(graph); edge != end; ++edge) {
      if (reached(boost::source(*edge, graph)) && !reached(boost::target(*edge, graph)) &&
          boost::get(boost::edge_capacity, graph, *edge) > 0) {
        bound.limited_by = boost::get(boost::edge_name, graph, *edge);
        break;
      }
    }
    return bound;
  }
};

Topology::Topology(const MachineDescription& machine, bool warm, bool in_caches)
    : m_graph(std::make_unique<Graph>()), m_warm(warm) {
  if (machine.has("disk")) {
    m_graph->link(kMedium, kMedium, "disk", media_goodput(machine.disk), kUnlimited);
  }
  for (const Link& link : machine.links) {
    if (link.kind == LinkKind::Wire) {
      const std::uint64_t rate = wire_goodput(machine.nic);
      m_graph->link("nic.wire", link.from, link.to, rate, rate);
    } else if (link.kind == LinkKind::Pcie) {
      // An endless stream of large aligned transfers: device to memory by writes, memory to device by completions.
      const interconnect::TlpArithmetic tlps{link.pcie};
      const Bytes large = 1_MiB;
      const std::uint64_t up = bytes_per_second(tlps.write_goodput(large));
      const std::uint64_t down = bytes_per_second(tlps.read_goodput(large));
      const bool device_first = link.to == "root_complex";
      m_graph->link(link.name, link.from, link.to, device_first ? up : down, device_first ? down : up);
    } else if (link.from == "memory" || link.to == "memory") {
      // With DDIO a byte that comes from the disk can leave again without ever touching DRAM.
      const std::uint64_t dram = machine.memory.sustained().value();
      const bool in_cache = in_caches || (machine.cache.ddio && !warm);
      const std::uint64_t in = machine.cache.ddio ? kUnlimited : dram;
      const std::uint64_t out = in_cache ? kUnlimited : dram;
      const bool memory_first = link.from == "memory";
      m_graph->link("memory", link.from, link.to, memory_first ? out : in, memory_first ? in : out);
    } else {
      m_graph->link(link.name, link.from, link.to, kUnlimited, kUnlimited);
    }
  }
}

Topology::~Topology() = default;

Bound Topology::static_bound() const {
  const Bound out = m_graph->max_flow("memory", "peer");
  if (m_warm) return out;
  Bound in = m_graph->max_flow(kMedium, "memory");
  if (!m_graph->vertices.contains("peer")) return in;
  return in.bytes_per_s <= out.bytes_per_s ? in : out;
}

std::vector<std::string> Topology::route(const std::string& from, const std::string& to) const {
  const BoostGraph& graph = m_graph->graph;
  const auto source = m_graph->vertices.find(from);
  const auto sink = m_graph->vertices.find(to);
  if (source == m_graph->vertices.end() || sink == m_graph->vertices.end()) return {};
  std::vector<Edge> reached_by(boost::num_vertices(graph));
  std::vector<bool> reached(boost::num_vertices(graph));
  reached[source->second] = true;
  class Recorder : public boost::default_bfs_visitor {
   public:
    Recorder(std::vector<Edge>& edges, std::vector<bool>& seen) : m_edges(edges), m_seen(seen) {}
    void tree_edge(Edge edge, const BoostGraph& g) {
      m_edges[boost::target(edge, g)] = edge;
      m_seen[boost::target(edge, g)] = true;
    }

   private:
    std::vector<Edge>& m_edges;
    std::vector<bool>& m_seen;
  };
  boost::breadth_first_search(graph, source->second, boost::visitor(Recorder{reached_by, reached}));
  if (!reached[sink->second]) return {};
  std::vector<std::string> names;
  for (Vertex at = sink->second; at != source->second; at = boost::source(reached_by[at], graph)) {
    names.push_back(boost::get(boost::edge_name, graph, reached_by[at]));
  }
  std::reverse(names.begin(), names.end());
  return names;
}

std::uint64_t Topology::goodput(const std::string& from, const std::string& to) const {
  const auto source = m_graph->vertices.find(from);
  const auto sink = m_graph->vertices.find(to);
  if (source == m_graph->vertices.end() || sink == m_graph->vertices.end()) return 0;
  const auto [edge, found] = boost::edge(source->second, sink->second, m_graph->graph);
  return found ? static_cast<std::uint64_t>(boost::get(boost::edge_capacity, m_graph->graph, edge)) : 0;
}

void check(const MachineDescription& machine, const std::string& name) {
  const auto refuse = [&](const std::string& why) {
    throw base::InputError{name + ": the machine cannot work: " + why};
  };
  const std::map<std::string, std::string> needed{
      {"cpu", "nothing could run the kernel"},
      {"mmu", "there would be no virtual memory"},
      {"cache", "the cores reach memory through it"},
      {"memory", "there would be nowhere to put the data"},
      {"root_complex", "devices reach memory through it"},
      {"irq", "devices could not interrupt the cores"},
      {"disk", "there would be nothing to read the file from"},
      {"nic", "there would be nothing to send the file with"},
      {"wire", "the NIC would be connected to nothing"},
      {"peer", "there would be nobody to send the file to"},
  };
  for (const char* component : kComponents) {
    const std::string_view name_of_it = component;
    const bool network = name_of_it == "nic" || name_of_it == "wire" || name_of_it == "peer";
    if (network && machine.is_loopback()) continue;
    if (!machine.has(component)) refuse("it has no " + std::string{component} + "; " + needed.at(component));
  }
  for (const Link& link : machine.links) {
    const bool has_wire_ends = (link.from == "nic" && link.to == "peer") || (link.from == "peer" && link.to == "nic");
    if (link.kind == LinkKind::Wire && !has_wire_ends) refuse(link.name + ": a wire links the nic and the peer");
    if (link.kind != LinkKind::Wire && (link.from == "peer" || link.to == "peer")) {
      refuse(link.name + ": the peer is linked to the nic by a wire only");
    }
    if (link.kind == LinkKind::Pcie) {
      const std::string& device = link.to == "root_complex" ? link.from : link.to;
      if ((link.from != "root_complex" && link.to != "root_complex") || (device != "disk" && device != "nic")) {
        refuse(link.name + ": a PCIe link leads from disk or nic to the root_complex");
      }
      if (machine.pcie_link_of(device) != &link) refuse(device + " hangs at two PCIe links");
      if (const std::string problem = link.pcie.problem(); !problem.empty()) refuse(link.name + ": " + problem);
    }
  }
  const Topology topology{machine, false};
  for (const char* component : {"cpu", "disk", "nic"}) {
    if (machine.has(component) && topology.route(component, "memory").empty()) {
      refuse(std::string{component} + " cannot reach memory: no links lead from one to the other");
    }
  }
  for (const char* device : {"disk", "nic"}) {
    if (machine.has(device) && machine.pcie_link_of(device) == nullptr)
      refuse(std::string{device} + " has no PCIe link to the root_complex");
  }
  if (!machine.is_loopback() && topology.route("nic", "peer").empty())
    refuse("the peer is out of reach: no wire leads to it from the nic");
}

}  // namespace sluice::platform
