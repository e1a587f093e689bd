// SPDX-License-Identifier: Apache-2.0
// Over several shards, and where hub streams had lost their beginning.
#include <array>

#include "tests/hub/verify_fixture.hpp"

namespace sluice::hub {
namespace {

const std::string kAvailable = "history = \"available\"\n" + kWithTotal;

class VerifyOrderTest : public VerifyTest {
 protected:
  // The two shards of these tests; VerifyTest's own feed is not read.
  std::array<test::Feed, 2> shards_{test::Feed("EVENTS-a"), test::Feed("EVENTS-b")};

  VerifyReport verified_shards() {
    for (const test::Feed& shard : shards_) source_.add(shard);
    return verified();
  }
  // Some batches of one shard, from where the model stands.
  void read_on(const test::Feed& shard, std::size_t lost, int batches) {
    for (; batches > 0; --batches) {
      const auto done = shard.step(*engine_, 17, lost);
      if (!done) {
        ASSERT_TRUE(engine_->caught_up(shard.hub()));
        return;
      }
      ASSERT_TRUE(*done) << core::to_string(done->error());
    }
  }
};

// Two shards: what is wrong is found in either, and named with the event of its own hub stream.
TEST_F(VerifyOrderTest, AWrongRowOfEitherShardIsFound) {
  open(kWithTotal);
  for (std::size_t i = 0; i < 2; ++i) {
    const test::LaneMaker& lane = i == 0 ? one_ : two_;
    shards_[i].add(lane.opened(0, 0));
    for (core::Seq seq = 2; seq < 52; ++seq) shards_[i].add(reading(lane, seq));
    read_on(shards_[i], 0, 10);
  }
  const auto right = verified_shards();
  EXPECT_TRUE(right.good());
  EXPECT_EQ(right.positions.size(), 2u);
  EXPECT_EQ(right.messages, 102u);
  EXPECT_EQ(right.rows, 21u);
  tamper("UPDATE machine SET n = 4 WHERE machine = 'm1'");
  tamper("UPDATE total SET n = 99");
  const auto wrong = verified_shards();
  EXPECT_EQ(wrong.differences, 3u);
  ASSERT_EQ(wrong.findings.size(), 3u);
  EXPECT_EQ(wrong.findings[0].event.first->identity, "plant-7.0000000000000001.telemetry.51");
  EXPECT_EQ(wrong.findings[1].event.first->identity, "plant-8.0000000000000007.telemetry.51");
  EXPECT_EQ(wrong.findings[2].row.table, "total");
}

// history = available: what lay before the model's beginning is not missed, what the hub lost since
// is told.
TEST_F(VerifyOrderTest, AModelThatBeganInTheMiddleIsComparedFromThere) {
  open(kAvailable);
  fill(one_, 100);
  fill(two_, 50);
  source_.lose_first(30);
  ASSERT_TRUE(engine_->begin(feed_.hub(), 31));
  read_on(feed_, 30, 100);
  EXPECT_EQ(rows("total"), (std::vector<std::string>{"Reading|121"}));  // 71 and 50
  auto report = verified();
  EXPECT_TRUE(report.good());
  EXPECT_TRUE(report.unverifiable.empty());
  EXPECT_EQ(report.rows, 21u);
  EXPECT_EQ(report.messages, 122u);
  tamper("UPDATE machine SET low = 3 WHERE gateway = 'plant-7' AND machine = 'm3'");
  report = verified();
  EXPECT_EQ(report.differences, 1u);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(std::get<std::int64_t>(report.findings[0].row.cells[0].expected), 33);
  source_.lose_first(40);
  report = verified();
  EXPECT_EQ(report.rows, 10u);  // plant-8's
  EXPECT_TRUE(report.good());
  ASSERT_EQ(report.unverifiable.size(), 2u);
  EXPECT_THAT(report.unverifiable[0], testing::HasSubstr("plant-7"));
  EXPECT_THAT(report.unverifiable[0], testing::HasSubstr("begins at seq 31"));
  EXPECT_THAT(report.unverifiable[1], testing::HasSubstr("table total"));
}

// Whether a row that differs is wrong cannot be told where nothing says how epochs came between
// each other.
TEST_F(VerifyOrderTest, WhatAnOlderProgramBuiltMayBeRightWhereEpochsMet) {
  open(kWithTotal);
  const test::LaneMaker clone("plant-7", 9);
  shards_[0].add(one_.opened(0, 0));
  shards_[0].add(reading(one_, 2));
  shards_[0].add(clone.opened(0, 0));
  shards_[0].add(reading(clone, 2));
  shards_[0].add(reading(one_, 3));
  shards_[1].add(two_.opened(0, 0));
  shards_[1].add(reading(two_, 2));
  for (const test::Feed& shard : shards_) read_on(shard, 0, 1);
  tamper("UPDATE machine SET n = 9 WHERE machine = 'm2'");
  EXPECT_EQ(verified_shards().differences, 2u);
  tamper("UPDATE _sluice_run SET late = 2");
  const auto report = verified_shards();
  EXPECT_EQ(report.differences, 1u);  // plant-8 has one epoch
  EXPECT_EQ(report.findings.size(), 1u);
  EXPECT_THAT(report.unverifiable,
              testing::ElementsAre(testing::AllOf(
                  testing::HasSubstr("table machine: 1 row differs, which may be right"),
                  testing::HasSubstr("gateway plant-7: an older program"))));
}

}  // namespace
}  // namespace sluice::hub
