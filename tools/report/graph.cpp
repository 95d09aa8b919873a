// SPDX-License-Identifier: Apache-2.0
#include "tools/report/graph.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <sstream>
#include <tuple>
#include <vector>

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

enum Level : std::size_t { kUser, kKernel, kHardware, kBeyond };
constexpr std::array<const char*, 4> kLevelNames{"user space", "kernel", "hardware", "beyond the machine"};
constexpr std::array<const char*, 4> kLevelFill{"ivory", "lightcyan", "gray92", "white"};

/// Where a place stands in the picture: the disk's side to the left, the network's to the right, user space above.
struct Spot {
  const char* place;
  Level level;
  int row;
  int column;
};
constexpr std::array kSpots{Spot{"user.buffer", kUser, 0, 1},
                            Spot{"receiver.user_buffer", kUser, 0, 4},
                            Spot{"kernel.page_cache", kKernel, 1, 0},
                            Spot{"kernel.pipe", kKernel, 1, 2},
                            Spot{"kernel.socket_buffer", kKernel, 1, 3},
                            Spot{"receiver.socket_buffer", kKernel, 1, 4},
                            Spot{"disk.buffer", kHardware, 2, 0},
                            Spot{"nic.fifo", kHardware, 2, 3},
                            Spot{"disk.media", kHardware, 3, 0},
                            Spot{"wire", kBeyond, 4, 3},
                            Spot{"peer", kBeyond, 5, 3}};

Spot spot_of(const std::string& place) {
  for (const Spot& spot : kSpots) {
    if (place == spot.place) return spot;
  }
  const bool kernel = place.starts_with("kernel.");
  return {"", kernel ? kKernel : kHardware, kernel ? 1 : 2, 2};
}

struct MoverLook {
  const char* by;
  const char* meaning;
  Attributes look;
};
const std::vector<MoverLook>& mover_looks() {
  static const std::vector<MoverLook> all{
      {"cpu", "copied by the CPU", {{"color", "firebrick"}, {"penwidth", "2"}}},
      {"dma", "copied by a device (DMA)", {{"color", "royalblue"}, {"penwidth", "2"}}},
      {"device", "moved within a device or on the wire", {{"color", "gray50"}}},
      {"reference", "passed by reference, nothing is copied", {{"color", "gray30"}, {"style", "dashed"}}}};
  return all;
}

Attributes look_of(const std::string& mover) {
  for (const MoverLook& known : mover_looks()) {
    if (mover == known.by) return known.look;
  }
  return {};
}

using Moves = std::vector<results::MoveInfo>;

/// The moves of payload; headers and acknowledgements alone are no step of a byte's way.
Moves payload_moves(const RunResult& run) {
  Moves moves;
  for (const results::MoveInfo& move : *run.moves) {
    if (move.bytes > 0) moves.push_back(move);
  }
  return moves;
}

/// By place, how many moves a byte has behind it there: the longest way from where bytes come from. A place whose bytes
/// go round in a circle keeps what the moves outside of the circle give it.
std::map<std::string, std::size_t> steps_to(const Moves& moves) {
  std::map<std::string, std::size_t> steps;
  for (std::size_t pass = 0; pass < moves.size(); ++pass) {
    for (const results::MoveInfo& move : moves) {
      if (move.from == move.to) {
        steps.try_emplace(move.to, 1);
        continue;
      }
      steps[move.to] = std::max(steps[move.to], std::min(steps[move.from] + 1, moves.size()));
    }
  }
  return steps;
}

/// DOT names of clusters are identifiers.
std::string identifier(const std::string& text) {
  std::string name;
  for (const char c : text) name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

std::string title_of(const RunResult& run) {
  std::string title = run.strategy;
  for (const auto& [key, value] : run.point.value_or(results::Named<std::string>{})) {
    title += "\n" + key + " = " + value;
  }
  return title;
}

class Picture {
 public:
  explicit Picture(const std::string& title) {
    boost::get_property(m_root, boost::graph_name) = "sluice";
    boost::get_property(m_root, boost::graph_graph_attribute) = {
        {"rankdir", "TB"}, {"fontname", "sans-serif"}, {"nodesep", "0.7"}, {"ranksep", "0.6"},
        {"label", title},  {"labelloc", "t"},          {"fontsize", "22"}};
    boost::get_property(m_root, boost::graph_vertex_attribute) = {
        {"shape", "box"}, {"style", "rounded,filled"}, {"fillcolor", "white"}, {"fontname", "sans-serif"}};
    boost::get_property(m_root, boost::graph_edge_attribute) = {{"fontname", "sans-serif"}, {"fontsize", "10"}};
  }

  void add(const RunResult& run, std::size_t number) {
    const Moves moves = payload_moves(run);
    Graph& frame = m_root.create_subgraph();
    const std::string name = fmt::format("cluster_{}_{}", number, identifier(run.strategy));
    boost::get_property(frame, boost::graph_name) = name;
    boost::get_property(frame, boost::graph_graph_attribute) = {{"label", title_of(run)}, {"fontsize", "18"}};
    const Vertices vertices = add_places(frame, name, moves);
    hold_in_place(vertices);
    const auto steps = steps_to(moves);
    for (const results::MoveInfo& move : moves) {
      Attributes look = look_of(move.by);
      look["label"] = fmt::format("{}. {}\n{}", steps.at(move.to), move.by, size_text(static_cast<double>(move.bytes)));
      add_edge(vertices.at(move.from), vertices.at(move.to), look);
    }
  }

  /// What colours and numbers say.
  void add_legend() {
    Graph& frame = m_root.create_subgraph();
    boost::get_property(frame, boost::graph_name) = "cluster_legend";
    boost::get_property(frame, boost::graph_graph_attribute) = {
        {"label", "1., 2., ...: the order in which a byte moves"}, {"fontsize", "12"}, {"style", "dotted"}};
    for (const MoverLook& mover : mover_looks()) {
      const auto end = [&] {
        const Vertex vertex = frame.local_to_global(boost::add_vertex(frame));
        boost::put(boost::get(boost::vertex_attribute, m_root), vertex,
                   Attributes{{"shape", "point"}, {"width", "0.05"}, {"label", ""}});
        return vertex;
      };
      const Vertex from = end();
      Attributes look = mover.look;
      look["label"] = mover.meaning;
      add_edge(from, end(), look);
    }
  }

  std::string text() {
    std::ostringstream out;
    boost::write_graphviz(out, m_root);
    return out.str();
  }

 private:
  static Graph& open_level(Graph& frame, const std::string& name, Level level) {
    Graph& graph = frame.create_subgraph();
    boost::get_property(graph, boost::graph_name) = name + "_" + identifier(kLevelNames[level]);
    boost::get_property(graph, boost::graph_graph_attribute) = {{"label", kLevelNames[level]},
                                                                {"style", "filled"},
                                                                {"fillcolor", kLevelFill[level]},
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
  Vertices add_places(Graph& frame, const std::string& name, const Moves& moves) {
    std::set<std::tuple<int, int, std::string>> places;
    for (const results::MoveInfo& move : moves) {
      for (const std::string& place : {move.from, move.to}) {
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

std::string data_flow_graph(const std::string& title, const Runs& runs) {
  Picture picture{title};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].moves) picture.add(runs[i], i);
  }
  picture.add_legend();
  return picture.text();
}

}  // namespace sluice::report
