// SPDX-License-Identifier: Apache-2.0
#include "projection/engine/engine.hpp"

#include <gmock/gmock.h>

#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using test::EngineTest;
using test::LaneMaker;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(EngineTest, AppliesEventsToATable) {
  open();
  feed_.add(one_.opened(0, 0));
  feed_.add(one_.event(2, "{\"value\": 2.5}"));
  feed_.add(one_.event(3, "{\"value\": 1.5}"));
  EXPECT_EQ(feed_.run(*engine_).applied, 3u);
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|press|2|1.5|1790000000000000000|1.5|2.5"));
}

TEST_F(EngineTest, KeepsItsPositionWithItsRows) {
  open();
  EXPECT_FALSE(*engine_->position("EVENTS-main"));
  feed_.add(one_.opened(0, 0));
  feed_.add(one_.event(2));
  feed_.run(*engine_);
  reopen();
  const auto position = engine_->position("EVENTS-main");
  ASSERT_TRUE(position && *position);
  EXPECT_EQ((*position)->sequence, 2u);
  EXPECT_EQ((*position)->next, 3u);
  EXPECT_EQ((*position)->msg_id, one_.event(2).msg_id);
  EXPECT_EQ((*position)->hub.created, feed_.hub().created);
  EXPECT_FALSE(*engine_->position("EVENTS-other"));
}

TEST_F(EngineTest, ReadingTheHubStreamFromItsFirstAgainChangesNothing) {
  open();
  start_lane();
  for (int i = 0; i < 50; ++i) add_json("{\"value\": 1.5}");
  feed_.run(*engine_);
  const auto before = rows("machine");
  ASSERT_TRUE(engine_->reset_position("EVENTS-main"));
  EXPECT_FALSE(*engine_->position("EVENTS-main"));
  feed_.restart_at(0);
  EXPECT_EQ(feed_.run(*engine_).duplicates, 51u);
  EXPECT_EQ(rows("machine"), before);
}

TEST_F(EngineTest, RefusesAnotherLifeOfTheHubStream) {
  open();
  start_lane();
  feed_.run(*engine_);
  const std::vector<Incoming> batch{feed_.incoming(0)};
  EXPECT_FALSE(engine_->apply({"EVENTS-main", "later"}, batch));
  ASSERT_TRUE(engine_->reset_position("EVENTS-main"));
  EXPECT_TRUE(engine_->apply({"EVENTS-main", "later"}, batch));
}

TEST_F(EngineTest, APoisonEventParksWithTheLaterEventsOfItsStream) {
  open();
  start_lane();
  add_json("{\"value\": 1.0}");
  add_json("{\"value\": \"hot\"}");
  add_json("{\"value\": 3.0}");
  test::Made other;
  other.entity = "lathe";
  add(other);
  const auto outcome = feed_.run(*engine_);
  EXPECT_EQ(outcome.parked, 2u);
  ASSERT_EQ(outcome.alarms.size(), 1u);
  EXPECT_THAT(outcome.alarms[0], HasSubstr("machine/press"));
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|lathe|1|1.5|1790000000000000000|1.5|1.5",
                                           "plant-7|press|1|1|1790000000000000000|1|1"));
  const auto parked = engine_->parked(10);
  ASSERT_TRUE(parked);
  ASSERT_EQ(parked->size(), 2u);
  EXPECT_EQ((*parked)[0].kind, "poison");
  EXPECT_EQ((*parked)[0].seq, 3u);
  EXPECT_THAT((*parked)[0].why, HasSubstr(".value is a text outside the domain of real"));
  EXPECT_EQ((*parked)[1].kind, "behind");
  // It outlives the process, and a second reading parks nothing twice.
  reopen();
  add_json("{\"value\": 4.0}");
  ASSERT_TRUE(engine_->reset_position("EVENTS-main"));
  feed_.restart_at(0);
  feed_.run(*engine_);
  EXPECT_EQ(engine_->parked(10)->size(), 3u);
  EXPECT_EQ(engine_->totals()->parked, 3u);
}

