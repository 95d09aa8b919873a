// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/streams.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "models/base/result.h"
#include "tools/simulate/interrupts.h"

namespace sluice::tool {
namespace {

bool g_reader_left = false;

/// Whether `text` has a control character of C1 (U+0080 to U+009F) at `at`, in UTF-8.
bool is_c1(std::string_view text, std::size_t at) {
  if (static_cast<unsigned char>(text[at]) != 0xC2 || at + 1 >= text.size()) return false;
  const auto next = static_cast<unsigned char>(text[at + 1]);
  return next >= 0x80 && next <= 0x9F;
}

std::string escaped(std::string_view text, std::string_view kept) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (is_c1(text, i)) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[++i]));
    } else if (c == '\n' && kept.find('\n') == std::string_view::npos) {
      out += "\\n";
    } else if ((c < 0x20 || c == 0x7F) && kept.find(text[i]) == std::string_view::npos) {
      out += fmt::format("\\x{:02x}", c);
    } else {
      out += text[i];
    }
  }
  return out;
}

void refuse_output() {
  if (errno == EINTR) simulate::stop_if_interrupted();
  if (errno == EPIPE) {
    g_reader_left = true;
    return;
  }
  throw base::InputError{std::string{"standard output cannot be written: "} + std::strerror(errno)};
}

void write_error(const std::string& text) {
  // Nobody is left to tell when this fails; finish_streams() turns it into the exit status.
  std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace

void hold_standard_streams() {
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(number, F_GETFD) >= 0) continue;
    // Opened the wrong way round, so that what is written to a closed stream is refused as before.
    [[maybe_unused]] const int opened = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

std::string printable(std::string_view text) { return escaped(text, "\n\t"); }
std::string printable_line(std::string_view text) { return escaped(text, ""); }

void print(std::string_view text) {
  if (g_reader_left) return;
  const std::string out = printable(text);
  if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size()) refuse_output();
}

void tell(std::string_view text) { write_error(printable(text)); }
void say(std::string_view message) { write_error("sluice: " + printable_line(message) + "\n"); }

void finish_streams() {
  if (!g_reader_left && std::fflush(stdout) != 0) refuse_output();
  if (std::ferror(stderr) != 0) throw base::InputError{"standard error cannot be written"};
}

}  // namespace sluice::tool
