// SPDX-License-Identifier: Apache-2.0
#include "models/platform/topology.h"

#include <algorithm>
#include <limits>
#include <map>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/edmonds_karp_max_flow.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <boost/graph/visitors.hpp>

#include "models/base/result.h"
#include "models/fabric/memory_map.h"
#include "models/interconnect/pcie_logic.h"
#include "models/platform/device_kinds.h"

namespace sluice::platform {
namespace {

using Capacity = std::int64_t;
constexpr Capacity kUnlimited = Capacity{1} << 60;
constexpr const char* kFiles = "files";  // behind the media of all disks
constexpr const char* kPeers = "peers";  // behind the wires of all NICs
constexpr const char* kMemory = "memory";

using Traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using BoostGraph = boost::adjacency_list<
    boost::vecS, boost::vecS, boost::directedS, boost::property<boost::vertex_name_t, std::string>,
    boost::property<boost::edge_name_t, std::string,
                    boost::property<boost::edge_capacity_t, Capacity,
                                    boost::property<boost::edge_residual_capacity_t, Capacity,
                                                    boost::property<boost::edge_reverse_t, Traits::edge_descriptor>>>>>;
using Vertex = Traits::vertex_descriptor;
using Edge = Traits::edge_descriptor;

std::uint64_t bytes_per_second(BitRate rate) { return divide_up(rate.value() + 1, 8); }

/// Notes the edge by which each vertex is reached.
class Recorder : public boost::default_bfs_visitor {
 public:
  Recorder(std::vector<Edge>& edges, std::vector<bool>& seen) : m_edges(edges), m_seen(seen) {}
  template <class Passable>
  void tree_edge(Edge edge, const Passable& g) {
    m_edges[boost::target(edge, g)] = edge;
    m_seen[boost::target(edge, g)] = true;
  }

 private:
  std::vector<Edge>& m_edges;
  std::vector<bool>& m_seen;
};

/// Whether anything can pass an edge.
struct Carries {
  const BoostGraph* graph = nullptr;
  bool operator()(const Edge& edge) const { return boost::get(boost::edge_capacity, *graph, edge) > 0; }
};

/// An endless stream of large aligned transfers: to memory by writes, from memory by completions.
constexpr Bytes kLargeTransfer = 1_MiB;

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
  // 1. Inside the processor: as fast as what it leads to. With DDIO a byte that comes from the disk can leave again
  // without ever touching DRAM.
  const std::uint64_t dram = machine.memory.sustained().value();
  const std::uint64_t unlimited = kUnlimited;
  const std::uint64_t in = machine.cache.ddio ? unlimited : dram;
  const std::uint64_t out = in_caches || (machine.cache.ddio && !warm) ? unlimited : dram;
  m_graph->link("core", "cpu", "cache", kUnlimited, kUnlimited);
  m_graph->link("memory", "cache", kMemory, in, out);
  m_graph->link("io", kRootComplex, "cache", kUnlimited, kUnlimited);
  // 2. Each device on its link, and what lies behind it.
  for (const DeviceInstance& device : machine.devices) {
    const interconnect::TlpArithmetic tlps{device.pcie};
    m_graph->link("pcie." + device.name, device.name, device.at, bytes_per_second(tlps.write_goodput(kLargeTransfer)),
                  bytes_per_second(tlps.read_goodput(kLargeTransfer)));
    if (device.kind->role == DeviceKind::Role::Switch) continue;
    const std::string far_end = device.name + "." + device.kind->far_end;
    if (device.kind->role == DeviceKind::Role::Source) {
      m_graph->link(far_end, far_end, device.name, device.kind->far_goodput(device.config), kUnlimited);
      m_graph->link(kFiles, kFiles, far_end, kUnlimited, 0);
    } else if (device.kind->role == DeviceKind::Role::Sink) {
      const std::uint64_t rate = device.kind->far_goodput(device.config);
      m_graph->link(far_end, device.name, far_end, rate, rate);
      m_graph->link(kPeers, far_end, kPeers, kUnlimited, 0);
    }
  }
}

Topology::~Topology() = default;

Bound Topology::static_bound() const {
  const Bound out = m_graph->max_flow(kMemory, kPeers);
  if (m_warm) return out;
  Bound in = m_graph->max_flow(kFiles, kMemory);
  if (!m_graph->vertices.contains(kPeers)) return in;
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
  // A direction that carries nothing leads nowhere.
  const boost::filtered_graph<BoostGraph, Carries> passable{graph, Carries{&graph}};
  boost::breadth_first_search(passable, source->second, boost::visitor(Recorder{reached_by, reached}));
  if (!reached[sink->second]) return {};
  std::vector<std::string> names;
  for (Vertex at = sink->second; at != source->second; at = boost::source(reached_by[at], graph)) {
    names.push_back(boost::get(boost::edge_name, graph, reached_by[at]));
  }
  std::reverse(names.begin(), names.end());
  return names;
}

void check(const MachineDescription& machine, const std::string& name) {
  const auto refuse = [&](const std::string& why) {
    throw base::InputError{name + ": the machine cannot work: " + why};
  };
  if (machine.all("disk").empty()) refuse("it has no disk; there would be nothing to read the file from");
  unsigned vectors = fabric::kFirstDeviceVector;
  for (const DeviceInstance& device : machine.devices) {
    if (machine.find(device.name) != &device) refuse("two devices are named " + device.name);
    if (const std::string problem = device.pcie.problem(); !problem.empty()) {
      refuse("pcie." + device.name + ": " + problem);
    }
    vectors += device.kind->vectors;
    if (device.at == kRootComplex) continue;
    const DeviceInstance* above = machine.find(device.at);
    if (above == nullptr) refuse(device.name + " is attached to " + device.at + ", which is not there");
    if (above->kind->role != DeviceKind::Role::Switch) {
      refuse(device.name + " is attached to " + device.at + ", which is no switch");
    }
  }
  if (vectors > fabric::kVectors) refuse("its devices need more than the interrupt controller's vectors");
  const Topology topology{machine, false};
  for (const DeviceInstance& device : machine.devices) {
    if (topology.route(device.name, kMemory).empty()) {
      refuse(device.name + " cannot reach memory: no links lead from one to the other");
    }
  }
}

}  // namespace sluice::platform
