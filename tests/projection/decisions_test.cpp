// SPDX-License-Identifier: Apache-2.0
// What operators decided about parked events, taken over by another database of the model.
#include <gmock/gmock.h>

#include "projection/database/target.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// One row of several streams: what came last is seen, and so is in which order it came.
std::string model_of(int version, const std::string& type) {
  return R"(
model = "sums"
version = )" +
         std::to_string(version) + R"(
[where]
categories = ["machine"]
[table.sum]
key = { gateway = "$gateway" }
[table.sum.columns]
n = { type = "int", default = 0 }
last = ")" +
         type + R"("
top = { type = ")" +
         type + R"(", default = 0 }
[[table.sum.on]]
type = "Reading"
inc = { n = 1, top = ".up" }
set = { last = ".v" }
)";
}

class DecisionsTest : public test::EngineTest {
 protected:
  void SetUp() override {
    open(model_of(1, "int"));
    start_lane();
  }
  core::Identity reading(const std::string& entity, const std::string& v,
                         const std::string& up = "0") {
    test::Made made;
    made.entity = entity;
    made.json = "{\"v\": " + v + ", \"up\": " + up + "}";
    add(made);
    return {"plant-7", core::Epoch{1}, core::Lane::kTelemetry, next_ - 1, 0};
  }
  void apply(std::size_t batch = 10) { feed_.run(*engine_, batch); }
  std::vector<Decision> decisions() {
    const auto all = engine_->decisions();
    EXPECT_TRUE(all);
    return all ? *all : std::vector<Decision>{};
  }
  // Another database, of this definition, with these decisions; nothing is read yet.
  void open_other(const std::string& toml, const std::vector<Decision>& taken) {
    open(toml);
    feed_.restart_at(0);
    const auto too_late = engine_->take_over(taken);
    ASSERT_TRUE(too_late) << core::to_string(too_late.error());
    EXPECT_THAT(*too_late, IsEmpty());
  }
  std::vector<std::string> heads() {
    const auto events = engine_->parked_heads(100);
    EXPECT_TRUE(events);
    std::vector<std::string> out;
    for (const ParkedEvent& event : *events)
      out.push_back(std::to_string(event.seq) + (event.decided ? " decided " : " ") +
                    std::to_string(event.behind));
    return out;
  }
};

TEST_F(DecisionsTest, TheStreamGoesOnWhereItDidAfterTheDecision) {
  const auto poison = reading("a", "\"text\"");
  reading("a", "3");
  reading("b", "4");
  apply();
  ASSERT_TRUE(engine_->skip_parked(poison, "sensor on the bench"));
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|3|0"));  // 3 came after 4
  const auto taken = decisions();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].event, poison);
  EXPECT_EQ(taken[0].epoch, core::Epoch{1});
  EXPECT_EQ(taken[0].next, 5u);
  EXPECT_TRUE(taken[0].done);
  for (const std::size_t batch : {1u, 2u, 100u}) {
    SCOPED_TRACE(batch);
    open_other(model_of(1, "int"), taken);
    apply(batch);
    EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|3|0"));
    EXPECT_THAT(heads(), IsEmpty());
    EXPECT_EQ(engine_->totals()->applied, 3u);  // with EpochOpened
  }
  const auto kept = decisions();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_TRUE(kept[0].done);
  EXPECT_EQ(kept[0].at_ns, taken[0].at_ns);
  EXPECT_EQ(kept[0].next, taken[0].next);
  auto target = Target::open(place_, Access::kRead);
  ASSERT_TRUE(target);
  EXPECT_THAT(*query_text(**target, "SELECT detail FROM _sluice_audit"),
              HasSubstr("taken over: sensor on the bench"));
}

TEST_F(DecisionsTest, BeforeItsPlaceTheStreamWaits) {
  const auto poison = reading("a", "\"text\"");
  reading("a", "3");
  reading("b", "4");
  apply();
  ASSERT_TRUE(engine_->skip_parked(poison, "known"));
  const auto taken = decisions();
  open_other(model_of(1, "int"), taken);
  std::vector<Incoming> part;
  for (std::size_t i = 0; i < 3; ++i) part.push_back(feed_.incoming(i));
  ASSERT_TRUE(engine_->apply(feed_.hub(), part));
  EXPECT_THAT(heads(), ElementsAre("2 decided 1"));
  EXPECT_THAT(rows("sum"), IsEmpty());
  reopen();
  apply();
  EXPECT_THAT(heads(), IsEmpty());
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|3|0"));
}

TEST_F(DecisionsTest, AnEventThatWasGivenUpHasNoEffectInADefinitionThatItFits) {
  const auto poison = reading("a", "0.5");
  reading("a", "3");
  apply();
  ASSERT_TRUE(engine_->skip_parked(poison, "not in use yet"));
  const auto taken = decisions();
  open_other(model_of(2, "real"), taken);
  apply();
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|1|3|0"));
  EXPECT_THAT(heads(), IsEmpty());
}

