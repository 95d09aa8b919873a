// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/port_table.h"

#include <algorithm>
#include <cerrno>

namespace sluice::net {

namespace {

/// inet_bind_conflict, for an explicit port: relaxed, all of one user.
bool conflict(const PortHolder::Claim& wants, const PortHolder::Claim& has) {
  const bool overlap = wants.address == has.address || wants.address == 0 || has.address == 0;
  if (!overlap) return false;
  if (wants.reuse_address && has.reuse_address && !has.listens) return false;
  return !(wants.reuse_port && has.reuse_port);
}

bool same(kernel_sim::Endpoint a, kernel_sim::Endpoint b) { return a.address == b.address && a.port == b.port; }

}  // namespace

bool PortTable::conflicts(const PortHolder& holder, const Port& port, Picoseconds now) const {
  const PortHolder::Claim wants = holder.claim();
  const bool reuses = wants.reuse_address && !wants.listens;
  if (!port.holders.empty() && port.all_may_reuse && reuses) return false;
  return std::ranges::any_of(
             port.holders,
             [&](const PortHolder* other) { return other != &holder && conflict(wants, other->claim()); }) ||
         std::ranges::any_of(port.waiting, [&](const Waiting& waiting) {
           return waiting.until > now && conflict(wants, waiting.claim);
         });
}

Result<std::uint16_t> PortTable::choose(const PortHolder& holder, std::uint16_t port, Picoseconds now) {
  const auto free = [&](std::uint16_t candidate) {
    const auto found = m_ports.find(candidate);
    return found == m_ports.end() || !conflicts(holder, found->second, now);
  };
  if (port != 0) {
    if (!free(port)) return refuse(EADDRINUSE);
    return port;
  }
  // A port that nobody has; sharing is for those who name one.
  for (unsigned tries = 0; tries <= unsigned{kLast} - kFirst; ++tries) {
    const std::uint16_t candidate = m_next;
    advance();
    const auto found = m_ports.find(candidate);
    const bool nobodys = found == m_ports.end() || (found->second.holders.empty() && free(candidate));
    if (nobodys) return candidate;
  }
  return refuse(EADDRINUSE);
}

void PortTable::add(const PortHolder& holder, std::uint16_t port, bool by_connect) {
  Port& taken = m_ports[port];
  const bool first = taken.holders.empty();
  const PortHolder::Claim claim = holder.claim();
  const bool reuses = !by_connect && claim.reuse_address && !claim.listens;
  taken.all_may_reuse = reuses && (first || taken.all_may_reuse);
  taken.by_connect = by_connect && (first || taken.by_connect);
  if (std::ranges::find(taken.holders, &holder) == taken.holders.end()) taken.holders.push_back(&holder);
}

void PortTable::remove(const PortHolder& holder, std::uint16_t port) {
  const auto found = m_ports.find(port);
  if (found == m_ports.end()) return;
  std::erase(found->second.holders, &holder);
  if (found->second.holders.empty() && found->second.waiting.empty()) m_ports.erase(found);
}

void PortTable::wait(std::uint16_t port, kernel_sim::Endpoint peer, PortHolder::Claim claim, Picoseconds until) {
  claim.listens = false;
  std::vector<Waiting>& waiting = m_ports[port].waiting;
  std::erase_if(waiting, [&](const Waiting& other) { return same(other.peer, peer); });
  waiting.push_back({peer, claim, until});
}

bool PortTable::waits(std::uint16_t port, kernel_sim::Endpoint peer, Picoseconds now) const {
  const auto found = m_ports.find(port);
  return found != m_ports.end() && std::ranges::any_of(found->second.waiting, [&](const Waiting& waiting) {
           return waiting.until > now && same(waiting.peer, peer);
         });
}

bool PortTable::bound(std::uint16_t port) const {
  const auto found = m_ports.find(port);
  return found != m_ports.end() && !found->second.holders.empty() && !found->second.by_connect;
}

void PortTable::advance() {
  const unsigned next = m_next + 2U;
  m_next = static_cast<std::uint16_t>(next <= kLast ? next : kFirst + 1U - next % 2);
}

}  // namespace sluice::net
