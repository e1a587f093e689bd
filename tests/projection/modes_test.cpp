// SPDX-License-Identifier: Apache-2.0
// The engine's settings: several writers, fences, reported changes, samples, little memory.
#include <gmock/gmock.h>

#include <thread>

#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using test::EngineTest;
using test::Feed;
using test::LaneMaker;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kShared = R"(
model = "shared"
version = 1
[table.all]
shared = true
key = { type = "$type" }
[table.all.columns]
n = { type = "int", default = 0 }
[[table.all.on]]
type = "Reading"
inc = { n = 1 }
[table.own]
key = { gateway = "$gateway" }
[table.own.columns]
n = { type = "int", default = 0 }
[[table.own.on]]
type = "Reading"
inc = { n = 1 }
)";

class ModesTest : public EngineTest {
 protected:
  std::unique_ptr<Engine> another() {
    auto engine = Engine::open(model_, place_, clock_, log_, settings_);
    EXPECT_TRUE(engine) << core::to_string(engine.error());
    return engine ? std::move(*engine) : nullptr;
  }
  static void add_lane(Feed& feed, const LaneMaker& lane, core::Seq last) {
    feed.add(lane.opened(0, 0));
    for (core::Seq seq = 2; seq <= last; ++seq) feed.add(lane.event(seq));
  }
};

TEST_F(ModesTest, SeveralWritersOfOneDatabaseLoseNothingOfEachOther) {
  settings_.exclusive = false;
  open(kShared);
  const auto second = another();
  Feed one("EVENTS-a");
  Feed two("EVENTS-b");
  const LaneMaker a("plant-a", 1);
  const LaneMaker b("plant-b", 2);
  one.add(a.opened(0, 0));
  two.add(b.opened(0, 0));
  for (core::Seq seq = 2; seq <= 40; ++seq) {
    one.add(a.event(seq));
    two.add(b.event(seq));
    if (seq % 7 == 0) one.run(*engine_, 3);
    if (seq % 5 == 0) two.run(*second, 4);
  }
  one.run(*engine_);
  two.run(*second);
  EXPECT_THAT(rows("all"), ElementsAre("Reading|78"));
  EXPECT_THAT(rows("own"), ElementsAre("plant-a|39", "plant-b|39"));
  EXPECT_EQ(engine_->totals()->applied, 80u);
  EXPECT_EQ(second->totals()->applied, 80u);
}

// The gateway moved to another shard: its messages are in both hub streams, read by two workers.
TEST_F(ModesTest, AGatewayThatMovedIsReadByTwoWritersAndCountedOnce) {
  settings_.exclusive = false;
  open(kShared);
  const auto second = another();
  Feed one("EVENTS-a");
  Feed two("EVENTS-b");
  const LaneMaker lane("plant-a", 1);
  add_lane(one, lane, 20);
  add_lane(two, lane, 30);
  one.run(*engine_, 7);
  EXPECT_EQ(two.run(*second, 7).duplicates, 20u);
  EXPECT_THAT(*engine_->holes(10), IsEmpty());
  const LaneMaker next("plant-a", 2);
  two.add(next.opened(1, 30));
  two.add(next.event(33));
  EXPECT_EQ(two.run(*second).held, 1u);
  EXPECT_THAT(*engine_->holes(10), SizeIs(1));
  one.add(next.event(32));
  EXPECT_EQ(one.run(*engine_).applied, 2u);
  EXPECT_THAT(*second->holes(10), IsEmpty());
  EXPECT_THAT(rows("own"), ElementsAre("plant-a|31"));
}

TEST_F(ModesTest, WritersAtTheSameTimeWaitForEachOtherAndLoseNothing) {
  settings_.exclusive = false;
  open(kShared);
  const auto second = another();
  // Each has a gateway of its own, one that both read, and the shared table.
  const auto fill = [](Feed& feed, const std::string& own) {
    const LaneMaker both("plant-both", 1);
    const LaneMaker alone(own, 2);
    feed.add(both.opened(0, 0));
    feed.add(alone.opened(0, 0));
    for (core::Seq seq = 2; seq <= 150; ++seq) {
      feed.add(both.event(seq));
      feed.add(alone.event(seq));
    }
  };
  Feed one("EVENTS-a");
  Feed two("EVENTS-b");
  fill(one, "plant-a");
  fill(two, "plant-b");
  std::thread other([&] { two.run(*second, 9); });
  one.run(*engine_, 11);
  other.join();
  EXPECT_THAT(rows("all"), ElementsAre("Reading|447"));
  EXPECT_THAT(rows("own"), ElementsAre("plant-a|149", "plant-b|149", "plant-both|149"));
  EXPECT_EQ(engine_->totals()->applied, 450u);
}

