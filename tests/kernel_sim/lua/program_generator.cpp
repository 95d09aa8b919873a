// SPDX-License-Identifier: Apache-2.0
#include "tests/kernel_sim/lua/program_generator.h"

#include <array>
#include <random>
#include <string_view>
#include <vector>

#include "kernel_sim/programs/lua/reference.h"

namespace sluice::lua {
namespace {

struct Callable {
  std::string name;
  std::vector<std::string> parameters;
};

/// "splice(in_fd, in_offset, [flags]) -> value" in parts.
Callable callable_of(std::string_view signature) {
  const std::size_t open = signature.find('(');
  Callable callable{std::string{signature.substr(0, open)}, {}};
  std::string word;
  for (const char c : signature.substr(open + 1, signature.find(')') - open - 1)) {
    if (c == ',') {
      callable.parameters.push_back(word);
      word.clear();
    } else if (c != ' ' && c != '[' && c != ']' && c != '"') {
      word += c;
    }
  }
  if (!word.empty()) callable.parameters.push_back(word);
  return callable;
}

std::vector<Callable> all_callables() {
  std::vector<Callable> all;
  for (const Entry& entry : reference()) all.push_back(callable_of(entry.signature));
  for (const std::string_view signature : {"string.byte(text, number, number)",
                                           "string.char(byte, byte)",
                                           "string.find(text, pattern, number, truth)",
                                           "string.format(format, any, any)",
                                           "string.gmatch(text, pattern)",
                                           "string.gsub(text, pattern, any, number)",
                                           "string.len(text)",
                                           "string.lower(text)",
                                           "string.match(text, pattern, number)",
                                           "string.pack(packing, any, any)",
                                           "string.packsize(packing)",
                                           "string.rep(text, number, text)",
                                           "string.reverse(text)",
                                           "string.sub(text, number, number)",
                                           "string.unpack(packing, text, number)",
                                           "string.upper(text)",
                                           "table.concat(table, text, number, number)",
                                           "table.insert(table, number, any)",
                                           "table.insert(table, any)",
                                           "table.move(table, number, number, number, table)",
                                           "table.pack(any, any)",
                                           "table.remove(table, number)",
                                           "table.sort(table, function)",
                                           "table.unpack(table, number, number)",
                                           "math.abs(number)",
                                           "math.fmod(number, number)",
                                           "math.floor(number)",
                                           "math.tointeger(any)",
                                           "math.random(number, number)",
                                           "math.randomseed(number)",
                                           "math.type(any)",
                                           "math.ult(number, number)",
                                           "utf8.char(number, number)",
                                           "utf8.codepoint(text, number, number)",
                                           "utf8.len(text, number, number, truth)",
                                           "utf8.offset(text, number, number)",
                                           "utf8.codes(text)",
                                           "coroutine.create(function)",
                                           "coroutine.resume(any, any)",
                                           "coroutine.wrap(function)",
                                           "coroutine.yield(any)",
                                           "coroutine.close(any)",
                                           "coroutine.status(any)",
                                           "coroutine.isyieldable()",
                                           "coroutine.running()",
                                           "assert(any, any)",
                                           "error(any, number)",
                                           "getmetatable(any)",
                                           "setmetatable(table, table)",
                                           "ipairs(table)",
                                           "pairs(table)",
                                           "next(table, any)",
                                           "pcall(function, any, any)",
                                           "xpcall(function, function, any)",
                                           "rawequal(any, any)",
                                           "rawget(table, any)",
                                           "rawset(table, any, any)",
                                           "rawlen(any)",
                                           "select(number, any, any)",
                                           "tonumber(any, number)",
                                           "tostring(any)",
                                           "type(any)"}) {
    all.push_back(callable_of(signature));
  }
  return all;
}

class Generator {
 public:
  Generator(std::uint64_t seed, std::uint64_t index)
      : m_random(seed * 0x9E3779B97F4A7C15U + index * 0xBF58476D1CE4E5B9U + 1), m_callables(all_callables()) {}

