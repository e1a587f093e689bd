// SPDX-License-Identifier: Apache-2.0
// A right model is never called wrong: whatever the order in which its events came, over how many
// shards, and wherever its hub streams began.
#include <array>

#include "core/random.hpp"
#include "tests/hub/verify_fixture.hpp"
#include "tests/projection/wire.hpp"

namespace sluice::hub {
namespace {

// With a row for each event, so that a difference names it.
const std::string kOrdered = kWithTotal + R"(
[table.effect]
key = { gateway = "$gateway", epoch = "$epoch", lane = "$lane", seq = "$seq" }
columns = { n = { type = "int", default = 0 } }
[[table.effect.on]]
type = "Reading"
inc = { n = 1 }
)";
const std::string kAvailable = "history = \"available\"\n" + kOrdered;

class VerifyOrderTest : public VerifyTest {
 protected:
  // The two shards of these tests; VerifyTest's own feed is not read.
  std::array<test::Feed, 2> shards_{test::Feed("EVENTS-a"), test::Feed("EVENTS-b")};
  int whole_ = 0;  // verifications that left nothing out

  VerifyReport verified_shards() {
    for (const test::Feed& shard : shards_) source_.add(shard);
    return verified();
  }
  // What hub streams hold of the lanes of two gateways. With two shards a lane is in one of them,
  // or moved from the first to the second and was sent there again from some way back. `late`: with
  // events of ranges that were given up; whether such a one counts depends on which came first, of
  // which nothing is kept but the order within a hub stream that is whole.
  void make_wire(core::Random& random, std::size_t shards, bool late) {
    std::array<std::vector<std::vector<test::Message>>, 2> sent;
    std::uint64_t salt = 0;
    for (const char* gateway : {"plant-7", "plant-8"})
      for (const core::Lane lane : {core::Lane::kTelemetry, core::Lane::kAlarm}) {
        auto history = test::lane_history(gateway, lane, salt += 1000, random, 80);
        if (!late) history.late.clear();
        auto all = test::as_sent_thrice(history, random);
        const std::uint64_t where = shards == 1 ? 0 : random.below(3);
        if (where < 2) {
          sent[where].push_back(std::move(all));
          continue;
        }
        const std::size_t moved = random.below(all.size() + 1);
        const std::size_t again = moved - random.below(std::min<std::size_t>(moved, 20) + 1);
        const auto at = [&](std::size_t i) { return all.begin() + static_cast<std::ptrdiff_t>(i); };
        sent[0].emplace_back(all.begin(), at(moved));
        sent[1].emplace_back(at(again), all.end());
      }
    for (std::size_t i = 0; i < 2; ++i) {
      shards_[i] = test::Feed(shards_[i].hub().name);
      test::merge(std::move(sent[i]), random, shards_[i]);
    }
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
  // Reads in parts, with a verification after each: no row is called wrong. `deeds`: operators give
  // up holes, and nothing may be left out of the comparison either.
  void read_and_verify(core::Random& random, std::size_t lost, bool deeds) {
    source_.lose_first(lost);
    for (const test::Feed& shard : shards_) ASSERT_TRUE(engine_->begin(shard.hub(), lost + 1));
    for (int part = 0; part < 8; ++part) {
      SCOPED_TRACE("part " + std::to_string(part));
      for (int turn = 0; turn < 4; ++turn)
        for (const test::Feed& shard : shards_)
          read_on(shard, lost, static_cast<int>(random.below(6)));
      const auto holes = engine_->holes(100);
      ASSERT_TRUE(holes);
      if (deeds && random.below(4) == 0 && !holes->empty())
        (void)engine_->skip({(*holes)[0].gateway, (*holes)[0].epoch, (*holes)[0].lane}, "chaos");
      if (random.below(5) == 0) {
        ASSERT_TRUE(engine_->reset_position(shards_[random.below(2)].hub().name));
      }
      const auto report = verified_shards();
      ASSERT_EQ(report.differences, 0u) << core::to_json(report_json(*model_, report));
      if (report.unverifiable.empty()) ++whole_;
      if (deeds) {
        EXPECT_THAT(report.unverifiable, testing::IsEmpty());
      }
    }
  }
  void open_with_some_room(core::Random& random, const std::string& model) {
    settings_.held_items_max = std::array<std::uint64_t, 3>{3, 16, 1000}[random.below(3)];
    open(model);
  }
};

TEST_F(VerifyOrderTest, ARightModelIsGoodAtEveryPointOfAnyOrder) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::SeededRandom random(seed);
    open_with_some_room(random, kOrdered);
    make_wire(random, 1, true);
    read_and_verify(random, 0, true);
  }
}

TEST_F(VerifyOrderTest, SoItIsOverTwoShardsThatGatewaysMoveBetween) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::SeededRandom random(seed);
    open_with_some_room(random, kOrdered);
    make_wire(random, 2, false);
    read_and_verify(random, 0, false);
  }
  EXPECT_GT(whole_, 28);  // of 32
}

TEST_F(VerifyOrderTest, SoItIsWhereTheHubStreamsHadLostTheirBeginning) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    core::SeededRandom random(seed);
    open_with_some_room(random, kAvailable);
    make_wire(random, 1 + seed % 2, false);
    read_and_verify(random, 1 + random.below(60), false);
  }
  EXPECT_GT(whole_, 24);
}

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
  EXPECT_EQ(report.rows, 142u);
  EXPECT_EQ(report.messages, 122u);
  tamper("UPDATE machine SET low = 3 WHERE gateway = 'plant-7' AND machine = 'm3'");
  report = verified();
  EXPECT_EQ(report.differences, 1u);
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(std::get<std::int64_t>(report.findings[0].row.cells[0].expected), 33);
  source_.lose_first(40);
  report = verified();
  EXPECT_EQ(report.rows, 60u);  // plant-8's
  EXPECT_TRUE(report.good());
  ASSERT_EQ(report.unverifiable.size(), 2u);
  EXPECT_THAT(report.unverifiable[0], testing::HasSubstr("plant-7"));
  EXPECT_THAT(report.unverifiable[0], testing::HasSubstr("begins at seq 31"));
  EXPECT_THAT(report.unverifiable[1], testing::HasSubstr("table total"));
}

}  // namespace
}  // namespace sluice::hub
