// SPDX-License-Identifier: Apache-2.0
#include "tools/results/paths.h"

#include <algorithm>
#include <charconv>

#include "tools/results/run_result.h"

namespace sluice::results {
namespace {

constexpr std::string_view kCounts = "counts.";

struct Paths {
  std::vector<std::string> all;
  std::vector<std::string> with_keys_of_their_own;
};

template <class T>
void collect(const std::string& prefix, Paths& paths) {
  T::describe([&](const Field& field, auto member) {
    using Inner = typename MemberOf<decltype(member)>::Type;
    if (!field.expectable) return;
    const std::string path = prefix + field.key;
    if constexpr (Described<Inner>) {
      collect<Inner>(path == "counts" ? "" : path + ".", paths);
    } else {
      paths.all.push_back(path);
      if (kIsNamed<Inner> || kIsList<Inner>) paths.with_keys_of_their_own.push_back(path);
    }
  });
}

const Paths& known_paths() {
  static const Paths paths = [] {
    Paths found;
    collect<RunResult>("", found);
    return found;
  }();
  return paths;
}

const Json* walk(const Json& from, std::string_view path) {
  const Json* at = &from;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const std::string key{path.substr(0, dot)};
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    if (at->is_object() && at->contains(key)) {
      at = &(*at)[key];
    } else if (at->is_array()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), index);
      if (error != std::errc{} || end != key.data() + key.size() || index >= at->size()) return nullptr;
      at = &(*at)[index];
    } else {
      return nullptr;
    }
  }
  return at;
}

}  // namespace

const std::vector<std::string>& result_paths() { return known_paths().all; }

bool is_result_path(const std::string& path) {
  const std::string bare = path.starts_with(kCounts) ? path.substr(kCounts.size()) : path;
  const Paths& known = known_paths();
  return std::find(known.all.begin(), known.all.end(), bare) != known.all.end() ||
         std::any_of(known.with_keys_of_their_own.begin(), known.with_keys_of_their_own.end(),
                     [&](const std::string& own) { return bare.starts_with(own + "."); });
}

const Json* find_value(const Json& run, const std::string& path) {
  if (const Json* value = walk(run, path)) return value;
  return walk(run, std::string{kCounts} + path);
}

}  // namespace sluice::results
