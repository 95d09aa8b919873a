// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/net/skb.h"

#include "tests/kernel_sim/net/test_bench.h"

namespace sluice::tests {
namespace {

/// A packet of these pieces, each with a reference of its own.
net::Skb& packet_of(TestBench& bench, const std::vector<mm::Fragment>& pieces) {
  net::Skb& skb = **bench.stack.skbs().make_paged();
  for (const mm::Fragment& piece : pieces) {
    bench.frames.get(piece);
    EXPECT_TRUE(bench.stack.skbs().append(skb, piece, net::Skb::kMaxFragments));
  }
  return skb;
}

mm::Fragment block(TestBench& bench, Place place, unsigned order) {
  const Frame frame = *bench.frames.allocate(place, order);
  return {frame.address(), static_cast<std::uint32_t>(kPageSize << order)};
}

mm::Fragment part(const mm::Fragment& whole, Bytes from, Bytes size) {
  return {whole.address + from, static_cast<std::uint32_t>(size)};
}

TEST(Skb, PagesOfALargeFolioAreFragmentsOfTheirOwnAndThoseOfASocketsBlockAreOne) {
  TestBench bench;
  bench.run([&] {
    const mm::Fragment folio = block(bench, Place::PageCache, 2);
    const mm::Fragment own = block(bench, Place::SocketBuffer, 2);
    net::Skb& referenced = packet_of(bench, {part(folio, 0, 4096), part(folio, 4096, 100), part(folio, 4196, 100)});
    EXPECT_EQ(referenced.fragment_count, 2U) << "bytes of one page are one fragment";
    net::Skb& copied = packet_of(bench, {part(own, 0, 4096), part(own, 4096, 100)});
    EXPECT_EQ(copied.fragment_count, 1U);
    for (net::Skb* skb : {&referenced, &copied}) bench.stack.skbs().release(*skb);
    for (const auto& whole : {folio, own}) bench.frames.put(whole);
  });
}

TEST(Skb, ShiftMovesBytesThatContinueTheLastFragmentHoweverManyThereAre) {
  TestBench bench;
  bench.run([&] {
    const mm::Fragment folio = block(bench, Place::PageCache, 2);
    net::Skb& front = packet_of(bench, {part(folio, 0, 4096), part(folio, 4096, 1000)});
    net::Skb& tail = packet_of(bench, {part(folio, 5096, 265)});
    EXPECT_TRUE(bench.stack.skbs().shift(tail, 265, front, 2));
    EXPECT_EQ(front.size, 5361U);
    EXPECT_EQ(front.fragment_count, 2U);
    EXPECT_EQ(tail.size, 0U);
    EXPECT_EQ(tail.fragment_count, 0U);
    for (net::Skb* skb : {&front, &tail}) bench.stack.skbs().release(*skb);
    EXPECT_EQ(bench.frames.references(Frame::of(folio.address)), 1U);
    bench.frames.put(folio);
  });
}

TEST(Skb, ShiftMovesNothingWhereNotAllOfItFits) {
  TestBench bench;
  bench.run([&] {
    const mm::Fragment folio = block(bench, Place::PageCache, 2);
    net::Skb& front = packet_of(bench, {part(folio, 0, 4096)});
    net::Skb& tail = packet_of(bench, {part(folio, 4096, 4096), part(folio, 8192, 4096)});
    EXPECT_FALSE(bench.stack.skbs().shift(tail, 5000, front, 2)) << "two more fragments";
    EXPECT_EQ(front.size, 4096U);
    EXPECT_EQ(tail.size, 8192U);
    EXPECT_TRUE(bench.stack.skbs().shift(tail, 1000, front, 2));
    EXPECT_EQ(front.size, 5096U);
    EXPECT_EQ(tail.size, 7192U);
    EXPECT_EQ(tail.fragments[0].address, folio.address + 5096);
    for (net::Skb* skb : {&front, &tail}) bench.stack.skbs().release(*skb);
    bench.frames.put(folio);
  });
}

TEST(Skb, BytesJoinAPacketInFragmentsOfTheirOwnUnlessItIsAClone) {
  TestBench bench;
  bench.run([&] {
    net::SkbPool& pool = bench.stack.skbs();
    const mm::Fragment own = block(bench, Place::SocketBuffer, 2);
    net::Skb& sent = packet_of(bench, {part(own, 0, 4096)});
    net::Skb& clone = pool.clone(sent);
    net::Skb& next = packet_of(bench, {part(own, 4096, 100)});
    EXPECT_FALSE(pool.join(next, clone, net::Skb::kMaxFragments));
    pool.release(sent);
    EXPECT_FALSE(pool.join(next, clone, 1)) << "too many fragments";
    EXPECT_EQ(next.size, 100U);
    EXPECT_TRUE(pool.join(next, clone, 2));
    EXPECT_EQ(clone.size, 4196U);
    EXPECT_EQ(clone.fragment_count, 2U);
    for (net::Skb* skb : {&clone, &next}) pool.release(*skb);
    EXPECT_EQ(bench.frames.references(Frame::of(own.address)), 1U);
    bench.frames.put(own);
  });
}

}  // namespace
}  // namespace sluice::tests
