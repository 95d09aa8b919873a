// SPDX-License-Identifier: Apache-2.0
// Follows the matcher of Lua 5.4 (lstrlib.c) step by step, for the count must be that of the work it does.
#include "kernel_sim/programs/lua/pattern_cost.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstring>

namespace sluice::lua {
namespace {

constexpr char kEscape = '%';
constexpr int kMostDepth = 200;    // MAXCCALLS of lstrlib.c
constexpr int kMostCaptures = 32;  // LUA_MAXCAPTURES
constexpr std::ptrdiff_t kUnfinished = -1;
constexpr std::ptrdiff_t kPosition = -2;

/// More steps than the limit.
struct TooMany {};

bool in_class(int c, int letter) {
  bool in = false;
  switch (std::tolower(letter)) {
    case 'a':
      in = std::isalpha(c) != 0;
      break;
    case 'c':
      in = std::iscntrl(c) != 0;
      break;
    case 'd':
      in = std::isdigit(c) != 0;
      break;
    case 'g':
      in = std::isgraph(c) != 0;
      break;
    case 'l':
      in = std::islower(c) != 0;
      break;
    case 'p':
      in = std::ispunct(c) != 0;
      break;
    case 's':
      in = std::isspace(c) != 0;
      break;
    case 'u':
      in = std::isupper(c) != 0;
      break;
    case 'w':
      in = std::isalnum(c) != 0;
      break;
    case 'x':
      in = std::isxdigit(c) != 0;
      break;
    default:
      return letter == c;
  }
  return std::isupper(letter) != 0 ? !in : in;
}

class Matcher {
 public:
  Matcher(lua_State* L, std::string_view text, std::string_view pattern, std::uint64_t limit)
      : m_lua(L),
        m_start(text.data()),
        m_end(text.data() + text.size()),
        m_pattern_end(pattern.data() + pattern.size()),
        m_limit(limit) {}

  /// Where a match that starts at `s` ends; null for none.
  const char* match_at(const char* s, const char* pattern) {
    m_level = 0;
    m_depth = kMostDepth;
    return match(s, pattern);
  }
  [[nodiscard]] std::uint64_t steps() const { return m_steps; }

 private:
  void step(std::uint64_t n = 1) {
    m_steps += n;
    if (m_steps > m_limit) throw TooMany{};
  }

  const char* class_end(const char* p) {
    step();
    if (*p++ == kEscape) {
      if (p == m_pattern_end) luaL_error(m_lua, "malformed pattern (ends with '%%')");
      return p + 1;
    }
    if (p[-1] != '[') return p;
    if (*p == '^') ++p;
    do {
      step();
      if (p == m_pattern_end) luaL_error(m_lua, "malformed pattern (missing ']')");
      if (*p++ == kEscape && p < m_pattern_end) ++p;
    } while (*p != ']');
    return p + 1;
  }

  /// `p` is at "[", `last` at "]".
  bool in_set(int c, const char* p, const char* last) {
    const bool wanted = p[1] != '^';
    if (!wanted) ++p;
    while (++p < last) {
      step();
      if (*p == kEscape) {
        ++p;
        if (in_class(c, static_cast<unsigned char>(*p))) return wanted;
      } else if (p[1] == '-' && p + 2 < last) {
        p += 2;
        if (static_cast<unsigned char>(p[-2]) <= c && c <= static_cast<unsigned char>(*p)) return wanted;
      } else if (static_cast<unsigned char>(*p) == c) {
        return wanted;
      }
    }
    return !wanted;
  }

  bool single(const char* s, const char* p, const char* end) {
    step();
    if (s >= m_end) return false;
    const int c = static_cast<unsigned char>(*s);
    switch (*p) {
      case '.':
        return true;
      case kEscape:
        return in_class(c, static_cast<unsigned char>(p[1]));
      case '[':
        return in_set(c, p, end - 1);
      default:
        return static_cast<unsigned char>(*p) == c;
    }
  }

  const char* balanced(const char* s, const char* p) {
    if (p >= m_pattern_end - 1) luaL_error(m_lua, "malformed pattern (missing arguments to '%%b')");
    if (s >= m_end || *s != *p) return nullptr;
    int open = 1;
    while (++s < m_end) {
      step();
      if (*s == p[1]) {
        if (--open == 0) return s + 1;
      } else if (*s == *p) {
        ++open;
      }
    }
    return nullptr;
  }

  const char* longest_first(const char* s, const char* p, const char* end) {
    std::ptrdiff_t n = 0;
    while (single(s + n, p, end)) ++n;
    for (; n >= 0; --n) {
      if (const char* found = match(s + n, end + 1)) return found;
    }
    return nullptr;
  }
  const char* shortest_first(const char* s, const char* p, const char* end) {
    while (true) {
      if (const char* found = match(s, end + 1)) return found;
      if (!single(s, p, end)) return nullptr;
      ++s;
    }
  }