TEST_F(DecisionsTest, WhatHadItsEffectBeforeItWasGivenUpIsTold) {
  const auto poison = reading("a", "0.5");
  apply();
  ASSERT_TRUE(engine_->skip_parked(poison, "not in use yet"));
  const auto taken = decisions();
  open(model_of(2, "real"));
  feed_.restart_at(0);
  apply();
  const auto too_late = engine_->take_over(taken);
  ASSERT_TRUE(too_late);
  EXPECT_THAT(*too_late, ElementsAre(poison));
  const auto again = engine_->take_over(taken);
  ASSERT_TRUE(again);
  EXPECT_THAT(*again, ElementsAre(poison));
  // What is built after it knows of it.
  const auto kept = decisions();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_FALSE(kept[0].done);
  reopen();
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|1|0.5|0"));
  open_other(model_of(3, "real"), kept);
  apply();
  EXPECT_THAT(rows("sum"), IsEmpty());
  EXPECT_TRUE(decisions()[0].done);
}

// Its range was given up before it came: its stream went on without it.
TEST_F(DecisionsTest, ALateEventHasItsTurnAtItsPlaceAndItsStreamDoesNotWait) {
  test::Made made;
  made.entity = "a";
  made.json = "{\"v\": 1, \"up\": 0}";
  made.epoch = core::Epoch{1};
  made.seq = 2;
  const core::Identity late{"plant-7", core::Epoch{1}, core::Lane::kTelemetry, 2, 0};
  for (const bool applies : {true, false}) {
    SCOPED_TRACE(applies);
    feed_ = test::Feed();
    open(model_of(1, "int"));
    start_lane();
    ++next_;
    reading("b", "2");
    apply();
    ASSERT_TRUE(engine_->skip(one_.row(), "lost"));
    feed_.add(test::message(made));
    reading("a", "3");
    reading("b", "4");
    apply();
    EXPECT_THAT(heads(), ElementsAre("2 0"));
    const auto settled =
        applies ? engine_->retry_parked(late) : engine_->skip_parked(late, "known");
    ASSERT_TRUE(settled && settled->settled);
    reading("c", "\"text\"");  // after the place
    apply();
    const auto shown = rows("sum");
    const auto taken = decisions();
    ASSERT_EQ(taken.size(), 1u);
    EXPECT_TRUE(taken[0].late);
    EXPECT_EQ(taken[0].applied, applies);
    for (const std::size_t batch : {1u, 100u}) {
      open_other(model_of(2, "real"), taken);
      std::vector<Incoming> part;  // the event that was missing comes to its place here
      for (std::size_t i = 0; i < 4; ++i) part.push_back(feed_.incoming(i));
      ASSERT_TRUE(engine_->apply(feed_.hub(), part));
      EXPECT_THAT(heads(), ElementsAre("2 decided 0"));
      EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|3|0"));
      feed_.restart_at(0);
      apply(batch);
      EXPECT_THAT(rows("sum"), testing::ElementsAreArray(shown));
      EXPECT_THAT(heads(), ElementsAre("6 0"));
    }
  }
}

TEST_F(DecisionsTest, ADecisionThatComesWhileTheEventIsParkedIsCarriedOutAtOnce) {
  const auto poison = reading("a", "\"text\"");
  reading("a", "3");
  apply();
  ASSERT_TRUE(engine_->skip_parked(poison, "known"));
  const auto taken = decisions();
  open(model_of(1, "int"));
  feed_.restart_at(0);
  reading("b", "9");  // further than the other was
  apply();
  EXPECT_THAT(heads(), ElementsAre("2 1"));
  ASSERT_TRUE(engine_->take_over(taken));
  EXPECT_THAT(heads(), IsEmpty());
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|3|0"));
  EXPECT_EQ(decisions()[0].next, 5u);  // its place is another here
  ASSERT_TRUE(engine_->take_over(taken));
  EXPECT_EQ(decisions().size(), 1u);
}

TEST_F(DecisionsTest, ARetryIsRepeatedAtItsPlaceAndNotBefore) {
  reading("a", "1", "9223372036854775800");
  const auto poison = reading("b", "2", "100");  // beyond 64 bits
  reading("b", "3", "1");
  reading("a", "4", "-9223372036854775800");
  apply();
  ASSERT_TRUE(engine_->retry_parked(poison)->settled);
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|4|3|101"));
  const auto taken = decisions();
  for (const std::size_t batch : {1u, 100u}) {
    open_other(model_of(1, "int"), taken);
    apply(batch);
    EXPECT_THAT(rows("sum"), ElementsAre("plant-7|4|3|101"));
    EXPECT_THAT(heads(), IsEmpty());
  }
}

TEST_F(DecisionsTest, SeveralOfOneStreamFollowEachOther) {
  const auto first = reading("a", "\"text\"");
  const auto second = reading("a", "\"text\"");
  reading("a", "3");
  apply();
  ASSERT_TRUE(engine_->skip_parked(first, "one"));
  reading("b", "4");
  apply();
  ASSERT_TRUE(engine_->skip_parked(second, "two"));
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|3|0"));
  const auto taken = decisions();
  for (const std::size_t batch : {1u, 100u}) {
    open_other(model_of(1, "int"), taken);
    apply(batch);
    EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|3|0"));
    EXPECT_THAT(heads(), IsEmpty());
  }
}

