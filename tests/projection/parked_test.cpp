// SPDX-License-Identifier: Apache-2.0
// What operators do with parked events: retry, give up, and what follows.
#include <gmock/gmock.h>

#include "tests/projection/engine_fixture.hpp"
#include "tests/projection/faulty_target.hpp"

namespace sluice::projection {
namespace {

using test::Fault;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kModel = R"(
model = "sums"
version = 1
[where]
categories = ["machine"]
[table.sum]
key = { gateway = "$gateway" }
[table.sum.columns]
n = { type = "int", default = 0 }
total = { type = "int", default = 0 }
[[table.sum.on]]
type = "Reading"
inc = { n = 1, total = ".v" }
)";

class ParkedTest : public test::EngineTest {
 protected:
  void SetUp() override {
    open(kModel);
    start_lane();
  }
  // The next event of the lane, of stream machine/<entity>.
  core::Identity reading(const std::string& entity, const std::string& v) {
    test::Made made;
    made.entity = entity;
    made.json = "{\"v\": " + v + "}";
    add(made);
    return {"plant-7", core::Epoch{1}, core::Lane::kTelemetry, next_ - 1, 0};
  }
  void apply() { feed_.run(*engine_, 10); }
  std::vector<std::string> heads() {
    const auto events = engine_->parked_heads(100);
    EXPECT_TRUE(events);
    std::vector<std::string> out;
    for (const ParkedEvent& event : *events)
      out.push_back(std::to_string(event.seq) + " " + event.kind + " " +
                    std::to_string(event.behind));
    return out;
  }
};

TEST_F(ParkedTest, AHeadIsListedWithHowManyWaitBehindIt) {
  reading("a", "\"text\"");
  reading("a", "1");
  reading("b", "10");
  reading("a", "2");
  apply();
  EXPECT_THAT(heads(), ElementsAre("2 poison 2"));
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|1|10"));
}

TEST_F(ParkedTest, WhatStillDoesNotFitChangesNothing) {
  const auto poison = reading("a", "\"text\"");
  reading("a", "1");
  apply();
  const auto outcome = engine_->retry_parked(poison);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->settled);
  EXPECT_THAT(outcome->why, HasSubstr("v"));
  EXPECT_EQ(outcome->applied, 0u);
  EXPECT_THAT(heads(), ElementsAre("2 poison 1"));
  EXPECT_THAT(rows("sum"), IsEmpty());
}

TEST_F(ParkedTest, AGivenUpEventLetsItsStreamFollow) {
  const auto poison = reading("a", "\"text\"");
  reading("a", "1");
  reading("a", "2");
  apply();
  const auto outcome = engine_->skip_parked(poison, "sensor on the bench");
  ASSERT_TRUE(outcome) << core::to_string(outcome.error());
  EXPECT_TRUE(outcome->settled);
  EXPECT_EQ(outcome->applied, 2u);
  EXPECT_EQ(outcome->behind, 0u);
  EXPECT_THAT(heads(), IsEmpty());
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|3"));
  reading("a", "4");
  apply();
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|3|7"));
  auto target = Target::open(place_, Access::kRead);
  ASSERT_TRUE(target);
  EXPECT_EQ(*query_text(**target, "SELECT reason FROM _sluice_settled"), "sensor on the bench");
  EXPECT_THAT(*query_text(**target, "SELECT detail FROM _sluice_audit WHERE what = 'parked skip'"),
              HasSubstr("sensor on the bench"));
  EXPECT_FALSE(engine_->skip_parked(poison, "again"));
}

TEST_F(ParkedTest, WhatFitsByNowIsAppliedAndItsStreamFollows) {
  reading("a", "9223372036854775800");
  const auto poison = reading("b", "100");  // beyond 64 bits
  reading("b", "1");
  reading("a", "-9223372036854775800");
  apply();
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|2|0"));
  const auto outcome = engine_->retry_parked(poison);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->settled);
  EXPECT_EQ(outcome->applied, 2u);
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|4|101"));
  EXPECT_EQ(engine_->totals()->parked, 0u);
}