  const char* begin_capture(const char* s, const char* p, std::ptrdiff_t kind) {
    if (m_level >= kMostCaptures) luaL_error(m_lua, "too many captures");
    m_captures[static_cast<std::size_t>(m_level)] = {s, kind};
    ++m_level;
    const char* const found = match(s, p);
    if (found == nullptr) --m_level;
    return found;
  }
  const char* end_capture(const char* s, const char* p) {
    int level = m_level - 1;
    while (level >= 0 && m_captures[static_cast<std::size_t>(level)].size != kUnfinished) --level;
    if (level < 0) luaL_error(m_lua, "invalid pattern capture");
    Capture& capture = m_captures[static_cast<std::size_t>(level)];
    capture.size = s - capture.start;
    const char* const found = match(s, p);
    if (found == nullptr) capture.size = kUnfinished;
    return found;
  }
  const char* as_captured(const char* s, int digit) {
    const int level = digit - '1';
    if (level < 0 || level >= m_level || m_captures[static_cast<std::size_t>(level)].size == kUnfinished) {
      luaL_error(m_lua, "invalid capture index %%%d", level + 1);
    }
    const Capture& capture = m_captures[static_cast<std::size_t>(level)];
    const auto size = static_cast<std::size_t>(capture.size);  // that of a position is larger than any text
    if (static_cast<std::size_t>(m_end - s) < size) return nullptr;
    step(size);
    return std::memcmp(capture.start, s, size) == 0 ? s + size : nullptr;
  }
  bool frontier(const char* s, const char* p, const char* end) {
    const int before = s == m_start ? 0 : static_cast<unsigned char>(s[-1]);
    return !in_set(before, p, end - 1) && in_set(static_cast<unsigned char>(*s), p, end - 1);
  }

  const char* match(const char* s, const char* p) {
    if (m_depth-- == 0) luaL_error(m_lua, "pattern too complex");
    const char* const found = match_here(s, p);
    ++m_depth;
    return found;
  }

  const char* match_here(const char* s, const char* p) {
    while (p != m_pattern_end) {
      step();
      if (*p == '(') return p[1] == ')' ? begin_capture(s, p + 2, kPosition) : begin_capture(s, p + 1, kUnfinished);
      if (*p == ')') return end_capture(s, p + 1);
      if (*p == '$' && p + 1 == m_pattern_end) return s == m_end ? s : nullptr;
      if (*p == kEscape && p[1] == 'b') {
        s = balanced(s, p + 2);
        p += 4;
      } else if (*p == kEscape && p[1] == 'f') {
        p += 2;
        if (*p != '[') luaL_error(m_lua, "missing '[' after '%%f' in pattern");
        const char* const end = class_end(p);
        if (!frontier(s, p, end)) return nullptr;
        p = end;
      } else if (*p == kEscape && std::isdigit(static_cast<unsigned char>(p[1])) != 0) {
        s = as_captured(s, static_cast<unsigned char>(p[1]));
        p += 2;
      } else {
        const char* const end = class_end(p);
        const bool may_be_none = *end == '*' || *end == '?' || *end == '-';
        const bool here = single(s, p, end);
        if (!here && may_be_none) {
          p = end + 1;
          continue;
        }
        if (!here) return nullptr;
        if (*end == '*') return longest_first(s, p, end);
        if (*end == '-') return shortest_first(s, p, end);
        if (*end == '+') return longest_first(s + 1, p, end);
        if (*end == '?') {
          if (const char* found = match(s + 1, end + 1)) return found;
          p = end + 1;
          continue;
        }
        ++s;
        p = end;
      }
      if (s == nullptr) return nullptr;
    }
    return s;
  }

  struct Capture {
    const char* start;
    std::ptrdiff_t size;
  };

  lua_State* m_lua;
  const char* m_start;
  const char* m_end;
  const char* m_pattern_end;
  std::uint64_t m_limit;
  std::uint64_t m_steps = 0;
  int m_depth = kMostDepth;
  int m_level = 0;
  std::array<Capture, kMostCaptures> m_captures{};
};

void search_through(Matcher& matcher, const PatternSearch& search) {
  const char* pattern = search.pattern.data();
  const bool anchored = search.may_be_anchored && search.pattern.starts_with('^');
  if (anchored) ++pattern;
  const char* s = search.text.data() + search.from;
  const char* const end = search.text.data() + search.text.size();
  const char* last = nullptr;
  for (std::uint64_t found = 0; search.matches == Matches::First || found < search.most;) {
    const char* const e = matcher.match_at(s, pattern);
    if (e != nullptr && search.matches == Matches::First) return;
    if (e != nullptr && e != last) {
      ++found;
      s = last = e;
    } else if (s < end) {
      ++s;
    } else {
      return;
    }
    if (anchored) return;
  }
}

}  // namespace

std::uint64_t pattern_steps(lua_State* L, const PatternSearch& search, std::uint64_t limit) {
  Matcher matcher{L, search.text, search.pattern, limit};
  try {
    search_through(matcher, search);
  } catch (const TooMany&) {
  }
  return matcher.steps();
}

}  // namespace sluice::lua