TEST_F(EngineTest, AnErrorInMidBatchLeavesNothingOfTheBatch) {
  settings_.parked_bytes_max = 10;  // the first poison event does not fit: apply() fails there
  open();
  start_lane();
  add_json("{\"value\": 1.0}");
  feed_.run(*engine_);
  const auto before = rows("machine");
  std::vector<Incoming> batch;
  test::Feed second;
  second.add(one_.event(3));
  second.add(one_.event(9));
  second.add(one_.event(4, "{\"value\": \"hot\"}"));
  for (std::size_t i = 0; i < 3; ++i) batch.push_back(second.incoming(i));
  const auto outcome = engine_->apply(feed_.hub(), batch);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, core::Errc::kLimit);
  EXPECT_EQ(rows("machine"), before);
  EXPECT_EQ((*engine_->position("EVENTS-main"))->sequence, 2u);
  EXPECT_THAT(*engine_->holes(10), IsEmpty());
  EXPECT_THAT(*engine_->parked(10), IsEmpty());
  // The engine goes on from what is in the file.
  batch.pop_back();
  ASSERT_TRUE(engine_->apply(feed_.hub(), batch));
  EXPECT_EQ(engine_->holes(10)->size(), 1u);
}

TEST_F(EngineTest, RefusesAMessageThatIsNotWhatItsSubjectAllows) {
  open();
  start_lane();
  test::Message foreign_id = one_.event(2);
  foreign_id.msg_id = LaneMaker("plant-8", 1).event(2).msg_id;
  feed_.add(foreign_id);
  test::Message foreign_body = LaneMaker("plant-8", 1).event(2);
  foreign_body.subject = one_.event(2).subject;
  feed_.add(foreign_body);
  test::Message damaged = one_.event(2);
  damaged.body.pop_back();
  feed_.add(damaged);
  test::Message lane = one_.event(2);
  lane.subject = LaneMaker("plant-7", 1, core::Lane::kAlarm).event(2).subject;
  feed_.add(lane);
  feed_.add(one_.event(2));
  const auto outcome = feed_.run(*engine_);
  EXPECT_EQ(outcome.refused, 4u);
  EXPECT_EQ(outcome.alarms.size(), 4u);
  EXPECT_EQ(outcome.applied, 2u);
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|press|1|1|1790000000000000000|1|1"));
  ASSERT_TRUE(engine_->reset_position("EVENTS-main"));
  feed_.restart_at(0);
  EXPECT_THAT(feed_.run(*engine_).alarms, IsEmpty());
  EXPECT_EQ(engine_->totals()->refused, 4u);
}

TEST_F(EngineTest, ALateEventIsParkedOnceAndReported) {
  open();
  start_lane();
  feed_.add(one_.gap(2, 3));
  feed_.add(one_.event(3));
  const auto outcome = feed_.run(*engine_);
  EXPECT_EQ(outcome.absent, 2u);
  EXPECT_EQ(outcome.late, 1u);
  EXPECT_EQ(outcome.alarms.size(), 1u);
  EXPECT_EQ((*engine_->parked(10))[0].kind, "late");
  EXPECT_THAT(rows("machine"), IsEmpty());
  // It does not block its stream.
  feed_.add(one_.event(4));
  feed_.add(one_.event(3));
  EXPECT_EQ(feed_.run(*engine_).applied, 1u);
  EXPECT_EQ(engine_->totals()->late, 1u);
}

TEST_F(EngineTest, HeldEventsOutliveTheProcess) {
  open();
  start_lane();
  feed_.add(one_.event(3));
  feed_.add(one_.event(4));
  EXPECT_EQ(feed_.run(*engine_).held, 2u);
  reopen();
  const auto holes = engine_->holes(10);
  ASSERT_EQ(holes->size(), 1u);
  EXPECT_EQ((*holes)[0].from, 2u);
  EXPECT_EQ((*holes)[0].held, 2u);
  feed_.add(one_.event(2));
  EXPECT_EQ(feed_.run(*engine_).applied, 3u);
  EXPECT_THAT(*engine_->holes(10), IsEmpty());
}

TEST_F(EngineTest, AFullShareIsReadAgainFromTheHubStream) {
  settings_.held_items_max = 3;
  open();
  start_lane();
  for (core::Seq seq = 3; seq <= 40; ++seq) feed_.add(one_.event(seq));
  const auto first = feed_.run(*engine_, 7);
  EXPECT_EQ(first.held, 3u);
  EXPECT_EQ(first.not_stored, 35u);
  EXPECT_TRUE((*engine_->lanes(10))[0].blocked);
  reopen();
  feed_.add(one_.event(2));
  const auto second = feed_.run(*engine_, 7);
  EXPECT_TRUE(second.reread_from);
  EXPECT_EQ(engine_->totals()->applied, 40u);
  EXPECT_EQ((*engine_->position("EVENTS-main"))->next, 41u);
  EXPECT_FALSE((*engine_->lanes(10))[0].blocked);
}