  std::string program() {
    std::string text = "cycle = {} cycle.cycle = cycle cycle[1] = cycle\n";
    for (int i = 1; i <= 3; ++i) {
      const std::string number = std::to_string(i);
      text += "function f" + number + "(a, b)\n" + block(2) + "return " + value(1) + "\nend\n";
    }
    text += "function main(a, b)\nlocal m, r, w = memory(16384), pipe(O_NONBLOCK)\nlocal fd = open('a', O_RDWR)\n";
    text += block(4) + "return " + value(1) + "\nend\n";
    if (one_in(12)) damage(text);
    return text;
  }

 private:
  std::uint64_t below(std::uint64_t n) { return std::uniform_int_distribution<std::uint64_t>{0, n - 1}(m_random); }
  bool one_in(std::uint64_t n) { return below(n) == 0; }
  template <class List>
  std::string any_of(const List& list) {
    return std::string{*(std::begin(list) + static_cast<std::ptrdiff_t>(below(std::size(list))))};
  }

  void damage(std::string& text) {
    for (std::uint64_t i = below(4) + 1; i > 0; --i) {
      const std::size_t at = below(text.size());
      if (one_in(2)) text.erase(at, below(20) + 1);
      if (one_in(2)) text.insert(at, 1, static_cast<char>(below(256)));
      if (one_in(3)) text.insert(at, any_of(kFragments));
    }
    if (one_in(8)) text.insert(below(text.size()), std::string(below(3000) + 1, "({[-\"~"[below(6)]));
  }

