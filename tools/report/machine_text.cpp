// SPDX-License-Identifier: Apache-2.0
#include "tools/report/machine_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace sluice::report {
namespace {

using Features = results::Named<std::string>;

struct FeatureWords {
  std::string_view key;
  const char* with;
  const char* without;
};
/// In the order in which one explains the next: a card that does not gather does not segment either.
constexpr std::array kWords{FeatureWords{"nic.gather", "gather", "no gather"},
                            FeatureWords{"nic.checksum_offload", "checksum offload", "no checksum offload"},
                            FeatureWords{"nic.segmentation_offload", "segmentation offload", "no segmentation offload"},
                            FeatureWords{"kernel.net.gso", "GSO", "no GSO"}};

const Features& features_of(const RunResult& run) {
  static const Features none;
  return run.features ? *run.features : none;
}

const FeatureWords* words_for(std::string_view key) {
  const auto found = std::find_if(kWords.begin(), kWords.end(), [&](const FeatureWords& w) { return w.key == key; });
  return found == kWords.end() ? nullptr : found;
}

std::string phrase(const std::string& key, const std::string& value) {
  const FeatureWords* words = words_for(key);
  if (words == nullptr || (value != "true" && value != "false")) return key + " = " + value;
  return value == "true" ? words->with : words->without;
}

/// What `run` has otherwise than `common`: (key, value).
Features differences(const RunResult& run, const Features& common) {
  Features found;
  for (const auto& [key, value] : features_of(run)) {
    const std::string* usual = results::find(common, key);
    if (usual != nullptr && *usual != value) found.emplace_back(key, value);
  }
  return found;
}

}  // namespace

Features common_features(const Runs& rows) {
  const Features* best = nullptr;
  std::ptrdiff_t most = 0;
  for (const RunResult& row : rows) {
    const std::ptrdiff_t alike = std::count_if(
        rows.begin(), rows.end(), [&](const RunResult& other) { return features_of(other) == features_of(row); });
    if (alike > most) {
      best = &features_of(row);
      most = alike;
    }
  }
  return best != nullptr ? *best : Features{};
}

std::string machine_text(const Features& features) {
  const std::string* gather = results::find(features, "nic.gather");
  if (gather == nullptr) return "";
  const std::string* gso = results::find(features, "kernel.net.gso");
  return std::string{*gather == "true" ? "the NIC gathers" : "the NIC cannot gather"} +
         (gso != nullptr && *gso == "false" ? ", the kernel has no GSO" : "");
}

std::string row_name(const RunResult& run, const Features& common) {
  std::vector<std::string> phrases;
  for (const auto& [key, value] : differences(run, common)) phrases.push_back(phrase(key, value));
  return phrases.empty() ? run.strategy : fmt::format("{} ({})", run.strategy, joined(phrases));
}

std::string machine_note(const RunResult& run, const Features& common) {
  const Features found = differences(run, common);
  if (found.empty()) return "";
  std::vector<std::string> own;
  std::vector<std::string> usual;
  for (const auto& [key, value] : found) {
    own.push_back(key + " = " + value);
    usual.push_back(key + " = " + *results::find(common, key));
  }
  const std::string* gather = results::find(found, "nic.gather");
  return fmt::format("this row's machine has {}, the others' {}{}. Compare its counts, not its time.", joined(own),
                     joined(usual),
                     gather != nullptr && *gather == "false" ? "; a NIC that cannot gather cannot segment either" : "");
}

}  // namespace sluice::report
