// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/udp_ports.h"

#include <algorithm>

#include "kernel_sim/net/udp.h"

namespace sluice::net {

namespace {

/// inet_rcv_saddr_equal, udp_lib_lport_inuse.
bool conflict(const UdpEnd& wants, const UdpEnd& has) {
  const bool overlap = wants.local.address == has.local.address || wants.local.address == 0 || has.local.address == 0;
  if (&wants == &has || !overlap) return false;
  if (wants.options.reuse_address != 0 && has.options.reuse_address != 0) return false;
  return wants.options.reuse_port == 0 || has.options.reuse_port == 0;
}

/// How well a socket fits; 0 when it does not (compute_score).
int fitness(const UdpEnd& end, kernel_sim::Endpoint destination, kernel_sim::Endpoint source) {
  if (end.local.address != 0 && end.local.address != destination.address) return 0;
  if (end.connected && (end.peer.address != source.address || (end.peer.port != 0 && end.peer.port != source.port)))
    return 0;
  const int peer = !end.connected ? 0 : end.peer.port != 0 ? 2 : 1;
  return 1 + peer + (end.local.address != 0 ? 3 : 0);
}

}  // namespace

Result<std::uint16_t> UdpPorts::choose(const UdpEnd& end, std::uint16_t port) {
  if (port != 0) {
    const auto found = m_ports.find(port);
    const bool taken = found != m_ports.end() &&
                       std::ranges::any_of(found->second, [&](const auto& other) { return conflict(end, *other); });
    if (taken) return refuse(EADDRINUSE);
    return port;
  }
  // A port that nobody has; sharing is for those who name one.
  for (unsigned tries = 0; tries <= unsigned{kLast} - kFirst; ++tries) {
    const std::uint16_t candidate = m_next;
    m_next = m_next == kLast ? kFirst : static_cast<std::uint16_t>(m_next + 1U);
    if (!m_ports.contains(candidate)) return candidate;
  }
  return refuse(EADDRINUSE);
}

void UdpPorts::add(const std::shared_ptr<UdpEnd>& end) { m_ports[end->local.port].push_back(end); }

void UdpPorts::remove(const UdpEnd& end) {
  const auto found = m_ports.find(end.local.port);
  if (found == m_ports.end()) return;
  std::erase_if(found->second, [&](const auto& other) { return other.get() == &end; });
  if (found->second.empty()) m_ports.erase(found);
}

std::shared_ptr<UdpEnd> UdpPorts::receiver(kernel_sim::Endpoint destination, kernel_sim::Endpoint source) const {
  const auto found = m_ports.find(destination.port);
  if (found == m_ports.end()) return nullptr;
  std::shared_ptr<UdpEnd> best;
  int best_fitness = 0;
  for (auto end = found->second.rbegin(); end != found->second.rend(); ++end) {
    const int fits = fitness(**end, destination, source);
    if (fits <= best_fitness) continue;
    best_fitness = fits;
    best = *end;
  }
  return best;
}

}  // namespace sluice::net
