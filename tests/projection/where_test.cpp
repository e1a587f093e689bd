// SPDX-License-Identifier: Apache-2.0
// What `where` refuses by the subject has its turn at the gate, and nothing else is asked of it.
#include <gmock/gmock.h>

#include "projection/database/target.hpp"
#include "tests/projection/engine_fixture.hpp"

namespace sluice::projection {
namespace {

using testing::ElementsAre;

constexpr const char* kPumps = R"(
model = "pumps"
version = 1
[where]
categories = ["pump"]
[table.pump]
key = { gateway = "$gateway", pump = "$entity" }
[table.pump.columns]
n = { type = "int", default = 0 }
[[table.pump.on]]
type = "Reading"
inc = { n = 1 }
)";

class WhereTest : public test::EngineTest {
 protected:
  void SetUp() override {
    open(kPumps);
    start_lane();
  }
  test::Message of(const std::string& category) {
    test::Made made;
    made.gateway = "plant-7";
    made.epoch = core::Epoch{1};
    made.seq = next_++;
    made.category = category;
    return test::message(made);
  }
  test::Message unreadable(const std::string& category) {
    test::Message message = of(category);
    message.body = "\xc1 no event at all";
    return message;
  }
  BatchOutcome apply() { return feed_.run(*engine_, 10); }
};

TEST_F(WhereTest, ABodyThatIsNotWantedIsNotRead) {
  feed_.add(of("pump"));
  feed_.add(unreadable("press"));
  feed_.add(of("pump"));
  const auto outcome = apply();
  EXPECT_EQ(outcome.refused, 0u);
  EXPECT_EQ(outcome.parked, 0u);
  EXPECT_EQ(outcome.applied, 4u);
  EXPECT_THAT(rows("pump"), ElementsAre("plant-7|press|2"));
}

TEST_F(WhereTest, ABodyThatIsWantedIsRefusedIfItCannotBeRead) {
  feed_.add(unreadable("pump"));
  feed_.add(of("pump"));
  const auto outcome = apply();
  EXPECT_EQ(outcome.refused, 1u);
  EXPECT_EQ(outcome.held, 1u);
}

TEST_F(WhereTest, WhatIsNotWantedWaitsForItsTurnWithoutItsBody) {
  const auto missing = of("pump");
  feed_.add(unreadable("press"));
  feed_.add(of("pump"));
  EXPECT_EQ(apply().held, 2u);
  reopen();
  {
    auto target = Target::open(place_, Access::kRead);
    ASSERT_TRUE(target);
    EXPECT_EQ(*query_int(**target, "SELECT count(*) FROM _sluice_held WHERE length(body) = 0"), 1);
  }
  feed_.add(missing);
  EXPECT_EQ(apply().applied, 3u);
  EXPECT_THAT(rows("pump"), ElementsAre("plant-7|press|2"));
  EXPECT_TRUE(engine_->holes(10)->empty());
}

TEST_F(WhereTest, EachCountsOnceAndInOrder) {
  const auto other = of("press");
  feed_.add(other);
  feed_.add(other);
  feed_.add(of("pump"));
  feed_.add(other);
  const auto outcome = apply();
  EXPECT_EQ(outcome.applied, 3u);
  EXPECT_EQ(outcome.duplicates, 2u);
}

TEST_F(WhereTest, AnIdentityThatIsNotOfItsSubjectIsRefused) {
  test::Message forged = of("press");
  forged.msg_id = "plant-8" + forged.msg_id.substr(std::string("plant-7").size());
  feed_.add(forged);
  test::Message no_number = of("press");
  no_number.msg_id += "x";
  feed_.add(no_number);
  EXPECT_EQ(apply().refused, 2u);
}

TEST_F(WhereTest, WhatWasGivenUpAndIsNotWantedIsNotParkedAsLate) {
  feed_.add(one_.gap(2, 3));
  next_ = 2;
  feed_.add(of("press"));
  feed_.add(of("pump"));
  const auto outcome = apply();
  EXPECT_EQ(outcome.late, 1u);
  EXPECT_EQ(outcome.duplicates, 1u);
}

}  // namespace
}  // namespace sluice::projection
