// SPDX-License-Identifier: Apache-2.0
#include "core/codec/chain_checker.hpp"

#include <gtest/gtest.h>

#include "core/codec/event_codec.hpp"

namespace sluice::codec {
namespace {

using Kind = ChainChecker::Kind;
constexpr core::Epoch kFirst{1};
constexpr core::Epoch kSecond{2};

std::string event_body(core::Epoch epoch, core::Seq seq, std::string_view type,
                       std::string_view data, std::string_view category = "pump") {
  core::EventView event;
  event.gateway = "plant-7";
  event.epoch = epoch;
  event.seq = seq;
  event.category = category;
  event.entity = "7";
  event.version = seq;
  event.type = type;
  event.data = data;
  return encode_event(event);
}

// A lane as its gateway wrote it: two epochs, with the hash after each event.
class ChainCheckerTest : public ::testing::Test {
 protected:
  ChainCheckerTest() {
    core::EpochOpened opened;
    opened.reason = "created";
    add(kFirst, core::kTypeEpochOpened, encode_epoch_opened(opened), core::kReservedCategory);
    for (int i = 2; i <= 50; ++i) add(kFirst, "Measured", "\x07", "pump");
    opened = {kFirst, 50, hashes_.back(), "start"};
    add(kSecond, core::kTypeEpochOpened, encode_epoch_opened(opened), core::kReservedCategory);
    for (int i = 52; i <= 100; ++i) add(kSecond, "Measured", "\x07", "pump");
  }
  void add(core::Epoch epoch, std::string_view type, std::string_view data,
           std::string_view category) {
    bodies_.push_back(event_body(epoch, bodies_.size() + 1, type, data, category));
    hashes_.push_back(core::chain_next(hashes_.back(), bodies_.back()));
  }
  ChainMark mark(core::Seq seq) const { return {seq <= 50 ? kFirst : kSecond, seq, hashes_[seq]}; }
  ChainChecker checker() const { return ChainChecker({mark(30), mark(80), mark(100)}); }
  void feed(ChainChecker& checker, core::Seq from, core::Seq to) const {
    for (core::Seq seq = from; seq <= to; ++seq) checker.feed(bodies_[seq - 1]);
  }

  std::vector<std::string> bodies_;
  std::vector<core::ChainHash> hashes_{core::ChainHash{}};  // by seq
};

TEST_F(ChainCheckerTest, AWholeLaneAgreesWithEveryHashThatWasTold) {
  auto lane = checker();
  feed(lane, 1, 100);
  EXPECT_TRUE(lane.findings().empty());
  EXPECT_EQ(lane.totals().marks, 4u);  // three marks and EpochOpened
  EXPECT_EQ(lane.totals().checked, 100u);
  EXPECT_EQ(lane.hash(), hashes_.back());
}

TEST_F(ChainCheckerTest, AChangedBodyIsFoundBetweenTheHashesAroundIt) {
  bodies_[60] = event_body(kSecond, 61, "Measured", "\x08");
  auto lane = checker();
  feed(lane, 1, 100);
  ASSERT_EQ(lane.findings().size(), 1u);
  EXPECT_EQ(lane.findings()[0].kind, Kind::kAltered);
  EXPECT_EQ(lane.findings()[0].from, 51u);
  EXPECT_EQ(lane.findings()[0].to, 80u);
  EXPECT_EQ(lane.totals().checked, 70u);
}

TEST_F(ChainCheckerTest, AHoleIsFoundAndTheNextMarkIsBelieved) {
  auto lane = checker();
  feed(lane, 1, 60);
  feed(lane, 63, 100);
  ASSERT_EQ(lane.findings().size(), 1u);
  EXPECT_EQ(lane.findings()[0].kind, Kind::kHole);
  EXPECT_EQ(lane.findings()[0].from, 61u);
  EXPECT_EQ(lane.findings()[0].to, 62u);
  EXPECT_EQ(lane.totals().marks, 3u);  // 30, EpochOpened and 100: 80 is where it begins anew
}

TEST_F(ChainCheckerTest, AGapRecordIsNoHole) {
  auto lane = checker();
  feed(lane, 1, 60);
  lane.feed(event_body(kSecond, 61, core::kTypeGap,
                       encode_gap({70, core::GapReason::kDamaged, std::nullopt, std::nullopt}),
                       core::kReservedCategory));
  feed(lane, 71, 100);
  EXPECT_TRUE(lane.findings().empty());
  EXPECT_EQ(lane.totals().gaps, 10u);
  EXPECT_EQ(lane.totals().marks, 3u);
}

TEST_F(ChainCheckerTest, AGapRecordThatCarriesItsHashLetsCheckingGoOn) {
  auto lane = checker();
  feed(lane, 1, 60);
  lane.feed(event_body(kSecond, 61, core::kTypeGap,
                       encode_gap({70, core::GapReason::kOversize, hashes_[70], std::nullopt}),
                       core::kReservedCategory));
  feed(lane, 71, 100);
  EXPECT_TRUE(lane.findings().empty());
  EXPECT_EQ(lane.totals().marks, 4u);
}

TEST_F(ChainCheckerTest, ADoubledEventIsFoundAndNotCounted) {
  auto lane = checker();
  feed(lane, 1, 20);
  feed(lane, 20, 100);
  ASSERT_EQ(lane.findings().size(), 1u);
  EXPECT_EQ(lane.findings()[0].kind, Kind::kDoubled);
  EXPECT_EQ(lane.totals().checked, 100u);
}

TEST_F(ChainCheckerTest, AnEpochThatBeginsBelowTheEndOfItsPredecessorIsAFork) {
  auto lane = checker();
  feed(lane, 1, 50);
  lane.feed(event_body(kFirst, 51, "Measured", "\x07"));  // acknowledged, and then lost at the edge
  feed(lane, 51, 100);
  ASSERT_EQ(lane.findings().size(), 1u);
  EXPECT_EQ(lane.findings()[0].kind, Kind::kForked);
  EXPECT_EQ(lane.findings()[0].epoch, kSecond);
  EXPECT_EQ(lane.findings()[0].to, 51u);
  EXPECT_EQ(lane.totals().marks, 3u);  // EpochOpened's hash cannot be compared
}

TEST_F(ChainCheckerTest, ALaneWithoutItsBeginningIsCheckedFromItsFirstHashOn) {
  auto lane = checker();
  feed(lane, 40, 100);
  EXPECT_TRUE(lane.findings().empty());
  EXPECT_EQ(lane.totals().marks, 2u);
  auto known = checker();
  known.start(kFirst, 39, hashes_[39]);
  feed(known, 40, 100);
  EXPECT_TRUE(known.findings().empty());
  EXPECT_EQ(known.totals().marks, 3u);
}

TEST_F(ChainCheckerTest, AMarkSurvivesItsEncoding) {
  const auto read = decode_chain_mark(encode_chain_mark(mark(80)));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->epoch, kSecond);
  EXPECT_EQ(read->seq, 80u);
  EXPECT_EQ(read->hash, hashes_[80]);
  EXPECT_FALSE(decode_chain_mark("\xc0"));
  EXPECT_FALSE(decode_chain_mark("\x80"));
}

}  // namespace
}  // namespace sluice::codec
