// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/fate.hpp"

#include "core/codec/event_codec.hpp"
#include "projection/model/touched.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::test {
namespace {

using Kind = projection::Fate::Kind;

class FateTest : public EngineTest {
 protected:
  projection::Fate fate(const projection::RowRef& row, core::Seq seq) {
    auto target = projection::Target::open(place_, projection::Access::kRead);
    EXPECT_TRUE(target);
    const auto read = projection::read_fate(**target, row, seq);
    EXPECT_TRUE(read) << (read ? "" : core::to_string(read.error()));
    return read ? *read : projection::Fate{};
  }
};

TEST_F(FateTest, AnEventIsAppliedHeldOrNotRead) {
  open();
  feed_.add(one_.opened(0, 0));
  feed_.add(one_.event(2));
  feed_.add(one_.event(5));
  feed_.run(*engine_);
  EXPECT_EQ(fate(one_.row(), 2).kind, Kind::kApplied);
  const auto held = fate(one_.row(), 5);
  EXPECT_EQ(held.kind, Kind::kHeld);
  EXPECT_EQ(held.hole_from, 3u);
  EXPECT_EQ(held.hole_to, 4u);
  EXPECT_EQ(fate(one_.row(), 3).kind, Kind::kNotRead);
  EXPECT_EQ(fate(one_.row(), 9).kind, Kind::kNotRead);
  EXPECT_EQ(fate(LaneMaker("plant-8", 1).row(), 2).kind, Kind::kUnknown);
}

TEST_F(FateTest, WhatWasGivenUpIsNotApplied) {
  open();
  feed_.add(one_.opened(0, 0));
  feed_.add(one_.gap(2, 4, core::GapReason::kQuota));
  feed_.add(one_.event(5));
  feed_.run(*engine_);
  const auto absent = fate(one_.row(), 3);
  EXPECT_EQ(absent.kind, Kind::kAbsent);
  EXPECT_EQ(absent.why, "quota");
  feed_.add(one_.event(3));
  feed_.run(*engine_);
  const auto late = fate(one_.row(), 3);
  EXPECT_EQ(late.kind, Kind::kParked);
  EXPECT_EQ(late.parked_kind, "late");
}

TEST_F(FateTest, AParkedEventSaysWhy) {
  open();
  feed_.add(one_.opened(0, 0));
  feed_.add(one_.event(2, "{\"value\": \"hot\"}"));
  feed_.run(*engine_);
  const auto parked = fate(one_.row(), 2);
  EXPECT_EQ(parked.kind, Kind::kParked);
  EXPECT_NE(parked.why.find(".value"), std::string::npos) << parked.why;
}

TEST_F(FateTest, WhatAnOperatorGaveUpIsNotApplied) {
  open();
  feed_.add(one_.opened(0, 0));
  feed_.add(one_.event(2, "{\"value\": \"hot\"}"));
  feed_.run(*engine_);
  const core::Identity event{"plant-7", core::Epoch{1}, core::Lane::kTelemetry, 2, 0};
  ASSERT_TRUE(engine_->skip_parked(event, "a broken probe"));
  const auto skipped = fate(one_.row(), 2);
  EXPECT_EQ(skipped.kind, Kind::kSkipped);
  EXPECT_NE(skipped.why.find("a broken probe"), std::string::npos) << skipped.why;
}

TEST_F(FateTest, AnEpochWaitsForItsPredecessor) {
  open();
  const LaneMaker second("plant-7", 2);
  feed_.add(second.opened(1, 3));
  feed_.add(second.event(5));
  feed_.run(*engine_);
  const auto held = fate(second.row(), 5);
  EXPECT_EQ(held.kind, Kind::kHeld);
  EXPECT_EQ(held.predecessor, core::Epoch{1});
}

TEST_F(FateTest, AnEventNamesItsRowsByTheirKeys) {
  open();
  const Message sent = one_.event(2);
  const auto event = codec::decode_event(sent.body);
  ASSERT_TRUE(event);
  const auto rows = projection::touched_rows(*model_, *event, 0);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].table, "machine");
  const std::vector<std::pair<std::string, std::string>> key = {{"gateway", "plant-7"},
                                                                {"machine", "press"}};
  EXPECT_EQ(rows[0].key, key);
}

}  // namespace
}  // namespace sluice::test
