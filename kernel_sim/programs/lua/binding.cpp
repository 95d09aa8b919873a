// SPDX-License-Identifier: Apache-2.0
// The functions that a program can call: every row of system_calls.def, and what a program does beside calling.
#include <array>
#include <cctype>
#include <cmath>
#include <csignal>
#include <cstring>
#include <vector>

#include <sys/mman.h>
#include <sys/wait.h>

#include "kernel_sim/programs/lua/constants.h"
#include "kernel_sim/programs/lua/marshal.h"
#include "kernel_sim/programs/lua/reference.h"

namespace sluice::lua {
namespace {

using kernel_sim::Call;

constexpr std::size_t kMostPassed = std::size_t{1} << 24;  // bytes of values that a child gets
constexpr std::size_t kMostLoaded = std::size_t{1} << 24;  // bytes that load brings into the interpreter at once

std::string place(lua_State* L) {
  luaL_where(L, 1);
  std::string where = lua_tostring(L, -1);
  lua_pop(L, 1);
  return where.size() > 2 ? where.substr(0, where.size() - 2) : where;  // without ": "
}

UserAddress address_at(lua_State* L, int index) {
  return UserAddress{static_cast<std::uint64_t>(luaL_checkinteger(L, index))};
}

std::uint64_t amount_at(lua_State* L, int index) {
  const lua_Integer n = luaL_checkinteger(L, index);
  luaL_argcheck(L, n >= 0, index, "is negative");
  return static_cast<std::uint64_t>(n);
}

// --- memory ----------------------------------------------------------------------------------------------------------

int memory(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const std::uint64_t size = amount_at(L, 1);
  const std::int64_t at = r.outside([&] {
    return r.calls.mmap(UserAddress::Null, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  });
  if (at < 0) return push_error(L, r, "mmap", -at);
  lua_pushinteger(L, at);
  return 1;
}

int fill(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const UserAddress at = address_at(L, 1);
  const lua_Integer byte = luaL_checkinteger(L, 2);
  luaL_argcheck(L, byte >= 0 && byte <= 255, 2, "a byte is 0 to 255");
  const std::uint64_t size = amount_at(L, 3);
  r.outside([&] { r.calls.fill(at, static_cast<std::byte>(byte), size); });
  return 0;
}

int store(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const UserAddress at = address_at(L, 1);
  const std::string_view text = text_at(L, 2);
  r.outside([&] { r.calls.store(at, std::as_bytes(std::span{text})); });
  return 0;
}

int load(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const UserAddress at = address_at(L, 1);
  const std::uint64_t size = amount_at(L, 2);
  luaL_argcheck(L, size <= kMostLoaded, 2, "at most 16 MiB at once");
  std::vector<char> bytes(size);
  r.outside([&] { r.calls.load(at, std::as_writable_bytes(std::span{bytes})); });
  lua_pushlstring(L, bytes.data(), bytes.size());
  return 1;
}

int peek(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const UserAddress at = address_at(L, 1);
  std::array<std::byte, 1> byte{};
  r.outside([&] { r.calls.load(at, byte); });
  lua_pushinteger(L, std::to_integer<int>(byte[0]));
  return 1;
}

// --- time ------------------------------------------------------------------------------------------------------------

int compute(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const std::uint64_t work = amount_at(L, 1);
  run_handlers(L);
  r.outside([&] { r.calls.compute(work); });
  run_handlers(L);
  return 0;
}

int sleep(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const std::uint64_t ns = amount_at(L, 1);
  const std::int64_t value = call_kernel(L, r, [&] { return r.calls.nanosleep(ns); });
  if (value < 0) return push_error(L, r, "nanosleep", -value);
  lua_pushinteger(L, value);
  return 1;
}

int clock(lua_State* L) {
  lua_pushinteger(L, Runtime::of(L).observer.clock_ns());
  return 1;
}

// --- processes -------------------------------------------------------------------------------------------------------

/// What a child is given: where program and observer are, for both kernels copy the parent's memory, then values.
struct Inherited {
  const Program* program;
  Observer* observer;
};
/// In front of them the handlers of signals, which are for the child, too.
std::vector<Value> handlers_as_values(const Runtime& runtime) {
  std::vector<Value> values;
  values.reserve(runtime.handlers.size());
  for (const std::string& name : runtime.handlers) values.push_back({name});
  return values;
}

int child(SystemCalls& calls, std::span<const std::byte> bytes) {
  Inherited inherited{};
  std::memcpy(&inherited, bytes.data(), sizeof inherited);
  const std::vector<Value> values = decode(bytes.subspan(sizeof inherited));
  SignalHandlers handlers;
  for (std::size_t i = 0; i < handlers.size(); ++i) handlers[i] = std::get<std::string>(values[i].is);
  const auto rest = std::span{values}.subspan(handlers.size());
  return run_function(*inherited.program, calls, *inherited.observer, std::get<std::string>(rest.front().is),
                      rest.subspan(1), handlers);
}

int fork(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const std::string function{text_at(L, 1)};
  if (lua_getglobal(L, function.c_str()) != LUA_TFUNCTION) {
    return luaL_error(L, "fork: %s has no function '%s'", r.program.name().c_str(), function.c_str());
  }
  lua_pop(L, 1);
  std::vector<Value> values = handlers_as_values(r);
  values.push_back({function});
  std::size_t left = kMostPassed;
  for (int i = 2; i <= lua_gettop(L); ++i) values.push_back(take_value(L, i, left));
  const Inherited inherited{&r.program, &r.observer};
  std::vector<std::byte> bytes(sizeof inherited);
  std::memcpy(bytes.data(), &inherited, sizeof inherited);
  const std::vector<std::byte> encoded = encode(values);
  bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  const std::int64_t pid = call_kernel(L, r, [&] { return r.calls.fork(child, bytes); });
  if (pid < 0) return push_error(L, r, "fork", -pid);
  lua_pushinteger(L, pid);
  return 1;
}

int wait(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const lua_Integer wanted = luaL_optinteger(L, 1, -1);
  int status = 0;
  const std::int64_t pid = call_kernel(L, r, [&] { return r.calls.wait(wanted, status); });
  if (pid < 0) return push_error(L, r, "wait", -pid);
  lua_pushinteger(L, pid);
  if (WIFSIGNALED(status)) {
    lua_pushfstring(L, "SIG%s", sigabbrev_np(WTERMSIG(status)));
  } else {
    lua_pushfstring(L, "exit %d", WEXITSTATUS(status));
  }
  return 2;
}

int exit(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const int status = static_cast<int>(luaL_optinteger(L, 1, 0));
  r.outside([&] { r.calls.exit(status); });
  return 0;
}

// --- results ---------------------------------------------------------------------------------------------------------

int measure(lua_State* L) {
  const std::string name{text_at(L, 1)};
  luaL_checktype(L, 2, LUA_TFUNCTION);
  Runtime& r = Runtime::of(L);
  r.account_output(L, name.size());
  r.outside([&] { r.observer.measure_begins(name); });
  lua_call(L, lua_gettop(L) - 2, LUA_MULTRET);
  r.outside([&] { r.observer.measure_ends(name); });
  return lua_gettop(L) - 1;
}

int sample(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const std::string_view name = text_at(L, 1);
  const double value = luaL_checknumber(L, 2);
  luaL_argcheck(L, std::isfinite(value), 2, "is not finite");
  r.account_output(L, sizeof value);
  r.observer.sample(name, value);
  return 0;
}

int count(lua_State* L) {
  Runtime& r = Runtime::of(L);
  const std::string_view name = text_at(L, 1);
  r.account_output(L, name.size());
  r.observer.count(name, luaL_optinteger(L, 2, 1));
  return 0;
}

int check(lua_State* L) {
  Runtime& r = Runtime::of(L);
  luaL_checkany(L, 1);
  const std::string_view text = text_at(L, 2);
  r.account_output(L, text.size());
  r.observer.check(lua_toboolean(L, 1) != 0, place(L), text);
  return 0;
}

int must(lua_State* L) {
  if (lua_gettop(L) > 0 && !lua_isnil(L, 1)) return lua_gettop(L);
  const std::string& call = Runtime::of(L).failed_call;
  return luaL_error(L, "%s", call.empty() ? "must got nil" : call.c_str());
}

int print(lua_State* L) {
  Runtime& r = Runtime::of(L);
  std::string line;
  for (int i = 1; i <= lua_gettop(L); ++i) {
    lua_getglobal(L, "tostring");
    lua_pushvalue(L, i);
    lua_call(L, 1, 1);
    if (i > 1) line += '\t';
    line += text_at(L, -1);
    lua_pop(L, 1);
  }
  r.account_output(L, line.size() + 1);
  r.observer.print(line);
  return 0;
}

struct Function {
  const char* group;
  const char* name;
  lua_CFunction call;
  const char* signature;
  const char* help;
};

constexpr const char* kMemory = "Memory";
constexpr const char* kTime = "Time";
constexpr const char* kProcesses = "Processes";
constexpr const char* kResults = "Results";

constexpr std::array kFunctions{
    Function{kMemory, "memory", memory, "memory(size) -> address",
             "private memory of the process's own, as mmap gives it: page by page at the first touch"},
    Function{kMemory, "fill", fill, "fill(address, byte, size)", "stores the byte `size` times"},
    Function{kMemory, "store", store, "store(address, text)", "stores the bytes of a text"},
    Function{kMemory, "load", load, "load(address, size) -> text", "loads bytes as a text, at most 16 MiB"},
    Function{kMemory, "peek", peek, "peek(address) -> byte", "loads one byte"},
    Function{kTime, "compute", compute, "compute(ns)", "keeps the core busy in user mode for about `ns` nanoseconds"},
    Function{kTime, "sleep", sleep, "sleep(ns) -> 0", "nanosleep"},
    Function{kTime, "clock", clock, "clock() -> ns", "nanoseconds since the run began; costs nothing"},
    Function{kProcesses, "fork", fork, "fork(\"function\", ...) -> pid",
             "a child that runs a function of this program. Numbers, texts, truth values and tables of them are passed "
             "on, at most 16 MiB; the child's other variables are those of a fresh start"},
    Function{kProcesses, "wait", wait, "wait([pid]) -> pid, how",
             "the end of a child: \"exit 0\", \"SIGBUS\". Without pid: of any"},
    Function{kProcesses, "exit", exit, "exit([status])", "ends the process, inside pcall as well"},
    Function{kResults, "measure", measure, "measure(name, function, ...) -> what the function returns",
             "calls the function and reports its time, calls, faults and copies under `measures`"},
    Function{kResults, "sample", sample, "sample(name, value)", "one value of a distribution, under `samples`"},
    Function{kResults, "count", count, "count(name [, n])", "adds n, or 1, to a counter, under `counted`"},
    Function{kResults, "check", check, "check(condition, text)", "fails the run when the condition is false or nil"},
    Function{kResults, "must", must, "must(...) -> ...",
             "passes its arguments on; when the first is nil, an error with place, call and reason"},
    Function{kResults, "print", print, "print(...)", "a line of `output`"},
};

/// Calls whose function for programs is another one.
constexpr bool has_own_function(Call call) {
  return call == Call::Fork || call == Call::Exit || call == Call::Wait || call == Call::Nanosleep;
}

struct CallRow {
  Call call;
  lua_CFunction function;
  std::string_view parameters;     ///< as system_calls.def has them, in parentheses
  std::vector<ParameterUse> uses;  ///< of each parameter
  int optional;
};

template <Call kCall, auto kMember, int kOptional>
void add_row(std::vector<CallRow>& rows, std::string_view parameters) {
  if constexpr (!has_own_function(kCall)) {
    rows.push_back(
        {kCall, make_call<kMember, kCall, kOptional>, parameters, Signature<decltype(kMember)>::uses(), kOptional});
  }
}

std::vector<CallRow> call_rows() {
  std::vector<CallRow> rows;
#define SLUICE_SYSTEM_CALL(constant, name, parameters) \
  add_row<Call::constant, &SystemCalls::name, optional_parameters(#parameters)>(rows, #parameters);
#define SLUICE_CALL_WITHOUT_RETURN(constant, name, parameters)
#include "kernel_sim/system_calls.def"
  return rows;
}

// --- the reference ---------------------------------------------------------------------------------------------------

/// The names in "(int fd, UserAddress buffer, std::int64_t* offset = 0)": of each parameter the last word before what
/// follows its name.
std::vector<std::string> names_in(std::string_view parameters) {
  std::vector<std::string> names;
  std::string word;
  bool within_word = false;
  bool named = false;
  for (const char c : parameters.substr(1)) {
    const bool of_word = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    if (c == ',' || c == ')') {
      if (!word.empty()) names.push_back(word);
      word.clear();
      named = false;
    } else if (c == '=' || c == '[') {
      named = true;
    } else if (of_word && !named) {
      if (!within_word) word.clear();
      word += c;
    }
    within_word = of_word;
  }
  return names;
}

std::string signature_of(const CallRow& row) {
  const std::vector<std::string> names = names_in(row.parameters);
  std::vector<std::string> taken;
  std::vector<std::string> given;
  bool instead = false;
  for (std::size_t i = 0; i < names.size() && i < row.uses.size(); ++i) {
    if (row.uses[i].taken) taken.push_back(names[i]);
    if (row.uses[i].gives != Gives::Nothing) given.push_back(names[i]);
    instead = instead || row.uses[i].gives == Gives::Instead;
  }
  std::string text = std::string{name_of(row.call)} + "(";
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const bool optional = i + static_cast<std::size_t>(row.optional) >= taken.size();
    text += (i > 0 ? ", " : "") + (optional ? "[" + taken[i] + "]" : taken[i]);
  }
  text += instead ? ") -> " : given.empty() ? ") -> value" : ") -> value, ";
  for (std::size_t i = 0; i < given.size(); ++i) text += (i > 0 ? ", " : "") + given[i];
  return text;
}

}  // namespace

Value take_value(lua_State* L, int index, std::size_t& left) {
  const auto account = [&](std::size_t size) {
    // A table that stands in another twice is passed on twice, so a few tables can be more than any memory.
    if (size > left) luaL_error(L, "more than 16 MiB cannot be passed on");
    left -= size;
  };
  account(sizeof(Value));
  luaL_checkstack(L, 4, "a table within too many tables");
  switch (lua_type(L, index)) {
    case LUA_TNIL:
      return {};
    case LUA_TBOOLEAN:
      return {lua_toboolean(L, index) != 0};
    case LUA_TNUMBER:
      if (lua_isinteger(L, index) != 0) return {static_cast<std::int64_t>(lua_tointeger(L, index))};
      return {static_cast<double>(lua_tonumber(L, index))};
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* text = lua_tolstring(L, index, &size);
      account(size);
      return {std::string{text, size}};
    }
    case LUA_TTABLE: {
      if (lua_gettop(L) > 100) luaL_error(L, "a table within too many tables cannot be passed on");
      const int at = lua_absindex(L, index);
      Table table;
      for (lua_pushnil(L); lua_next(L, at) != 0; lua_pop(L, 1)) {
        Value key = take_value(L, -2, left);
        table.emplace_back(std::move(key), take_value(L, -1, left));
      }
      return {std::move(table)};
    }
    default:
      luaL_error(L, "a value of type %s cannot be passed on", luaL_typename(L, index));
      return {};
  }
}

void push_value(lua_State* L, const Value& value) {
  luaL_checkstack(L, 4, "a table within too many tables");
  if (const auto* truth = std::get_if<bool>(&value.is)) {
    lua_pushboolean(L, *truth);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value.is)) {
    lua_pushinteger(L, *integer);
  } else if (const auto* number = std::get_if<double>(&value.is)) {
    lua_pushnumber(L, *number);
  } else if (const auto* text = std::get_if<std::string>(&value.is)) {
    lua_pushlstring(L, text->data(), text->size());
  } else if (const auto* table = std::get_if<Table>(&value.is)) {
    lua_newtable(L);
    for (const auto& [key, element] : *table) {
      push_value(L, key);
      push_value(L, element);
      lua_rawset(L, -3);
    }
  } else {
    lua_pushnil(L);
  }
}

