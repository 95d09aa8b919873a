// SPDX-License-Identifier: Apache-2.0
#include "tools/report/comparison.h"

#include <algorithm>
#include <cmath>
#include <strings.h>

#include <fmt/format.h>

#include "tools/report/claims.h"
#include "tools/report/run_text.h"
#include "tools/report/text.h"

namespace sluice::report {
namespace {

bool setting_is(const Json& run, const char* key, const char* value) {
  const auto effective = run.find("features");
  if (effective == run.end()) return false;
  const auto found = effective->find(key);
  return found != effective->end() && *found == value;
}

struct Limit {
  double bytes_per_s;
  std::string by;
};

/// The tighter of both bounds.
Limit limit_of(const Json& run) {
  const double fixed = number_at(run, "bound", "static_bytes_per_s");
  const double demand = number_at(run, "bound", "demand_bytes_per_s");
  const Json& bound = run["bound"];
  if (demand > 0 && (demand < fixed || fixed == 0)) return {demand, bound.value("demand_limited_by", "")};
  return {fixed, bound.value("static_limited_by", "")};
}

std::string busy_share(const Json& run) {
  double busy = 0;
  for (const char* mode : {"cpu_user_ns", "cpu_kernel_ns", "cpu_irq_ns"}) busy += number_at(run, "time", mode);
  const double all = busy + number_at(run, "time", "cpu_idle_ns");
  return all > 0 ? fmt::format("{:.0f} %", 100 * busy / all) : "-";
}

std::string dram_per_byte(const Json& run) {
  const double payload = run.value("payload_bytes", 0.0);
  const double bytes = number_at(run, "bytes", "dram_read") + number_at(run, "bytes", "dram_written");
  return payload > 0 ? fmt::format("{:.2f}", bytes / payload) : "-";
}

void add_row(Table& table, const Json& run) {
  const std::string strategy = run.value("strategy", "");
  const Claim* claim = claim_for(strategy);
  const auto claimed = [&](unsigned Claim::*field) { return claim ? std::to_string(claim->*field) : "-"; };
  if (!run.contains("time")) {
    table.row({strategy, claimed(&Claim::mode_switches), "-", claimed(&Claim::cpu_copies), "-",
               claimed(&Claim::dma_copies), "-", "failed", "-", "-", "-", "-", "-"});
    return;
  }
  const Limit limit = limit_of(run);
  table.row({strategy, claimed(&Claim::mode_switches),
             count_text(number_at(run, "counts", "mode_switches") / rounds_of(run)), claimed(&Claim::cpu_copies),
             count_text(number_at(run, "copies", "cpu")), claimed(&Claim::dma_copies),
             count_text(number_at(run, "copies", "dma")), time_text(number_at(run, "time", "elapsed_ns")),
             rate_text(run.value("throughput_bytes_per_s", 0.0)), busy_share(run), dram_per_byte(run),
             rate_text(limit.bytes_per_s), limit.by});
}

/// As a person writes it: 2, not 2.0.
std::string value_text(const Json& value) {
  if (value.is_null()) return "not in the results";
  const double number = value.is_number_float() ? value.get<double>() : 0.5;
  return number == std::floor(number) && std::abs(number) < 1e15 ? fmt::format("{:.0f}", number) : value.dump();
}

std::string wanted_text(const Json& entry) {
  if (entry.contains("want")) return value_text(entry["want"]);
  std::string text;
  if (entry.contains("min")) text = "at least " + value_text(entry["min"]);
  if (entry.contains("max")) text += (text.empty() ? "" : " and ") + ("at most " + value_text(entry["max"]));
  return text;
}

/// "dma_descriptors" as "DMA descriptors".
std::string as_words(const std::string& key) {
  std::string text;
  for (std::size_t at = 0; at < key.size();) {
    const std::size_t end = std::min(key.find('_', at), key.size());
    std::string word = key.substr(at, end - at);
    for (const char* name : {"CPU", "DMA", "DRAM", "MMIO", "PCIe", "PIO", "TLB"}) {
      if (strcasecmp(word.c_str(), name) == 0) word = name;
    }
    text += (text.empty() ? "" : " ") + word;
    at = end + 1;
  }
  return text;
}

std::string cpu_text(const Json& run) {
  const auto part = [&](const char* key) { return time_text(number_at(run, "time", key)); };
  return fmt::format("{} busy: user {}, kernel {}, interrupts {}; idle {}", busy_share(run), part("cpu_user_ns"),
                     part("cpu_kernel_ns"), part("cpu_irq_ns"), part("cpu_idle_ns"));
}

std::string tasks_text(const Json& run) {
  std::string text;
  for (const auto& [name, task] : run["tasks"].items()) {
    if (!task.is_object()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, time_text(task.value("cpu_ns", 0.0)));
  }
  return text;
}

/// "copy 61 %, TCP output 12 %", the largest first.
std::string work_text(const Json& run) {
  std::vector<std::pair<double, std::string>> parts;
  double sum = 0;
  for (const auto& [name, spent] : run["work_ns"].items()) {
    parts.emplace_back(spent.get<double>(), name);
    sum += parts.back().first;
  }
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  for (const auto& [spent, name] : parts) {
    const double percent = 100 * spent / sum;
    if (percent < 0.5) break;
    text += fmt::format("{}{} {:.0f} %", text.empty() ? "" : ", ", as_words(name), percent);
  }
  return text;
}

std::string latency_text(const Json& run) {
  const auto part = [&](const char* key) { return time_text(number_at(run, "latency_ns", key)); };
  return fmt::format("p50 {}, p99 {}, p99.9 {}, max {}", part("p50"), part("p99"), part("p999"), part("max"));
}

}  // namespace

std::vector<std::string> explanations(const Json& run) {
  std::vector<std::string> sentences;
  const std::string strategy = run.value("strategy", "");
  const Claim* claim = claim_for(strategy);
  if (claim == nullptr || !run.contains("time") || run.value("payload_bytes", 0.0) == 0) return sentences;
  const auto differs = [](double observed, unsigned claimed) { return std::abs(observed - claimed) > 0.005; };
  const auto say = [&](const std::string& sentence) { sentences.push_back(sentence); };

  const double switches = number_at(run, "counts", "mode_switches") / rounds_of(run);
  if (differs(switches, claim->mode_switches)) {
    if (strategy == "splice" && std::abs(switches - 4) < 0.005) {
      say("the article counts one call; on Linux splice needs two, file to pipe and pipe to socket.");
    } else if (strategy == "mmap_write" && switches < claim->mode_switches) {
      say("one mmap serves all rounds, so that each further round is a write alone.");
    } else {
      say(fmt::format("{} mode switches per round, for calls that took less than a chunk were repeated.",
                      count_text(switches)));
    }
  }
  const double cpu = number_at(run, "copies", "cpu");
  if (differs(cpu, claim->cpu_copies)) {
    if (cpu > claim->cpu_copies && setting_is(run, "nic.gather", "false")) {
      say("the NIC cannot gather; Linux builds fragments all the same and copies them together once more when it "
          "transmits.");
    } else {
      say(fmt::format("{} CPU copies per byte instead of {}.", count_text(cpu), claim->cpu_copies));
    }
  }
  const double dma = number_at(run, "copies", "dma");
  if (differs(dma, claim->dma_copies)) {
    if (dma == 0) {
      say("no device moved a byte: the file was in the page cache, and both ends are on this machine.");
    } else if (std::abs(dma - 1) < 0.005) {
      say("the file was in the page cache, so that no copy from the disk was needed.");
    } else {
      say(fmt::format("{} DMA copies per byte: read-ahead or the disk's blocks brought in more or less than was sent.",
                      count_text(dma)));
    }
  }
  return sentences;
}

std::string complaints(const Json& run) {
  std::string text;
  const std::string strategy = run.value("strategy", "");
  for (const Json& failure : failures_of(run)) {
    text += fmt::format("FAILED {}: {}\n", strategy, failure.get<std::string>());
  }
  for (const Json& entry : run.value("expectations", Json::array())) {
    if (entry.value("holds", false)) continue;
    text += fmt::format("FAILED {}: {} is {}, expected {}\n", strategy, entry.value("what", ""),
                        value_text(entry["got"]), wanted_text(entry));
  }
  return text;
}

std::string comparison(const std::string& description, const Json& runs) {
  std::string out = description.empty() ? "" : description + "\n";
  for (std::size_t first = 0; first < runs.size();) {
    std::size_t last = first;
    while (last < runs.size() && runs[last].value("point", Json{}) == runs[first].value("point", Json{})) ++last;
    Table table{{{"", "strategy", true},
                 {"mode switches", "claim"},
                 {"mode switches", "observed"},
                 {"CPU copies", "claim"},
                 {"CPU copies", "observed"},
                 {"DMA copies", "claim"},
                 {"DMA copies", "observed"},
                 {"", "time"},
                 {"", "throughput"},
                 {"", "CPU busy"},
                 {"DRAM", "per byte"},
                 {"", "bound"},
                 {"", "limited by", true}}};
    std::vector<std::pair<std::string, std::string>> explained;  // sentence, strategies
    for (std::size_t i = first; i < last; ++i) {
      add_row(table, runs[i]);
      for (const std::string& sentence : explanations(runs[i])) {
        auto same =
            std::find_if(explained.begin(), explained.end(), [&](const auto& e) { return e.first == sentence; });
        if (same == explained.end()) same = explained.insert(same, {sentence, ""});
        same->second += (same->second.empty() ? "" : ", ") + runs[i].value("strategy", "");
      }
    }
    std::string notes;
    for (const auto& [sentence, strategies] : explained) notes += fmt::format("  {}: {}\n", strategies, sentence);
    for (std::size_t i = first; i < last; ++i) notes += complaints(runs[i]);
    const std::string point = point_text(runs[first]);
    out += "\n" + (point.empty() ? "" : point + ": ") + workload_text(runs[first]) + "\n\n" + table.text();
    if (!notes.empty()) out += "\n" + notes;
    first = last;
  }
  return out;
}

std::string details(const Json& run) {
  const std::string point = point_text(run);
  std::string out = run.value("strategy", "") + (point.empty() ? "" : " (" + point + ")");
  if (!run.contains("time")) return out + "\n" + complaints(run);
  out += ": " + workload_text(run) + "\n";
  const auto line = [&](const std::string& name, const std::string& value) {
    out += fmt::format("  {:<20}{}\n", name, value);
  };
  const Json& delivered = run["delivered"];
  line("delivered",
       fmt::format("{}, {}, sha256 {}", size_text(delivered.value("bytes", 0.0)),
                   delivered.value("intact", false) ? "intact" : "NOT INTACT", delivered.value("sha256", "")));
  line("time", time_text(number_at(run, "time", "elapsed_ns")));
  line("throughput", rate_text(run.value("throughput_bytes_per_s", 0.0)));
  const Limit limit = limit_of(run);
  line("bound", fmt::format("{} by {}", rate_text(limit.bytes_per_s), limit.by));
  if (number_at(run, "workload", "files") > 1) line("latency per file", latency_text(run));
  line("CPU", cpu_text(run));
  if (run.contains("work_ns")) line("CPU time went to", work_text(run));
  if (run.contains("tasks")) line("CPU time by task", tasks_text(run));
  line("copies per byte", fmt::format("{} by the CPU, {} by DMA", count_text(number_at(run, "copies", "cpu")),
                                      count_text(number_at(run, "copies", "dma"))));
  line("system calls", calls_text(run));
  for (const auto& [name, count] : run["counts"].items()) line(as_words(name), count.dump());
  out += "  bytes moved\n";
  for (const auto& [name, bytes] : run["bytes"].items()) {
    out += fmt::format("    {:<18}{:>9}\n", as_words(name), size_text(bytes.get<double>()));
  }
  out += "  payload moves\n";
  for (const Json& move : run["moves"]) {
    if (move.value("bytes", 0.0) == 0) continue;  // headers and acknowledgements alone
    out += fmt::format("    {:<18}{:>9}  {} -> {}\n", move.value("by", ""), size_text(move.value("bytes", 0.0)),
                       move.value("from", ""), move.value("to", ""));
  }
  return out + complaints(run);
}

}  // namespace sluice::report
