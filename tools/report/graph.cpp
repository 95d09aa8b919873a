// SPDX-License-Identifier: Apache-2.0
#include "tools/report/graph.h"

#include <array>
#include <map>
#include <sstream>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphviz.hpp>
#include <boost/graph/subgraph.hpp>
#include <fmt/format.h>

#include "tools/report/text.h"

namespace sluice::report {
namespace {

using Attributes = std::map<std::string, std::string>;
using Graph = boost::subgraph<boost::adjacency_list<
    boost::vecS, boost::vecS, boost::directedS, boost::property<boost::vertex_attribute_t, Attributes>,
    boost::property<boost::edge_index_t, int, boost::property<boost::edge_attribute_t, Attributes>>,
    boost::property<boost::graph_name_t, std::string,
                    boost::property<boost::graph_graph_attribute_t, Attributes,
                                    boost::property<boost::graph_vertex_attribute_t, Attributes,
                                                    boost::property<boost::graph_edge_attribute_t, Attributes>>>>>>;
using Vertex = Graph::vertex_descriptor;

enum Level : std::size_t { kUser, kKernel, kHardware };
constexpr std::array<const char*, 3> kLevelNames{"user space", "kernel", "hardware"};

Level level_of(const std::string& place) {
  if (place.starts_with("user.") || place == "receiver.user_buffer" || place == "shared.fbuf") return kUser;
  if (place.starts_with("kernel.") || place == "receiver.socket_buffer") return kKernel;
  return kHardware;
}

Attributes look_of(const std::string& mover) {
  if (mover == "cpu" || mover == "pio") return {{"color", "firebrick"}, {"penwidth", "2"}};
  if (mover == "dma") return {{"color", "royalblue"}, {"penwidth", "2"}};
  if (mover == "reference") return {{"color", "gray30"}, {"style", "dashed"}};
  return {{"color", "gray50"}};
}

/// DOT names of clusters are identifiers.
std::string identifier(const std::string& text) {
  std::string name;
  for (const char c : text) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

std::string title_of(const Json& run) {
  std::string title = run.value("strategy", "");
  const Json point = run.value("point", Json::object());
  for (const auto& [key, value] : point.items()) {
    title += "\n" + key + " = " + value.get<std::string>();
  }
  return title;
}

class Picture {
 public:
  Picture() {
    boost::get_property(m_root, boost::graph_name) = "sluice";
    boost::get_property(m_root, boost::graph_graph_attribute) = {{"rankdir", "TB"}, {"fontname", "sans-serif"}};
    boost::get_property(m_root, boost::graph_vertex_attribute) = {
        {"shape", "box"}, {"style", "rounded,filled"}, {"fillcolor", "white"}, {"fontname", "sans-serif"}};
    boost::get_property(m_root, boost::graph_edge_attribute) = {{"fontname", "sans-serif"}, {"fontsize", "10"}};
  }

  void add(const Json& run, std::size_t number) {
    Graph& frame = m_root.create_subgraph();
    const std::string name = fmt::format("cluster_{}_{}", number, identifier(run.value("strategy", "")));
    boost::get_property(frame, boost::graph_name) = name;
    boost::get_property(frame, boost::graph_graph_attribute) = {{"label", title_of(run)}, {"fontsize", "18"}};
    std::array<Graph*, 3> levels{};
    std::map<std::string, Vertex> vertices;
    const auto vertex = [&](const std::string& place) {
      const auto [at, added] = vertices.try_emplace(place, 0);
      if (!added) return at->second;
      const Level level = level_of(place);
      if (levels[level] == nullptr) levels[level] = &open_level(frame, name, level);
      const Vertex local = boost::add_vertex(*levels[level]);
      at->second = levels[level]->local_to_global(local);
      boost::put(boost::get(boost::vertex_attribute, m_root), at->second, Attributes{{"label", place}});
      return at->second;
    };
    for (const Json& move : run["moves"]) {
      if (move.value("bytes", 0.0) == 0) continue;  // headers and acknowledgements alone
      const Vertex from = vertex(move.value("from", ""));
      const Vertex to = vertex(move.value("to", ""));
      Attributes look = look_of(move.value("by", ""));
      look["label"] = fmt::format("{}\n{}", move.value("by", ""), size_text(move.value("bytes", 0.0)));
      add_edge(from, to, look);
    }
    stack(vertices);
  }

  std::string text() {
    std::ostringstream out;
    boost::write_graphviz(out, m_root);
    return out.str();
  }

 private:
  static Graph& open_level(Graph& frame, const std::string& name, Level level) {
    constexpr std::array<const char*, 3> kFill{"ivory", "lightcyan", "gray92"};
    Graph& graph = frame.create_subgraph();
    boost::get_property(graph, boost::graph_name) = name + "_" + identifier(kLevelNames[level]);
    boost::get_property(graph, boost::graph_graph_attribute) = {{"label", kLevelNames[level]},
                                                                {"style", "filled"},
                                                                {"fillcolor", kFill[level]},
                                                                {"labeljust", "l"},
                                                                {"fontsize", "12"}};
    return graph;
  }
  void add_edge(Vertex from, Vertex to, const Attributes& attributes) {
    const auto edge = boost::add_edge(from, to, m_root).first;
    boost::put(boost::get(boost::edge_attribute, m_root), edge, attributes);
  }
  /// Invisible edges that put each level under the one above.
  void stack(const std::map<std::string, Vertex>& vertices) {
    for (const auto& [upper, from] : vertices) {
      for (const auto& [lower, to] : vertices) {
        const bool next = level_of(lower) == level_of(upper) + 1;
        if (next) add_edge(from, to, {{"style", "invis"}, {"minlen", "2"}});
      }
    }
  }

  Graph m_root;
};

}  // namespace

std::string data_flow_graph(const Json& runs) {
  Picture picture;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].contains("moves")) picture.add(runs[i], i);
  }
  return picture.text();
}

}  // namespace sluice::report