TEST_F(ParkedTest, TheStreamStopsAtTheNextThatDoesNotFit) {
  const auto poison = reading("a", "\"text\"");
  reading("a", "1");
  const auto second = reading("a", "\"more text\"");
  reading("a", "2");
  apply();
  const auto outcome = engine_->skip_parked(poison, "known");
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->settled);
  EXPECT_EQ(outcome->applied, 1u);
  EXPECT_EQ(outcome->behind, 1u);
  EXPECT_THAT(heads(), ElementsAre("4 poison 1"));
  reading("a", "8");
  apply();  // still behind
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|1|1"));
  ASSERT_TRUE(engine_->skip_parked(second, "known too"));
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|3|11"));
}

TEST_F(ParkedTest, OnlyTheHeadOfAStreamCanBeSettled) {
  reading("a", "\"text\"");
  const auto behind = reading("a", "1");
  apply();
  const auto outcome = engine_->skip_parked(behind, "why not");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, core::Errc::kBadRequest);
  core::Identity unknown = behind;
  unknown.seq = 99;
  EXPECT_EQ(engine_->retry_parked(unknown).error().code, core::Errc::kNotFound);
}

TEST_F(ParkedTest, ALateEventIsAppliedOnDemandOrPutAway) {
  feed_.add(one_.gap(2, 3));
  feed_.add(one_.event(2, "{\"v\": 5}"));
  feed_.add(one_.event(3, "{\"v\": 7}"));
  apply();
  EXPECT_THAT(heads(), ElementsAre("2 late 0", "3 late 0"));
  ASSERT_TRUE(engine_->retry_parked({"plant-7", core::Epoch{1}, core::Lane::kTelemetry, 2, 0}));
  ASSERT_TRUE(
      engine_->skip_parked({"plant-7", core::Epoch{1}, core::Lane::kTelemetry, 3, 0}, "no"));
  EXPECT_THAT(heads(), IsEmpty());
  EXPECT_THAT(rows("sum"), ElementsAre("plant-7|1|5"));
}

TEST_F(ParkedTest, AParkedEventIsShownWhole) {
  const auto poison = reading("a", "\"text\"");
  apply();
  const auto event = engine_->parked_event(poison);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->stream, "machine/a");
  EXPECT_FALSE(event->body.empty());
}

// Whatever call fails: all of it happened, or nothing, and asking again ends well.
TEST_F(ParkedTest, AFaultInBetweenLeavesAllOrNothing) {
  for (const Fault fault : {Fault::kFails, Fault::kDoneButFails})
    for (std::uint64_t n = 1;; ++n) {
      SCOPED_TRACE("call " + std::to_string(n));
      open(kModel);
      feed_ = test::Feed();
      start_lane();
      const auto poison = reading("a", "\"text\"");
      for (int i = 0; i < 5; ++i) reading("a", "1");
      apply();
      engine_.reset();
      auto target = Target::open(place_, Access::kWrite);
      ASSERT_TRUE(target);
      std::uint64_t calls = 0;
      bool armed = false;
      auto engine = Engine::open(
          model_,
          test::faulty_target(std::move(*target),
                              [&] { return armed && ++calls == n ? fault : Fault::kNone; }),
          clock_, log_);
      ASSERT_TRUE(engine);
      armed = true;
      const bool done = (*engine)->skip_parked(poison, "known").has_value();
      if (!done) {
        const auto left = (*engine)->parked_heads(10);
        ASSERT_TRUE(left);
        if (!left->empty()) {
          EXPECT_EQ((*left)[0].behind, 5u);
          ASSERT_TRUE((*engine)->skip_parked(poison, "known"));
        }
      }
      engine->reset();
      reopen();
      EXPECT_THAT(rows("sum"), ElementsAre("plant-7|5|5"));
      EXPECT_THAT(heads(), IsEmpty());
      if (done && calls < n) break;
    }
}

}  // namespace
}  // namespace sluice::projection
