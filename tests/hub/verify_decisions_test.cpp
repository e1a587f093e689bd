// SPDX-License-Identifier: Apache-2.0
// What operators decided about parked events is part of what a model should hold.
#include "tests/hub/verify_fixture.hpp"

namespace sluice::hub {
namespace {

// One row for all streams of a lane: it shows in which order they came.
constexpr const char* kNewest = R"(
model = "newest"
version = 1
[where]
categories = ["machine"]
[table.gateway]
key = { gateway = "$gateway" }
[table.gateway.columns]
n = { type = "int", default = 0 }
last = "int"
[[table.gateway.on]]
type = "Reading"
inc = { n = 1 }
set = { last = ".k" }
)";

class VerifyDecisionsTest : public VerifyTest {
 protected:
  void SetUp() override {
    open(kNewest);
    start_lane();
  }
  core::Identity said(const std::string& entity, const std::string& k) {
    test::Made made;
    made.entity = entity;
    made.json = "{\"k\": " + k + "}";
    add(made);
    return {"plant-7", core::Epoch{1}, core::Lane::kTelemetry, next_ - 1, 0};
  }
};

TEST_F(VerifyDecisionsTest, ASkippedEventsStreamGoesOnWhereItDidInTheModel) {
  const auto poison = said("a", "\"text\"");
  said("a", "3");
  said("b", "4");
  apply();
  EXPECT_TRUE(verified().good());
  ASSERT_TRUE(engine_->skip_parked(poison, "known"));
  EXPECT_TRUE(verified().good());
  said("b", "5");
  apply();
  EXPECT_EQ(rows("gateway"), std::vector<std::string>{"plant-7|3|5"});
  EXPECT_TRUE(verified().good());  // carried out at the end, 3 would be the newest
}

TEST_F(VerifyDecisionsTest, ADatabaseThatTookDecisionsOverIsVerifiedWithThem) {
  const auto poison = said("a", "\"text\"");
  said("a", "3");
  apply();
  ASSERT_TRUE(engine_->skip_parked(poison, "known"));
  said("b", "4");
  said("a", "5");
  apply();
  const auto taken = engine_->decisions();
  ASSERT_TRUE(taken);
  open(kNewest);
  feed_.restart_at(0);
  ASSERT_TRUE(engine_->take_over(*taken));
  apply();
  EXPECT_EQ(rows("gateway"), std::vector<std::string>{"plant-7|3|5"});
  EXPECT_TRUE(verified().good());
}

TEST_F(VerifyDecisionsTest, ALateEventThatWasRetriedHasItsTurnWhereItHadItInTheModel) {
  test::Made made = one_.base(next_++);
  made.entity = "a";
  made.json = "{\"k\": 2}";
  said("b", "3");
  apply();
  ASSERT_TRUE(engine_->skip(one_.row(), "lost"));
  feed_.add(test::message(made));
  apply();
  EXPECT_TRUE(verified().good());
  const auto retried =
      engine_->retry_parked({"plant-7", core::Epoch{1}, core::Lane::kTelemetry, 2, 0});
  ASSERT_TRUE(retried && retried->settled);
  EXPECT_EQ(rows("gateway"), std::vector<std::string>{"plant-7|2|2"});
  EXPECT_TRUE(verified().good());
}

TEST_F(VerifyDecisionsTest, ACopyOfALateEventThatWasSettledIsNotParkedAgain) {
  test::Made made = one_.base(next_++);
  made.entity = "a";
  made.json = "{\"k\": 2}";
  said("b", "3");
  apply();
  ASSERT_TRUE(engine_->skip(one_.row(), "lost"));
  for (const bool applied : {true, false}) {
    feed_.add(test::message(made));
    apply();
    const core::Identity late{"plant-7", core::Epoch{1}, core::Lane::kTelemetry, 2, 0};
    EXPECT_EQ(static_cast<bool>(engine_->retry_parked(late)), applied);
    EXPECT_EQ(engine_->parked(10)->size(), 0u);
    EXPECT_EQ(rows("gateway"), std::vector<std::string>{"plant-7|2|2"});
    EXPECT_TRUE(verified().good());
  }
}

}  // namespace
}  // namespace sluice::hub