TEST_F(DecisionsTest, SeveralAtOnePlaceAreCarriedOutInTheOrderInWhichTheyWereTaken) {
  const auto first = reading("a", "\"text\"");
  const auto second = reading("a", "\"text\"");
  reading("a", "3");
  const auto other = reading("b", "\"text\"");
  reading("b", "4");
  apply();
  ASSERT_TRUE(engine_->skip_parked(first, "one"));
  ASSERT_TRUE(engine_->skip_parked(second, "two"));
  ASSERT_TRUE(engine_->skip_parked(other, "three"));
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|4|0"));
  const auto taken = decisions();
  for (const std::size_t batch : {1u, 100u}) {
    open_other(model_of(1, "int"), taken);
    apply(batch);
    EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|4|0"));
    EXPECT_THAT(heads(), IsEmpty());
  }
}

// What `where` refuses has no effect that could be given up.
TEST_F(DecisionsTest, AnEventThatIsNotTakenIsNeverTooLateToGiveUp) {
  const auto poison = reading("a", "\"text\"");
  reading("b", "3");
  apply();
  ASSERT_TRUE(engine_->skip_parked(poison, "known"));
  const auto taken = decisions();
  std::string narrow = model_of(2, "int");
  narrow.insert(narrow.find("categories"), "types = [\"Other\"]\n");
  open(narrow);
  feed_.restart_at(0);
  apply();
  const auto too_late = engine_->take_over(taken);
  ASSERT_TRUE(too_late);
  EXPECT_THAT(*too_late, IsEmpty());
  ASSERT_EQ(decisions().size(), 1u) << "for what is built after it";
  open_other(model_of(3, "int"), decisions());
  apply();
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|1|3|0"));
  EXPECT_THAT(heads(), IsEmpty());
}

// Else a version would say for ever that it waits for the place.
TEST_F(DecisionsTest, ARetriedEventThatDoesNotFitHereWaitsForNoPlaceOnceItHasCome) {
  const auto poison = reading("a", "\"text\"");
  reading("b", "3");
  projection::Decision retried;
  retried.event = poison;
  retried.applied = true;
  retried.reason = "retried";
  retried.epoch = core::Epoch{1};
  retried.next = 4;
  ASSERT_TRUE(engine_->take_over(std::vector{retried}));
  std::vector<Incoming> part;
  for (std::size_t i = 0; i < 2; ++i) part.push_back(feed_.incoming(i));
  ASSERT_TRUE(engine_->apply(feed_.hub(), part));
  EXPECT_THAT(heads(), ElementsAre("2 decided 0"));
  feed_.restart_at(0);
  apply();
  EXPECT_THAT(heads(), ElementsAre("2 0"));
}

TEST_F(DecisionsTest, WhatNobodyDecidedParksAsEver) {
  const auto first = reading("a", "\"text\"");
  reading("c", "\"text\"");
  apply();
  ASSERT_TRUE(engine_->skip_parked(first, "one"));
  const auto taken = decisions();
  open_other(model_of(1, "int"), taken);
  apply();
  EXPECT_THAT(heads(), ElementsAre("3 0"));
  EXPECT_TRUE(*engine_->is_parked({"plant-7", core::Epoch{1}, core::Lane::kTelemetry, 3, 0}));
  EXPECT_FALSE(*engine_->is_parked(first));
}

TEST_F(DecisionsTest, ADatabaseWithoutPlacesIsBroughtUpAndItsDecisionsHoldAtOnce) {
  const auto poison = reading("a", "\"text\"");
  reading("a", "3");
  apply();
  ASSERT_TRUE(engine_->skip_parked(poison, "known"));
  engine_.reset();
  {
    auto target = Target::open(place_, Access::kWrite);
    ASSERT_TRUE(target);
    ASSERT_TRUE(
        (*target)->exec("DROP TABLE _sluice_changed;"
                        "DROP TABLE _sluice_run;"
                        "ALTER TABLE _sluice_gate DROP COLUMN running;"
                        "ALTER TABLE _sluice_settled DROP COLUMN newest;"
                        "DROP INDEX _sluice_settled_event;"
                        "ALTER TABLE _sluice_settled DROP COLUMN place_epoch;"
                        "ALTER TABLE _sluice_settled DROP COLUMN place_next;"
                        "ALTER TABLE _sluice_settled DROP COLUMN done;"
                        "ALTER TABLE _sluice_settled DROP COLUMN category;"
                        "ALTER TABLE _sluice_settled DROP COLUMN type;"
                        "DROP TABLE _sluice_skipped;"
                        "UPDATE _sluice_meta SET value = '3' WHERE name = 'format'"));
  }
  reopen();
  const auto taken = decisions();
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].next, 0u);
  EXPECT_TRUE(taken[0].done);
  open_other(model_of(1, "int"), taken);
  apply();
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|1|3|0"));
}

}  // namespace
}  // namespace sluice::projection