std::vector<Entry> reference() {
  std::vector<Entry> entries;
  for (const CallRow& row : call_rows()) entries.push_back({"System calls", signature_of(row), ""});
  for (const Function& f : kFunctions) entries.push_back({f.group, f.signature, f.help});
  return entries;
}

std::string reference_page() {
  std::string page =
      "# What a program can call\n\n"
      "A program is a Lua 5.4 file; its functions are what processes run. Values are numbers. A call that fails "
      "returns\n"
      "`nil` and the error's name. Addresses are numbers in the process's own memory.\n\n"
      "The address of a socket is a text: `\"127.0.0.1:80\"`, `\"unix:path\"`, or for an abstract name "
      "`\"unix:@name\"`. A\n"
      "socket of AF_UNIX without a name has the address `\"unix:\"`. `AF_UNSPEC` stands for no address, and what a "
      "call\n"
      "gives back in that case is `nil`.\n\n"
      "What `sigaction` takes for a handler is `SIG_DFL`, `SIG_IGN` or the name of a function of the program. It gets "
      "the\n"
      "signal's number and runs between two calls: before the one that it interrupts returns, or starts again with\n"
      "`SA_RESTART`. A child has its parent's handlers.\n";
  std::string group;
  for (const Entry& entry : reference()) {
    if (entry.group != group) page += "\n## " + entry.group + "\n\n";
    group = entry.group;
    page += "- `" + entry.signature + "`" + (entry.help.empty() ? "" : ": " + entry.help) + "\n";
  }
  page += "\n## Constants\n\n";
  std::string line;
  for (const std::string& name : constants()) {
    if (line.size() + name.size() + 3 > 120) {
      page += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "`" : " `") + name + "`";
  }
  page +=
      line +
      "\n\n## Lua's own library\n\n"
      "`coroutine`, `string`, `table`, `math`, `utf8` and the basic functions without `load`, `dofile`, `loadfile`,\n"
      "`collectgarbage` and `warn`. `pairs` and `next` go in the order of keys, `table.sort` is stable, `math.random`\n"
      "starts from the same seed in every process, and no text shows an address of the interpreter.\n";
  return page;
}

std::vector<std::string> constants() {
  std::vector<std::string> names;
  for (const Constant& constant : all_constants()) names.emplace_back(constant.name);
  return names;
}

void open_binding(lua_State* L) {
  for (const CallRow& row : call_rows()) {
    lua_pushcfunction(L, row.function);
    lua_setglobal(L, std::string{name_of(row.call)}.c_str());
  }
  for (const Function& function : kFunctions) {
    lua_pushcfunction(L, function.call);
    lua_setglobal(L, function.name);
  }
  for (const Constant& constant : all_constants()) {
    lua_pushinteger(L, constant.value);
    lua_setglobal(L, constant.name);
  }
}

}  // namespace sluice::lua