// Neither hub stream has its beginning any more. Each writer reaches its end again and again, while
// the other is in the midst of its own, and settles where lanes begin that both of them may hold.
TEST_F(ModesTest, WritersThatBeginWithWhatIsThereLoseNothingOfEachOther) {
  settings_.exclusive = false;
  open(std::string("history = \"available\"\n") + kShared);
  const auto second = another();
  const auto read = [](Feed& feed, Engine& engine, const std::string& own, std::size_t size) {
    ASSERT_TRUE(engine.begin(feed.hub(), 1000));
    const LaneMaker both("plant-both", 1);
    const LaneMaker alone(own, 2);
    for (core::Seq seq = 50; seq <= 150; ++seq) {
      feed.add(both.event(seq));
      feed.add(alone.event(seq));
      if (seq % size != 0) continue;
      feed.run(engine, size);
      const auto settled = engine.caught_up(feed.hub());
      ASSERT_TRUE(settled) << core::to_string(settled.error());
    }
    feed.run(engine, size);
    ASSERT_TRUE(engine.caught_up(feed.hub()));
  };
  Feed one("EVENTS-a");
  Feed two("EVENTS-b");
  std::thread other([&] { read(two, *second, "plant-b", 9); });
  read(one, *engine_, "plant-a", 11);
  other.join();
  EXPECT_THAT(rows("own"), ElementsAre("plant-a|101", "plant-b|101", "plant-both|101"));
  EXPECT_THAT(rows("all"), ElementsAre("Reading|303"));
  for (const LaneState& lane : *engine_->lanes(10)) {
    EXPECT_EQ(lane.available_from, 50u) << lane.gateway;
    EXPECT_EQ(lane.next, 151u) << lane.gateway;
    EXPECT_EQ(lane.held, 0u) << lane.gateway;
  }
}

TEST_F(ModesTest, AParkedStreamIsParkedForAllWriters) {
  settings_.exclusive = false;
  open();
  const auto second = another();
  start_lane();
  add_json("{\"value\": \"hot\"}");
  feed_.run(*engine_);
  Feed two("EVENTS-b");
  two.add(one_.event(3, "{\"value\": 1.0}"));
  EXPECT_EQ(two.run(*second).parked, 1u);
  EXPECT_EQ(engine_->parked(10)->size(), 2u);
}

TEST_F(ModesTest, AFenceStopsTheOneWhoHoldsTheLowerToken) {
  settings_.exclusive = false;
  open(kShared);
  const auto second = another();
  add_lane(feed_, one_, 10);
  engine_->set_fence(feed_.hub().name, 3);
  feed_.run(*engine_);
  second->set_fence(feed_.hub().name, 4);
  feed_.add(one_.event(11));
  feed_.run(*second);
  const std::vector<Incoming> batch{feed_.incoming(10)};
  const auto late = engine_->apply(feed_.hub(), batch);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, core::Errc::kUnauthorized);
  EXPECT_EQ(*engine_->fence(feed_.hub().name), 4u);
  EXPECT_EQ(*engine_->fence("EVENTS-never"), 0u);
  EXPECT_THAT(rows("own"), ElementsAre("plant-7|10"));
  EXPECT_EQ(engine_->totals()->applied, 11u);
  // Another hub stream has a fence of its own.
  Feed other("EVENTS-other");
  add_lane(other, LaneMaker("plant-8", 1), 2);
  EXPECT_EQ(other.run(*engine_).applied, 2u);
}

