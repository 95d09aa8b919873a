// SPDX-License-Identifier: Apache-2.0
#include "tools/scenario/expectation.h"

#include <charconv>
#include <cmath>

namespace sluice::scenario {
namespace {

using Json = nlohmann::ordered_json;

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

bool equal(const Json& want, const Json& got) {
  if (!want.is_number() || !got.is_number()) return want == got;
  const double wanted = want.get<double>();
  return std::abs(wanted - got.get<double>()) <= 1e-9 * std::abs(wanted);
}

bool holds(const Expectation& expectation, const Json& got) {
  if (expectation.want) return equal(*expectation.want, got);
  if (!got.is_number()) return false;
  const double value = got.get<double>();
  return (!expectation.min || value >= *expectation.min) && (!expectation.max || value <= *expectation.max);
}

}  // namespace

const Json* find_value(const Json& run, const std::string& path) {
  if (const Json* value = walk(run, path)) return value;
  return walk(run, "counts." + path);
}

Json evaluate(const std::vector<Expectation>& expectations, const Json& run) {
  Json entries = Json::array();
  for (const Expectation& expectation : expectations) {
    const Json* got = find_value(run, expectation.path);
    Json entry{{"what", expectation.path}};
    if (expectation.want) entry["want"] = *expectation.want;
    if (expectation.min) entry["min"] = *expectation.min;
    if (expectation.max) entry["max"] = *expectation.max;
    entry["got"] = got ? *got : Json{};
    entry["holds"] = got && holds(expectation, *got);
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace sluice::scenario
