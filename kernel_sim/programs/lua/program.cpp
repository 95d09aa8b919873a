// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/programs/lua/program.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <memory>

#include "kernel_sim/programs/lua/runtime.h"

namespace sluice::lua {
namespace {

constexpr int kInstructionsPerLook = 1000;
constexpr std::size_t kBytesPerInstruction = 64;  // to get memory and to fill it

void* allocate(void* runtime, void* block, std::size_t old_size, std::size_t new_size) {
  Runtime& r = *static_cast<Runtime*>(runtime);
  const std::size_t old = block == nullptr ? 0 : old_size;  // else the kind of a new object
  if (new_size == 0) {
    std::free(block);
    r.memory -= old;
    return nullptr;
  }
  if (new_size > old && !r.failing) {
    if (r.memory + (new_size - old) > r.limits.memory) return nullptr;
    // A loop of few instructions can copy texts of megabytes. What is refused here ends the program a little later.
    if (r.left() == 0) return nullptr;
    r.instructions += new_size / kBytesPerInstruction;
  }
  void* const moved = std::realloc(block, new_size);
  if (moved != nullptr) r.memory += new_size - old;
  return moved;
}

std::chrono::nanoseconds processor_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

void look_at_instructions(lua_State* L, lua_Debug*) {
  Runtime& r = Runtime::of(L);
  r.spend(L, kInstructionsPerLook);
  r.look_at_time(L);
}

/// "file:line: message" and the stack. Errors that are no text are named by their type.
int describe_error(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING && lua_type(L, 1) != LUA_TNUMBER) {
    lua_pushfstring(L, "error with a value of type %s", luaL_typename(L, 1));
    lua_replace(L, 1);
  }
  luaL_traceback(L, L, lua_tostring(L, 1), 1);
  return 1;
}

/// An interpreter that is closed whatever happens.
class Interpreter {
 public:
  explicit Interpreter(Runtime& runtime) : m_state(lua_newstate(allocate, &runtime)) {
    if (m_state == nullptr) return;
    *static_cast<Runtime**>(lua_getextraspace(m_state)) = &runtime;
    lua_sethook(m_state, look_at_instructions, LUA_MASKCOUNT, kInstructionsPerLook);
  }
  ~Interpreter() {
    if (m_state != nullptr) lua_close(m_state);
  }
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  [[nodiscard]] lua_State* state() const { return m_state; }

 private:
  lua_State* m_state;
};

/// Calls `body` of the state protected. Nothing when all went well, else the error with its stack. Throws what ends the
/// process.
std::string protectedly(lua_State* L, Runtime& runtime, lua_CFunction body, void* argument) {
  if (L == nullptr) return "not enough memory";
  lua_pushcfunction(L, describe_error);
  lua_pushcfunction(L, body);
  lua_pushlightuserdata(L, argument);
  const int status = lua_pcall(L, 1, 0, 1);
  if (runtime.ending) std::rethrow_exception(runtime.ending);
  if (status == LUA_OK) return {};
  if (status == LUA_ERRMEM && runtime.left() == 0) {
    return runtime.program.name() + ": " + std::to_string(runtime.limits.instructions) +
           " instructions without a system call";
  }
  if (status == LUA_ERRMEM) {  // no handler is asked, for it would need memory as well
    return runtime.program.name() + ": the interpreter needs more than " + std::to_string(runtime.limits.memory >> 20) +
           " MiB";
  }
  const char* text = lua_tostring(L, -1);
  return text != nullptr ? text : "an error without a message";
}

/// Defines what the text defines.
void load(lua_State* L, const Program& program) {
  open_library(L);
  open_binding(L);
  const std::string& text = Runtime::text_of(program);
  if (luaL_loadbufferx(L, text.data(), text.size(), ("@" + program.name()).c_str(), "t") != LUA_OK) lua_error(L);
  lua_call(L, 0, 0);
}

struct Work {
  const Program& program;
  const std::string& function;
  std::span<const Value> arguments;
  int status = 0;
};

int carry_out(lua_State* L) {
  Work& work = *static_cast<Work*>(lua_touserdata(L, 1));
  load(L, work.program);
  if (lua_getglobal(L, work.function.c_str()) != LUA_TFUNCTION) {
    return luaL_error(L, "%s has no function '%s'", work.program.name().c_str(), work.function.c_str());
  }
  luaL_checkstack(L, static_cast<int>(work.arguments.size()), "too many arguments");
  for (const Value& value : work.arguments) push_value(L, value);
  lua_call(L, static_cast<int>(work.arguments.size()), 1);
  if (lua_isinteger(L, -1)) work.status = static_cast<int>(lua_tointeger(L, -1));
  return 0;
}

/// While a text is only looked at there is no kernel.
class NoKernel : public kernel_sim::SystemCalls {
 public:
  void exit(int /*status*/) override { throw ProgramError{"exit"}; }
  void load(kernel_sim::UserAddress, std::span<std::byte>) override { missing(kernel_sim::Call::Read); }
  void store(kernel_sim::UserAddress, std::span<const std::byte>) override { missing(kernel_sim::Call::Write); }
  void fill(kernel_sim::UserAddress, std::byte, std::uint64_t) override { missing(kernel_sim::Call::Write); }
  void compute(std::uint64_t) override { missing(kernel_sim::Call::Read); }

