// SPDX-License-Identifier: Apache-2.0
#include "sync/receipt_use.hpp"

#include <gtest/gtest.h>

namespace sluice::sync {
namespace {

const core::Epoch kOne{1};
const core::Epoch kTwo{2};

Receipt receipt(core::Seq from, core::Seq to, core::Epoch epoch = kOne, std::uint64_t hub_seq = 9) {
  Receipt out;
  out.gateway = "plant-7";
  out.shard = "main";
  out.from = from;
  out.to = to;
  out.pieces = {{epoch, from, to}};
  out.anchor.acked = to;
  out.anchor.hub_seq = hub_seq;
  out.anchor.hub_stream = "EVENTS-main";
  out.anchor.created = "2026";
  return out;
}

// Epoch 1 from 1 to 50, epoch 2 behind it.
History history() {
  storage::EpochInfo one;
  one.epoch = kOne;
  one.first_seq = 1;
  storage::EpochInfo two;
  two.epoch = kTwo;
  two.first_seq = 51;
  two.opened.previous = kOne;
  two.opened.last_seq = 50;
  return History({one, two});
}

storage::LaneState state(core::Seq acked, core::Seq first = 1) {
  storage::LaneState out;
  out.first = first;
  out.last = 80;
  out.acked = acked;
  return out;
}

TEST(ReceiptUse, MovesTheCursorWhereItJoins) {
  EXPECT_TRUE(*advances(receipt(21, 50), state(20), history()));
  EXPECT_TRUE(*advances(receipt(10, 50), state(20), history()));
  EXPECT_FALSE(*advances(receipt(1, 20), state(20), history()));  // it is there already
}

TEST(ReceiptUse, NeverLeavesAHoleAboveTheCursor) {
  const auto refused = advances(receipt(22, 50), state(20), history());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, core::Errc::kBadRequest);
  // A log that never had an ack and has dropped its beginning misses nothing before that.
  EXPECT_TRUE(*advances(receipt(31, 50), state(0, 31), history()));
  EXPECT_FALSE(advances(receipt(32, 50), state(0, 31), history()));
}

TEST(ReceiptUse, SpeaksOnlyOfWhatThisLogWrote) {
  EXPECT_FALSE(advances(receipt(21, 50, core::Epoch{3}), state(20), history()));
  EXPECT_FALSE(advances(receipt(21, 60), state(20), history()));        // epoch 1 ended at 50
  EXPECT_FALSE(advances(receipt(51, 90, kTwo), state(50), history()));  // the log ends at 80
  EXPECT_FALSE(advances(receipt(51, 80, kOne), state(50), history()));
  EXPECT_TRUE(*advances(receipt(51, 80, kTwo), state(50), history()));
}

TEST(ReceiptUse, AnotherCardsReceiptIsCalledThatWhateverItLeavesOut) {
  const auto refused = advances(receipt(60, 70, core::Epoch{7}), state(20), history());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("another card's"), std::string::npos);
}

TEST(ReceiptUse, ReceiptsThatJoinAreOneWhateverTheirOrder) {
  const auto all = joined({receipt(31, 50, kOne, 7), receipt(1, 30, kOne, 12)});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].from, 1u);
  EXPECT_EQ(all[0].to, 50u);
  EXPECT_EQ(all[0].anchor.acked, 50u);
  EXPECT_EQ(all[0].anchor.hub_seq, 12u);  // the highest of all up to there
  EXPECT_EQ(all[0].pieces.size(), 2u);
}

TEST(ReceiptUse, ReceiptsThatDoNotJoinStayApart) {
  EXPECT_EQ(joined({receipt(1, 30), receipt(32, 50)}).size(), 2u);
  auto other_hub = receipt(31, 50);
  other_hub.anchor.created = "2027";
  EXPECT_EQ(joined({receipt(1, 30), other_hub}).size(), 2u);
}

}  // namespace
}  // namespace sluice::sync
