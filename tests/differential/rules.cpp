// SPDX-License-Identifier: Apache-2.0
#include "tests/differential/rules.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace sluice::differential {

namespace {

bool is_write(const Disagreement& disagreement, const Entry& entry) {
  if (entry.step >= disagreement.program.steps.size()) return false;
  const Operation operation = disagreement.program.steps[entry.step].operation;
  return operation == Operation::Write || operation == Operation::Pwrite || operation == Operation::Writev ||
         operation == Operation::Pwritev;
}

bool after_unreadable_write(const Disagreement& disagreement) {
  const auto refused = [&](const Entry& entry) { return entry.value == -EFAULT && is_write(disagreement, entry); };
  if (std::ranges::any_of(disagreement.before, refused)) return true;
  // The file that has grown may be the one whose mapping is written from: then the buffer can be read after all.
  const auto* host = disagreement.host;
  const auto* simulated = disagreement.simulated;
  return host != nullptr && simulated != nullptr && host->value > 0 && refused(*simulated);
}

/// The same answer but for the bytes, of which a stream tells a checksum.
bool only_bytes_differ(const Disagreement& disagreement) {
  const auto* host = disagreement.host;
  const auto* simulated = disagreement.simulated;
  if (host == nullptr || simulated == nullptr || host->step != simulated->step || host->process != simulated->process ||
      host->value != simulated->value)
    return false;
  const auto& steps = disagreement.program.steps;
  const bool sums = host->step < steps.size() && steps[host->step].operation == Operation::Stream;
  return sums ? host->also[0] == simulated->also[0] : host->also == simulated->also;
}

bool bytes_of_an_overlapping_copy(const Disagreement& disagreement) {
  return disagreement.overlapping_copy && only_bytes_differ(disagreement);
}

bool shortens(const Step& step) {
  return step.operation == Operation::Ftruncate ||
         (step.operation == Operation::Open && (step.arguments[2] & O_TRUNC) != 0);
}

bool truncated_bytes_in_a_pipe(const Disagreement& disagreement) {
  const auto refers = [](const Step& step) {
    return step.operation == Operation::Splice || step.operation == Operation::Sendfile ||
           step.operation == Operation::CopyFileRange;
  };
  const auto& steps = disagreement.program.steps;
  // A file system in memory, which is what Linux has for a program that fills its disk, has folios of one page.
  const bool zeroed = disagreement.zeroed_on_host || (disagreement.zeroed_here && fills_disk(disagreement.program));
  return zeroed && only_bytes_differ(disagreement) && std::ranges::any_of(steps, shortens) &&
         std::ranges::any_of(steps, refers);
}

/// mincore of a mapping, in a program that truncates a file.
bool residency_after_truncation(const Disagreement& disagreement) {
  const auto& steps = disagreement.program.steps;
  const auto* host = disagreement.host;
  const auto* simulated = disagreement.simulated;
  return host != nullptr && simulated != nullptr && host->step == simulated->step && host->step < steps.size() &&
         steps[host->step].operation == Operation::Mincore && host->value == simulated->value &&
         std::ranges::any_of(steps, shortens);
}

/// SEEK_DATA, SEEK_HOLE or mincore after a write that gave fewer bytes than were asked for.
bool room_after_a_short_write(const Disagreement& disagreement) {
  const auto& steps = disagreement.program.steps;
  const auto shorter = [&](const Entry& entry) {
    return entry.value >= 0 && is_write(disagreement, entry) && entry.value < steps[entry.step].arguments[2];
  };
  const auto* host = disagreement.host;
  const auto* simulated = disagreement.simulated;
  if (host == nullptr || simulated == nullptr || host->step != simulated->step || host->step >= steps.size())
    return false;
  const Step& step = steps[host->step];
  const bool asks =
      (step.operation == Operation::Lseek && (step.arguments[2] == SEEK_DATA || step.arguments[2] == SEEK_HOLE)) ||
      (step.operation == Operation::Mincore && host->value == simulated->value);
  return asks && std::ranges::any_of(disagreement.before, shorter);
}

/// After pages went into a datagram that was to become longer.
bool checksum_of_odd_pieces(const Disagreement& disagreement) {
  const auto& steps = disagreement.program.steps;
  const bool datagrams =
      std::ranges::any_of(steps, [](const Step& step) { return step.operation == Operation::Datagram; });
  const auto refers = [&](const Entry& entry) {
    if (entry.value <= 0 || entry.step >= steps.size()) return false;
    const Step& step = steps[entry.step];
    return step.operation == Operation::Sendfile || step.operation == Operation::Splice;
  };
  return datagrams && std::ranges::any_of(disagreement.before, refers);
}

constexpr std::array kRules = {
    Rule{
        "unreadable write",
        "A write beyond the end of a file whose buffer cannot be read fails with EFAULT. Since Linux 6.15 the file may "
        "have grown up to where the write began, for the buffer is looked at after the page was prepared; before, and "
        "on some file systems still, it has not. What comes after such a write is not held against either.",
        after_unreadable_write},
    Rule{"overlapping copy",
         "A file sent to itself, or written from its own mapping, is copied onto a part of itself. Which bytes that "
         "gives is decided by the order in which the processor's copy instruction works. Values still must agree.",
         bytes_of_an_overlapping_copy},
    Rule{"truncated page in a pipe",
         "Truncating a file zeroes the rest of the folio that the new end lies in, also for a pipe or socket that "
         "refers "
         "to it. How many pages a folio has is the file system's choice, so bytes beyond the new end may be zero.",
         truncated_bytes_in_a_pipe},
    Rule{"residency after a truncation",
         "The folio in which a file ends may stay whole, with pages behind the end that nobody can reach. Whether it "
         "does is the file system's choice.",
         residency_after_truncation},
    Rule{"room after a short write",
         "A write that ends early, for its buffer cannot be read further, was given room for all of it up to the end "
         "of a folio. Whether the pages that stay empty lie in memory, and are a hole once the file grows over them, "
         "is the file system's choice.",
         room_after_a_short_write},
    Rule{"checksum of odd pieces",
         "Of pages that are spliced into a datagram with MSG_MORE Linux works out the checksum itself, and gets it "
         "wrong behind a piece of odd length (skb_splice_from_iter of 6.18): the receiver drops the datagram, and the "
         "sender hears nothing. What comes after pages went into a datagram is not held against either.",
         checksum_of_odd_pieces},
};

}  // namespace

std::span<const Rule> rules() { return kRules; }

}  // namespace sluice::differential
