// SPDX-License-Identifier: Apache-2.0
#include "tools/report/graph.h"

#include <array>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

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
using Vertices = std::map<std::string, Vertex>;  // by place

enum Level : std::size_t { kUser, kKernel, kHardware };
constexpr std::array<const char*, 3> kLevelNames{"user space", "kernel", "hardware"};

/// Where a place stands in the picture: the disk's side to the left, the network's to the right, user space above.
struct Spot {
  const char* place;
  Level level;
  int row;
  int column;
};
constexpr std::array kSpots{Spot{"user.buffer", kUser, 0, 1},
                            Spot{"shared.fbuf", kUser, 0, 2},
                            Spot{"receiver.user_buffer", kUser, 0, 4},
                            Spot{"kernel.page_cache", kKernel, 1, 0},
                            Spot{"kernel.bounce_buffer", kKernel, 1, 1},
                            Spot{"kernel.pipe", kKernel, 1, 2},
                            Spot{"kernel.socket_buffer", kKernel, 1, 3},
                            Spot{"receiver.socket_buffer", kKernel, 1, 4},
                            Spot{"disk.buffer", kHardware, 2, 0},
                            Spot{"swap", kHardware, 2, 1},
                            Spot{"nic.fifo", kHardware, 2, 3},
                            Spot{"disk.media", kHardware, 3, 0},
                            Spot{"wire", kHardware, 3, 3},
                            Spot{"peer", kHardware, 4, 3}};

Spot spot_of(const std::string& place) {
  for (const Spot& spot : kSpots) {
    if (place == spot.place) return spot;
  }
  const bool kernel = place.starts_with("kernel.");
  return {"", kernel ? kKernel : kHardware, kernel ? 1 : 2, 2};
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
    boost::get_property(m_root, boost::graph_graph_attribute) = {
        {"rankdir", "TB"}, {"fontname", "sans-serif"}, {"nodesep", "0.7"}, {"ranksep", "0.6"}};
    boost::get_property(m_root, boost::graph_vertex_attribute) = {
        {"shape", "box"}, {"style", "rounded,filled"}, {"fillcolor", "white"}, {"fontname", "sans-serif"}};
    boost::get_property(m_root, boost::graph_edge_attribute) = {{"fontname", "sans-serif"}, {"fontsize", "10"}};
  }

  void add(const Json& run, std::size_t number) {
    Graph& frame = m_root.create_subgraph();
    const std::string name = fmt::format("cluster_{}_{}", number, identifier(run.value("strategy", "")));
    boost::get_property(frame, boost::graph_name) = name;
    boost::get_property(frame, boost::graph_graph_attribute) = {{"label", title_of(run)}, {"fontsize", "18"}};
    const Vertices vertices = add_places(frame, name, run);
    hold_in_place(vertices);
    for (const Json& move : run["moves"]) {
      if (move.value("bytes", 0.0) == 0) continue;  // headers and acknowledgements alone
      Attributes look = look_of(move.value("by", ""));
      look["label"] = fmt::format("{}\n{}", move.value("by", ""), size_text(move.value("bytes", 0.0)));
      add_edge(vertices.at(move.value("from", "")), vertices.at(move.value("to", "")), look);
    }
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
  /// The places that payload touched, each in the row of its level. Upper rows come first: Graphviz then takes moves
  /// that go up for the ones to be turned round.
  Vertices add_places(Graph& frame, const std::string& name, const Json& run) {
    std::set<std::tuple<int, int, std::string>> places;
    for (const Json& move : run["moves"]) {
      if (move.value("bytes", 0.0) == 0) continue;
      for (const char* end : {"from", "to"}) {
        const std::string place = move.value(end, "");
        const Spot spot = spot_of(place);
        places.emplace(spot.row, spot.column, place);
      }
    }
    Vertices vertices;
    std::map<Level, Graph*> levels;
    std::map<int, Graph*> rows;
    for (const auto& [row, column, place] : places) {
      const Level level = spot_of(place).level;
      if (!levels.contains(level)) levels[level] = &open_level(frame, name, level);
      if (!rows.contains(row)) rows[row] = &open_row(*levels[level], fmt::format("row_{}_{}", name, row));
      const Vertex vertex = rows[row]->local_to_global(boost::add_vertex(*rows[row]));
      boost::put(boost::get(boost::vertex_attribute, m_root), vertex, Attributes{{"label", place}});
      vertices[place] = vertex;
    }
    return vertices;
  }
  static Graph& open_row(Graph& level, const std::string& name) {
    Graph& row = level.create_subgraph();
    boost::get_property(row, boost::graph_name) = name;
    boost::get_property(row, boost::graph_graph_attribute) = {{"rank", "same"}};
    return row;
  }
  /// Invisible edges: each place stands to the right of its row's others, and under those of its column.
  void hold_in_place(const Vertices& vertices) {
    for (const auto& [one, from] : vertices) {
      for (const auto& [other, to] : vertices) {
        const Spot a = spot_of(one);
        const Spot b = spot_of(other);
        const bool below = b.row == a.row + 1 && (a.column == b.column || a.row == 0);
        const bool beside = a.row == b.row && a.column < b.column;
        if (below) add_edge(from, to, {{"style", "invis"}, {"weight", "8"}});
        if (beside) add_edge(from, to, {{"style", "invis"}});
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