 protected:
  Value missing(kernel_sim::Call) override { throw ProgramError{"a call outside of every function"}; }
};

class NoObserver : public Observer {
 public:
  std::int64_t clock_ns() override { return 0; }
  void measure_begins(std::string_view) override {}
  void measure_ends(std::string_view) override {}
  void sample(std::string_view, double) override {}
  void count(std::string_view, std::int64_t) override {}
  void check(bool, std::string_view, std::string_view) override {}
  void print(std::string_view) override {}
  void failed(std::string_view text) override { message = text; }
  std::string message;
};

struct Look {
  const Program& program;
  std::vector<std::string>& functions;
};

/// Notes the functions that the text adds to what every program has.
int look_through(lua_State* L) {
  Look& look = *static_cast<Look*>(lua_touserdata(L, 1));
  open_library(L);
  open_binding(L);
  lua_newtable(L);  // the names that were there before
  lua_pushglobaltable(L);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, -6);
  }
  lua_pop(L, 1);
  const std::string& text = Runtime::text_of(look.program);
  if (luaL_loadbufferx(L, text.data(), text.size(), ("@" + look.program.name()).c_str(), "t") != LUA_OK) lua_error(L);
  lua_call(L, 0, 0);
  lua_pushglobaltable(L);
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || !lua_isfunction(L, -1)) continue;
    lua_pushvalue(L, -2);
    lua_rawget(L, -5);
    const bool own = !lua_rawequal(L, -1, -2);
    lua_pop(L, 1);
    if (own) look.functions.emplace_back(lua_tostring(L, -2));
  }
  return 0;
}

/// Without the stack: nobody called the text but this.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

void run_handlers(lua_State* L) {
  Runtime& runtime = Runtime::of(L);
  while (const int signal = runtime.calls.next_signal()) {
    luaL_checkstack(L, 4, "handlers of signals within handlers");
    const std::string& name = runtime.handlers[static_cast<std::size_t>(signal)];
    if (lua_getglobal(L, name.c_str()) != LUA_TFUNCTION) luaL_error(L, "there is no function '%s'", name.c_str());
    lua_pushinteger(L, signal);
    lua_call(L, 1, 0);
    runtime.outside([&] { runtime.calls.signal_handled(signal); });
  }
}

void Runtime::spend(lua_State* L, std::uint64_t n) {
  if (ending) std::rethrow_exception(ending);
  instructions += std::min(n, limits.instructions + 1);
  if (instructions <= limits.instructions) return;
  const std::string text = std::to_string(limits.instructions) + " instructions without a system call";
  fail(L, text.c_str());
}

void Runtime::look_at_time(lua_State* L) {
  const std::chrono::nanoseconds now = processor_time();
  if (began == std::chrono::nanoseconds{}) began = now;
  if (now - began <= limits.host_time) return;
  const std::string text = std::to_string(limits.host_time.count()) + " s of the host without a system call";
  fail(L, text.c_str());
}

void Runtime::account_output(lua_State* L, std::size_t bytes) {
  if (ending) std::rethrow_exception(ending);
  output += bytes;
  if (output > limits.output) fail(L, "the program prints and names more than its limit");
}

void fail(lua_State* L, const char* message) {
  Runtime& r = Runtime::of(L);
  r.failing = true;
  luaL_traceback(L, L, nullptr, 0);
  const std::string stack = lua_tostring(L, -1);
  lua_pop(L, 1);
  lua_Debug where{};
  std::string place = r.program.name();
  for (int level = 0; lua_getstack(L, level, &where) != 0; ++level) {
    lua_getinfo(L, "Sl", &where);
    if (where.currentline <= 0) continue;
    place = std::string{where.short_src} + ":" + std::to_string(where.currentline);
    break;
  }
  r.observer.failed(place + ": " + message + "\n" + stack);
  r.ending = std::make_exception_ptr(Failure{});
  std::rethrow_exception(r.ending);
}

Program::Program(std::string name, std::string text, Limits limits)
    : m_name(std::move(name)), m_text(std::move(text)), m_limits(limits) {
  NoKernel calls;
  NoObserver observer;
  Runtime runtime{calls, observer, *this, m_limits, 0, 0, 0, {}, false, {}, {}, {}};
  const Interpreter interpreter{runtime};
  Look look{*this, m_functions};
  std::string error;
  try {
    error = first_line(protectedly(interpreter.state(), runtime, look_through, &look));
  } catch (const Failure&) {
    error = first_line(observer.message);
  } catch (const ProgramError& called) {
    error = m_name + ": " + called.what();
  }
  if (!error.empty()) throw ProgramError{error};
  std::sort(m_functions.begin(), m_functions.end());
}

bool Program::mentions(std::string_view name) const {
  const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (std::size_t at = m_text.find(name); at != std::string::npos; at = m_text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !in_word(m_text[at - 1])) && (end == m_text.size() || !in_word(m_text[end]))) return true;
  }
  return false;
}

int Program::run(kernel_sim::SystemCalls& calls, Observer& observer, const std::string& function,
                 std::span<const Value> arguments) const {
  return run_function(*this, calls, observer, function, arguments);
}

int run_function(const Program& program, kernel_sim::SystemCalls& calls, Observer& observer,
                 const std::string& function, std::span<const Value> arguments, const SignalHandlers& handlers) {
  Runtime runtime{calls, observer, program, Runtime::limits_of(program), 0, 0, 0, {}, false, {}, {}, handlers};
  Work work{program, function, arguments};
  try {
    const Interpreter interpreter{runtime};
    const std::string error = protectedly(interpreter.state(), runtime, carry_out, &work);
    if (error.empty()) return work.status;
    observer.failed(error);
  } catch (const Failure&) {
    // the observer has heard of it
  }
  return 1;
}

}  // namespace sluice::lua