TEST_F(ModesTest, ReportsTheRowsThatABatchChanged) {
  settings_.report_changes = true;
  open(std::string(test::kReadings) + "[where]\ncategories = [\"machine\"]\n" +
       "[[table.machine.on]]\ntype = \"Retired\"\ndelete = true\n");
  start_lane();
  add_json("{\"value\": 2.5}");
  add_json("{\"value\": 1.5}");
  const auto first = feed_.run(*engine_);
  ASSERT_THAT(first.changes, SizeIs(1));
  EXPECT_EQ(first.changes[0].table, "machine");
  EXPECT_FALSE(first.changes[0].deleted);
  EXPECT_EQ(first.changes[0].cells,
            (std::vector<Cell>{"plant-7", "press", std::int64_t{2}, 1.5,
                               std::int64_t{1'790'000'000'000'000'000}, 1.5, 2.5}));
  add_json("null", "Retired");
  const auto second = feed_.run(*engine_);
  ASSERT_THAT(second.changes, SizeIs(1));
  EXPECT_TRUE(second.changes[0].deleted);
  EXPECT_EQ(second.changes[0].cells, (std::vector<Cell>{"plant-7", "press"}));
  EXPECT_THAT(feed_.run(*engine_).changes, IsEmpty());
}

TEST_F(ModesTest, SaysWhenMoreRowsChangedThanItReports) {
  settings_.report_changes = true;
  open();
  start_lane();
  for (std::size_t i = 0; i < kChangesMax + 5; ++i) {
    test::Made made;
    made.entity = "m" + std::to_string(i);
    add(made);
  }
  const auto outcome = feed_.run(*engine_, 5000);
  EXPECT_THAT(outcome.changes, SizeIs(kChangesMax));
  EXPECT_TRUE(outcome.changes_cut);
}

TEST_F(ModesTest, ASampleLeavesOutWhatItDoesNotWantButNotInTheGate) {
  settings_.only = [](const core::EventView& event) { return event.entity == "press"; };
  open();
  start_lane();
  add_json("{\"value\": 2.5}");
  test::Made other;
  other.entity = "lathe";
  add(other);
  add_json("{\"value\": 1.5}");
  EXPECT_EQ(feed_.run(*engine_).applied, 4u);
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|press|2|1.5|1790000000000000000|1.5|2.5"));
}

TEST_F(ModesTest, WithRoomForFewRowsTheRowsAreTheSame) {
  settings_.cache_bytes = 2000;
  open();
  start_lane();
  for (int i = 0; i < 300; ++i) {
    test::Made made;
    made.entity = "m" + std::to_string(i % 60 + 100);
    made.json = "{\"value\": " + std::to_string(i) + ".0}";
    add(made);
  }
  feed_.run(*engine_, 130);
  const auto all = rows("machine");
  ASSERT_THAT(all, SizeIs(60));
  EXPECT_EQ(all[0], "plant-7|m100|5|240|1790000000000000000|0|240");
  EXPECT_EQ(all[59], "plant-7|m159|5|299|1790000000000000000|59|299");
}

TEST_F(ModesTest, TellsHowFarEachLaneHasTakenEffect) {
  open();
  EXPECT_THAT(*engine_->vector(), IsEmpty());
  add_lane(feed_, one_, 5);
  const LaneMaker waiting("plant-7", 9);
  feed_.add(waiting.event(3));
  feed_.run(*engine_);
  const auto vector = engine_->vector();
  ASSERT_THAT(*vector, SizeIs(1));
  EXPECT_EQ((*vector)[0].gateway, "plant-7");
  EXPECT_EQ((*vector)[0].epoch.value, 1u);
  EXPECT_EQ((*vector)[0].next, 6u);
  EXPECT_TRUE(*engine_->covers(one_.row(), 5));
  EXPECT_FALSE(*engine_->covers(one_.row(), 6));
  EXPECT_FALSE(*engine_->covers(waiting.row(), 3));
  EXPECT_FALSE(*engine_->covers(LaneMaker("nobody", 1).row(), 1));
}

TEST_F(ModesTest, CoversWhatAnotherWriterDid) {
  settings_.exclusive = false;
  open();
  const auto second = another();
  EXPECT_FALSE(*second->covers(one_.row(), 2));
  add_lane(feed_, one_, 3);
  feed_.run(*engine_);
  EXPECT_TRUE(*second->covers(one_.row(), 3));
}

}  // namespace
}  // namespace sluice::projection