  std::string number() {
    switch (below(8)) {
      case 0:
        return any_of(kOddNumbers);
      case 1:
        return std::to_string(static_cast<std::int64_t>(m_random()));
      case 2:
        return "1 << " + std::to_string(below(64));
      default:
        return std::to_string(below(one_in(3) ? 100'000 : 12));
    }
  }

  std::string pattern() {
    std::string text = one_in(6) ? "^" : "";
    for (std::uint64_t i = below(one_in(6) ? 60 : 8); i > 0; --i) text += any_of(kPatternItems) + any_of(kQuantifiers);
    return '"' + text + '"';
  }

  std::string text() {
    switch (below(8)) {
      case 0:
        return pattern();
      case 1:
        return "string.rep('" + any_of(kPieces) + "', " + std::to_string(below(one_in(20) ? 2'000'000 : 300)) + ")";
      case 2:
        return '"' + any_of(kAddresses) + '"';
      case 3: {
        std::string bytes = "\"";
        for (std::uint64_t i = below(12); i > 0; --i) bytes += "\\" + std::to_string(below(256) + 1000).substr(1);
        return bytes + '"';
      }
      default:
        return '"' + any_of(kPieces) + '"';
    }
  }

  std::string table(int depth) {
    switch (below(7)) {
      case 0:
        return "cycle";
      case 1:
        return metatable(depth);
      case 2:
        return "(function() local t = {} for i = 1, " + std::to_string(below(one_in(10) ? 200'000 : 50)) +
               " do t[i] = i end return t end)()";
      case 3:
        return "{ { fd = " + number() + ", events = " + number() + " }, { fd = r, events = POLLIN } }";
      default: {
        std::string all = "{";
        for (std::uint64_t i = below(4); i > 0; --i) {
          if (one_in(3)) all += "[" + value(depth - 1) + "] = ";
          all += value(depth - 1) + ", ";
        }
        return all + "}";
      }
    }
  }

  std::string metatable(int depth) {
    std::string all = "setmetatable({}, {";
    for (std::uint64_t i = below(4) + 1; i > 0; --i) {
      all += any_of(kMetamethods) + " = " + (one_in(3) ? value(depth - 1) : function(depth - 1)) + ", ";
    }
    return all + "})";
  }

  std::string function(int depth) {
    switch (below(5)) {
      case 0:
        return "f" + std::to_string(below(3) + 1);
      case 1:
        return any_of(m_callables_names());
      default:
        if (depth <= 0) return "print";
        return "function(a, b) " + block(depth - 1) + " return " + value(depth - 1) + " end";
    }
  }

  std::vector<std::string> m_callables_names() {
    std::vector<std::string> names;
    for (const Callable& callable : m_callables) names.push_back(callable.name);
    return names;
  }

  std::string value(int depth) {
    if (depth <= 0) return any_of(kSimple);
    switch (below(11)) {
      case 0:
      case 1:
        return number();
      case 2:
      case 3:
        return text();
      case 4:
        return table(depth);
      case 5:
        return function(depth);
      case 6:
        return call(depth);
      case 7:
        return "(" + value(depth - 1) + " " + any_of(kOperators) + " " + value(depth - 1) + ")";
      case 8:
        return "coroutine.create(" + function(depth - 1) + ")";
      case 9:
        return "(" + any_of(kPrefixes) + " " + value(depth - 1) + ")";
      default:
        return any_of(kSimple);
    }
  }

  /// Mostly of the kind that the parameter's name asks for.
  std::string argument(const std::string& parameter, int depth) {
    if (one_in(6)) return value(depth);
    const auto has = [&](std::string_view part) { return parameter.find(part) != std::string::npos; };
    if (has("fd")) return any_of(kDescriptors);
    if (has("buffer") || has("address") || has("hint")) return any_of(kPlaces);
    if (has("pattern")) return pattern();
    if (has("format")) return '"' + any_of(kFormats) + any_of(kFormats) + '"';
    if (has("packing")) return '"' + any_of(kPackings) + any_of(kPackings) + '"';
    if (has("path")) return any_of(kPaths);
    if (has("peer") || has("local")) return '"' + any_of(kAddresses) + '"';
    if (has("function"))
      return parameter == "function" && one_in(2) ? '"' + ("f" + std::to_string(below(4))) + '"' : function(depth);
    if (has("text") || has("name")) return text();
    if (has("table") || has("entries")) return table(depth);
    if (has("any") || has("...") || has("condition") || has("truth")) return value(depth);
    return number();
  }

  std::string call(int depth) {
    const Callable& callable = m_callables[below(m_callables.size())];
    std::string all = callable.name + "(";
    const std::size_t given = one_in(15) ? below(6) : callable.parameters.size();
    for (std::size_t i = 0; i < given; ++i) {
      all += i > 0 ? ", " : "";
      all += i < callable.parameters.size() ? argument(callable.parameters[i], depth - 1) : value(depth - 1);
    }
    return all + ")";
  }

  std::string guarded_call(int depth) {
    if (one_in(5)) return call(depth);
    return "print(pcall(function() return " + call(depth) + " end))";
  }

  std::string variable() { return any_of(kVariables); }

  std::string block(int depth) {
    std::string all;
    for (std::uint64_t i = below(depth > 2 ? 8 : 3) + (depth > 3 ? 2 : 0); i > 0; --i) all += statement(depth) + "\n";
    return all;
  }

  std::string statement(int depth) {
    if (depth <= 0) return "print(" + any_of(kSimple) + ")";
    const int d = depth - 1;
    switch (below(20)) {
      case 0:
        return "if " + value(d) + " then\n" + block(d) + "else\n" + block(d) + "end";
      case 1:
        return "for i = " + number() + ", " + number() + " do\n" + block(d) + "if i > 1000 then break end end";
      case 2:
        return "for a, b in pairs(" + table(d) + ") do\n" + block(d) + "end";
      case 3:
        return one_in(8) ? "while " + value(d) + " do\n" + block(d) + "end"
                         : "local n = 0 while n < 20 do n = n + 1\n" + block(d) + "end";
      case 4:
        return "do local x <close> = " + metatable(d) + "\n" + block(d) + "end";
      case 5:
        return "pcall(function()\n" + block(d) + "end)";
      case 6:
        return "for v in coroutine.wrap(function()\n" + block(d) + "coroutine.yield(" + value(d) + ")\n" + block(d) +
               "end) do print(v) end";
      case 7:
        return variable() + " = " + value(d);
      case 8:
        return variable() + " = " + table(d);
      case 9:
        return "pcall(function() local t = " + table(d) + " t[" + value(d) + "] = " + value(d) + " end)";
      case 10:
        return any_of(kDeep);
      case 11:
        return "print(fork(\"f" + std::to_string(below(3) + 1) + "\", " + value(d) + ", " + value(d) + "))";
      case 12:
        return "print(select(2, wait()))";
      case 13:
        return one_in(4) ? "error(" + value(d) + ")" : "pcall(error, " + value(d) + ")";
      case 14:
        return any_of(kNasty);
      default:
        return guarded_call(depth);
    }
  }

  static constexpr std::array<std::string_view, 12> kOddNumbers = {
      "math.maxinteger", "math.mininteger", "0/0", "1/0", "-1/0", "-0.0", "1e308", "0.5", "-1", "2^53",
      "1e-320",          "0xFFFFFFFF"};
  static constexpr std::array<std::string_view, 14> kSimple = {"nil", "true", "false", "0",     "1",  "-1", "'x'",
                                                               "{}",  "a",    "b",     "cycle", "g1", "g2", "f1"};
  static constexpr std::array<std::string_view, 4> kVariables = {"g1", "g2", "a", "b"};
  static constexpr std::array<std::string_view, 12> kPieces = {"",   "a",  "aaaa",       "ab", "a\\0b", "x=1, y=2",
                                                               "()", "%d", "\\xC3\\xA9", "10", "0x1p4", "f1"};
  static constexpr std::array<std::string_view, 8> kAddresses = {
      "127.0.0.1:0",           "127.0.0.1:80", "0.0.0.0:0",       "1.2.3.4:5",
      "255.255.255.255:65535", "256.1.1.1:1",  "127.0.0.1:65536", ":"};
  static constexpr std::array<std::string_view, 20> kPatternItems = {"a",  ".", "%a", "%s",  "[ab]", "[^a]", "[%w_]",
                                                                     "(a", ")", "()", "(.",  "%1",   "%b()", "%f[%w]",
                                                                     "$",  "%", "[",  "[a-", "\\0",  "b"};
  static constexpr std::array<std::string_view, 6> kQuantifiers = {"", "", "*", "+", "-", "?"};
  static constexpr std::array<std::string_view, 15> kFormats = {
      "%d", "%s", "%q", "%5.2f", "%x", "%c", "%i", "%g", "%a", "%p", "%99.99f", "%%", "%", "%-20s", "%100d"};
  static constexpr std::array<std::string_view, 16> kPackings = {"b", "i4", "i16", "<l",  ">j", "s1",  "s",   "z",
                                                                 "d", "n",  "!8",  "Xi4", "x",  "i17", "c10", "c"};
  static constexpr std::array<std::string_view, 22> kMetamethods = {
      "__index",  "__newindex",  "__call", "__close", "__lt",   "__le",  "__eq",    "__len",
      "__concat", "__add",       "__unm",  "__bnot",  "__idiv", "__mod", "__pairs", "__tostring",
      "__name",   "__metatable", "__mode", "__gc",    "__shl",  "__div"};
  static constexpr std::array<std::string_view, 20> kOperators = {
      "+", "-", "*", "/", "//", "%", "^", "..", "==", "<", "<=", "~=", "and", "or", "&", "|", "~", "<<", ">>", ">"};
  static constexpr std::array<std::string_view, 4> kPrefixes = {"-", "#", "not", "~"};
  static constexpr std::array<std::string_view, 10> kDescriptors = {"fd", "r", "w",  "0", "1",
                                                                    "2",  "3", "-1", "5", "99"};
  static constexpr std::array<std::string_view, 8> kPlaces = {"m",  "m + 4095", "m + 16384", "0",
                                                              "g1", "1 << 47",  "-1",        "m"};
  static constexpr std::array<std::string_view, 7> kPaths = {"'a'", "'b'", "'none'", "''", "'.'", "'a/b'", "'a\\0b'"};
  static constexpr std::array<std::string_view, 10> kFragments = {
      "end", "function", "local x <const> = 1 x = 2", "goto l", "::l::", "...", "return", "<close>", "--[[", "]]"};
  static constexpr std::array<std::string_view, 14> kDeep = {
      "pcall(function() local function f() return 1 + f() end f() end)",
      "pcall(function() local function f() return (string.gsub('x', 'x', f)) end f() end)",
      "pcall(function() local function f() return pcall(f) end f() end)",
      "pcall(function() local function f() return coroutine.wrap(f)() end f() end)",
      "pcall(function() local t = setmetatable({}, {}) getmetatable(t).__index = function(_, k) return t[k] end "
      "print(t.x) end)",
      "pcall(function() local t = setmetatable({}, {}) getmetatable(t).__tostring = function() return tostring(t) end "
      "print(t) end)",
      "pcall(function() local t = {} for i = 1, 5000 do t = setmetatable({}, { __index = t }) end print(t.x) end)",
      "pcall(function() local t = 1 for i = 1, 40 do t = { t, t } end fork('f1', t) end)",
      "pcall(function() local t = 1 for i = 1, 500 do t = { t } end fork('f1', t) end)",
      "pcall(function() local s = 'x' while true do s = s .. s end end)",
      "pcall(function() local t = {} while true do t[#t + 1] = {} end end)",
      "pcall(function() print(select('#', table.unpack({}, 1, 900000))) end)",
      "pcall(function() local function f() return measure('deep', f) end f() end)",
      "pcall(function() local function f(...) return xpcall(f, f, ...) end f(1) end)"};
  static constexpr std::array<std::string_view, 14> kNasty = {
      "pcall(string.find, string.rep('a', 3000), string.rep('a-', 20) .. 'b')",
      "pcall(string.gsub, string.rep('a', 3000), string.rep('a*', 20) .. 'b', '')",
      "pcall(string.rep, '', math.maxinteger)",
      "pcall(table.insert, setmetatable({}, { __len = function() return math.maxinteger end }), 1, 1)",
      "pcall(table.remove, setmetatable({}, { __len = function() return math.maxinteger end }), 1)",
      "pcall(table.concat, setmetatable({}, { __index = rawlen, __len = function() return 1 << 40 end }))",
      "pcall(function() local s = string.rep('a', 4000000) while true do s:rep(2) end end)",
      "for i = 1, 8 do fork('f' .. i % 3 + 1) end",
      "print(compute(1000000), sleep(1000000))",
      "while true do local p, how = wait() if not p then break end print(how) end",
      "pcall(string.find, string.rep('a', 1000000), string.rep('a', 400000) .. 'b', 1, true)",
      "g1 = coroutine.create(function() local x <close> = setmetatable({}, { __close = exit }) coroutine.yield() end) "
      "coroutine.resume(g1) coroutine.close(g1)",
      "pcall(function() local x <close> = setmetatable({}, { __close = function() peek(1) end }) error('e') end)",
      "g2 = {} for i = 1, 100 do g2[i % 7 * 1.5] = i g2[i .. 'k'] = i end for k, v in pairs(g2) do print(k, v, #g2) "
      "end"};

  std::mt19937_64 m_random;
  std::vector<Callable> m_callables;
};

}  // namespace

std::string random_program(std::uint64_t seed, std::uint64_t index) { return Generator{seed, index}.program(); }

}  // namespace sluice::lua