TEST_F(EngineTest, SkipGivesUpAHoleAndWritesAnAuditRow) {
  open();
  start_lane();
  feed_.add(one_.event(5));
  feed_.run(*engine_);
  EXPECT_FALSE(engine_->skip(one_.row(), ""));
  const auto outcome = engine_->skip(one_.row(), "card was lost");
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->absent, 3u);
  EXPECT_EQ(outcome->applied, 1u);
  EXPECT_EQ((*engine_->lanes(10))[0].absent, 3u);
  const auto again = engine_->skip(one_.row(), "card was lost");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, core::Errc::kNotFound);
}

TEST_F(EngineTest, WholeHistoryRefusesAHubStreamWithoutItsBeginning) {
  open();
  const auto refused = engine_->begin(feed_.hub(), 17);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, core::Errc::kConfig);
  EXPECT_THAT(refused.error().message, HasSubstr("history = \"available\""));
  ASSERT_TRUE(engine_->begin(feed_.hub(), 1));
  // Once begun, a hub stream may lose its oldest messages.
  EXPECT_TRUE(engine_->begin(feed_.hub(), 17));
}

TEST_F(EngineTest, AvailableHistoryShowsSinceWhen) {
  open(std::string("history = \"available\"\n") + test::kReadings);
  ASSERT_TRUE(engine_->begin(feed_.hub(), 17));
  feed_.add(one_.event(50));
  feed_.add(one_.event(51));
  feed_.run(*engine_);
  reopen();
  const auto outcome = engine_->caught_up(feed_.hub());
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->applied, 2u);
  EXPECT_EQ((*engine_->lanes(10))[0].available_from, 50u);
  feed_.add(one_.event(49));
  EXPECT_EQ(feed_.run(*engine_).before_start, 1u);
}

TEST_F(EngineTest, ShowsEachLane) {
  open();
  const LaneMaker two("plant-7", 2);
  start_lane();
  feed_.add(two.opened(1, 1));
  feed_.add(two.event(4));
  feed_.add(LaneMaker("plant-8", 3, core::Lane::kAlarm).opened(0, 0));
  feed_.run(*engine_);
  const auto lanes = engine_->lanes(10);
  ASSERT_EQ(lanes->size(), 2u);
  EXPECT_EQ((*lanes)[0].gateway, "plant-7");
  EXPECT_EQ((*lanes)[0].epoch.value, 2u);
  EXPECT_EQ((*lanes)[0].next, 3u);
  EXPECT_EQ((*lanes)[0].epochs, 2u);
  EXPECT_EQ((*lanes)[0].held, 1u);
  EXPECT_EQ((*lanes)[1].lane, core::Lane::kAlarm);
  EXPECT_EQ(engine_->totals()->last_event_ns, 1'790'000'000'000'000'000);
}

TEST_F(EngineTest, WhereChoosesAfterTheGate) {
  open(std::string(test::kReadings) +
       "[where]\ngateways = [\"plant-*\"]\ncategories = [\"machine\"]\n");
  start_lane();
  add_json("{\"value\": 1.0}");
  test::Made other;
  other.category = "pump";
  add(other);
  const LaneMaker away("depot-1", 1);
  feed_.add(away.opened(0, 0));
  feed_.add(away.event(2));
  add_json("{\"value\": 2.0}");
  feed_.run(*engine_);
  EXPECT_THAT(rows("machine"), ElementsAre("plant-7|press|2|2|1790000000000000000|1|2"));
  EXPECT_THAT(*engine_->holes(10), IsEmpty());
}

TEST_F(EngineTest, RefusesAFileOfAnotherModelVersionOrDefinition) {
  open();
  const auto try_open = [&](const std::string& toml) {
    const auto model = Model::parse(toml, "other.model.toml");
    EXPECT_TRUE(model);
    const auto engine = Engine::open(*model, place_, clock_, log_);
    return engine ? std::string() : engine.error().message;
  };
  std::string toml = test::kReadings;
  engine_.reset();
  EXPECT_EQ(try_open("# a comment\n" + toml), "");
  std::string changed = toml;
  changed.replace(changed.find("inc = { n = 1 }"), 15, "inc = { n = 2 }");
  EXPECT_THAT(try_open(changed), HasSubstr("raise its version"));
  std::string newer = toml;
  newer.replace(newer.find("version = 1"), 11, "version = 2");
  EXPECT_THAT(try_open(newer), HasSubstr("belongs to model readings version 1"));
}

TEST_F(EngineTest, RefusesAFileThatIsNoDatabase) {
  open();
  const auto text = dir_.write("text.db", "this is not a database, but long enough to be read");
  EXPECT_FALSE(Engine::open(model_, text, clock_, log_));
}

}  // namespace
}  // namespace sluice::projection
