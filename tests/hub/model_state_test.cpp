// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/model_state.hpp"

#include <gtest/gtest.h>

namespace sluice::hub {
namespace {

const KeptPosition kKept{"EVENTS-main", "2026-01-01T00:00:00Z", 50, "plant-7.a.telemetry.50"};
const HubStreamFacts kFacts{"EVENTS-main", "2026-01-01T00:00:00Z", 1, 80};
const std::optional<std::string> kThere = "plant-7.a.telemetry.50";

TEST(DecideResume, GoesOnWhereTheMessageIsTheSame) {
  EXPECT_EQ(decide_resume(kKept, kFacts, kThere), Resume::kGoOn);
}

TEST(DecideResume, AHubStreamMadeAnewIsReadFromItsFirstMessage) {
  auto facts = kFacts;
  facts.created = "2026-02-01T00:00:00Z";
  EXPECT_EQ(decide_resume(kKept, facts, kThere), Resume::kFromFirst);
}

TEST(DecideResume, AnotherMessageAtThePositionMeansThatTheHubWasCutBack) {
  EXPECT_EQ(decide_resume(kKept, kFacts, "plant-7.a.telemetry.51"), Resume::kFromFirst);
  EXPECT_EQ(decide_resume(kKept, kFacts, std::nullopt), Resume::kFromFirst);
}

TEST(DecideResume, AHubStreamThatEndsBelowThePositionWasCutBack) {
  auto facts = kFacts;
  facts.last = 49;
  EXPECT_EQ(decide_resume(kKept, facts, std::nullopt), Resume::kFromFirst);
}

TEST(DecideResume, AnAgedOutPositionReadsOn) {
  auto facts = kFacts;
  facts.first = 51;
  EXPECT_EQ(decide_resume(kKept, facts, std::nullopt), Resume::kGoOn);
}

TEST(DeriveState, FollowsFromPositions) {
  constexpr std::uint64_t kMinute = 60'000'000'000;
  EXPECT_EQ(derive_state({true, 100, 100, kMinute, false}), ModelState::kRunning);
  EXPECT_EQ(derive_state({true, 100, 900, 0, false}), ModelState::kRunning);
  EXPECT_EQ(derive_state({true, 100, 5000, 0, false}), ModelState::kLagging);
  EXPECT_EQ(derive_state({true, 100, 101, kMinute, false}), ModelState::kStalled);
  EXPECT_EQ(derive_state({false, 100, 100, kMinute, false}), ModelState::kStalled);
  EXPECT_EQ(derive_state({false, 100, 100, 0, false}), ModelState::kRunning);
  EXPECT_EQ(derive_state({true, 100, 100, 0, true}), ModelState::kBlocked);
  EXPECT_EQ(derive_state({true, 100, 101, kMinute, true}), ModelState::kStalled);
}

TEST(DeriveState, TheWorstStateOfSeveralShardsCounts) {
  EXPECT_EQ(worse(ModelState::kRunning, ModelState::kLagging), ModelState::kLagging);
  EXPECT_EQ(worse(ModelState::kBlocked, ModelState::kLagging), ModelState::kBlocked);
  EXPECT_EQ(worse(ModelState::kBlocked, ModelState::kStalled), ModelState::kStalled);
}

}  // namespace
}  // namespace sluice::hub
