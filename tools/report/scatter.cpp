// SPDX-License-Identifier: Apache-2.0
#include "tools/report/scatter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "tools/report/crosscheck_table.h"
#include "tools/report/text.h"

namespace sluice::report {
namespace {

// All lengths in SVG user units, 1 px at its natural size.
constexpr double kWidth = 640;
constexpr double kHeight = 640;
constexpr double kLeft = 76;
constexpr double kRight = 24;
constexpr double kTop = 44;
constexpr double kBottom = 64;
constexpr double kMark = 5;

constexpr double kUnsteady = 0.05;

struct Look {
  const char* colour;  ///< of a palette that stays distinct for the colour-blind (Okabe and Ito)
  char shape;
};
constexpr std::array<Look, 6> kLooks{
    {{"#0072B2", 'o'}, {"#D55E00", 's'}, {"#009E73", '^'}, {"#CC79A7", 'd'}, {"#E69F00", 'v'}, {"#56B4E9", '+'}}};

struct Dot {
  double measured;
  double predicted;
  std::size_t strategy;
  bool steady;
  std::string title;
};

/// XML text of anything that a scenario may hold.
std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

class Picture {
 public:
  explicit Picture(const results::CrosscheckResult& crosscheck) {
    for (const results::Cell& cell : crosscheck.cells) {
      if (cell.cpu_ns && cell.cpu_ns->predicted > 0 && cell.cpu_ns->measured > 0) add(cell);
    }
    for (const Dot& dot : m_dots) {
      m_low = std::min({m_low, dot.measured, dot.predicted});
      m_high = std::max({m_high, dot.measured, dot.predicted});
    }
    if (m_dots.empty()) m_low = m_high = 1e6;
    constexpr double kMargin = 1.35;
    m_low /= kMargin;
    m_high *= kMargin;
    m_title = crosscheck.description;
  }

  std::string text() {
    m_out = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"{0}\" height=\"{1}\" fill=\"white\"/>\n"
        "<clipPath id=\"plot\"><rect x=\"{2}\" y=\"{3}\" width=\"{4}\" height=\"{5}\"/></clipPath>\n",
        kWidth, kHeight, kLeft, kTop, kWidth - kLeft - kRight, kHeight - kTop - kBottom);
    band(0.30, "#eeeeee");
    band(0.15, "#dddddd");
    line(m_low, m_low, m_high, m_high, "#888888");
    axes();
    for (const Dot& dot : m_dots) mark(x(dot.measured), y(dot.predicted), kLooks[dot.strategy % kLooks.size()], dot);
    legend();
    return m_out + "</svg>\n";
  }

 private:
  void add(const results::Cell& cell) {
    auto found = std::find(m_strategies.begin(), m_strategies.end(), cell.strategy);
    if (found == m_strategies.end()) found = m_strategies.insert(found, cell.strategy);
    const results::TimePair& cpu = *cell.cpu_ns;
    m_dots.push_back({static_cast<double>(cpu.measured), static_cast<double>(cpu.predicted),
                      static_cast<std::size_t>(found - m_strategies.begin()), cpu.spread <= kUnsteady,
                      fmt::format("{}: {:+.1f} %", cell_name(cell), cpu.error_percent.value_or(0))});
  }

  [[nodiscard]] double share(double value) const { return std::log(value / m_low) / std::log(m_high / m_low); }
  [[nodiscard]] double x(double value) const { return kLeft + share(value) * (kWidth - kLeft - kRight); }
  [[nodiscard]] double y(double value) const { return kHeight - kBottom - share(value) * (kHeight - kTop - kBottom); }

