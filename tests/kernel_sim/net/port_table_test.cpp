// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/port_table.h"

#include <memory>

#include <gtest/gtest.h>

namespace sluice::net {
namespace {

constexpr std::uint16_t kPort = 7000;
constexpr std::uint32_t kHere = 0x7F00'0001;
constexpr std::uint32_t kElsewhere = 0x7F00'0002;
constexpr kernel_sim::Endpoint kPeer{0x0A00'0002, 5001};

struct Socket final : PortHolder {
  explicit Socket(Claim claim = {}) : is(claim) {}
  [[nodiscard]] Claim claim() const override { return is; }
  Claim is;
};

/// Whether `wants` may have the port that `has` holds.
bool share(PortHolder::Claim has, PortHolder::Claim wants) {
  PortTable ports;
  const Socket first{has};
  const Socket second{wants};
  EXPECT_TRUE(ports.choose(first, kPort, {}).has_value());
  ports.add(first, kPort, false);
  return ports.choose(second, kPort, {}).has_value();
}

TEST(PortTable, TwoSocketsShareAPortOnlyWhenBothReuseAddressesAndNeitherListens) {
  EXPECT_FALSE(share({}, {}));
  EXPECT_FALSE(share({.reuse_address = true}, {}));
  EXPECT_FALSE(share({}, {.reuse_address = true}));
  EXPECT_TRUE(share({.reuse_address = true}, {.reuse_address = true}));
  EXPECT_FALSE(share({.reuse_address = true, .listens = true}, {.reuse_address = true}));
}

TEST(PortTable, ReusePortOfBothSharesEvenAListenersPort) {
  EXPECT_TRUE(share({.reuse_port = true, .listens = true}, {.reuse_port = true, .listens = true}));
  EXPECT_FALSE(share({.reuse_port = true, .listens = true}, {.reuse_address = true}));
}

TEST(PortTable, AddressesThatDoNotOverlapShare) {
  EXPECT_TRUE(share({.address = kHere}, {.address = kElsewhere}));
  EXPECT_FALSE(share({.address = kHere}, {.address = kHere}));
  EXPECT_FALSE(share({.address = kHere}, {})) << "everywhere is here, too";
  EXPECT_FALSE(share({}, {.address = kHere}));
}

TEST(PortTable, OptionsCountAsTheyAreNow) {
  PortTable ports;
  Socket first{{.reuse_address = true}};
  const Socket second{{.reuse_address = true}};
  ports.add(first, kPort, false);
  first.is.listens = true;
  ports.add(first, kPort, false);  // listen looks again
  EXPECT_EQ(ports.choose(second, kPort, {}).error().value, EADDRINUSE);
  ports.remove(first, kPort);
  EXPECT_TRUE(ports.choose(second, kPort, {}).has_value());
}

TEST(PortTable, APortOfTheKernelsChoiceIsNobodys) {
  PortTable ports;
  const Socket one{{.reuse_address = true}};
  const Socket other{{.reuse_address = true}};
  const std::uint16_t first = *ports.choose(one, 0, {});
  ports.add(one, first, false);
  for (int i = 0; i < 40'000; ++i) EXPECT_NE(*ports.choose(other, 0, {}), first);
}

TEST(PortTable, ConnectionsToDifferentPeersShareAPortThatNobodyBound) {
  PortTable ports;
  const Socket connected;
  const auto anything = [](std::uint16_t) { return true; };
  const std::uint16_t first = *ports.choose_for_connection(kPeer, {}, anything);
  ports.add(connected, first, true);
  const auto only_that = [&](std::uint16_t port) { return port == first; };
  EXPECT_TRUE(ports.choose_for_connection(kPeer, {}, only_that).has_value());
  EXPECT_FALSE(ports.choose(Socket{}, first, {}).has_value()) << "but bind may not have it";
  const Socket binder{{.reuse_address = true}};
  ports.add(binder, first, false);
  EXPECT_EQ(ports.choose_for_connection(kPeer, {}, only_that).error().value, EADDRNOTAVAIL);
}

TEST(PortTable, AFormerConnectionHoldsItsPortForAWhile) {
  PortTable ports;
  ports.wait(kPort, kPeer, {.reuse_address = true}, 60_ms);
  EXPECT_FALSE(ports.choose(Socket{}, kPort, 59_ms).has_value());
  EXPECT_TRUE(ports.choose(Socket{{.reuse_address = true}}, kPort, 59_ms).has_value());
  EXPECT_TRUE(ports.choose(Socket{}, kPort, 60_ms).has_value());
  EXPECT_TRUE(ports.waits(kPort, kPeer, 59_ms));
  EXPECT_FALSE(ports.waits(kPort, {kPeer.address, 1}, 59_ms)) << "another peer is no concern of it";
}

}  // namespace
}  // namespace sluice::net
