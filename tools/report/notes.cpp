// SPDX-License-Identifier: Apache-2.0
#include "tools/report/notes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "kernel_sim/programs/strategy.h"
#include "tools/report/text.h"

namespace sluice::report {
namespace {

using results::MoveInfo;

template <class Which>
double moved(const RunResult& run, Which&& which) {
  double bytes = 0;
  for (const MoveInfo& move : run.moves.value_or(std::vector<MoveInfo>{})) {
    if (which(move)) bytes += static_cast<double>(move.bytes);
  }
  return bytes;
}

bool has_feature(const RunResult& run, const char* key, const char* value) {
  const std::string* found = run.features ? results::find(*run.features, key) : nullptr;
  return found != nullptr && *found == value;
}

bool differs(double observed, unsigned claimed) { return std::abs(observed - claimed) > 0.005; }

std::string note_on_calls(const RunResult& run, unsigned claimed) {
  const double rounds = run.rounds();
  std::vector<std::string> reasons;
  const bool pipe = moved(run, [](const MoveInfo& move) { return move.to == "kernel.pipe"; }) > 0;
  if (pipe) reasons.emplace_back("every byte goes through a pipe, with a call into the pipe and a call out of it");
  for (const auto& [name, count] : *run.system_calls) {
    const auto times = static_cast<double>(count);
    if (times < rounds) reasons.push_back(fmt::format("one {} serves {} rounds", name, count_text(rounds / times)));
    if (times > rounds * (pipe ? 2 : 1)) {
      reasons.push_back(fmt::format("{} is repeated where it took less than a chunk", name));
    }
  }
  return fmt::format("{} in {} round{}, where the article counts {} a round{}{}.", calls_text(run), count_text(rounds),
                     rounds == 1 ? "" : "s", claimed, reasons.empty() ? "" : ": ", joined(reasons, "; "));
}

std::string note_on_cpu_copies(const RunResult& run, unsigned claimed) {
  const double payload = static_cast<double>(*run.payload_bytes);
  std::vector<std::string> copies;
  for (const MoveInfo& move : *run.moves) {
    if (move.by != "cpu" || move.bytes == 0) continue;
    copies.push_back(
        fmt::format("{} from {} to {}", count_text(static_cast<double>(move.bytes) / payload), move.from, move.to));
  }
  const bool for_the_card =
      moved(run, [](const MoveInfo& move) {
        return move.by == "cpu" && move.from != "user.buffer" && move.to == "kernel.socket_buffer";
      }) > 0;
  std::string reason;
  if (for_the_card && has_feature(run, "nic.gather", "false") && has_feature(run, "kernel.net.gso", "true")) {
    reason = "; the NIC cannot gather, so Linux copies the fragments of a packet together when it transmits";
  } else if (for_the_card && has_feature(run, "nic.gather", "false")) {
    reason = "; the NIC cannot gather, so the socket buffer must hold the bytes themselves";
  }
  return fmt::format("the article counts {} CPU cop{}; observed {}{}.", claimed, claimed == 1 ? "y" : "ies",
                     copies.empty() ? "none" : joined(copies), reason);
}

std::string note_on_dma_copies(const RunResult& run, unsigned claimed) {
  const double payload = static_cast<double>(*run.payload_bytes);
  const double from_disk =
      moved(run, [](const MoveInfo& move) { return move.by == "dma" && move.from.starts_with("disk."); }) / payload;
  const double to_card =
      moved(run, [](const MoveInfo& move) { return move.by == "dma" && move.to.starts_with("nic."); }) / payload;
  std::vector<std::string> reasons;
  if (from_disk == 0) {
    reasons.emplace_back("no byte came from the disk, for the file was in the page cache");
  } else if (differs(from_disk, 1)) {
    reasons.push_back(fmt::format("the disk brought {} bytes per byte sent, in whole blocks and with read-ahead",
                                  count_text(from_disk)));
  }
  if (to_card == 0) {
    reasons.emplace_back("no byte went to a network card, for both ends are on this machine");
  } else if (differs(to_card, 1)) {
    reasons.push_back(fmt::format("the card fetched {} bytes per byte sent", count_text(to_card)));
  }
  return fmt::format("{} DMA copies instead of {}: {}.", count_text(run.copies->dma), claimed, joined(reasons, "; "));
}

}  // namespace

std::string zero_copy(const RunResult& run) {
  if (!run.moves || moved(run, [](const MoveInfo&) { return true; }) == 0) return "";
  const auto by_cpu = [&](auto&& which) {
    return moved(run, [&](const MoveInfo& move) {
             return move.by == "cpu" && !move.to.starts_with("receiver.") && which(move);
           }) > 0;
  };
  const bool to_user = by_cpu([](const MoveInfo& move) { return move.to == "user.buffer"; });
  // Pages that a program lent are copied for a receiver on the same machine: that counts, wherever the copy lies.
  const bool from_user =
      moved(run, [](const MoveInfo& move) { return move.by == "cpu" && move.from == "user.buffer"; }) > 0;
  if (to_user && from_user) return "none";
  if (to_user || from_user) return "broad";
  return by_cpu([](const MoveInfo&) { return true; }) ? "narrow" : "full";
}

std::vector<std::string> notes(const RunResult& run) {
  std::vector<std::string> sentences;
  const kernel_sim::Strategy* strategy = kernel_sim::find_strategy(run.strategy);
  if (strategy == nullptr || !strategy->claim || !run.complete() || run.payload_bytes.value_or(0) == 0) return {};
  const kernel_sim::Claim& claim = *strategy->claim;
  const double rounds = run.rounds();
  if (differs(static_cast<double>(run.calls()) / rounds, claim.calls) ||
      differs(static_cast<double>(run.counts->mode_switches) / rounds, claim.mode_switches)) {
    sentences.push_back(note_on_calls(run, claim.calls));
  }
  if (!run.copies || !run.moves) return sentences;
  if (differs(run.copies->cpu, claim.cpu_copies)) sentences.push_back(note_on_cpu_copies(run, claim.cpu_copies));
  if (differs(run.copies->dma, claim.dma_copies)) sentences.push_back(note_on_dma_copies(run, claim.dma_copies));
  return sentences;
}

}  // namespace sluice::report