  void line(double x0, double y0, double x1, double y1, const char* colour) {
    m_out += fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x(x0),
                         y(y0), x(x1), y(y1), colour);
  }
  void label(double at_x, double at_y, const char* anchor, const std::string& text, const char* more = "") {
    m_out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" {}>{}</text>\n", at_x, at_y, anchor, more,
                         escaped(text));
  }

  /// Predictions within +- `error` of the measurement.
  void band(double error, const char* colour) {
    m_out += fmt::format(
        "<polygon clip-path=\"url(#plot)\" points=\"{:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f} {:.1f},{:.1f}\" "
        "fill=\"{}\"/>\n",
        x(m_low), y(m_low * (1 - error)), x(m_high), y(m_high * (1 - error)), x(m_high), y(m_high * (1 + error)),
        x(m_low), y(m_low * (1 + error)), colour);
  }

  void axes() {
    m_out += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"black\"/>\n", kLeft,
                         kTop, kWidth - kLeft - kRight, kHeight - kTop - kBottom);
    for (const double value : ticks()) {
      const std::string text = time_text(value);
      line(value, m_low, value, m_low * std::pow(m_high / m_low, 0.012), "black");
      line(m_low, value, m_low * std::pow(m_high / m_low, 0.012), value, "black");
      label(x(value), kHeight - kBottom + 18, "middle", text);
      label(kLeft - 8, y(value) + 4, "end", text);
    }
    label((kLeft + kWidth - kRight) / 2, kHeight - 20, "middle", "CPU time measured on this host");
    const double middle = (kTop + kHeight - kBottom) / 2;
    label(16, middle, "middle", "CPU time predicted",
          fmt::format("transform=\"rotate(-90 16 {:.1f})\"", middle).c_str());
    label((kLeft + kWidth - kRight) / 2, 24, "middle", m_title, "font-size=\"14\"");
    label(kWidth - kRight - 6, kHeight - kBottom - 10, "end", "bands: +- 15 % and +- 30 %", "fill=\"#666666\"");
  }

  /// 1, 2 and 5 of each power of ten; the powers alone where that would be too many.
  [[nodiscard]] std::vector<double> ticks() const {
    const bool wide = m_high / m_low > 1e3;
    std::vector<double> values;
    for (double power = std::pow(10, std::floor(std::log10(m_low))); power <= m_high; power *= 10) {
      for (const double digit : {1.0, 2.0, 5.0}) {
        const double value = digit * power;
        if (value >= m_low && value <= m_high && (digit == 1.0 || !wide)) values.push_back(value);
      }
    }
    return values;
  }

  static std::string shape(double cx, double cy, char kind) {
    const double r = kMark;
    switch (kind) {
      case 's':
        return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"", cx - r, cy - r, 2 * r,
                           2 * r);
      case '^':
        return fmt::format("<path d=\"M{:.1f} {:.1f}l{:.1f} {:.1f}h{:.1f}z\"", cx, cy - r, r, 2 * r, -2 * r);
      case 'v':
        return fmt::format("<path d=\"M{:.1f} {:.1f}l{:.1f} {:.1f}h{:.1f}z\"", cx, cy + r, r, -2 * r, -2 * r);
      case 'd':
        return fmt::format("<path d=\"M{:.1f} {:.1f}l{:.1f} {:.1f}l{:.1f} {:.1f}l{:.1f} {:.1f}z\"", cx, cy - r, r, r,
                           -r, r, -r, -r);
      case '+':
        return fmt::format("<path d=\"M{:.1f} {:.1f}h{:.1f}M{:.1f} {:.1f}v{:.1f}\"", cx - r, cy, 2 * r, cx, cy - r,
                           2 * r);
      default:
        return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\"", cx, cy, r);
    }
  }

  void mark(double cx, double cy, const Look& look, const Dot& dot) {
    m_out +=
        fmt::format("{} stroke=\"{}\" stroke-width=\"1.5\" fill=\"{}\" fill-opacity=\"0.7\"><title>{}</title></{}>\n",
                    shape(cx, cy, look.shape), look.colour, dot.steady ? look.colour : "none", escaped(dot.title),
                    look.shape == 'o'   ? "circle"
                    : look.shape == 's' ? "rect"
                                        : "path");
  }

  void legend() {
    double at = kTop + 20;
    const auto entry = [&](const Look& look, const Dot& dot) {
      mark(kLeft + 18, at - 4, look, dot);
      label(kLeft + 30, at, "start", dot.title);
      at += 18;
    };
    for (std::size_t i = 0; i < m_strategies.size(); ++i) {
      entry(kLooks[i % kLooks.size()], {0, 0, i, true, m_strategies[i]});
    }
    const bool all_steady = std::all_of(m_dots.begin(), m_dots.end(), [](const Dot& dot) { return dot.steady; });
    if (!all_steady) entry({"#666666", 'o'}, {0, 0, 0, false, "hollow: repeats worse than 5 %"});
  }

  std::vector<std::string> m_strategies;
  std::vector<Dot> m_dots;
  double m_low = 1e300;
  double m_high = 0;
  std::string m_title;
  std::string m_out;
};

}  // namespace

std::string scatter_svg(const results::CrosscheckResult& crosscheck) { return Picture{crosscheck}.text(); }

}  // namespace sluice::report
